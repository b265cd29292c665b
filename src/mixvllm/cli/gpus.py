"""`mixvllm gpus`: the GPUs of this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from mixvllm.cli.completion import complete_models_and_files
from mixvllm.cli.exit_status import ExitStatus
from mixvllm.cli.invocation import Invocation
from mixvllm.cli.json_option import JsonOption
from mixvllm.errors import EstimateError, UsageError
from mixvllm.gpus.demand import Demand, unmet
from mixvllm.gpus.inventory import NVML_DEADLINE_S, TORCH_DEADLINE_S, Machine

if TYPE_CHECKING:
    from mixvllm.gpus.device import Inventory

WATCH, WATCH_EVERY_S = "--watch", 2


class GpusCommand(TyperCommand):
    """The command whose `--watch` takes its value or goes without, which typer does not know."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, with the default put where `--watch` stands alone."""
        for place, word in enumerate(args):
            beyond = args[place + 1 : place + 2]
            if word == WATCH and (not beyond or beyond[0].startswith("-")):
                args = [*args[: place + 1], f"{WATCH_EVERY_S}", *args[place + 1 :]]
                break
        return super().parse_args(ctx, args)


app = typer.Typer(rich_markup_mode="rich", add_completion=False)


@app.command(
    cls=GpusCommand,
    epilog="Example: [bold]mixvllm gpus --require 2 --free 40GiB && mixvllm serve ...[/]",
)
def gpus(
    ctx: typer.Context,
    require: Annotated[
        int | None,
        typer.Option(
            "--require", min=1, metavar="N", help="Exit with 3 if fewer than N are usable."
        ),
    ] = None,
    free: Annotated[
        str | None,
        typer.Option(
            "--free",
            metavar="SIZE",
            help="Exit with 3 unless N (or 1) of them have this much free memory (40GiB).",
        ),
    ] = None,
    watch: Annotated[
        float | None,
        typer.Option(
            WATCH,
            metavar="[SECONDS]",
            min=0.1,
            help="Show it again and again, until Ctrl-C.",
            show_default=f"every {WATCH_EVERY_S} s",
        ),
    ] = None,
    wanted: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="CONFIG|MODEL",
            help="Tell whether a model fits, on which of them, and with how much left.",
            autocompletion=complete_models_and_files,
        ),
    ] = None,
    topology: Annotated[
        bool, typer.Option("--topology", help="Show how the GPUs are joined: NVLink or PCIe.")
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout",
            metavar="SECONDS",
            min=0.1,
            help="How long a driver may take to answer.",
            show_default=f"{NVML_DEADLINE_S:g}, and {TORCH_DEADLINE_S:g} for PyTorch",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Show the GPUs of this machine, and what uses them.

    NVIDIA's driver is asked, else PyTorch; a dash stands for what they do not tell. A GPU is
    usable where a program started here sees it (CUDA_VISIBLE_DEVICES); of the slices of a divided
    GPU (MIG) a program sees one. Without a GPU the exit code is 0, and 3 where one is asked for.
    """
    invocation: Invocation = ctx.obj
    demand = Demand(require or 1, _size(free)) if require or free else None
    if watch is not None and (as_json or demand or wanted or topology):
        raise UsageError("--watch goes with no other option but --timeout.")
    if wanted is not None and (demand or topology):
        raise UsageError("--for goes with none of --topology, --require and --free.")
    from mixvllm.server.named_processes import with_servers_named  # not for a Tab

    with Machine(
        os.environ,
        nvml_deadline_s=timeout or NVML_DEADLINE_S,
        torch_deadline_s=timeout or TORCH_DEADLINE_S,
    ) as machine:
        if watch is not None:
            from mixvllm.cli.gpus_watch import keep_showing

            return keep_showing(
                lambda: with_servers_named(machine.inventory()), watch, invocation.output
            )
        inventory = with_servers_named(machine.inventory(with_links=topology))
    if wanted is not None:
        from mixvllm.cli.gpus_for import answer_for

        return answer_for(invocation, wanted, inventory)
    _show(invocation, inventory, topology=topology)
    missing = demand and unmet(inventory, demand)
    if missing:
        invocation.output.warn(missing)
        return ExitStatus.NO
    return ExitStatus.DONE


def _show(invocation: Invocation, inventory: Inventory, *, topology: bool) -> None:
    from mixvllm.render.gpus import GpuView
    from mixvllm.render.gpus_json import inventory_as_json
    from mixvllm.render.topology import topology_view

    view = topology_view(inventory) if topology else GpuView(inventory)
    invocation.output.answer(view, inventory_as_json(inventory))


def _size(text: str | None) -> int:
    """Bytes of `--free`.

    Raises:
        UsageError: it is no size.
    """
    from mixvllm.memory.sizes import parse_size

    try:
        size = 0 if text is None else parse_size(text)
    except EstimateError as error:
        raise UsageError(f"--free: {error.message}", hint=error.hint) from error
    if size is None:
        raise UsageError(f"--free: {text!r} is no size.", hint="Write 40GiB, 40g, 40 or 40GB.")
    return size
