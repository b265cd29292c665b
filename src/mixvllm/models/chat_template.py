"""The chat template that a model's files bring."""

from __future__ import annotations

from pathlib import Path

from mixvllm.errors import ModelError
from mixvllm.models.found import FoundModel
from mixvllm.models.sources.local import read_object

TEMPLATE = "chat_template.jinja"
TOKENIZER_CONFIG = "tokenizer_config.json"
TOOL_USE = "tool_use"


def chat_template_of(found: FoundModel) -> str | None:
    """The template of a model whose files are on this machine; the one for tools, if it has one."""
    if found.source not in ("local directory", "Hugging Face cache"):
        return None
    directory = Path(found.origin)
    try:
        return (directory / TEMPLATE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return _in_tokenizer_config(directory / TOKENIZER_CONFIG)


def _in_tokenizer_config(path: Path) -> str | None:
    if not path.is_file():
        return None
    try:
        template = read_object(path).get("chat_template")
    except ModelError:
        return None
    if isinstance(template, list):
        named = [each for each in template if isinstance(each, dict)]
        named.sort(key=lambda each: each.get("name") != TOOL_USE)
        template = named[0].get("template") if named else None
    return template if isinstance(template, str) else None
