"""Which GGUF files a name means, as vLLM's plugin for them picks (`vllm-gguf-plugin` 0.0.5)."""

from __future__ import annotations

import re
from pathlib import Path

from mixvllm.errors import ModelError

PART = re.compile(r"-(\d+)-of-(\d+)\.gguf$")
# Of a directory without a file in the format, so many others are named.
MOST_NAMED = 5


def gguf_in_directory(name: str) -> Path | None:
    """The file that DIRECTORY:FORMAT means; None where a name has another form.

    Of several files of the format it is the one whose path has the fewest dashes, then the first
    (`resolve_local_gguf`).

    Raises:
        ModelError: there is such a directory, and no such file in it.
    """
    given, colon, form = name.rpartition(":")
    directory = Path(given).expanduser()
    if not (colon and given and form) or Path(name).exists() or not directory.is_dir():
        return None
    files = sorted(directory.glob("*.gguf"))
    of_format = re.compile(rf"-{re.escape(form)}(-.*)?\.gguf$")
    found = [file for file in files if of_format.search(file.name)]
    if not found:
        raise _none_of(directory, form, files)
    return min(found, key=lambda file: (file.name.count("-"), file))


def _none_of(directory: Path, form: str, files: list[Path]) -> ModelError:
    more = ", ..." if len(files) > MOST_NAMED else ""
    there = ", ".join(str(file) for file in files[:MOST_NAMED]) + more
    return ModelError(
        f"The directory {directory} has no GGUF file in the format {form} (*-{form}.gguf).",
        hint=f"Name one by its path: {there}." if files else "Name a directory that has one.",
        code="model-not-found",
    )


def all_parts(file: Path) -> tuple[Path, ...]:
    """The files of a model that was split (`NAME-00001-of-00003.gguf`), or the one that there is.

    Raises:
        ModelError: one is missing.
    """
    split = PART.search(file.name)
    if split is None:
        return (file,)
    digits, count = len(split[1]), int(split[2])
    stem = file.name[: split.start()]
    if not 0 < count <= 10**digits:
        return (file,)
    names = (f"{stem}-{number:0{digits}}-of-{split[2]}.gguf" for number in range(1, count + 1))
    parts = []
    for name in names:
        part = file.with_name(name)
        if not part.is_file():
            raise ModelError(
                f"{file} is one of {count} files of a model, and {name} is not beside it.",
                hint="Fetch the model again: an interrupted download looks like this.",
                code="model-incomplete",
            )
        parts.append(part)
    return tuple(parts)
