"""What a server writes to stderr is kept, as long as there is a place for it."""

from __future__ import annotations

from pathlib import Path

from mixvllm.chat.mcp_log import ServerLog


def test_where_no_file_can_be_written_the_last_line_is_known_all_the_same(tmp_path: Path) -> None:
    in_the_way = tmp_path / "mcp"
    in_the_way.write_text("a file", encoding="utf-8")
    log = ServerLog("one", in_the_way)
    log.write(b"first\nlast words\n\n")
    assert (log.path, log.last_line) == (None, "last words")
    log.close()


def test_a_link_in_the_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("kept", encoding="utf-8")
    (tmp_path / "one.log").symlink_to(other)
    log = ServerLog("one", tmp_path)
    log.write(b"words")
    log.close()
    assert (log.path, other.read_text(encoding="utf-8")) == (None, "kept")


def test_a_server_that_is_started_again_keeps_its_file_and_begins_a_last_line(
    tmp_path: Path,
) -> None:
    log = ServerLog("../one", tmp_path)
    log.write(b"fatal\n")
    log.begin_again()
    assert log.last_line is None
    log.write("zwei ü".encode())
    log.close()
    assert log.path == tmp_path / "_one.log"
    assert log.path.read_text(encoding="utf-8").splitlines() == [
        "fatal",
        "",
        "(the server was started again)",
        "zwei ü",
    ]
