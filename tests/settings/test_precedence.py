"""Environment > command line > YAML > default: every pair, and what unset means in each layer."""

from pathlib import Path

import pytest

from mixvllm.settings.flags import GivenFlag
from mixvllm.settings.origin import Layer
from mixvllm.settings.resolve import Resolved, Sources, resolve

KEY = "server.port"


def settings_with(
    directory: Path,
    *,
    environment: str | None = None,
    flag: str | None = None,
    yaml: str | None = None,
    profile: str | None = None,
) -> Resolved:
    """`server.port` on the layers that are given."""
    text = f"server: {{port: {yaml}}}\n" if yaml else "server: {}\n"
    if profile:
        text += f"profiles: {{dev: {{server: {{port: {profile}}}}}}}\n"
    file = directory / "settings.yaml"
    file.write_text(text)
    return resolve(
        Sources(
            flags=[GivenFlag("--port", flag)] if flag else [],
            config=file,
            profile="dev" if profile else None,
            environment={"MIXVLLM_SERVER__PORT": environment} if environment else {},
        )
    )


@pytest.mark.parametrize(
    ("given", "port", "winner"),
    [
        ({}, 8000, Layer.DEFAULT),
        ({"yaml": "8001"}, 8001, Layer.YAML),
        ({"flag": "8002"}, 8002, Layer.COMMAND_LINE),
        ({"environment": "8003"}, 8003, Layer.ENVIRONMENT),
        ({"flag": "8002", "yaml": "8001"}, 8002, Layer.COMMAND_LINE),
        ({"environment": "8003", "yaml": "8001"}, 8003, Layer.ENVIRONMENT),
        ({"environment": "8003", "flag": "8002"}, 8003, Layer.ENVIRONMENT),
        ({"profile": "8004", "yaml": "8001"}, 8004, Layer.YAML),
        ({"flag": "8002", "profile": "8004"}, 8002, Layer.COMMAND_LINE),
    ],
)
def test_the_higher_layer_wins(
    tmp_path: Path, given: dict[str, str], port: int, winner: Layer
) -> None:
    resolved = settings_with(tmp_path, **given)

    assert resolved.settings.server.port == port
    assert resolved.value(KEY).value == port
    assert resolved.value(KEY).origin.layer is winner


def test_overrides_list_what_was_beaten_highest_first(tmp_path: Path) -> None:
    resolved = settings_with(tmp_path, environment="8003", flag="8002", yaml="8001", profile="8004")

    beaten = [(str(given.origin), given.value) for given in resolved.value(KEY).overrides]
    file = tmp_path / "settings.yaml"
    assert str(resolved.value(KEY).origin) == "environment MIXVLLM_SERVER__PORT"
    assert beaten == [
        ("--port", 8002),
        (f"{file}:2:33 (profile dev)", 8004),
        (f"{file}:1:16", 8001),
        ("default", 8000),
    ]


def test_a_variable_that_beats_a_flag_is_said(tmp_path: Path) -> None:
    resolved = settings_with(tmp_path, environment="8003", flag="8002")

    (warning,) = resolved.warnings
    assert "MIXVLLM_SERVER__PORT=8003 overrides --port 8002" in warning.message


def test_a_variable_that_agrees_with_the_flag_is_not_said(tmp_path: Path) -> None:
    assert settings_with(tmp_path, environment="8002", flag="8002").warnings == ()


def test_a_beaten_secret_is_not_shown_in_the_warning() -> None:
    resolved = resolve(
        Sources(
            flags=[GivenFlag("--api-key", "flag-secret")],
            environment={"MIXVLLM_SERVER__API_KEY": "variable-secret"},
        )
    )

    (warning,) = resolved.warnings
    assert "secret" not in warning.message
    assert "MIXVLLM_SERVER__API_KEY" in warning.message


def test_null_as_a_flag_hides_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("inference: {quantization: awq}\nserver: {port: 8001}\n")
    flags = [GivenFlag("--quantization", "null"), GivenFlag("--port", "null")]

    resolved = resolve(Sources(flags=flags, config=file))

    assert resolved.settings.inference.quantization is None
    assert resolved.settings.server.port == 8000
    assert str(resolved.value("server.port").origin) == "--port"


def test_null_in_yaml_is_unset(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("model: {name: null}\nserver: {port: ~}\nvllm: {seed: null}\ninference:\n")

    resolved = resolve(Sources(config=file))

    assert resolved.settings.model.name is None
    assert resolved.settings.server.port == 8000
    assert resolved.settings.vllm == {}


def test_an_empty_variable_is_unset() -> None:
    resolved = resolve(Sources(environment={"MIXVLLM_SERVER__PORT": ""}))

    assert resolved.value(KEY).origin.layer is Layer.DEFAULT


def test_the_vllm_mapping_is_merged_name_by_name(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("vllm: {seed: 1, tool_call_parser: hermes}\n")

    resolved = resolve(Sources(config=file, pass_through=["--seed", "2"]))

    assert resolved.settings.vllm == {"seed": "2", "tool_call_parser": "hermes"}
    assert [given.value for given in resolved.value("vllm.seed").overrides] == [1]


def test_the_file_in_the_directory_is_read_when_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "mixvllm.yaml").write_text("server: {port: 8009}\n")

    assert resolve(Sources(directory=tmp_path)).settings.server.port == 8009


def test_the_variable_names_the_file_above_the_flag(tmp_path: Path) -> None:
    named, flagged = tmp_path / "named.yaml", tmp_path / "flagged.yaml"
    named.write_text("server: {port: 8010}\n")
    flagged.write_text("server: {port: 8011}\n")

    resolved = resolve(Sources(config=flagged, environment={"MIXVLLM_CONFIG": str(named)}))

    assert resolved.settings.server.port == 8010
    assert "MIXVLLM_CONFIG" in resolved.warnings[0].message


def test_the_variable_names_the_profile_above_the_flag(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("profiles: {a: {server: {port: 8021}}, b: {server: {port: 8022}}}\n")

    resolved = resolve(Sources(config=file, profile="a", environment={"MIXVLLM_PROFILE": "b"}))

    assert resolved.settings.server.port == 8022
    assert "MIXVLLM_PROFILE=b overrides --profile a" in resolved.warnings[0].message


def test_the_demo_model_has_defaults_of_its_own_below_every_other_layer(tmp_path: Path) -> None:
    demo = resolve(Sources(flags=[GivenFlag("MODEL", "demo")]))
    chosen = resolve(Sources(flags=[GivenFlag("MODEL", "demo"), GivenFlag("--dtype", "bfloat16")]))

    assert demo.settings.inference.dtype == "float32"
    assert demo.settings.inference.max_model_len == 4096
    assert demo.settings.inference.enforce_eager is True
    assert demo.settings.inference.cpu_kv_cache_gib == 1
    assert str(demo.value("inference.dtype").origin) == "default (demo model)"
    assert chosen.settings.inference.dtype == "bfloat16"
