"""The public names and their arguments: whoever imports them may rely on both."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import mixvllm
from mixvllm.inference import config, server, utils
from mixvllm.settings.schema import ServeConfig

LOG = Path(__file__).parents[1] / "data" / "startup_logs" / "docker-0.17.1-a100.log"
HEAVY = ("torch", "vllm", "transformers", "fastapi", "uvicorn", "mcp", "openai", "typer", "rich")


def test_the_public_names_are_these() -> None:
    assert mixvllm.__all__ == [
        "AddressError",
        "Comparison",
        "DirectoryError",
        "EngineDiedError",
        "EngineStartError",
        "Estimate",
        "EstimateError",
        "GenerationDefaultsConfig",
        "Gpu",
        "InferenceConfig",
        "InstallationError",
        "Inventory",
        "LogError",
        "LogReport",
        "MixvllmError",
        "ModelConfig",
        "ModelError",
        "PreflightError",
        "Problem",
        "Resolved",
        "ServeConfig",
        "ServerConfig",
        "SettingsError",
        "Solution",
        "StartedServer",
        "UsageError",
        "__version__",
        "compare",
        "estimate",
        "list_gpus",
        "load_settings",
        "read_log",
        "serve",
        "solve",
    ]
    assert all(getattr(mixvllm, name) for name in mixvllm.__all__)
    assert set(mixvllm.__all__) <= set(dir(mixvllm))


@pytest.mark.parametrize(
    ("function", "signature"),
    [
        (
            mixvllm.estimate,
            "(model, *, gpu=None, kv_cache_memory=None, vllm_version=None, block_size=None, "
            "concurrency=None, load=None, measured=True, exact=False, **flags)",
        ),
        (
            mixvllm.solve,
            "(unknown, model=None, *, gpu=None, kv_cache_memory=None, vllm_version=None, "
            "block_size=None, concurrency=None, load=None, measured=True, **flags)",
        ),
        (
            mixvllm.compare,
            "(model, *, gpu=None, vllm_version=None, kv_cache_memory=None, block_size=None, "
            "concurrency=None, load=None, **flags)",
        ),
        (
            mixvllm.read_log,
            "(file, model=None, *, gpu=None, vllm_version=None, keep=False, **flags)",
        ),
        (mixvllm.load_settings, "(config=None, *, profile=None, environment=None, **flags)"),
        (mixvllm.list_gpus, "()"),
        (mixvllm.serve, "(model, *, wait=True, timeout_s=None, **flags)"),
        (mixvllm.StartedServer.wait_until_ready, "(self, timeout_s=None)"),
        (mixvllm.StartedServer.stop, "(self)"),
        (config.ServeConfig.from_yaml, "(path, profile=None)"),
        (config.ServeConfig.merge_cli_args, "(self, args)"),
        (server.start_server, "(settings, *, output=None)"),
        (server.build_vllm_command, "(settings)"),
        (utils.load_yaml_config, "(yaml_path)"),
        (utils.load_config_from_yaml, "(yaml_path)"),
        (utils.merge_configs, "(base_config, cli_args)"),
        (utils.merge_serve_config_with_cli, "(base_config, cli_args)"),
        (utils.get_gpu_info, "()"),
    ],
)
def test_the_arguments_are_these(function: object, signature: str) -> None:
    assert callable(function)
    found = inspect.signature(function)
    plain = [p.replace(annotation=p.empty) for p in found.parameters.values()]
    assert str(inspect.Signature(plain)) == signature


def test_the_first_design_names_the_same_classes() -> None:
    assert config.ServeConfig is mixvllm.ServeConfig is ServeConfig
    sections = {name: info.annotation for name, info in ServeConfig.model_fields.items()}
    assert sections["model"] is config.ModelConfig
    assert sections["inference"] is config.InferenceConfig
    assert sections["server"] is config.ServerConfig
    assert sections["generation_defaults"] is config.GenerationDefaultsConfig


def test_a_name_that_is_not_there_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="'mixvllm' has no attribute 'estimat'"):
        mixvllm.estimat  # type: ignore[attr-defined] # noqa: B018


def test_settings_estimates_and_gpus_load_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, mixvllm\n"
        "mixvllm.load_settings(model='demo')\n"
        "mixvllm.estimate('demo', gpu='L40S')\n"
        "mixvllm.solve('concurrency', 'demo', gpu='L40S')\n"
        "mixvllm.compare('demo', gpu=['L40S', 'T4'])\n"
        f"mixvllm.read_log({str(LOG)!r})\n"
        "mixvllm.list_gpus()\n"
        f"print(*[name for name in {HEAVY} if name in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)

    assert (done.stdout, done.stderr) == ("\n", "")
