"""`mixvllm config init`: write a file to start from, or one converted from a vLLM command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mixvllm.cli.completion import complete_gpus, complete_models
from mixvllm.cli.json_option import JsonOption
from mixvllm.settings.file_keys import DEFAULT_FILE

app = typer.Typer(rich_markup_mode="rich", add_completion=False)


@app.command(
    epilog='Examples: [bold]mixvllm config init --from "vllm serve M -tp 2"[/]\n'
    "          [bold]mixvllm config init --model Qwen/Qwen3-8B --gpu L40S --concurrency 16[/]"
)
def init(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file to write; `-` is stdout.")
    ] = Path(DEFAULT_FILE),
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="NAME",
            help="The model that the file names; the embedded one when left out.",
            show_default=False,
            autocompletion=complete_models,
        ),
    ] = None,
    command: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="COMMAND",
            help='Convert a command that starts vLLM: "vllm serve ...", "docker run ..."; '
            "`-` reads it from stdin.",
            show_default=False,
        ),
    ] = None,
    gpu: Annotated[
        str | None,
        typer.Option(
            "--gpu",
            metavar="NAME|SIZE",
            help="Tune the file for this GPU: H100, A100-40G, 24GiB, A100:79.25GiB.",
            show_default=False,
            autocompletion=complete_gpus,
        ),
    ] = None,
    gpus: Annotated[
        int | None,
        typer.Option(
            "--gpus", min=1, help="How many of them.", show_default="the fewest that hold it"
        ),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(
            "--concurrency",
            min=1,
            metavar="N",
            help="Requests of full length that must run at once.",
            show_default="1",
        ),
    ] = None,
    max_model_len: Annotated[
        str | None,
        typer.Option(
            "--max-model-len",
            metavar="TOKENS",
            help="The longest context, as 32768 or 32k.",
            show_default="what fits, up to the model's own",
        ),
    ] = None,
    with_schema: Annotated[
        bool,
        typer.Option("--with-schema", help="Write the JSON Schema beside it, for editors."),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a commented config file to start from; with --gpu, one tuned for a model.

    What a converted command holds that has no setting becomes a comment and a warning.
    """
    # What reads commands and models: not for `--help` and a Tab.
    from mixvllm.cli.config_init_file import Wanted, write_config
    from mixvllm.cli.config_tuning import Tuning

    tuning = Tuning(gpu, gpus, concurrency, max_model_len)
    wanted = Wanted(file, model, command, tuning, with_schema=with_schema, force=force)
    write_config(ctx.obj, wanted, as_json=as_json)
