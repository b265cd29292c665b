"""What holds where a request says nothing."""

from __future__ import annotations

from mixvllm.settings.declaration import Section, setting


class GenerationDefaultsConfig(Section):
    """Sampling values for what a request leaves out; a request's own value always wins."""

    temperature: float | None = setting(
        None,
        "How freely tokens are chosen: 0 takes the likeliest, higher is more varied.",
        trade_off="0.1-0.3 for facts and code, 0.7 for talk, above 1.2 for surprise.",
        example=0.7,
        default_note="the model's own",
        ge=0,
        le=2,
    )
    max_tokens: int | None = setting(
        None,
        "The most tokens an answer may have when the request does not say; never a ceiling.",
        trade_off="Short values cut answers off; long ones let a runaway answer run.",
        example=512,
        default_note="what fits the context (16 on /v1/completions)",
        ge=1,
    )
    top_p: float | None = setting(
        None,
        "Choose only among the likeliest tokens that together have this probability.",
        trade_off="Lower is safer and duller; 1 switches it off.",
        example=0.9,
        default_note="the model's own",
        gt=0,
        le=1,
    )
    top_k: int | None = setting(
        None,
        "Choose only among this many likeliest tokens; 0 or -1 switches it off.",
        example=40,
        default_note="the model's own",
        ge=-1,
    )
    presence_penalty: float | None = setting(
        None,
        "Lower the chance of tokens that have appeared at all.",
        trade_off="Positive brings new topics; negative keeps to the old ones.",
        example=0.0,
        default_note="the model's own",
        ge=-2,
        le=2,
    )
    frequency_penalty: float | None = setting(
        None,
        "Lower the chance of tokens the more, the oftener they have appeared.",
        trade_off="Positive stops repetition; too high spoils words that must repeat.",
        example=0.0,
        default_note="the model's own",
        ge=-2,
        le=2,
    )
