"""Read a file of MCP servers for a chat: `${NAME}` is filled in, and the result is a mapping."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mixvllm.errors import Problem, SettingsError
from mixvllm.settings.file_keys import MCP_KEY
from mixvllm.settings.mcp_check import check_mcp_document, given_fields, problem_with
from mixvllm.settings.mcp_servers import PLACEHOLDER, URL_STARTS, VARIABLE, McpServer
from mixvllm.settings.resolve import invalid_settings
from mixvllm.settings.validate import errors_of
from mixvllm.settings.yaml_document import KeyPath, YamlDocument, read_yaml


def load_mcp_servers(path: Path, environment: Mapping[str, str]) -> dict[str, McpServer]:
    """The servers that a file names, in its order, with what `${NAME}` stands for in them.

    Args:
        path: The file, YAML or JSON.
        environment: Where `${NAME}` is looked up; as in a shell, `${NAME:-text}` has the text
            where the variable is empty, too.

    Raises:
        SettingsError: with everything that is wrong with the file, each problem with its place.
    """
    document = read_yaml(path)
    if not isinstance(document.data, dict) or MCP_KEY not in document.data:
        raise _not_of_servers(document)
    problems = check_mcp_document(document)
    if errors_of(problems):
        raise invalid_settings(problems)
    filling = _Filling(document, environment)
    servers = {
        name: filling.server(server, (MCP_KEY, name))
        for name, server in (document.data[MCP_KEY] or {}).items()
    }
    if filling.problems:
        raise invalid_settings(filling.problems)
    return {name: McpServer.model_validate(given) for name, given in servers.items()}


def _not_of_servers(document: YamlDocument) -> SettingsError:
    if document.problems:
        # What is suggested for a file that is missing or empty would be one of settings.
        return invalid_settings([replace(p, suggestion=None) for p in document.problems])
    return SettingsError(
        f"{document.file} names no MCP servers: it has no `{MCP_KEY}:`.",
        hint=f"`{MCP_KEY}: {{time: {{command: mixvllm-mcp, args: [time]}}}}` would name one.",
    )


class _Filling:
    """Fill in the placeholders of one document; what has no value is a problem."""

    def __init__(self, document: YamlDocument, environment: Mapping[str, str]) -> None:
        self.document = document
        self.environment = environment
        self.problems: list[Problem] = []

    def server(self, server: dict[str, Any], path: KeyPath) -> dict[str, Any]:
        """The fields of one server."""
        before = len(self.problems)
        given = given_fields({name: self._value(v, (*path, name)) for name, v in server.items()})
        if len(self.problems) == before:
            self._check(given, path)
        return given

    def _check(self, given: dict[str, Any], path: KeyPath) -> None:
        """What a placeholder may have made of fields that must not be just any text."""
        for name in ("command", "url", "cwd"):
            if given.get(name) == "":
                self._add((*path, name), "is empty when its variables are filled in")
            elif name == "url" and not given.get(name, URL_STARTS[0]).startswith(URL_STARTS):
                starts = " or ".join(URL_STARTS)
                message = f"must start with {starts}, and does not with its variables filled in"
                self._add((*path, name), message)

    def _add(self, path: KeyPath, message: str, suggestion: str | None = None) -> None:
        problem = problem_with(self.document, path, message, suggestion, at="value")
        self.problems.append(problem)

    def _value(self, value: Any, path: KeyPath) -> Any:
        if isinstance(value, dict):
            return {name: self._value(item, (*path, name)) for name, item in value.items()}
        if isinstance(value, list):
            return [self._value(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, str):
            return PLACEHOLDER.sub(lambda found: self._text(found, path), value)
        return value

    def _text(self, found: re.Match[str], path: KeyPath) -> str:
        variable = VARIABLE.fullmatch(found["inside"])
        if variable is None:
            raise AssertionError("a file is checked before it is filled in")
        value = self.environment.get(variable["name"])
        if variable["otherwise"] is not None:
            return value or variable["otherwise"]
        if value is None:
            name = variable["name"]
            message = f"{name} is not set in the environment"
            suggestion = f"set it, or write ${{{name}:-text}} for when it is not"
            self._add(path, message, suggestion)
        return value or ""
