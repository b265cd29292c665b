"""The only user of ruamel.yaml: text to plain data, and the position of each key and value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from mixvllm.error_codes import ErrorCode
from mixvllm.errors import Problem

# A config file is a page or two; these only stop what was made to harm.
MAX_BYTES = 64 * 1024
MAX_NODES = 20_000
MAX_DEPTH = 50
TOO_MANY = f"holds more than {MAX_NODES:,} values when its aliases are followed"

PLAIN_TAGS = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
MERGE_TAG = "tag:yaml.org,2002:merge"
KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Position:
    """Where an entry stands: 1-based lines and columns of its key and its value."""

    key: tuple[int, int]
    value: tuple[int, int]


@dataclass
class YamlDocument:
    """One file as plain data with positions.

    Attributes:
        file: The file as the user named it.
        data: Plain dicts, lists and scalars; `{}` for an empty document.
        positions: The position of every entry, by its path.
        lines: The lines of the text.
        problems: Everything that is wrong with the YAML itself.
    """

    file: str
    data: Any = field(default_factory=dict)
    positions: dict[KeyPath, Position] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def problem(
        self,
        message: str,
        at: tuple[int, int] | None = None,
        key: str | None = None,
        suggestion: str | None = None,
        code: ErrorCode = "unreadable-file",
    ) -> Problem:
        """A problem at a place of this document."""
        line, column = at or (None, None)
        return Problem(
            message=message,
            key=key,
            file=self.file,
            line=line,
            column=column,
            suggestion=suggestion,
            source_line=self.line(line),
            code=code,
        )

    def line(self, number: int | None) -> str | None:
        """The text of a 1-based line."""
        if number is None or not 0 < number <= len(self.lines):
            return None
        return self.lines[number - 1]


def read_yaml(path: Path, named: str | None = None) -> YamlDocument:
    """Read a file; whatever is wrong with it is in the document's `problems`."""
    document = YamlDocument(named or str(path))
    text = _read_text(path, document)
    if text is not None:
        _parse(text, document)
    return document


class _UnreadableError(Exception):
    """The file is not text that could be parsed."""

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.suggestion = suggestion


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise _UnreadableError("is a directory, not a file")
        if path.stat().st_size > MAX_BYTES:
            raise _UnreadableError("is larger than 64 KiB: this is no config file")
        content = path.read_bytes()
    except FileNotFoundError:
        raise _UnreadableError("no such file", "`mixvllm config init` writes one") from None
    except PermissionError:
        raise _UnreadableError("cannot be read: permission denied") from None
    except OSError as error:
        raise _UnreadableError(f"cannot be read: {error.strerror or error}") from None
    if b"\0" in content:
        raise _UnreadableError("is a binary file, not YAML text")
    if not content.strip():
        raise _UnreadableError("is empty", "`mixvllm config init` writes a file to start from")
    return content


def _read_text(path: Path, document: YamlDocument) -> str | None:
    try:
        content = _read_bytes(path)
        return content.decode("utf-8-sig")
    except _UnreadableError as error:
        problem = document.problem(str(error), suggestion=error.suggestion)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        column = error.start - error.object.rfind(b"\n", 0, error.start)
        message = f"is not UTF-8 text: byte 0x{error.object[error.start]:02x} cannot be read"
        problem = document.problem(message, (line, column))
    document.problems.append(problem)
    return None


def _parse(text: str, document: YamlDocument) -> None:
    document.lines = text.splitlines()
    if text.count("[") - text.count("]") > MAX_DEPTH:
        # ruamel.yaml would take seconds to find out.
        document.problems.append(document.problem("has brackets that are never closed"))
        return
    yaml = YAML(typ="safe", pure=True)
    try:
        roots = list(yaml.compose_all(text))
    except MarkedYAMLError as error:
        document.problems.append(_syntax_problem(error, document))
        return
    except (YAMLError, ValueError) as error:
        document.problems.append(document.problem(f"is not YAML: {_first_line(error)}"))
        return
    except RecursionError:
        document.problems.append(document.problem("is nested too deeply"))
        return
    if len(roots) > 1:
        second = roots[1]
        place = _mark(second) if second is not None else None
        document.problems.append(document.problem("has more than one YAML document", place))
        return
    if not roots or roots[0] is None:
        message = "holds only comments: it sets nothing"
        document.problems.append(document.problem(message))
        return
    reader = _Reader(document, yaml)
    document.data = reader.read(roots[0], (), 0)
    if reader.exploded:
        document.data = {}


def _syntax_problem(error: MarkedYAMLError, document: YamlDocument) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = (mark.line + 1, mark.column + 1) if mark else None
    said = error.problem or error.context or "cannot be parsed"
    message, suggestion = _in_words(said)
    line = document.line(mark.line + 1) if mark else None
    if line is not None and "\t" in line[: len(line) - len(line.lstrip())]:
        suggestion = "indent with spaces, not tabs"
    return document.problem(message, place, suggestion=suggestion)


def _in_words(said: str) -> tuple[str, str | None]:
    """What the parser has against a text, and the usual cure, where its words need some."""
    if "<stream end>" in said or "end of stream" in said:
        return (
            "YAML syntax error: the file ends within a bracket, a brace or a quote",
            "close what is open",
        )
    if "mapping values are not allowed" in said:
        return f"YAML syntax error: {said}", "check the indentation; a text with `: ` needs quotes"
    return f"YAML syntax error: {said}", None


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]


def _mark(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


class _Reader:
    """Walk the node graph; count, so that aliases cannot blow up."""

    def __init__(self, document: YamlDocument, yaml: YAML) -> None:
        self.document = document
        self.nodes = 0
        self.exploded = False
        self.scalars = yaml.constructor

    def read(self, node: Node, path: KeyPath, depth: int) -> Any:
        self.nodes += 1
        if self.exploded:
            return None
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            what = "is nested too deeply" if depth > MAX_DEPTH else TOO_MANY
            self.exploded = True
            self.document.problems.append(self.document.problem(what, _mark(node)))
            return None
        if not isinstance(node, ScalarNode) and node.tag not in PLAIN_TAGS:
            message = f"has the YAML tag {node.tag!r}: config files hold plain values only"
            self.document.problems.append(self.document.problem(message, _mark(node)))
            return None
        if isinstance(node, MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, SequenceNode):
            return [self.read(item, (*path, i), depth + 1) for i, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: MappingNode, path: KeyPath, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        merged: list[Node] = []
        seen: dict[str, tuple[int, int]] = {}
        for key_node, value_node in node.value:
            if key_node.tag == MERGE_TAG:
                merged.append(value_node)
                continue
            key = self._key(key_node)
            if key in seen:
                first = seen[key][0]
                message = f"is given twice: first on line {first}"
                name = ".".join(str(part) for part in (*path, key))
                self.document.problems.append(
                    self.document.problem(
                        message, _mark(key_node), name, "keep one of them", "conflicting-values"
                    )
                )
                continue
            seen[key] = _mark(key_node)
            here = (*path, key)
            self.document.positions[here] = Position(_mark(key_node), _mark(value_node))
            data[key] = self.read(value_node, here, depth + 1)
        for value_node in merged:
            self._merge(value_node, data, path, depth)
        return data

    def _merge(self, node: Node, data: dict[str, Any], path: KeyPath, depth: int) -> None:
        """`<<: *base`: entries that the mapping itself does not have."""
        bases = node.value if isinstance(node, SequenceNode) else [node]
        for base in bases:
            if not isinstance(base, MappingNode):
                message = "`<<` merges a mapping, nothing else"
                self.document.problems.append(self.document.problem(message, _mark(base)))
                continue
            own = dict(self.document.positions)
            for key, value in self._mapping(base, path, depth + 1).items():
                data.setdefault(key, value)
            self.document.positions.update(own)

    def _key(self, node: Node) -> str:
        value = self._scalar(node, ()) if isinstance(node, ScalarNode) else None
        return value if isinstance(value, str) else str(getattr(node, "value", value))

    def _scalar(self, node: Node, path: KeyPath) -> Any:
        try:
            value = self.scalars.construct_object(node)
        except (YAMLError, ValueError) as error:
            problem = getattr(error, "problem", None) or _first_line(error)
            self.document.problems.append(
                self.document.problem(
                    f"cannot be read: {problem}", _mark(node), ".".join(map(str, path)) or None
                )
            )
            return None
        plain = value is None or isinstance(value, str | int | float | bool)
        # Dates and bytes are no settings: keep what was written.
        return value if plain else node.value


def position_of(positions: Mapping[KeyPath, Position], path: KeyPath) -> Position | None:
    """The position of an entry or of the nearest one around it."""
    while path:
        if path in positions:
            return positions[path]
        path = path[:-1]
    return None
