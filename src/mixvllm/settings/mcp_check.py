"""Everything that is wrong with a file of MCP servers (`mcpServers:`), each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mixvllm.errors import Problem
from mixvllm.settings.fields import section_aliases
from mixvllm.settings.file_keys import EXTENSION_PREFIX, MCP_KEY, PROFILES_KEY
from mixvllm.settings.mcp_servers import (
    ALIASES,
    BELONGS_TO,
    PLACEHOLDER,
    SECRET_FIELDS,
    TRANSPORTS,
    URL_STARTS,
    VARIABLE,
    McpServer,
)
from mixvllm.settings.names import nearest
from mixvllm.settings.problems import show_value
from mixvllm.settings.yaml_document import KeyPath, YamlDocument, position_of


def check_mcp_document(document: YamlDocument) -> list[Problem]:
    """Everything that is wrong with it, in reading order; no secret is in it."""
    problems = [*document.problems, *_Checker(document).check()]
    secrets = _secrets(document.data)
    hidden = (replace(p, source_line=_without(secrets, p.source_line)) for p in problems)
    return sorted(hidden, key=lambda p: (p.line or 0, p.column or 0))


def given_fields(server: Mapping[str, Any]) -> dict[str, Any]:
    """What a server's entry sets, by the fields' own names."""
    renamed = {ALIASES.get(name, name): value for name, value in server.items()}
    return {name: value for name, value in renamed.items() if value is not None}


def problem_with(
    document: YamlDocument,
    path: KeyPath,
    message: str,
    suggestion: str | None = None,
    *,
    at: Literal["key", "value"] = "key",
) -> Problem:
    """A problem with an entry of a document, on its key or its value."""
    position = position_of(document.positions, path)
    key = ".".join(str(part) for part in path)
    return document.problem(message, getattr(position, at, None), key, suggestion, "invalid-value")


def _secrets(data: Any) -> list[str]:
    """The texts of all headers and variables, the longest first; placeholders are none."""
    servers = data.get(MCP_KEY) if isinstance(data, dict) else None
    found: set[str] = set()
    for server in servers.values() if isinstance(servers, dict) else ():
        for name in SECRET_FIELDS if isinstance(server, dict) else ():
            values = server.get(name)
            if isinstance(values, dict):
                found.update(str(value) for value in values.values() if value is not None)
    return sorted((text for text in found if not PLACEHOLDER.fullmatch(text)), key=len)[::-1]


def _without(secrets: Iterable[str], line: str | None) -> str | None:
    """A line with stars in place of secrets; columns stay."""
    for secret in secrets if line else ():
        line = line and line.replace(secret, "*" * len(secret))
    return line


class _Checker:
    """Walk one document; each problem is placed on the value or the key that is wrong."""

    def __init__(self, document: YamlDocument) -> None:
        self.document = document

    def check(self) -> Iterator[Problem]:
        for name in self.document.data:
            if name != MCP_KEY and not name.startswith(EXTENSION_PREFIX):
                yield self._foreign(name)
        servers = self.document.data[MCP_KEY]
        if servers is None:
            return
        if not isinstance(servers, dict):
            yield self._problem("must map names to servers", (MCP_KEY,))
            return
        for name, server in servers.items():
            path = (MCP_KEY, name)
            if isinstance(server, dict):
                yield from self._server(server, path)
            else:
                yield self._problem("must be a mapping with `command:` or `url:`", path)

    def _foreign(self, name: str) -> Problem:
        known = section_aliases()
        if name in known or name == PROFILES_KEY:
            message = "belongs in a config file of its own, without `mcpServers:`"
            return self._problem(message, (name,))
        return self._problem("is no part of an MCP file: there is `mcpServers` alone", (name,))

    def _server(self, server: dict[str, Any], path: KeyPath) -> Iterator[Problem]:
        written = {ALIASES.get(name, name): name for name in server}
        given = given_fields(server)
        try:
            McpServer.model_validate(given)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                first, *rest = detail["loc"]
                yield self._invalid(detail, (*path, written[str(first)], *rest))
        yield from self._contradictions(given, path, written)
        for name, value in given.items():
            yield from self._placeholders(value, (*path, written[name]))

    def _contradictions(
        self, given: dict[str, Any], path: KeyPath, written: dict[str, str]
    ) -> Iterator[Problem]:
        """What does not go together: `command` starts a server, `url` finds one."""
        if "command" in given and "url" in given:
            yield self._problem("contradicts `command`: give one of the two", (*path, "url"))
            return
        if "command" not in given and "url" not in given:
            if given.keys() <= McpServer.model_fields.keys():  # else a mistyped name says it
                yield self._problem("needs `command:` (to start it) or `url:` (to find it)", path)
            return
        kind, other = ("command", "url") if "command" in given else ("url", "command")
        for name in BELONGS_TO[other]:
            if name in given:
                yield self._problem(f"goes with `{other}`, not with `{kind}`", (*path, name))
        if given.get("transport") in TRANSPORTS[other]:
            message = f"is for a server with `{other}`, not with `{kind}`"
            yield self._problem(message, (*path, written["transport"]))
        yield from self._address(given.get("url"), (*path, "url"))

    def _address(self, url: Any, path: KeyPath) -> Iterator[Problem]:
        if isinstance(url, str) and not url.startswith((*URL_STARTS, "${")):
            message = f"must start with {' or '.join(URL_STARTS)}, not {show_value(url)}"
            yield self._problem(message, path, at="value")

    def _placeholders(self, value: Any, path: KeyPath) -> Iterator[Problem]:
        """`${NAME}` in any text of a server."""
        if isinstance(value, dict):
            for name, item in value.items():
                yield from self._placeholders(item, (*path, name))
        elif isinstance(value, list):
            for item in value:
                yield from self._placeholders(item, path)
        elif isinstance(value, str):
            for found in PLACEHOLDER.finditer(value):
                if not found["end"] or not VARIABLE.fullmatch(found["inside"]):
                    right = "a variable is written ${NAME} or ${NAME:-text}"
                    yield self._problem(f"has {found[0]!r}: {right}", path, at="value")

    def _invalid(self, detail: ErrorDetails, path: KeyPath) -> Problem:
        if detail["type"] == "extra_forbidden":
            name = str(path[-1])
            near = nearest(name, [*McpServer.model_fields, *ALIASES])
            return self._problem("is no setting of an MCP server", path, near)
        value = detail["input"]
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        quoted = f'write it in quotes: "{value}"'
        shown = f", not {show_value(value)}" if value != "" else ""
        if plain and len(path) > 3 and path[2] in SECRET_FIELDS:
            quoted, shown = "write it in quotes", ", not a number"
        is_text = detail["type"] == "string_type"
        return self._problem(
            f"{_wanted(detail)}{shown}", path, quoted if plain and is_text else None, at="value"
        )

    def _problem(
        self,
        message: str,
        path: KeyPath,
        suggestion: str | None = None,
        *,
        at: Literal["key", "value"] = "key",
    ) -> Problem:
        return problem_with(self.document, path, message, suggestion, at=at)


def _wanted(detail: ErrorDetails) -> str:
    """What the field takes, in words."""
    wanted = {
        "string_type": "must be text",
        "string_too_short": "must not be empty",
        "list_type": "must be a list of texts",
        "dict_type": "must map names to texts",
        "float_type": "must be a number",
        "greater_than": "must be more than 0",
    }
    if detail["type"] == "literal_error":
        return f"must be one of {detail['ctx']['expected']}".replace("'", "")
    return wanted.get(detail["type"], detail["msg"])
