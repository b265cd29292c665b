"""The options of `mixvllm estimate-kv` that name what is planned for, each declared once."""

from __future__ import annotations

from typing import Annotated

import typer

from mixvllm.cli.completion import complete_gpus, complete_releases
from mixvllm.cli.invocation import Invocation


def list_catalogue(ctx: typer.Context, asked: bool) -> None:
    """Print the models that are known without the network."""
    if not asked or ctx.resilient_parsing:
        return
    from mixvllm.models.sources.catalogue import entries
    from mixvllm.render.catalogue import catalogue_as_json, catalogue_table

    invocation: Invocation = ctx.obj
    models = entries()
    invocation.output.answer(catalogue_table(models), catalogue_as_json(models))
    raise typer.Exit


GpuOption = Annotated[
    str | None,
    typer.Option(
        "--gpu",
        metavar="NAME|SIZE",
        help="The GPU: H100, A100-40G, RTX4090, MI300X, a size (24GiB), or both "
        "(A100:79.25GiB). \\[default: those of this machine]",
        autocompletion=complete_gpus,
    ),
]
CompareOption = Annotated[
    str | None,
    typer.Option(
        "--compare",
        metavar="GPU,...",
        help="Several GPUs side by side: H100,A100-80G,L40S,RTX4090.",
        autocompletion=complete_gpus,
    ),
]
KvCacheMemoryOption = Annotated[
    str | None,
    typer.Option(
        "--kv-cache-memory",
        metavar="SIZE",
        help="The memory of the KV cache on each GPU, as vLLM's --kv-cache-memory-bytes: "
        "24GiB, 24g or 24; 24GB is 24 x 10^9 bytes.",
    ),
]
VllmVersionOption = Annotated[
    str | None,
    typer.Option(
        "--vllm-version",
        metavar="X.Y[,...]",
        help="The release whose rules are taken; of several, what an upgrade changes. "
        "\\[default: the installed one, else the newest that is known]",
        autocompletion=complete_releases,
    ),
]
BlockSizeOption = Annotated[
    int | None,
    typer.Option("--block-size", min=1, help="Tokens of a block, a multiple of 16."),
]
ListOption = Annotated[
    bool,
    typer.Option(
        "--list", callback=list_catalogue, help="List the models known without the network."
    ),
]
ExplainOption = Annotated[
    bool, typer.Option("--explain", help="Show each number's formula, filled in.")
]
FromLogOption = Annotated[
    str | None,
    typer.Option(
        "--from-log",
        metavar="FILE",
        help="Compare with what vLLM printed when it started: its log, or - for stdin.",
    ),
]
SaveOption = Annotated[
    bool,
    typer.Option(
        "--save", help="With --from-log: keep what was measured, for later estimates of the same."
    ),
]
MeasuredOption = Annotated[
    bool,
    typer.Option(
        "--measured/--no-measured",
        help="Take what a start of this model measured here, where it holds for the settings.",
    ),
]
ForgetOption = Annotated[
    bool, typer.Option("--forget-measured", help="Remove what was measured here of this model.")
]
