"""Exit codes, and which error ends with which."""

from __future__ import annotations

from enum import IntEnum

from mixvllm.errors import MixvllmError, SettingsError, UsageError


class ExitStatus(IntEnum):
    """The exit codes of every command (docs/cli.md)."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NO = 3

    @property
    def meaning(self) -> str:
        """When a command ends with it."""
        return MEANINGS[self]


MEANINGS = {
    ExitStatus.DONE: "done; also a stop by Ctrl-C or SIGTERM",
    ExitStatus.FAILED: "the work failed: the settings are invalid, the model does not fit or could "
    "not be loaded, the engine died and could not be brought back",
    ExitStatus.USAGE: "the command line itself is wrong",
    ExitStatus.NO: "the answer is no: `estimate-kv` with a GPU and the model does not fit, "
    "`gpus --require` not met, `gpus --for` fits nowhere, `doctor --strict` found a problem",
}


def exit_status_of(error: MixvllmError) -> ExitStatus:
    """The exit code for an error: 2 when nothing but the command line is wrong, else 1."""
    if isinstance(error, UsageError):
        return ExitStatus.USAGE
    if isinstance(error, SettingsError):
        errors = [problem for problem in error.problems if problem.severity == "error"]
        if errors and all(problem.source == "command line" for problem in errors):
            return ExitStatus.USAGE
    return ExitStatus.FAILED
