"""Check files on their own, all problems at once: what `config validate` does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mixvllm.errors import Problem
from mixvllm.settings.file_keys import MCP_KEY
from mixvllm.settings.layers.environment import read_environment
from mixvllm.settings.layers.yaml_file import ConfigFile, interpret
from mixvllm.settings.validate import errors_of, validate
from mixvllm.settings.yaml_document import YamlDocument, read_yaml

ENVIRONMENT_ENTRY = "environment"


@dataclass(frozen=True)
class FileReport:
    """What was found in one file.

    Attributes:
        file: The file as the user named it, or `environment`.
        problems: Errors and warnings, in reading order.
        notes: What is no problem but worth knowing.
        config: What it gives, where it is a file of settings.
    """

    file: str
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()
    config: ConfigFile | None = None

    @property
    def names_model(self) -> bool:
        """Whether it names a model, in a profile at least."""
        given = self.config.everything().given if self.config else ()
        return any(each.key == "model.name" and each.value is not None for each in given)

    def is_ok(self, *, strict: bool = False) -> bool:
        """Whether nothing in it stops; under `strict` warnings stop too."""
        return not (self.problems if strict else errors_of(self.problems))


def check_files(files: Sequence[Path], environment: Mapping[str, str]) -> list[FileReport]:
    """Check every file, and the variables that would lie above them if any is wrong."""
    reports = [check_file(file) for file in files]
    variables = validate(read_environment(environment)).problems
    if variables:
        reports.append(FileReport(ENVIRONMENT_ENTRY, tuple(variables)))
    return reports


def check_file(file: Path) -> FileReport:
    """Check one file: settings with all their profiles, or MCP servers."""
    document = read_yaml(file)
    if isinstance(document.data, dict) and MCP_KEY in document.data:
        # Building these models takes time that files of settings need not wait for.
        from mixvllm.settings.mcp_check import check_mcp_document

        return FileReport(document.file, tuple(check_mcp_document(document)))
    return _check_settings(document)


def _check_settings(document: YamlDocument) -> FileReport:
    config = interpret(document)
    reading = validate(config.everything())
    report = FileReport(document.file, in_reading_order(reading.problems), config=config)
    if report.names_model or report.problems:
        return report
    note = "names no model: give one with --model or MIXVLLM_MODEL__NAME"
    return replace(report, notes=(note,))


def in_reading_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Problems by their places in the file."""
    return tuple(sorted(problems, key=lambda p: (p.line or 0, p.column or 0)))
