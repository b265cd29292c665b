"""The memory that this process may take."""

from pathlib import Path

import psutil

from mixvllm.server.machine_memory import machine_memory

GIB = 1 << 30


def test_without_a_limit_it_is_the_systems(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n")

    assert machine_memory(tmp_path).total_bytes == psutil.virtual_memory().total


def test_a_control_group_bounds_it_and_cached_files_count_as_free(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text(f"{GIB}\n")
    (tmp_path / "memory.current").write_text(f"{GIB * 3 // 4}\n")
    (tmp_path / "memory.stat").write_text(f"anon 1\ninactive_file {GIB // 2}\nactive_file 0\n")

    memory = machine_memory(tmp_path)

    assert (memory.total_bytes, memory.available_bytes) == (GIB, GIB * 3 // 4)
