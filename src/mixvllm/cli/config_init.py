"""`mixvllm config init`: write a file to start from, or one converted from a vLLM command."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from mixvllm.cli.completion import complete_gpus, complete_models
from mixvllm.cli.config_tuning import Tuning, refuse_half_a_wish, tuned_content
from mixvllm.cli.invocation import Invocation
from mixvllm.cli.json_option import JsonOption
from mixvllm.cli.settings import say_warnings
from mixvllm.errors import MixvllmError, UsageError
from mixvllm.render.settings import placed_problem_as_json
from mixvllm.settings.file_keys import DEFAULT_FILE
from mixvllm.settings.from_vllm_command import Converted, convert
from mixvllm.settings.json_schema import CONFIG_SCHEMA_FILE, MODELINE, config_schema, schema_text
from mixvllm.settings.starter import starter_file

app = typer.Typer(rich_markup_mode="rich", add_completion=False)

STDOUT = Path("-")


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
    invocation: Invocation = ctx.obj
    _refuse_contradictions(file, model, command, with_schema=with_schema)
    tuning = Tuning(gpu, gpus, concurrency, max_model_len)
    refuse_half_a_wish(tuning, model, command)
    beside = file.parent / CONFIG_SCHEMA_FILE
    has_schema = with_schema or (file != STDOUT and beside.is_file())
    if model is not None and gpu is not None:
        written = tuned_content(model, tuning, CONFIG_SCHEMA_FILE if has_schema else None)
    else:
        written = _content(model, command, has_schema=has_schema)
    if file != STDOUT:
        _write(file, written.text, force=force)
    if with_schema and (force or not beside.exists()):
        _write(beside, schema_text(config_schema()), force=force)
    _tell(invocation, file, written, as_json=as_json)


def _refuse_contradictions(
    file: Path, model: str | None, command: str | None, *, with_schema: bool
) -> None:
    if model is not None and command is not None:
        hint = "Write the model into the command."
        raise UsageError("--model and --from are two ways to begin: give one of them.", hint=hint)
    if model is not None and not model.strip():
        raise UsageError("--model is empty.", hint="Leave it out for the embedded model.")
    if with_schema and file == STDOUT:
        hint = "`mixvllm config schema` prints the schema."
        raise UsageError("--with-schema needs a file to write beside.", hint=hint)


def _content(model: str | None, command: str | None, *, has_schema: bool) -> Converted:
    schema = CONFIG_SCHEMA_FILE if has_schema else None
    if command is None:
        return Converted(starter_file(model, schema=schema), ())
    converted = convert(sys.stdin.read() if command == "-" else command, Path.cwd())
    modeline = f"{MODELINE}{schema}\n" if schema else ""
    return Converted(modeline + converted.text, converted.warnings)


def _write(file: Path, text: str, *, force: bool) -> None:
    """Write a file; one that is there stays as it is unless `force` says otherwise."""
    try:
        with file.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        if file.is_dir():
            raise _is_directory(file) from None
        hint = "Give another name, or --force to overwrite it."
        raise MixvllmError(f"{file} exists already.", hint=hint) from None
    except IsADirectoryError:
        raise _is_directory(file) from None
    except FileNotFoundError:
        hint = f"Make it first: mkdir -p {shlex.quote(os.fspath(file.parent))}"
        raise MixvllmError(f"There is no directory {file.parent}.", hint=hint) from None
    except OSError as error:
        raise MixvllmError(f"{file} cannot be written: {error.strerror}.") from None


def _is_directory(file: Path) -> MixvllmError:
    hint = f"Name a file in it: {file / DEFAULT_FILE}."
    return MixvllmError(f"{file} is a directory.", hint=hint)


def _tell(invocation: Invocation, file: Path, written: Converted, *, as_json: bool) -> None:
    output = invocation.output
    if as_json:
        named = None if file == STDOUT else os.fspath(file)
        problems = [placed_problem_as_json(problem) for problem in written.warnings]
        output.json({"file": named, "content": written.text, "problems": problems})
        return
    if file == STDOUT:
        output.text(written.text)
    say_warnings(invocation, written.warnings)
    if file != STDOUT:
        default = file == Path(DEFAULT_FILE)
        output.note(f"wrote {file}; next: mixvllm serve" + ("" if default else f" --config {file}"))
