"""Files that name MCP servers (`mcpServers:`): their models, and every problem with its place.

The layout is the one other MCP clients use, so that their files can be taken as they are; JSON
is YAML too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from mixvllm.errors import Problem
from mixvllm.settings.fields import section_aliases
from mixvllm.settings.file_keys import EXTENSION_PREFIX, MCP_KEY, PROFILES_KEY
from mixvllm.settings.names import nearest
from mixvllm.settings.problems import show_value
from mixvllm.settings.yaml_document import KeyPath, YamlDocument, position_of

DEFAULT_TIMEOUT_S = 30.0

# `$` alone is text; `${NAME}` is replaced, and `${NAME:-text}` has a value for when it is not set.
PLACEHOLDER = re.compile(r"\$\{(?P<inside>[^}]*)(?P<end>\}?)")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(:-.*)?")
# What goes with a server that is started here, and with one that runs elsewhere.
BELONGS_TO = {"command": ("args", "env", "cwd"), "url": ("headers",)}
TRANSPORTS = {"command": ("stdio",), "url": ("http", "streamable-http", "sse")}

Text = Annotated[str, Field(min_length=1)]


class McpServer(BaseModel):
    """One server: a command that is started here, or the URL of one that runs elsewhere."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    command: Text | None = Field(
        None, description="The program to start; it speaks MCP on its standard input and output."
    )
    args: list[str] = Field([], description="The program's arguments.")
    env: dict[str, str] = Field(
        {}, description="Variables for the program, beside those it needs to run at all."
    )
    cwd: Text | None = Field(None, description="The directory to start the program in.")
    url: Text | None = Field(None, description="The address of a server that runs already.")
    headers: dict[str, str] = Field(
        {}, description="HTTP headers for every request, such as Authorization."
    )
    transport: Literal["stdio", "http", "streamable-http", "sse"] | None = Field(
        None, description="How to talk to it; made out from `command` or `url` when left out."
    )
    timeout_s: float = Field(
        DEFAULT_TIMEOUT_S, gt=0, description="Seconds to wait for its start and for each answer."
    )


# How other clients spell a field.
ALIASES = {"type": "transport"}


def check_mcp_document(document: YamlDocument) -> list[Problem]:
    """Everything that is wrong with it, in reading order."""
    problems = [*document.problems, *_Checker(document).check()]
    return sorted(problems, key=lambda p: (p.line or 0, p.column or 0))


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
        renamed = {ALIASES.get(name, name): value for name, value in server.items()}
        written = {ALIASES.get(name, name): name for name in server}
        given = {name: value for name, value in renamed.items() if value is not None}
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
        if isinstance(url, str) and not url.startswith(("http://", "https://", "${")):
            message = f"must start with http:// or https://, not {show_value(url)}"
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
        shown = f", not {show_value(value)}" if value != "" else ""
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        quoted = f'write it in quotes: "{value}"'
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
        position = position_of(self.document.positions, path)
        place = getattr(position, at, None)
        key = ".".join(str(part) for part in path)
        return self.document.problem(message, place, key, suggestion, "invalid-value")


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
