"""What `serve` would start with here: config file, variables, port, and the servers that run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mixvllm.doctor.check import Check
from mixvllm.errors import AddressError, Problem, SettingsError
from mixvllm.secret_names import is_secret_name
from mixvllm.server.address import listen
from mixvllm.server.registry import RunningServer
from mixvllm.settings.resolve import Resolved, Sources, resolve

PREFIXES = ("MIXVLLM_", "VLLM_", "HF_", "CUDA_")
NAMES = ("HUGGING_FACE_HUB_TOKEN", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "LD_PRELOAD")


def setup_checks(
    environment: Mapping[str, str], servers: Sequence[RunningServer], directory: Path
) -> Iterator[Check]:
    """A check for each of them."""
    try:
        resolved = resolve(Sources(environment=environment, directory=directory))
    except SettingsError as error:
        yield _wrong_settings(error)
        yield from variable_checks(environment, ())
    else:
        yield _right_settings(resolved)
        yield from variable_checks(environment, resolved.warnings)
        yield port_check(resolved.settings.server.host, resolved.settings.server.port, servers)
    told = ", ".join(f"{each.model} on port {each.port}" for each in servers)
    yield Check("servers", "ok", told or "none of ours is running")


def _right_settings(resolved: Resolved) -> Check:
    if resolved.config_file is None:
        return Check("config", "ok", "no mixvllm.yaml here; `mixvllm config init` writes one")
    return Check("config", "ok", f"{resolved.config_file} is valid")


def _wrong_settings(error: SettingsError) -> Check:
    problems = [each for each in error.problems if each.severity == "error"]
    first = problems[0] if problems else None
    where = first.file if first is not None else None
    count = f" ({len(problems)} problems)" if len(problems) > 1 else ""
    fix = f"mixvllm config validate {where}" if where else "mixvllm config show"
    return Check("config", "error", f"{_in_words(first) or error.message}{count}", fix)


def _in_words(problem: Problem | None) -> str:
    if problem is None:
        return ""
    place = f"{problem.file}:{problem.line}" if problem.file else problem.source
    return f"{place}: {problem.key}: {problem.message}"


def variable_checks(environment: Mapping[str, str], warnings: Sequence[Problem]) -> Iterator[Check]:
    """The variables in force, secrets hidden, and those that nobody knows."""
    found = sorted(n for n in environment if n.startswith(PREFIXES) or n in NAMES)
    told = " ".join(f"{n}={'***' if is_secret_name(n) else environment[n]}" for n in found)
    yield Check("environment", "ok", told or "no variable of ours, vLLM's or CUDA's")
    for warning in warnings:
        key = warning.key or ""
        fix = f"unset {key}" if warning.source == "environment" else None
        yield Check("environment", "warning", f"{key}: {warning.message}", fix)


def port_check(host: str, port: int, servers: Sequence[RunningServer]) -> Check:
    """Whether `serve` gets its port."""
    ours = next((each for each in servers if each.port == port), None)
    if ours is not None:
        return Check("port", "ok", f"{port} is that of our server of {ours.model}")
    try:
        listen(host, port).close()
    except AddressError as error:
        free = port + 1 if port < 65535 else port - 1
        return Check("port", "warning", error.message, f"mixvllm serve --port {free}")
    return Check("port", "ok", f"{port} is free")
