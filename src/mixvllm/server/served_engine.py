"""Builds the engine that the settings describe: finds the model, then has vLLM load it."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from mixvllm.models.sources.hub import cached_directory
from mixvllm.server.engine import Engine, StepReporter
from mixvllm.server.gpu_memory import GpuMemory
from mixvllm.server.lifecycle import Phase, Progress
from mixvllm.server.model_files import locate_model
from mixvllm.server.prediction import Prediction, predict
from mixvllm.server.read_ahead import read_ahead
from mixvllm.settings.schema import ServeConfig
from mixvllm.vllm_internals.command_line import api_server_arguments
from mixvllm.vllm_internals.environment import prepare_environment
from mixvllm.vllm_internals.installed import InstalledEngine
from mixvllm.vllm_internals.warm_processes import WarmContext
from mixvllm.vllm_internals.warm_start import start_warm


@dataclass
class ServedEngineBuilder:
    """Builds vLLM engines for one set of settings.

    Attributes:
        settings: The settings.
        installed: The vLLM that is installed.
        prediction: What the engine is expected to report, once the model is located.
        sock: The socket that requests come in by.
        access_log: Whether every request is logged.
        gpu_memory: What must be free again before a dead engine is replaced.
        warm: What its processes are copied from, where they are.
        began: When the server began, by the monotonic clock.
    """

    settings: ServeConfig
    installed: InstalledEngine
    sock: socket.socket
    access_log: bool = False
    prediction: Prediction = field(default=Prediction(reason="the model is not located yet"))
    gpu_memory: GpuMemory = field(default_factory=GpuMemory)
    warm: WarmContext | None = None
    began: float = field(default_factory=time.monotonic)

    def warm_up(self) -> None:
        """Have vLLM imported ahead where that is known to be safe; call it in the main thread."""
        environ = dict(os.environ)
        self._prepare(environ)
        self.warm = start_warm(self.settings, self.installed, environ)

    def build(self, on_step: StepReporter) -> Engine:
        """Find the model and load it; see `EngineBuilder`."""
        waiting = Progress("waiting until the memory of the GPUs is free")
        self.gpu_memory.wait_until_back(lambda: on_step(Phase.CHECKING, waiting))
        model_path = locate_model(self.settings.model, on_step, self.settings.vllm)
        self._read_ahead(model_path)
        # Asking the driver may take seconds, and loading does not wait for it.
        threading.Thread(target=self._predict, name="prediction", daemon=True).start()
        arguments = api_server_arguments(
            self.settings, build=self.installed.build, model_path=model_path
        )
        on_step(Phase.LOADING, Progress(f"importing vLLM {self.installed.version}"))
        self._prepare(os.environ)
        if self.settings.server.workers > 1:
            from mixvllm.server.api_workers import build_api_workers
            from mixvllm.vllm_internals.shared_engine import launch_shared_engine

            return build_api_workers(
                partial(launch_shared_engine, arguments, self.settings.server.workers),
                self.settings,
                self.sock,
                began=self.began,
                access_log=self.access_log,
            )
        from mixvllm.vllm_internals.vllm_engine import build_engine

        return build_engine(arguments, self.warm)

    def _prepare(self, environ: MutableMapping[str, str]) -> None:
        prepare_environment(
            environ,
            key_is_ours=self.settings.server.api_key is not None,
            max_n=self.settings.server.max_n,
            cpu_ranks=self._cpu_ranks,
        )

    @property
    def _cpu_ranks(self) -> int:
        """How many processes compute on CPUs."""
        asked = self.settings.inference
        ranks = asked.tensor_parallel_size * asked.pipeline_parallel_size
        return ranks * asked.data_parallel_size if self.installed.build == "cpu" else 1

    def _read_ahead(self, model_path: str | None) -> None:
        model = self.settings.model
        assert model.name is not None
        directory = model_path or cached_directory(model.name, model.revision)
        if directory is not None:
            read_ahead(Path(directory), self.settings.vllm)

    def _predict(self) -> None:
        self.prediction = predict(self.settings, self.installed)
