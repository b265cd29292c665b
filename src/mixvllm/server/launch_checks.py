"""Ways of starting an engine that cannot work here, seen from the settings alone."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from mixvllm.errors import InstallationError, SettingsError
from mixvllm.settings.schema import ServeConfig
from mixvllm.vllm_internals.installed import InstalledEngine

# What vLLM has in one API process only.
LORA_UPDATES = "VLLM_ALLOW_RUNTIME_LORA_UPDATING"
ONE_PROCESS_ARGUMENTS = ("enable_elastic_ep",)
FALSE = ("", "0", "false")


def check_launch(
    settings: ServeConfig, environ: Mapping[str, str], engine: InstalledEngine
) -> None:
    """Refuse what cannot be started.

    Args:
        settings: The settings.
        environ: The environment that vLLM will see.
        engine: The vLLM that is installed.

    Raises:
        SettingsError: they ask for what goes another way, or not with this vLLM.
        InstallationError: they need Ray, which is not installed.
    """
    given = {name.replace("-", "_"): value for name, value in settings.vllm.items()}
    if given.get("headless"):
        raise SettingsError(
            "vllm.headless starts a machine that answers no requests, and `serve` answers them.",
            hint="Over several machines use Ray: one `serve`, and `ray start` on the others.",
            code="not-with-serve",
        )
    if "ray" in (
        settings.inference.distributed_executor_backend,
        given.get("data_parallel_backend"),
    ):
        _check_ray(engine)
    if settings.server.workers > 1:
        _check_workers(given, environ)


def _check_ray(engine: InstalledEngine) -> None:
    """Refuse Ray where it cannot start an engine.

    Raises:
        SettingsError: vLLM's CPU build has no name for its device in Ray, and says so when it has
            loaded (`vllm/v1/executor/ray_utils.py`).
        InstallationError: it is not installed.
    """
    if engine.build == "cpu":
        raise SettingsError(
            "distributed_executor_backend is ray, and vLLM's CPU build does not run on Ray.",
            hint="Leave the setting out, or set it to mp.",
            code="vllm-refuses-settings",
        )
    if find_spec("ray") is None:
        raise InstallationError(
            "distributed_executor_backend is ray, and Ray is not installed.",
            hint="On every machine: pip install 'ray[default]'. On one machine leave the setting "
            "out, or set it to mp.",
            code="ray-missing",
        )


def _check_workers(given: Mapping[str, object], environ: Mapping[str, str]) -> None:
    """Refuse what vLLM has in one API process only.

    Raises:
        SettingsError: it is asked for.
    """
    found = [f"vllm.{name}" for name in ONE_PROCESS_ARGUMENTS if given.get(name)]
    if environ.get(LORA_UPDATES, "").lower() not in FALSE:
        found.append(LORA_UPDATES)
    if found:
        raise SettingsError(
            f"{' and '.join(found)} works with one API process only, and server.workers is more.",
            hint="Leave server.workers at 1, or switch that off.",
            code="not-with-serve",
        )
