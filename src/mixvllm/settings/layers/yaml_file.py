"""A config file as a layer: sections, aliases, `vllm:`, and profiles above the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mixvllm.errors import Problem
from mixvllm.settings.fields import (
    PASS_THROUGH_SECTION,
    all_fields,
    field_names,
    section_aliases,
)
from mixvllm.settings.file_keys import EXTENSION_PREFIX, PROFILES_KEY
from mixvllm.settings.names import nearest
from mixvllm.settings.origin import Given, Layer, Origin
from mixvllm.settings.reading import Reading, find_contradictions
from mixvllm.settings.yaml_document import KeyPath, YamlDocument, position_of, read_yaml
from mixvllm.vllm_internals.arguments import arguments


@dataclass(frozen=True)
class ConfigFile:
    """A config file, read: the base and each profile apart.

    Attributes:
        base: What stands outside `profiles:`, with the problems of the whole document.
        profiles: What each profile gives.
        profile_line: Where `profiles:` stands, for messages about a missing one.
    """

    file: str
    base: Reading
    profiles: Mapping[str, Reading]

    def with_profile(self, name: str | None) -> Reading:
        """The base, and the named profile above it."""
        return self.base + self.profiles[name] if name else self.base

    def everything(self) -> Reading:
        """The base and every profile: what `config validate` looks at."""
        return sum(self.profiles.values(), self.base)


def read_config_file(path: Path, named: str | None = None) -> ConfigFile:
    """Read a config file; whatever is wrong is in its readings' problems."""
    return interpret(read_yaml(path, named))


def interpret(document: YamlDocument) -> ConfigFile:
    """Read a parsed document as a config file."""
    if not isinstance(document.data, dict):
        message = "must hold sections (`model:`, `server:`, ...), not a list or a single value"
        problem = document.problem(message, (1, 1))
        return ConfigFile(document.file, Reading(problems=(*document.problems, problem)), {})
    data = dict(document.data)
    profiles = data.pop(PROFILES_KEY, None)
    base = _SectionReader(document, (), None).read(data)
    base = Reading(problems=tuple(document.problems)) + base
    if profiles is not None and not isinstance(profiles, dict):
        place = document.positions[(PROFILES_KEY,)].value
        message = "must map names to sections: `profiles: {dev: {server: {port: 9000}}}`"
        base += Reading(problems=(document.problem(message, place, PROFILES_KEY),))
        profiles = None
    named = {}
    for name, partial in (profiles or {}).items():
        path = (PROFILES_KEY, name)
        named[name] = _SectionReader(document, path, name).read(partial)
    return ConfigFile(document.file, base, named)


class _SectionReader:
    """Read sections below one path of a document."""

    def __init__(self, document: YamlDocument, path: KeyPath, profile: str | None) -> None:
        self.document = document
        self.path = path
        self.profile = profile
        self.given: list[Given] = []
        self.problems: list[Problem] = []

    def read(self, data: Any) -> Reading:
        if data is not None and not isinstance(data, dict):
            self._problem("must hold sections (`model:`, `server:`, ...)", self.path)
            data = None
        for name, content in (data or {}).items():
            if not name.startswith(EXTENSION_PREFIX):
                self._section(name, content)
        self.problems.extend(find_contradictions(self._in_file_order()))
        return Reading(tuple(self.given), tuple(self.problems))

    def _in_file_order(self) -> list[Given]:
        return sorted(self.given, key=lambda g: (g.origin.line or 0, g.origin.column or 0))

    def _section(self, written: str, content: Any) -> None:
        path = (*self.path, written)
        section = section_aliases().get(written)
        if section is None:
            self._unknown_section(written, path)
        elif content is not None and not isinstance(content, dict):
            is_name = section == "model" and isinstance(content, str)
            self._problem(
                f"must be a mapping of settings, not {type_in_words(content)}",
                path,
                f"write {written}: {{name: {content}}}" if is_name else None,
            )
        elif section == PASS_THROUGH_SECTION:
            for name, value in (content or {}).items():
                key = f"{PASS_THROUGH_SECTION}.{name.replace('-', '_')}"
                self._give(key, (*path, name), value)
        else:
            self._fields(section, content or {}, path)

    def _fields(self, section: str, content: Mapping[str, Any], path: KeyPath) -> None:
        names = field_names(section)
        for written, value in content.items():
            if written in names:
                self._give(names[written].key, (*path, written), value)
            else:
                self._unknown_field(section, written, (*path, written))

    def _give(self, key: str, path: KeyPath, value: Any) -> None:
        position = position_of(self.document.positions, path)
        assert position is not None
        line, column = position.value
        origin = Origin(
            Layer.YAML,
            file=self.document.file,
            line=line,
            column=column,
            profile=self.profile,
            source_line=self.document.line(line),
        )
        self.given.append(Given(key, _dotted(path), value, origin))

    def _problem(self, message: str, path: KeyPath, suggestion: str | None = None) -> None:
        position = position_of(self.document.positions, path)
        place = position.key if position else (1, 1)
        key = _dotted(path) or None
        problem = self.document.problem(message, place, key, suggestion, "unknown-setting")
        self.problems.append(problem)

    def _unknown_section(self, written: str, path: KeyPath) -> None:
        homes = [f"`{f.section}:`" for f in all_fields() if written in (f.name, *f.aliases)]
        if homes:
            self._problem(f"belongs under {homes[0]}", path)
            return
        near = nearest(written, [*section_aliases(), PROFILES_KEY])
        self._problem(
            "is no section; there are model, inference, server, generation_defaults, vllm "
            "and profiles",
            path,
            near,
        )

    def _unknown_field(self, section: str, written: str, path: KeyPath) -> None:
        spelled = written.replace("-", "_")
        homes = [f"`{f.section}:`" for f in all_fields() if spelled in (f.name, *f.aliases)]
        near = nearest(spelled, field_names(section))
        if homes and spelled not in field_names(section):
            self._problem(f"belongs under {homes[0]}, not under `{section}:`", path)
        elif near is None and spelled in arguments():
            self._problem("is a vLLM argument: it belongs under `vllm:`", path)
        else:
            self._problem(f"is no setting of `{section}`", path, near)


def type_in_words(value: Any) -> str:
    """The kind of a plain YAML value: `a list`, `text`."""
    kinds = {bool: "true/false", int: "a number", float: "a number", str: "text", list: "a list"}
    return kinds.get(type(value), "a mapping")


def _dotted(path: KeyPath) -> str:
    return ".".join(str(part) for part in path)
