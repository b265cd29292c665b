"""docs/architecture.md's picture as a table, checked against every import, lazy ones included."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
LEAVES = (
    "mixvllm",
    "mixvllm.error_codes",
    "mixvllm.errors",
    "mixvllm.directories",
    "mixvllm.secret_names",
    "mixvllm.sizes",
)

# Who may import what of ours, beside itself and the leaves; the longest matching name decides.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "mixvllm.__main__": ("mixvllm.cli",),
    "mixvllm.cli": ("mixvllm",),
    # The Python API: what the commands do, without drawing.
    "mixvllm.api": (
        "mixvllm.gpus",
        "mixvllm.memory",
        "mixvllm.models",
        "mixvllm.server.launch",
        "mixvllm.server.named_processes",
        "mixvllm.settings",
        "mixvllm.sizing",
    ),
    # Names of the package that mixvllm grew from, over the real functions.
    "mixvllm.inference": (
        "mixvllm.api",
        "mixvllm.server.launch",
        "mixvllm.server.vllm_command",
        "mixvllm.settings",
    ),
    # What is drawn, never what is done.
    "mixvllm.render": (
        "mixvllm.settings",
        "mixvllm.chat.events",
        "mixvllm.chat.mcp_state",
        "mixvllm.chat.served_model",
        "mixvllm.chat.tools",
        "mixvllm.doctor.check",
        "mixvllm.lessons.diagram",
        "mixvllm.lessons.lesson",
        "mixvllm.lessons.markdown",
        "mixvllm.lessons.spans",
        "mixvllm.lessons.troubles",
        "mixvllm.gpus.device",
        "mixvllm.gpus.formats",
        "mixvllm.sizing.placement",
        "mixvllm.memory.answer",
        "mixvllm.memory.budget",
        "mixvllm.memory.comparison",
        "mixvllm.sizing.logged",
        "mixvllm.memory.gpu_table",
        "mixvllm.memory.growth",
        "mixvllm.memory.kv.layer_cache",
        "mixvllm.memory.request",
        "mixvllm.memory.solution",
        "mixvllm.memory.unknowns",
        "mixvllm.models.description",
        "mixvllm.server.lifecycle",
        "mixvllm.server.progress",
        "mixvllm.server.registry",
        "mixvllm.server.reload",
        "mixvllm.memory.upgrade",
        "mixvllm.sizing.variant",
    ),
    "mixvllm.server": (
        "mixvllm.gpus",
        "mixvllm.settings.schema",
        "mixvllm.models",
        "mixvllm.sizing",
        "mixvllm.vllm_internals",
    ),
    # What starts a server from outside is told whole settings, and checks them.
    "mixvllm.server.launch": (
        "mixvllm.server",
        "mixvllm.settings",
    ),
    "mixvllm.server.vllm_command": (
        "mixvllm.models",
        "mixvllm.settings",
        "mixvllm.vllm_internals",
    ),
    "mixvllm.sizing": (
        "mixvllm.settings",
        "mixvllm.models",
        "mixvllm.memory",
        "mixvllm.gpus",
        "mixvllm.vllm_internals.arguments",
        "mixvllm.vllm_internals.installed",
        "mixvllm.vllm_internals.late_errors",
        "mixvllm.vllm_internals.log_lines",
        "mixvllm.vllm_internals.model_types",
        "mixvllm.vllm_internals.plugins",
        "mixvllm.vllm_internals.startup_log",
        "mixvllm.vllm_internals.tool_parsers",
        # `--exact`: the process that asks vLLM, and its answers; never vLLM itself.
        "mixvllm.vllm_internals.planner_answers",
        "mixvllm.vllm_internals.planner_process",
    ),
    "mixvllm.chat": (
        "mixvllm.settings",
        "mixvllm.server.address",
        "mixvllm.vllm_internals.tool_parsers",
    ),
    # Programs of their own, which tell a model what the commands tell people.
    "mixvllm.chat.shipped": ("mixvllm.api", "mixvllm.memory.answer", "mixvllm.server.registry"),
    "mixvllm.lessons": ("mixvllm.settings", "mixvllm.vllm_internals.arguments"),
    # A lesson is found and read without the settings, which take longer to import than all of it.
    **dict.fromkeys(
        ("mixvllm.lessons.library", "mixvllm.lessons.lesson", "mixvllm.lessons.troubles"),
        (
            "mixvllm.lessons.lesson",
            "mixvllm.lessons.markdown",
            "mixvllm.lessons.pages",
            "mixvllm.lessons.spans",
        ),
    ),
    "mixvllm.gpus": (),
    "mixvllm.doctor": (
        "mixvllm.gpus",
        "mixvllm.settings",
        "mixvllm.server.address",
        "mixvllm.server.registry",
        "mixvllm.vllm_internals.installed",
    ),
    "mixvllm.models": (),
    "mixvllm.memory": ("mixvllm.models.description", "mixvllm.models.weights.groups"),
    "mixvllm.settings": (
        "mixvllm.vllm_internals.arguments",
        "mixvllm.vllm_internals.installed",
        "mixvllm.vllm_internals.plugins",
        "mixvllm.vllm_internals.removed_arguments",
    ),
    "mixvllm.vllm_internals": ("mixvllm.settings.schema",),
    # Data that the settings are checked against: light, and below everything.
    "mixvllm.vllm_internals.arguments": (
        "mixvllm.vllm_internals.installed",
        "mixvllm.vllm_internals.plugins",
    ),
    "mixvllm.vllm_internals.plugins": ("mixvllm.vllm_internals.installed",),
    "mixvllm.vllm_internals.model_types": ("mixvllm.vllm_internals.arguments",),
    "mixvllm.vllm_internals.late_errors": ("mixvllm.vllm_internals.plugins",),
    "mixvllm.vllm_internals.removed_arguments": (),
    "mixvllm.vllm_internals.tool_parsers": ("mixvllm.vllm_internals.arguments",),
    "mixvllm.vllm_internals.installed": (),
    "mixvllm.error_codes": (),
    "mixvllm.errors": (),
    "mixvllm.directories": (),
    "mixvllm.secret_names": (),
    "mixvllm.sizes": (),
}

MCP_CLIENT = ("mixvllm.chat.mcp_connection", "mixvllm.chat.mcp_transports")
# One owner per outside library.
OWNERS: dict[str, tuple[str, ...]] = {
    "typer": ("mixvllm.cli",),
    "rich": ("mixvllm.cli", "mixvllm.render"),
    "ruamel": ("mixvllm.settings.yaml_document", "mixvllm.settings.yaml_writer"),
    "pydantic": (
        "mixvllm.settings",
        "mixvllm.chat.mcp_connection",
        "mixvllm.chat.shipped",
        "mixvllm.server",
        "mixvllm.render.settings",
        "mixvllm.vllm_internals.arguments",
    ),
    "pydantic_core": ("mixvllm.settings", "mixvllm.vllm_internals.arguments"),
    "pydantic_settings": ("mixvllm.settings.schema", "mixvllm.settings.layered"),
    "annotated_types": ("mixvllm.settings.fields",),
    "platformdirs": ("mixvllm.directories",),
    "huggingface_hub": ("mixvllm.models.sources.hub", "mixvllm.models.sources.hub_download"),
    "gguf": ("mixvllm.models.demo_conversion",),
    "numpy": ("mixvllm.models.demo_conversion",),
    "safetensors": ("mixvllm.models.demo_conversion",),
    "tokenizers": ("mixvllm.models.demo_conversion",),
    "openai": ("mixvllm.chat.api_client",),
    # What the MCP SDK stands on, where it is given more than it makes itself.
    "anyio": ("mixvllm.chat.mcp_transports",),
    "httpx2": MCP_CLIENT,
    "mcp": (*MCP_CLIENT, "mixvllm.chat.shipped"),
    "mcp_types": (*MCP_CLIENT, "mixvllm.chat.shipped"),
    "prompt_toolkit": ("mixvllm.cli",),
    "markdown_it": ("mixvllm.render.markdown",),
    "fastapi": ("mixvllm.server",),
    "starlette": ("mixvllm.server",),
    "uvicorn": ("mixvllm.server",),
    "uvloop": ("mixvllm.server",),
    "psutil": ("mixvllm.server", "mixvllm.vllm_internals", "mixvllm.gpus.processes"),
    "prometheus_client": ("mixvllm.vllm_internals",),
    "vllm": ("mixvllm.vllm_internals",),
    "torch": ("mixvllm.vllm_internals", "mixvllm.gpus.torch_cuda"),
    "pynvml": ("mixvllm.gpus.nvml", "mixvllm.gpus.nvml_links"),
    "transformers": ("mixvllm.vllm_internals",),
}


def modules() -> dict[str, Path]:
    """Every module of ours by name."""
    found = {}
    for path in sorted((SOURCE / "mixvllm").rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imported_by(module: str) -> Iterator[str]:
    """The full names that a module imports anywhere, types alone excepted."""
    waiting: list[ast.AST] = [ast.parse(MODULES[module].read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, "relative imports are not used here"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            values = (getattr(argument, "value", None) for argument in node.args)
            yield from (value for value in values if isinstance(value, str))
        waiting.extend(ast.iter_child_nodes(node))


def is_within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def rule_for(module: str) -> str | None:
    """The longest key of the table that the module lies under."""
    rules = [key for key in MAY_IMPORT if is_within(module, (key,))]
    return max(rules, key=len, default=None)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_layer_may(module: str) -> None:
    rule = rule_for(module)
    assert rule or module == "mixvllm", f"{module} has no row in MAY_IMPORT"
    ours = [name for name in imported_by(module) if is_within(name, ("mixvllm",))]
    allowed = (rule, *MAY_IMPORT[rule]) if rule else ()
    assert [name for name in ours if name not in LEAVES and not is_within(name, allowed)] == []


@pytest.mark.parametrize("module", MODULES)
def test_an_outside_library_is_imported_by_its_owner_alone(module: str) -> None:
    for name in imported_by(module):
        library = name.partition(".")[0]
        if library in sys.stdlib_module_names or library == "mixvllm":
            continue
        assert library in OWNERS, f"{library} has no owner"
        assert is_within(module, OWNERS[library]), f"{module} does not own {library}"


def test_the_leaves_import_nothing_of_ours() -> None:
    for leaf in LEAVES:
        assert [name for name in imported_by(leaf) if is_within(name, ("mixvllm",))] == []
