"""What starts on this machine measured, kept in the user's data directory: a small file each."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from mixvllm.directories import data_directory
from mixvllm.errors import DirectoryError, writing_to
from mixvllm.memory.measured import Conditions, Measurement
from mixvllm.models.found import FoundModel
from mixvllm.models.names import is_path

FORMAT = 1
VARIABLE = "XDG_DATA_HOME"
# Files of ours are some hundred bytes long.
LARGEST_FILE = 1 << 16


@dataclass(frozen=True)
class ModelIdentity:
    """Which model was measured: its name alone does not tell, for files change under it.

    Attributes:
        name: Its name on the hub, or the whole path of its directory.
        weights_bytes: The size of the checkpoint.
    """

    name: str
    revision: str | None
    architecture: str
    weights_bytes: int | None


Read = TypeVar("Read", ModelIdentity, Conditions, Measurement)


@dataclass(frozen=True)
class Kept:
    """The measurements of one model.

    Attributes:
        measurements: The newest first.
        damaged: Files that are none of ours, or of another format.
    """

    measurements: tuple[Measurement, ...]
    damaged: tuple[Path, ...]


def directory() -> Path:
    """Where they are kept."""
    return data_directory() / "measurements"


def identity_of(found: FoundModel, revision: str | None) -> ModelIdentity:
    """Which model this is."""
    name = found.description.name
    local = is_path(name) or Path(name).expanduser().exists()
    return ModelIdentity(
        name=str(Path(name).expanduser().resolve()) if local else name,
        revision=revision,
        architecture=found.description.architecture,
        weights_bytes=found.weights.total_bytes if found.weights else None,
    )


def keep(model: ModelIdentity, measurement: Measurement) -> Path:
    """Keep a measurement in the place of an older one of the same conditions.

    Whole or not at all, whoever writes at the same time: of two writers the later one stays.

    Raises:
        DirectoryError: the data directory cannot be written.
    """
    folder = directory()
    document = {
        "format": FORMAT,
        "model": asdict(model),
        "measurement": asdict(measurement),
    }
    with writing_to(folder, VARIABLE):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / _file_name(model, measurement.conditions)
        handle, unfinished = tempfile.mkstemp(dir=folder, prefix=".", suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(json.dumps(document, indent=2) + "\n")
            Path(unfinished).replace(path)
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise
    return path


def kept(model: ModelIdentity) -> Kept:
    """The measurements of a model; a damaged file is named, never fatal."""
    found, damaged = [], []
    for path in _files():
        try:
            identity, measurement = _read(path)
        except FileNotFoundError:
            continue
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            damaged.append(path)
            continue
        if identity == model:
            found.append(measurement)
    found.sort(key=lambda each: each.measured_at, reverse=True)
    return Kept(tuple(found), tuple(damaged))


def forget(model: ModelIdentity) -> int:
    """Remove what was measured of a model, of whatever revision; how many files went.

    Raises:
        DirectoryError: a file cannot be removed.
    """
    gone = 0
    for path in _files():
        try:
            identity, _ = _read(path)
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            continue
        if identity.name != model.name:
            continue
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise DirectoryError(f"Cannot remove {path}: {error.strerror}.") from error
        gone += 1
    return gone


def _files() -> list[Path]:
    try:
        return sorted(directory().glob("*.json"))
    except OSError:
        return []


def _read(path: Path) -> tuple[ModelIdentity, Measurement]:
    if path.stat().st_size > LARGEST_FILE:
        raise ValueError("too large")
    document = json.loads(path.read_bytes())
    if document["format"] != FORMAT:
        raise ValueError("another format")
    measured = dict(document["measurement"])
    conditions = _typed(Conditions, measured.pop("conditions"))
    return (
        _typed(ModelIdentity, document["model"]),
        _typed(Measurement, {**measured, "conditions": conditions}),
    )


def _typed(kind: type[Read], values: dict[str, Any]) -> Read:
    """A dataclass from JSON; every field of the type that it is declared with.

    Raises:
        TypeError: a field is missing, unknown, or of another type.
    """
    made = kind(**values)
    for field in fields(made):
        value, declared = getattr(made, field.name), str(field.type)
        allowed = [part.strip() for part in declared.split("|")]
        name = "None" if value is None else type(value).__name__
        if name not in allowed:
            raise TypeError(f"{field.name} is {name}, not {declared}")
    return made


def _file_name(model: ModelIdentity, conditions: Conditions) -> str:
    said = json.dumps([asdict(model), conditions.without_size()])
    readable = "".join(c if c.isalnum() or c in "-." else "_" for c in model.name)[-80:]
    return f"{readable}-{hashlib.sha256(said.encode()).hexdigest()[:12]}.json"
