"""The options of `mixvllm config init` that tune a file for a model on a GPU."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from mixvllm.errors import UsageError
from mixvllm.settings.declaration import token_count
from mixvllm.settings.from_vllm_command import Converted
from mixvllm.settings.schema import DEMO_MODEL


@dataclass(frozen=True)
class Tuning:
    """What the command line says, as text where it was text."""

    gpu: str | None
    gpus: int | None
    concurrency: int | None
    max_model_len: str | None


def refuse_half_a_wish(tuning: Tuning, model: str | None, command: str | None) -> None:
    """Refuse options of tuning that lack a model or a GPU.

    Raises:
        UsageError: they do.
    """
    if not any(each is not None for each in astuple(tuning)):
        return
    example = "`mixvllm config init --model Qwen/Qwen3-8B --gpu L40S --concurrency 16`"
    if command is not None:
        raise UsageError("--from converts a command: --gpu and its companions go with --model.")
    if tuning.gpu is None:
        raise UsageError("A tuned file is tuned for a GPU: name it with --gpu.", hint=example)
    if model is None:
        raise UsageError("A tuned file is tuned for a model: name it with --model.", hint=example)
    if model == DEMO_MODEL:
        raise UsageError(
            "The embedded model runs anywhere and needs no tuning.",
            hint="Leave --gpu out, or name another model with --model.",
        )


def tuned_content(model: str, tuning: Tuning, schema: str | None) -> Converted:
    """The tuned file.

    Raises:
        UsageError: an option's value is no GPU or number of tokens.
        ModelError: the model is not known.
        EstimateError: nothing that was tried holds what is asked for.
    """
    assert tuning.gpu is not None
    # What estimates memory takes longer to import than a plain file takes to write.
    from mixvllm.models.find import find_model
    from mixvllm.sizing.request import named_gpu
    from mixvllm.sizing.tune import Wish, tune
    from mixvllm.sizing.tuned_file import tuned_file

    wish = Wish(named_gpu(tuning.gpu), tuning.gpus, tuning.concurrency, _tokens(tuning))
    found = find_model(model)
    return Converted(tuned_file(tune(found, wish), found.description, schema=schema), ())


def _tokens(tuning: Tuning) -> int | None:
    if tuning.max_model_len is None:
        return None
    try:
        tokens = int(token_count(tuning.max_model_len))
    except ValueError:
        tokens = 0
    if tokens < 1:
        raise UsageError(
            f"--max-model-len: {tuning.max_model_len!r} is no number of tokens.",
            hint="Write 32768, 32k (thousands) or 32K (1024s).",
        )
    return tokens
