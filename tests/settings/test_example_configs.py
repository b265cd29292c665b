"""What the example configs promise."""

from pathlib import Path

import pytest

from mixvllm.memory.estimate import estimate
from mixvllm.models.find import find_model
from mixvllm.settings.check import check_file
from mixvllm.settings.flags import GivenFlag
from mixvllm.settings.resolve import Sources, resolve
from mixvllm.settings.yaml_document import read_yaml
from mixvllm.sizing.files import Given, judge_files
from mixvllm.sizing.request import Choices, estimate_request

CONFIGS = Path(__file__).parents[2] / "configs"
# The one whose model is a directory that the reader has.
LOCAL = CONFIGS / "use-cases" / "local-path.yaml"


def test_phi3_mini_is_the_example_that_the_project_started_from() -> None:
    assert read_yaml(CONFIGS / "phi3-mini.yaml").data == {
        "model": {"name": "microsoft/Phi-3-mini-4k-instruct", "trust_remote_code": True},
        "inference": {"gpus": 2, "gpu_memory": 0.9, "max_model_len": 4096, "dtype": "bfloat16"},
        "server": {"host": "0.0.0.0", "port": 8000},
        "generation": {"temperature": 0.7, "max_tokens": 512, "top_p": 0.9, "top_k": 40},
    }


@pytest.mark.parametrize(
    ("profile", "gpus", "host", "port", "temperature"),
    [
        (None, 1, "127.0.0.1", 8000, 0.7),
        ("dev", 1, "127.0.0.1", 8001, 0.7),
        ("production", 2, "0.0.0.0", 8000, 0.7),
        ("code", 1, "127.0.0.1", 8000, 0.2),
    ],
)
def test_phi3_has_a_profile_for_each_purpose(
    profile: str | None, gpus: int, host: str, port: int, temperature: float
) -> None:
    settings = resolve(Sources(config=CONFIGS / "phi3.yaml", profile=profile)).settings

    assert settings.inference.tensor_parallel_size == gpus
    assert (settings.server.host, settings.server.port) == (host, port)
    assert settings.generation_defaults.temperature == temperature
    assert settings.served_name == "phi3"


def test_the_demo_config_needs_no_download_and_no_network() -> None:
    settings = resolve(Sources(config=CONFIGS / "demo.yaml")).settings

    assert (settings.model.name, settings.server.host) == ("demo", "127.0.0.1")


@pytest.mark.parametrize(
    "file", sorted({*CONFIGS.rglob("*.yaml")} - {LOCAL}), ids=lambda file: file.name
)
def test_every_example_agrees_with_its_model(file: Path) -> None:
    (report,) = judge_files(
        [check_file(file)], Given(gpu=None, present=None, online=False, environment={})
    )

    assert (report.problems, report.notes) == ((), ())


@pytest.mark.parametrize(
    ("name", "gpu", "flags", "said"),
    [
        ("llama-70b-tp2", "H100", [], "about 39,000 tokens"),
        ("llama-70b-tp2", "A100-80G", [], "it is 56,000 tokens"),
        ("llama-70b-tp2", "H100", [GivenFlag("--gpus", 4)], "on four H100 513,000"),
        ("gpt-oss-20b", "RTX4090", [], "about 234,000 tokens"),
    ],
)
def test_the_tokens_in_a_comment_are_what_the_estimate_says(
    name: str, gpu: str, flags: list[GivenFlag], said: str
) -> None:
    file = CONFIGS / f"{name}.yaml"
    settings = resolve(Sources(config=file, flags=flags)).settings
    found = find_model(str(settings.model.name))
    request = estimate_request(settings, Choices(gpu=gpu, vllm_version="0.32"))
    answer = estimate(found.description, found.weights, found.source, request)
    words = " ".join(file.read_text().replace("#", " ").split())

    assert answer.capacity is not None
    assert f"{round(answer.capacity.tokens, -3):,}" in said
    assert said in words


def test_the_six_use_cases_are_there() -> None:
    assert {file.stem for file in (CONFIGS / "use-cases").iterdir()} == {
        *("development", "production-two-gpus", "code-generation", "creative-writing"),
        *("quantized", "local-path"),
    }


def test_the_local_path_waits_for_a_directory_of_the_readers() -> None:
    (report,) = judge_files(
        [check_file(LOCAL)], Given(gpu=None, present=None, online=False, environment={})
    )

    assert report.problems == ()
    (note,) = report.notes
    assert "nothing at ./models/my-model" in note
