import ctypes
import mmap
import os
from functools import partial
from pathlib import Path

import pytest

from mixvllm.server.machine_memory import machine_memory
from mixvllm.server.read_ahead import PIECE_BYTES, read_ahead, weight_files
from tests.faults.clients import until

SIZE = 3 * PIECE_BYTES + 1000


def cached_share(file: Path) -> float:
    """The share of a file's pages that are in memory, as mincore(2) tells."""
    libc = ctypes.CDLL(None, use_errno=True)
    with file.open("r+b") as opened, mmap.mmap(opened.fileno(), 0) as mapped:
        pages = -(-len(mapped) // mmap.PAGESIZE)
        marks = (ctypes.c_ubyte * pages)()
        first = ctypes.c_char.from_buffer(mapped)
        failed = libc.mincore(ctypes.byref(first), ctypes.c_size_t(len(mapped)), marks)
        del first
    assert not failed, os.strerror(ctypes.get_errno())
    return sum(mark & 1 for mark in marks) / pages


def is_cached(file: Path) -> bool:
    return cached_share(file) > 0.9


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Weights that are on the disk and not in memory."""
    for name in ("model-1.safetensors", "model-2.safetensors", "old.bin"):
        file = tmp_path / name
        file.write_bytes(os.urandom(SIZE))
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        if cached_share(file) > 0.1:
            pytest.skip("this file system keeps its files in memory")
    return tmp_path


def test_weights_are_in_memory_soon_and_other_files_are_left(model: Path) -> None:
    thread = read_ahead(model)

    assert thread is not None
    thread.join(30)
    assert [file.name for file in weight_files(model)] == [
        "model-1.safetensors",
        "model-2.safetensors",
    ]
    for file in weight_files(model):
        until(partial(is_cached, file), within_s=20)
    assert cached_share(model / "old.bin") < 0.1


@pytest.mark.parametrize("argument", ["load_format", "download_dir"])
def test_nothing_is_read_where_vllm_loads_other_files(model: Path, argument: str) -> None:
    assert read_ahead(model, [argument]) is None


def test_nothing_is_read_that_would_fill_the_memory(tmp_path: Path) -> None:
    with (tmp_path / "model.safetensors").open("wb") as sparse:
        sparse.truncate(machine_memory().available_bytes)

    assert read_ahead(tmp_path) is None


def test_a_directory_without_weights_is_left_to_vllm(tmp_path: Path) -> None:
    assert read_ahead(tmp_path) is None
