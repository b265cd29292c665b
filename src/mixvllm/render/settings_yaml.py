"""The effective settings as a config file that resolves to the same settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixvllm.settings.yaml_writer import write_yaml

if TYPE_CHECKING:
    from mixvllm.settings.resolve import Resolved


def settings_as_yaml(resolved: Resolved) -> str:
    """`config show --format yaml`; secrets are left out, with a comment naming their origin."""
    data: dict[str, dict[str, object]] = {}
    comments: dict[tuple[str | int, ...], str] = {}
    secrets = []
    for value in resolved.values:
        section, _, name = value.key.partition(".")
        if value.is_secret:
            if value.value is not None:
                secrets.append(f"# {value.key} is set by {value.origin}; secrets are not shown\n")
            continue
        if value.value is None:
            continue
        data.setdefault(section, {})[name] = value.value
        origin = str(value.origin)
        if not origin.startswith("default"):
            comments[section, name] = origin
    return "".join(secrets) + write_yaml(data, comments)
