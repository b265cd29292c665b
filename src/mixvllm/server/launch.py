"""Starts `mixvllm serve` as a process of its own, and waits until it is ready."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from mixvllm.directories import state_directory
from mixvllm.errors import EngineStartError, writing_to
from mixvllm.server.address import url_of
from mixvllm.server.ending import PATIENCE_S
from mixvllm.server.lifecycle import Phase
from mixvllm.server.output_capture import new_log_file
from mixvllm.server.registry import RunningServer, running_servers
from mixvllm.settings.layers.environment import without_settings
from mixvllm.settings.resolve import require_model
from mixvllm.settings.schema import ServeConfig

LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class StartedServer:
    """A `mixvllm serve` that this program started; it ends with the `with` block.

    Attributes:
        settings: What it serves, and where.
        process: Its process.
        log: The file with what it writes to stdout and stderr.
    """

    settings: ServeConfig
    process: subprocess.Popen[bytes]
    log: Path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where it answers on this machine."""
        return url_of(self.settings.server.host, self.settings.server.port)

    @property
    def said(self) -> str:
        """What it has written so far, in words."""
        return self.log.read_text(encoding="utf-8", errors="replace").strip()

    def status(self) -> RunningServer | None:
        """What `mixvllm status` tells of it; None before it begins and after its end."""
        own = (server for server in running_servers() if server.pid == self.process.pid)
        return next(own, None)

    def wait_until_ready(self, timeout_s: float | None = None) -> None:
        """Wait until the model is loaded.

        Raises:
            EngineStartError: it ended before; the hint is what it said.
            TimeoutError: it is not ready in time; it goes on loading.
        """
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while (status := self.status()) is None or status.phase != Phase.READY:
            if until is not None and time.monotonic() > until:
                phase = status.phase if status else Phase.STARTING
                raise TimeoutError(f"The server is not ready after {timeout_s:g} s: {phase}.")
            try:
                code = self.process.wait(LOOK_EVERY_S)
            except subprocess.TimeoutExpired:
                continue
            raise EngineStartError(
                f"The server ended with {code} before it was ready.", hint=self.said or None
            )

    def stop(self) -> None:
        """End it as Ctrl-C would; open streams may go on for `server.shutdown_grace_s`."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(self.settings.server.shutdown_grace_s + PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def start_server(
    settings: ServeConfig, *, output: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """Start `mixvllm serve` with these settings and no others.

    It writes where this program does, or into `output`: never into a pipe, for one that nobody
    reads fills up and stops it.

    Raises:
        SettingsError: the settings name no model.
    """
    require_model(settings)
    # A file in memory: it holds the key, and is gone with the last process that has it open.
    handle = os.memfd_create("mixvllm.yaml")
    with os.fdopen(handle, "w", encoding="utf-8") as config:
        json.dump(settings.revealed(), config, indent=2)
        config.flush()
        command = [sys.executable, "-m", "mixvllm", "serve", "--config", f"/proc/self/fd/{handle}"]
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[handle],
            env=without_settings(os.environ),
        )


def launch(settings: ServeConfig) -> StartedServer:
    """Start `mixvllm serve`, with what it says in a file beside the logs of vLLM.

    Raises:
        SettingsError: the settings name no model.
        DirectoryError: the directory of the logs cannot be written.
    """
    logs = state_directory() / "logs"
    with writing_to(logs, "XDG_STATE_HOME"):
        log = new_log_file(logs, now=datetime.now(), of_child=True)
    with log.open("wb") as output:
        return StartedServer(settings, start_server(settings, output=output), log)
