"""`mixvllm estimate-kv`: what vLLM will report as its KV cache, before anything is loaded."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from mixvllm.cli.estimate_measured import (
    ForgetOption,
    FromLogOption,
    Measured,
    MeasuredOption,
    SaveOption,
)
from mixvllm.cli.estimate_questions import (
    ChartOption,
    ConcurrencyOption,
    OutputOption,
    PromptOption,
    SolveOption,
    asked_concurrency,
    asked_load,
)
from mixvllm.cli.exact import ExactOption, exact_answer, refuse_beside_exact
from mixvllm.cli.exit_status import ExitStatus
from mixvllm.cli.invocation import Invocation
from mixvllm.cli.json_option import JsonOption
from mixvllm.cli.options import ConfigOption, ModelsArgument, ProfileOption, with_setting_flags
from mixvllm.cli.picture import SvgOption
from mixvllm.cli.settings import resolve_settings
from mixvllm.errors import UsageError
from mixvllm.memory.estimate import estimate
from mixvllm.memory.growth import growth
from mixvllm.models.find import find_model
from mixvllm.render.catalogue import catalogue_as_json, catalogue_table
from mixvllm.render.memory import estimate_view
from mixvllm.render.memory_json import estimate_as_json
from mixvllm.settings.layers.command_line import GivenFlag
from mixvllm.settings.resolve import require_model
from mixvllm.sizing.axes import asked_axes
from mixvllm.sizing.here import planned_here
from mixvllm.sizing.request import SETTINGS_READ, Choices, estimate_request

app = typer.Typer(rich_markup_mode="rich", add_completion=False)


def list_catalogue(ctx: typer.Context, asked: bool) -> None:
    """Print the models that are known without the network."""
    if not asked or ctx.resilient_parsing:
        return
    from mixvllm.models.sources.catalogue import entries

    invocation: Invocation = ctx.obj
    models = entries()
    invocation.output.answer(catalogue_table(models), catalogue_as_json(models))
    raise typer.Exit


@app.command(
    epilog="Example: [bold]mixvllm estimate-kv openai/gpt-oss-20b --gpu H100 --max-model-len 32k[/]"
)
@partial(with_setting_flags, keys=SETTINGS_READ)
def estimate_kv(
    ctx: typer.Context,
    flags: list[GivenFlag],
    models: ModelsArgument = None,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    gpu: Annotated[
        str | None,
        typer.Option(
            "--gpu",
            metavar="NAME|SIZE",
            help="The GPU: H100, A100-40G, RTX4090, MI300X, a size (24GiB), or both "
            "(A100:79.25GiB). [dim]\\[default: those of this machine][/]",
        ),
    ] = None,
    compared: Annotated[
        str | None,
        typer.Option(
            "--compare",
            metavar="GPU,...",
            help="Several GPUs side by side: H100,A100-80G,L40S,RTX4090.",
        ),
    ] = None,
    kv_cache_memory: Annotated[
        str | None,
        typer.Option(
            "--kv-cache-memory",
            metavar="SIZE",
            help="The memory of the KV cache on each GPU, as vLLM's --kv-cache-memory-bytes: "
            "24GiB, 24g or 24; 24GB is 24 x 10^9 bytes.",
        ),
    ] = None,
    vllm_version: Annotated[
        str | None,
        typer.Option(
            "--vllm-version",
            metavar="X.Y[,...]",
            help="The release whose rules are taken; of several, what an upgrade changes. "
            "[dim]\\[default: the installed one, else the newest that is known][/]",
        ),
    ] = None,
    block_size: Annotated[
        int | None,
        typer.Option("--block-size", min=1, help="Tokens of a block, a multiple of 16."),
    ] = None,
    listed: Annotated[
        bool,
        typer.Option(
            "--list", callback=list_catalogue, help="List the models known without the network."
        ),
    ] = False,
    concurrency: ConcurrencyOption = None,
    prompt: PromptOption = None,
    output: OutputOption = None,
    unknown: SolveOption = None,
    charted: ChartOption = False,
    explained: Annotated[
        bool, typer.Option("--explain", help="Show each number's formula, filled in.")
    ] = False,
    from_log: FromLogOption = None,
    save: SaveOption = False,
    measured: MeasuredOption = True,
    forgotten: ForgetOption = False,
    exact: ExactOption = False,
    picture: SvgOption = None,
    as_json: JsonOption = False,
) -> int:
    """Estimate the KV cache: what vLLM will report, before anything is loaded.

    Weights are never read. What follows `--` is read as vLLM's own arguments. Where the memory
    is known and what is asked for does not fit (one request of full length where nothing else
    is), the exit code is 3. Several models, GPUs (`--compare`) or releases are put side by side:
    3 is then that none of them fits.
    """
    invocation: Invocation = ctx.obj
    first = models[0] if models else None
    resolved = resolve_settings(invocation, flags, config, profile, first)
    settings = resolved.settings
    if exact:
        several = len(models or ()) > 1 or compared or "," in (vllm_version or "")
        refuse_beside_exact(several=several, log=from_log or save, solve=unknown, chart=charted)
    if from_log is not None or save:
        from mixvllm.cli.estimate_from_log import report_log

        choices = Choices(gpu, kv_cache_memory, vllm_version, block_size)
        return report_log(invocation.output, from_log, resolved, choices, save=save)
    many, load = asked_concurrency(concurrency), asked_load(prompt, output)
    if unknown is not None:
        from mixvllm.cli.estimate_solve import Given, answer_solved

        axes = asked_axes(models or [""], gpu=gpu, compared=compared, versions=vllm_version)
        choices = Choices(axes.gpus[0], kv_cache_memory, vllm_version, block_size, many, load)
        given = Given(flags, config, profile, models or (), axes, measured, forgotten)
        return answer_solved(invocation, unknown, settings, choices, given)
    name = require_model(settings, "estimate-kv")
    # The environment may name another model than the command line; it wins, alone.
    named = models if models and name == first else [name]
    axes = asked_axes(named, gpu=gpu, compared=compared, versions=vllm_version)
    choices = Choices(axes.gpus[0], kv_cache_memory, axes.versions[0], block_size, many, load)
    if axes.count > 1:
        from mixvllm.cli.estimate_variants import compare

        if explained or charted:
            option = "--explain" if explained else "--chart"
            raise UsageError(f"{option} is for one model, GPU and release.")
        return compare(invocation.output, settings, choices, axes)
    grown = None
    if exact:
        answer = exact_answer(invocation, settings, choices)
    else:
        request = planned_here(estimate_request(settings, choices))
        found = find_model(name, revision=settings.model.revision)
        here = Measured(invocation.output, found, settings.model.revision)
        request = here.taken_into(request, wanted=measured, forgotten=forgotten)
        answer = estimate(found.description, found.weights, found.source, request)
        grown = growth(found.description, found.weights, request) if charted else None
    view = estimate_view(answer, explained=explained, growth=grown)
    invocation.output.answer(view, estimate_as_json(answer, grown))
    if as_json:
        for note in (*answer.changes_needed, *answer.notes):
            invocation.output.note(note)
    return ExitStatus.NO if answer.fits is False else ExitStatus.DONE
