"""`serve`, `status`, `stop` as far as they go without an engine."""

import os
import shlex
import time
from pathlib import Path

import pytest

from mixvllm.server.address import listen
from mixvllm.server.registry import RegistryEntry, RunningServer, process_start
from tests.cli.command import Command


def register(port: int, log: str = "/var/log/small.log") -> RegistryEntry:
    """A server in the registry whose process is this one."""
    return RegistryEntry(
        RunningServer(
            pid=os.getpid(),
            process_started_at=process_start(os.getpid()),
            host="127.0.0.1",
            port=port,
            url=f"http://127.0.0.1:{port}",
            model="small",
            phase="ready",
            started_at=time.time(),
            log=log,
        )
    )


def test_a_dry_run_prints_the_settings_and_the_arguments_of_vllm(mixvllm: Command) -> None:
    ran = mixvllm("serve", "owner/name", "--dry-run", "--port", "9000", "--temperature", "0.3")

    assert ran.code == 0
    assert "port" in ran.out
    assert "--temperature" in ran.out
    words = shlex.split(ran.out.splitlines()[-1])
    assert words[:2] == ["--model", "owner/name"]
    assert words[words.index("--port") + 1] == "9000"


def test_a_dry_run_is_one_json_document_under_json(mixvllm: Command) -> None:
    ran = mixvllm("serve", "owner/name", "--dry-run", "--json", "--port", "9000")

    assert ran.code == 0
    assert set(ran.json) == {"settings", "vllm_arguments"}
    assert ran.json["settings"]["server"]["port"] == 9000
    assert ran.json["vllm_arguments"][:2] == ["--model", "owner/name"]


def test_a_dry_run_shows_no_secret(mixvllm: Command) -> None:
    for form in ([], ["--json"]):
        ran = mixvllm("serve", "owner/name", "--dry-run", "--api-key", "hush", *form)
        assert "hush" not in ran.out + ran.err


def test_json_without_a_dry_run_is_wrong_usage(mixvllm: Command) -> None:
    ran = mixvllm("serve", "owner/name", "--json")

    assert ran.code == 2
    assert "--dry-run" in ran.json["error"]["message"]


def test_a_key_as_a_flag_is_warned_about_and_not_repeated(mixvllm: Command) -> None:
    ran = mixvllm("serve", "./none", "--api-key", "hush")

    assert ran.code == 1
    assert "set MIXVLLM_SERVER__API_KEY instead" in ran.err
    assert "hush" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--model is required when not using --config"),
        (("./none",), "There is no model directory ./none."),
        (("./empty",), "has no config.json"),
        (("demo", "--host", "192.0.2.7"), "192.0.2.7 is not an address of this machine."),
        (("demo", "--host", "no-such-host.invalid"), "has no address"),
    ],
)
def test_a_mistake_is_told_before_anything_is_loaded(
    mixvllm: Command, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "empty").mkdir()

    ran = mixvllm("serve", *arguments)

    assert ran.code == 1
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_a_port_in_use_names_the_process_that_holds_it(mixvllm: Command) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        ran = mixvllm("serve", "demo", "--host", "127.0.0.1", "--port", str(port))

    assert ran.code == 1
    assert f"Port {port} is already in use by process {os.getpid()}" in ran.err
    assert "--port" in ran.err


def test_status_lists_the_servers(mixvllm: Command) -> None:
    entry = register(8123)

    table, document = mixvllm("status"), mixvllm("status", "--json")

    assert "8123" in table.out
    assert "ready" in table.out
    [server] = document.json["servers"]
    assert server["url"] == "http://127.0.0.1:8123"
    entry.remove()


def test_status_says_so_when_nothing_runs(mixvllm: Command) -> None:
    assert "No server is running here." in mixvllm("status").out
    assert mixvllm("status", "--json").json == {"servers": []}


def test_stop_without_a_server_has_nothing_to_do(mixvllm: Command) -> None:
    ran = mixvllm("stop")

    assert ran.code == 0
    assert "No server is running here." in ran.out


def test_stop_of_a_port_that_is_not_ours_names_those_that_are(mixvllm: Command) -> None:
    register(8123)

    ran = mixvllm("stop", "9999")

    assert ran.code == 1
    assert "No server of mixvllm runs on port 9999." in ran.err
    assert "8123" in ran.err


def test_stop_asks_which_of_several_servers_is_meant(mixvllm: Command) -> None:
    register(8123)
    register(8124)

    ran = mixvllm("stop")

    assert ran.code == 2
    assert "8123 (small), 8124 (small)" in ran.err


def test_in_a_pipe_a_server_is_one_line(mixvllm: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS")
    entry = register(8123, log=f"/{'long/' * 40}serve.log")

    lines = mixvllm("status").out.splitlines()

    assert len(lines) == 2
    assert lines[1].split()[-1] == entry.server.log
    entry.remove()
