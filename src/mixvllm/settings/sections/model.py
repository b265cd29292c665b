"""Which model is served."""

from __future__ import annotations

from mixvllm.settings.declaration import Section, setting


class ModelConfig(Section):
    """Which model is served."""

    name: str | None = setting(
        None,
        "The model: a Hugging Face name, a local directory, or `demo` for the embedded one.",
        example="microsoft/Phi-3-mini-4k-instruct",
        flags=("--model",),
        min_length=1,
    )
    revision: str | None = setting(
        None,
        "The branch, tag or commit of the model.",
        trade_off="A commit makes deployments repeatable; unset follows the main branch.",
        example="main",
        min_length=1,
    )
    trust_remote_code: bool = setting(
        False,
        "Run Python code that comes with the model.",
        trade_off="Some models need it; it gives the model's authors your machine.",
        example=True,
    )
    served_name: str | None = setting(
        None,
        "The name that requests use for the model.",
        trade_off="A stable name lets clients stay as they are when the model changes.",
        example="assistant",
        flags=("--served-model-name",),
        default_note="same as `name`",
        min_length=1,
    )
