"""The functions and classes of vLLM that mixvllm calls, and where each version has them."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass
from typing import Any

from mixvllm.errors import InstallationError
from mixvllm.vllm_internals.installed import SUPPORTED_TEXT, installed_engine

# 0.33 first, 0.32 after it: the module moved between the two.
CLI_ARGS = ("vllm.entrypoints.common.cli_args", "vllm.entrypoints.launchers.cli_args")


@dataclass(frozen=True)
class Symbol:
    """A name in vLLM.

    Attributes:
        name: The name; a dot leads into a class.
        modules: Where it may be, the newest version first.
        parameters: The parameters that we rely on.
    """

    name: str
    modules: tuple[str, ...]
    parameters: tuple[str, ...] = ()

    def load(self) -> Any:
        """Import it.

        Raises:
            InstallationError: no module has it, so this vLLM is not one that mixvllm knows.
        """
        for module in self.modules:
            try:
                found = importlib.import_module(module)
                for part in self.name.split("."):
                    found = getattr(found, part)
            except (ModuleNotFoundError, AttributeError):
                continue
            return found
        raise InstallationError(
            f"This vLLM ({_version()}) has no {self.name} in {' or '.join(self.modules)}.",
            hint=f"mixvllm supports vLLM {SUPPORTED_TEXT}.",
            code="vllm-unsupported",
        )

    def check(self) -> None:
        """Import it and compare its parameters with those that we rely on.

        Raises:
            InstallationError: it is missing, or takes other parameters.
        """
        found = self.load()
        if not self.parameters:
            return
        present = inspect.signature(found).parameters
        missing = [name for name in self.parameters if name not in present]
        if missing:
            raise InstallationError(
                f"{self.name} of this vLLM ({_version()}) takes no {', '.join(missing)}.",
                hint=f"mixvllm supports vLLM {SUPPORTED_TEXT}.",
                code="vllm-unsupported",
            )


def _version() -> str:
    engine = installed_engine()
    return engine.version if engine else "unknown"


PARSER_CLASS = Symbol("FlexibleArgumentParser", ("vllm.utils.argparse_utils",))
MAKE_ARG_PARSER = Symbol("make_arg_parser", CLI_ARGS, ("parser",))
VALIDATE_PARSED_ARGS = Symbol("validate_parsed_serve_args", CLI_ARGS, ("args",))
VALIDATE_API_SERVER_ARGS = Symbol(
    "validate_api_server_args",
    ("vllm.entrypoints.common.cli_args", "vllm.entrypoints.launchers.launcher"),
    ("args",),
)
PROPAGATE_LATE_INTERACTION = Symbol(
    "propagate_flash_late_interaction", CLI_ARGS, ("args", "engine_args")
)
TOOL_PARSERS = Symbol("ToolParserManager", ("vllm.tool_parsers",))
REASONING_PARSERS = Symbol("ReasoningParserManager", ("vllm.reasoning",))
CONFIGURE_LOGGING = Symbol("configure_logging_from_args", ("vllm.logger",), ("args",))
SET_ULIMIT = Symbol("set_ulimit", ("vllm.utils.system_utils",))
ENGINE_ARGS = Symbol("AsyncEngineArgs", ("vllm.engine.arg_utils",))
FROM_CLI_ARGS = Symbol("AsyncEngineArgs.from_cli_args", ("vllm.engine.arg_utils",), ("args",))
CREATE_ENGINE_CONFIG = Symbol(
    "AsyncEngineArgs.create_engine_config", ("vllm.engine.arg_utils",), ("usage_context",)
)
USAGE_CONTEXT = Symbol("UsageContext.OPENAI_API_SERVER", ("vllm.usage.usage_lib",))
FROM_VLLM_CONFIG = Symbol(
    "AsyncLLM.from_vllm_config",
    ("vllm.v1.engine.async_llm",),
    (
        "vllm_config",
        "usage_context",
        "enable_log_requests",
        "aggregate_engine_logging",
        "disable_log_stats",
        "client_addresses",
        "client_count",
        "client_index",
    ),
)
BIND_ENGINE_LISTENERS = Symbol(
    "bind_engine_zmq_listeners", ("vllm.v1.engine.utils",), ("vllm_config", "num_api_servers")
)
LAUNCH_CORE_ENGINES = Symbol(
    "launch_core_engines",
    ("vllm.v1.engine.utils",),
    ("vllm_config", "executor_class", "log_stats", "addresses"),
)
EXECUTOR_CLASS = Symbol("Executor.get_class", ("vllm.v1.executor",), ("vllm_config",))
API_PROCESSES = Symbol(
    "APIServerProcessManager",
    ("vllm.v1.utils",),
    (
        "listen_address",
        "sock",
        "args",
        "num_servers",
        "input_listeners",
        "output_listeners",
        "target_server_fn",
        "stats_update_address",
        "tensor_queue",
    ),
)
SHUTDOWN = Symbol("AsyncLLM.shutdown", ("vllm.v1.engine.async_llm",), ("timeout",))
ENGINE_DEAD = Symbol("EngineDeadError", ("vllm.v1.engine.exceptions",))
BUILD_APP = Symbol(
    "build_app", ("vllm.entrypoints.launchers.app",), ("args", "supported_tasks", "model_config")
)
INIT_APP_STATE = Symbol(
    "init_app_state",
    ("vllm.entrypoints.launchers.api_server.app_state",),
    ("engine_client", "state", "args", "supported_tasks"),
)
ENGINE_STARTER = Symbol("get_mp_context", ("vllm.v1.engine.utils",))
WORKER_STARTER = Symbol("get_mp_context", ("vllm.v1.executor.multiproc_executor",))
LOG_STATS_INTERVAL = Symbol("VLLM_LOG_STATS_INTERVAL", ("vllm.envs",))
FREEZE_GC_HEAP = Symbol("freeze_gc_heap", ("vllm.utils.gc_utils",))
QUANTIZATION_METHODS = Symbol("QUANTIZATION_METHODS", ("vllm.model_executor.layers.quantization",))


def check_symbols() -> None:
    """Check that the installed vLLM has everything that we call, as we call it.

    Raises:
        InstallationError: it does not; the message names the first difference.
    """
    for symbol in [value for value in globals().values() if isinstance(value, Symbol)]:
        symbol.check()
