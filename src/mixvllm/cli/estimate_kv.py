"""`mixvllm estimate-kv`: what vLLM will report as its KV cache, before anything is loaded."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import typer

from mixvllm.cli.estimate_options import (
    BlockSizeOption,
    CompareOption,
    ExplainOption,
    ForgetOption,
    FromLogOption,
    GpuOption,
    KvCacheMemoryOption,
    ListOption,
    MeasuredOption,
    SaveOption,
    VllmVersionOption,
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
from mixvllm.cli.exact import ExactOption, answer_exactly, refuse_beside_exact
from mixvllm.cli.json_option import JsonOption
from mixvllm.cli.options import ConfigOption, ModelsArgument, ProfileOption, with_setting_flags
from mixvllm.cli.picture import SvgOption
from mixvllm.cli.settings import resolve_settings
from mixvllm.settings.flags import GivenFlag
from mixvllm.sizing.keys_read import SETTINGS_READ

if TYPE_CHECKING:
    from mixvllm.cli.estimate_asked import Asked

app = typer.Typer(rich_markup_mode="rich", add_completion=False)


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
    gpu: GpuOption = None,
    compared: CompareOption = None,
    kv_cache_memory: KvCacheMemoryOption = None,
    vllm_version: VllmVersionOption = None,
    block_size: BlockSizeOption = None,
    listed: ListOption = False,
    concurrency: ConcurrencyOption = None,
    prompt: PromptOption = None,
    output: OutputOption = None,
    unknown: SolveOption = None,
    charted: ChartOption = False,
    explained: ExplainOption = False,
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
    # What reads settings and models: not for `--help` and a Tab.
    from mixvllm.cli.estimate_asked import Asked

    asked = Asked(
        invocation=ctx.obj,
        flags=flags,
        models=tuple(models or ()),
        config=config,
        profile=profile,
        resolved=resolve_settings(ctx.obj, flags, config, profile, models[0] if models else None),
        gpu=gpu,
        compared=compared,
        kv_cache_memory=kv_cache_memory,
        vllm_version=vllm_version,
        block_size=block_size,
        concurrency=asked_concurrency(concurrency),
        load=asked_load(prompt, output),
        explained=explained,
        charted=charted,
        measured=measured,
        forgotten=forgotten,
    )
    if exact:
        refuse_beside_exact(log=from_log or save, solve=unknown)
        return answer_exactly(asked)
    if from_log is not None or save:
        from mixvllm.cli.estimate_from_log import report_log

        return report_log(asked, from_log, save=save)
    if unknown is not None:
        from mixvllm.cli.estimate_solve import answer_solved

        return answer_solved(asked, unknown)
    return answer(asked)


def answer(asked: Asked) -> int:
    """The usual question, for one or for several; what one does not need is not imported."""
    asked.model_name()
    if asked.axes.count > 1:
        from mixvllm.cli.estimate_variants import compare

        return compare(asked)
    from mixvllm.cli.estimate_one import answer_one

    return answer_one(asked)
