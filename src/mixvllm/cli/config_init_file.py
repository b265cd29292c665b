"""The file that `mixvllm config init` writes."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from mixvllm.cli.config_tuning import Tuning, refuse_half_a_wish, tuned_content
from mixvllm.cli.invocation import Invocation
from mixvllm.cli.settings import say_warnings
from mixvllm.errors import MixvllmError, UsageError
from mixvllm.render.settings import placed_problem_as_json
from mixvllm.settings.file_keys import DEFAULT_FILE
from mixvllm.settings.from_vllm_command import Converted, convert
from mixvllm.settings.json_schema import CONFIG_SCHEMA_FILE, MODELINE, config_schema, schema_text
from mixvllm.settings.starter import starter_file

STDOUT = Path("-")


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    Attributes:
        file: The file to write; `-` is stdout.
        model: The model that it names, or None.
        command: The command that is converted, or None.
        tuning: What it is tuned for.
        with_schema: Whether the JSON Schema is written beside it.
        force: Whether a file that is there is overwritten.
    """

    file: Path
    model: str | None
    command: str | None
    tuning: Tuning
    with_schema: bool
    force: bool


def write_config(invocation: Invocation, wanted: Wanted, *, as_json: bool) -> None:
    """Write the file, and say what of a converted command has no setting.

    Raises:
        UsageError: the wishes contradict each other.
        MixvllmError: the file cannot be written, or nothing does what is asked for.
    """
    file, force = wanted.file, wanted.force
    _refuse_contradictions(wanted)
    refuse_half_a_wish(wanted.tuning, wanted.model, wanted.command)
    beside = file.parent / CONFIG_SCHEMA_FILE
    has_schema = wanted.with_schema or (file != STDOUT and beside.is_file())
    if wanted.model is not None and wanted.tuning.gpu is not None:
        schema = CONFIG_SCHEMA_FILE if has_schema else None
        written = tuned_content(wanted.model, wanted.tuning, schema)
    else:
        written = _content(wanted.model, wanted.command, has_schema=has_schema)
    if file != STDOUT:
        _write(file, written.text, force=force)
    if wanted.with_schema and (force or not beside.exists()):
        _write(beside, schema_text(config_schema()), force=force)
    _tell(invocation, file, written, as_json=as_json)


def _refuse_contradictions(wanted: Wanted) -> None:
    file, model, command = wanted.file, wanted.model, wanted.command
    if model is not None and command is not None:
        hint = "Write the model into the command."
        raise UsageError("--model and --from are two ways to begin: give one of them.", hint=hint)
    if model is not None and not model.strip():
        raise UsageError("--model is empty.", hint="Leave it out for the embedded model.")
    if wanted.with_schema and file == STDOUT:
        hint = "`mixvllm config schema` prints the schema."
        raise UsageError("--with-schema needs a file to write beside.", hint=hint)


def _content(model: str | None, command: str | None, *, has_schema: bool) -> Converted:
    schema = CONFIG_SCHEMA_FILE if has_schema else None
    if command is None:
        return Converted(starter_file(model, schema=schema), ())
    converted = convert(sys.stdin.read() if command == "-" else command, Path.cwd())
    modeline = f"{MODELINE}{schema}\n" if schema else ""
    return Converted(modeline + converted.text, converted.warnings)


def _write(file: Path, text: str, *, force: bool) -> None:
    """Write a file; one that is there stays as it is unless `force` says otherwise."""
    try:
        with file.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        if file.is_dir():
            raise _is_directory(file) from None
        hint = "Give another name, or --force to overwrite it."
        raise MixvllmError(f"{file} exists already.", hint=hint) from None
    except IsADirectoryError:
        raise _is_directory(file) from None
    except FileNotFoundError:
        hint = f"Make it first: mkdir -p {shlex.quote(os.fspath(file.parent))}"
        raise MixvllmError(f"There is no directory {file.parent}.", hint=hint) from None
    except OSError as error:
        raise MixvllmError(f"{file} cannot be written: {error.strerror}.") from None


def _is_directory(file: Path) -> MixvllmError:
    hint = f"Name a file in it: {file / DEFAULT_FILE}."
    return MixvllmError(f"{file} is a directory.", hint=hint)


def _tell(invocation: Invocation, file: Path, written: Converted, *, as_json: bool) -> None:
    output = invocation.output
    if as_json:
        named = None if file == STDOUT else os.fspath(file)
        problems = [placed_problem_as_json(problem) for problem in written.warnings]
        output.json({"file": named, "content": written.text, "problems": problems})
        return
    if file == STDOUT:
        output.text(written.text)
    say_warnings(invocation, written.warnings)
    if file != STDOUT:
        default = file == Path(DEFAULT_FILE)
        output.note(f"wrote {file}; next: mixvllm serve" + ("" if default else f" --config {file}"))
