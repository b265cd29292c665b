from __future__ import annotations

import subprocess
import sys
from importlib import resources

import pytest

from mixvllm.vllm_internals.arguments import VERSIONS, arguments
from mixvllm.vllm_internals.installed import SUPPORTED, require_engine


def test_every_supported_version_has_its_list() -> None:
    lowest, beyond = SUPPORTED
    assert VERSIONS[0] == lowest
    assert VERSIONS[-1] < beyond
    for version in VERSIONS:
        assert len(arguments(version)) > 300


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("tool_call_parser", "value"),
        ("enable_prefix_caching", "switch"),
        ("disable_log_stats", "switch_on"),
        ("served_model_name", "list"),
        ("middleware", "repeated"),
        ("kv_cache_memory_bytes", "value"),
        ("override_generation_config", "value"),
    ],
)
def test_well_known_arguments_are_in_every_list(
    version: tuple[int, int], name: str, kind: str
) -> None:
    assert arguments(version)[name].kind == kind


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("name", "choice"), [("quantization", "awq"), ("kv_cache_dtype", "fp8"), ("dtype", "bfloat16")]
)
def test_the_formats_that_settings_check_are_in_every_list(
    version: tuple[int, int], name: str, choice: str
) -> None:
    assert choice in arguments(version)[name].choices


def test_what_came_with_0_33_is_in_its_list_alone() -> None:
    for name in ("reasoning_effort_map", "watchdog_config"):
        assert name not in arguments((0, 32))
        assert name in arguments((0, 33))


@pytest.mark.engine
def test_the_bundled_list_is_what_the_installed_vllms_parser_says() -> None:
    major, minor = require_engine().release
    bundled = resources.files("mixvllm.vllm_internals") / "data" / f"arguments_{major}_{minor}.json"
    collected = subprocess.run(
        [sys.executable, "-m", "mixvllm.vllm_internals.collect_arguments"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    said = collected[collected.index('{"version"') :]
    assert said == bundled.read_text(encoding="utf-8")
