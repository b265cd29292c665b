"""Builds the engine that the settings describe: finds the model, then has vLLM load it."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field

from mixvllm.server.engine import Engine, StepReporter
from mixvllm.server.gpu_memory import GpuMemory
from mixvllm.server.lifecycle import Phase, Progress
from mixvllm.server.model_files import locate_model
from mixvllm.server.prediction import Prediction, predict
from mixvllm.settings.schema import ServeConfig
from mixvllm.vllm_internals.command_line import api_server_arguments
from mixvllm.vllm_internals.environment import prepare_environment
from mixvllm.vllm_internals.installed import InstalledEngine
from mixvllm.vllm_internals.warm_processes import WarmContext


@dataclass
class ServedEngineBuilder:
    """Builds vLLM engines for one set of settings.

    Attributes:
        settings: The settings.
        installed: The vLLM that is installed.
        prediction: What the engine is expected to report, once the model is located.
        gpu_memory: What must be free again before a dead engine is replaced.
        warm: What its processes are copied from, where they are.
    """

    settings: ServeConfig
    installed: InstalledEngine
    prediction: Prediction = field(default=Prediction(reason="the model is not located yet"))
    gpu_memory: GpuMemory = field(default_factory=GpuMemory)
    warm: WarmContext | None = None

    def build(self, on_step: StepReporter) -> Engine:
        """Find the model and load it; see `EngineBuilder`."""
        waiting = Progress("waiting until the memory of the GPUs is free")
        self.gpu_memory.wait_until_back(lambda: on_step(Phase.CHECKING, waiting))
        model_path = locate_model(self.settings.model, on_step, self.settings.vllm)
        # Asking the driver may take seconds, and loading does not wait for it.
        threading.Thread(target=self._predict, name="prediction", daemon=True).start()
        arguments = api_server_arguments(
            self.settings, build=self.installed.build, model_path=model_path
        )
        on_step(Phase.LOADING, Progress(f"importing vLLM {self.installed.version}"))
        key_is_ours = self.settings.server.api_key is not None
        prepare_environment(os.environ, key_is_ours=key_is_ours, max_n=self.settings.server.max_n)
        from mixvllm.vllm_internals.vllm_engine import build_engine

        return build_engine(arguments, self.warm)

    def _predict(self) -> None:
        self.prediction = predict(self.settings, self.installed)
