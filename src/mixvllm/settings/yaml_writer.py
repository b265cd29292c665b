"""Plain data to YAML text, with a comment behind an entry where one is wanted."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from mixvllm.settings.yaml_document import KeyPath


def write_yaml(data: Mapping[str, Any], comments: Mapping[KeyPath, str] | None = None) -> str:
    """The mapping as block YAML in its own order; `comments` go behind their entries."""
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 10_000
    yaml.representer.ignore_aliases = lambda _: True
    # `~` or nothing would be YAML too; `null` is what the documents speak of.
    yaml.representer.add_representer(
        type(None),
        lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null"),
    )
    stream = io.StringIO()
    yaml.dump(_commented(data, (), comments or {}), stream)
    return stream.getvalue()


def _commented(data: Any, path: KeyPath, comments: Mapping[KeyPath, str]) -> Any:
    if not isinstance(data, Mapping):
        return data
    commented = CommentedMap()
    for key, value in data.items():
        here = (*path, key)
        commented[key] = _commented(value, here, comments)
        if here in comments:
            commented.yaml_add_eol_comment(comments[here], key)
    return commented
