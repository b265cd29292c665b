"""What an option or argument of typer takes, in words."""

from __future__ import annotations

from typing import Any


def name_text(parameter: Any) -> str:
    """The name in messages: the longest spelling of an option, what stands for an argument."""
    options = [name for name in parameter.opts if name.startswith("-")]
    return max(options, key=len) if options else str(parameter.display_name_raw)


def choices_of(parameter: Any) -> tuple[str, ...]:
    """The values that it can have, where they are listed."""
    return tuple(str(choice) for choice in parameter.type_descriptor.choices or ())


def range_text(parameter: Any) -> str:
    """The range of a number: `at least 1`; empty without one."""
    least, most = parameter.min, parameter.max
    if least is None and most is None:
        return ""
    if least is None:
        return f"at most {most}"
    return f"at least {least}" if most is None else f"between {least} and {most}"
