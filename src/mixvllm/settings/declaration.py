"""How a field of the schema is declared: what it means, what it costs, how it looks."""

from __future__ import annotations

import os
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from mixvllm.sizes import GIB


def setting(
    default: Any,
    meaning: str,
    *,
    example: Any,
    trade_off: str = "",
    alias: str | None = None,
    flags: tuple[str, ...] = (),
    default_note: str | None = None,
    **constraints: Any,
) -> Any:
    """Declare a field: what it means, what it costs, how it looks.

    Args:
        default: The value when no layer gives one; a callable is asked when needed.
        meaning: One sentence.
        example: A value as it stands in YAML.
        trade_off: What a higher, lower or other value costs.
        alias: The short name accepted for the field.
        flags: Command-line spellings beyond those made from the name and the alias.
        default_note: How the default reads in documents where `default` alone says too little.
        constraints: pydantic's `ge`, `le`, `gt`.
    """
    description = " ".join(part for part in (meaning, trade_off) if part)
    extra: dict[str, Any] = {"x-meaning": meaning, "examples": [example]}
    if trade_off:
        extra["x-trade-off"] = trade_off
    if alias:
        extra["x-alias"] = alias
    if flags:
        extra["x-flags"] = list(flags)
    if default_note:
        extra["x-default"] = default_note
    how = {"default_factory": default} if callable(default) else {"default": default}
    return Field(**how, description=description, json_schema_extra=extra, **constraints)


def token_count(value: Any) -> Any:
    """Read `32k` (thousands) and `32K` (1024s) as vLLM's own parser does."""
    multipliers = {"k": 10**3, "K": 2**10, "m": 10**6, "M": 2**20}
    if isinstance(value, str) and value[-1:] in multipliers:
        number = value[:-1]
        try:
            return int(float(number) * multipliers[value[-1]])
        except ValueError:
            return value
    return value


TokenCount = Annotated[int, BeforeValidator(token_count)]


def default_cpu_kv_cache_gib() -> float:
    """Four GiB or a quarter of the machine's memory, whichever is less."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(4.0, round(memory / 4 / GIB, 1))


class Section(BaseModel):
    """What all sections share: unknown keys are refused, values are never changed afterwards."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=()
    )
