"""A whole server on the small engine, as a program: `python -m tests.server.small_server`."""

import argparse
import json
import multiprocessing
import socket
import sys
import threading
import time
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

from mixvllm.server.address import listen
from mixvllm.server.api_workers import ApiWorkers, build_api_workers
from mixvllm.server.children import leave, own_children_from_now_on
from mixvllm.server.engine import StepReporter
from mixvllm.server.lifecycle import Phase, Progress
from mixvllm.server.logs import printed_as_json
from mixvllm.server.output_capture import capture_output
from mixvllm.server.prediction import Prediction
from mixvllm.server.progress import ServerEvent
from mixvllm.server.reload import ReloadRefused, SettingsReloaded
from mixvllm.server.run import ServerRun, run_server
from mixvllm.settings.schema import ServeConfig
from tests.server.small_engine import SmallBuilder, SmallEngine, served
from tests.server.small_workers import launch_small


class WithChild(SmallBuilder):
    """Starts a process, as a real engine does."""

    def build(self, on_step: StepReporter) -> SmallEngine:
        child = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(600,))
        child.start()
        assert child.pid is not None
        self.engine.pids = (child.pid,)
        return super().build(on_step)


@dataclass
class WithWorkers:
    """Starts API workers, each with a small engine of its own; holds the build until `gate`."""

    settings: ServeConfig
    sock: socket.socket
    gate: threading.Event = field(default_factory=threading.Event)
    prediction: Prediction = field(default_factory=lambda: Prediction(64))
    began: float = field(default_factory=time.monotonic)

    def build(self, on_step: StepReporter) -> ApiWorkers:
        on_step(Phase.LOADING, Progress("loading", 0.5))
        self.gate.wait(30)
        launch = partial(launch_small, self.settings.server.workers)
        return build_api_workers(
            launch, self.settings, self.sock, began=self.began, access_log=False
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--grace", type=float, default=10)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--never-ready", action="store_true")
    parser.add_argument("--settings", type=Path, help="A JSON file that SIGHUP reads anew.")
    parser.add_argument("--verbose-json", type=Path, help="Log in JSON, to this file too.")
    given = parser.parse_args()

    def read() -> ServeConfig:
        sections = json.loads(given.settings.read_text()) if given.settings else {}
        address = {"host": "127.0.0.1", "port": given.port, "shutdown_grace_s": given.grace}
        address["workers"] = given.workers
        log_format = "json" if given.verbose_json else "text"
        server = {**address, "log_format": log_format, **sections.get("server", {})}
        return served(**{**sections, "server": server})

    own_children_from_now_on()
    sock = listen("127.0.0.1", given.port)
    builder = WithChild() if given.workers == 1 else WithWorkers(read(), sock)
    if not given.never_ready:
        builder.gate.set()
    run = ServerRun(read(), sock, builder, report=tell, reread=read)
    if given.verbose_json is None:
        error = run_server(run)
    else:
        with capture_output(given.verbose_json, echo=printed_as_json) as capture:
            error = run_server(replace(run, capture=capture, access_log=True))
    leave(1 if error else 0)


def tell(event: ServerEvent) -> None:
    """Write what a reload came to."""
    if isinstance(event, SettingsReloaded | ReloadRefused):
        sys.stderr.write(json.dumps(asdict(event)) + "\n")
        sys.stderr.flush()


if __name__ == "__main__":
    main()
