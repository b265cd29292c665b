"""What the questions of `mixvllm estimate-kv` answer in Python is what the command prints."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import mixvllm
from mixvllm.render.comparison_json import comparison_as_json
from mixvllm.render.log_report import log_as_json
from mixvllm.render.solution_json import solution_as_json
from mixvllm.sizing.measurements import directory
from tests.cli.command import Command

LOG = Path(__file__).parents[1] / "data" / "startup_logs" / "docker-0.17.1-a100.log"
MODEL = "Qwen/Qwen3-8B"
GEMMA = "google/gemma-3-27b-it"


@pytest.mark.parametrize(
    ("unknown", "asked", "options"),
    [
        ("max_model_len", {"gpu": "L40S", "concurrency": 16}, "--gpu L40S --concurrency 16"),
        ("concurrency", {"kv_cache_memory": "10GiB"}, "--kv-cache-memory 10GiB"),
        ("gpu", {"load": (2000, 500)}, "--prompt 2000 --output 500"),
        ("quantization", {"gpu": "T4", "gpus": 2}, "--gpu T4 --gpus 2"),
    ],
)
def test_a_solution_is_that_of_the_command(
    unknown: str,
    asked: dict[str, object],
    options: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = mixvllm.solve(unknown, MODEL, **asked)  # type: ignore[arg-type]

    assert capsys.readouterr().out == ""
    command = ["estimate-kv", MODEL, "--solve", unknown, *options.split(), "--json"]
    printed = Command(capsys)(*command).json
    assert solution_as_json(found, printed["command"]) == printed


def test_models_are_looked_for_without_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    found = mixvllm.solve("model", gpu="RTX4090", max_model_len=8192)

    printed = Command(capsys)(
        *("estimate-kv", "--solve", "model", "--gpu", "RTX4090", "--max-model-len", "8192"),
        "--json",
    ).json
    assert found.answer is not None
    assert found.answer.model == printed["answer"]["model"]
    assert len(found.options) == len(printed["options"])


def test_a_comparison_is_that_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    made = mixvllm.compare([GEMMA, MODEL], gpu=("H100", "T4"), vllm_version=["0.24", "0.32"])

    command = ["estimate-kv", GEMMA, MODEL, "--compare", "H100,T4", "--vllm-version", "0.24,0.32"]
    printed = Command(capsys)(*command, "--json").json
    assert len(made.variants) == 8
    assert printed["upgrades"][0]["changes"]
    document = comparison_as_json(made.variants, made.upgrades)
    assert json.loads(json.dumps(document)) == printed


def test_settings_are_compared_with_what_they_say() -> None:
    settings = mixvllm.ServeConfig().merge_cli_args({"model": MODEL, "max_model_len": 4096})

    [variant] = mixvllm.compare(settings, gpu="L40S").variants

    assert variant.estimate == mixvllm.estimate(settings, gpu="L40S", measured=False)


def test_a_model_that_nobody_knows_is_a_refusal_beside_the_others() -> None:
    known, unknown = mixvllm.compare([MODEL, "./none"], gpu="L40S").variants

    assert known.estimate is not None
    assert isinstance(unknown.refusal, mixvllm.ModelError)


def test_a_log_is_read_as_the_command_reads_it(capsys: pytest.CaptureFixture[str]) -> None:
    report = mixvllm.read_log(LOG, gpu="A100", max_model_len=4096)

    command = ["estimate-kv", "--from-log", str(LOG), "--gpu", "A100", "--max-model-len", "4096"]
    printed = Command(capsys)(*command, "--json").json
    assert printed == log_as_json(report) | {"saved": None}
    assert report.contradictions == ("The log says max_model_len 32768, not 4096: the log holds.",)


def test_what_a_log_measured_is_kept_where_that_is_asked(tmp_path: Path) -> None:
    whole = LOG.read_text(encoding="utf-8").replace(
        ", 'logits_processor_pattern': Pattern(x=3)", ""
    )
    log = tmp_path / "vllm.log"
    log.write_text(whole, encoding="utf-8")

    mixvllm.read_log(log, gpu="A100")
    assert not directory().exists()
    mixvllm.read_log(log, gpu="A100", keep=True)

    assert len(list(directory().iterdir())) == 1


def test_a_file_that_is_no_measurement_is_told_as_by_the_command() -> None:
    directory().mkdir(parents=True)
    (directory() / "x.json").write_text("{")
    words = f"{directory() / 'x.json'} is no measurement of this version; it is passed over."

    assert mixvllm.estimate(MODEL, gpu="L40S").notes == (words,)
    assert mixvllm.solve("max_model_len", MODEL, gpu="L40S").notes == (words,)
    assert mixvllm.estimate(MODEL, gpu="L40S", measured=False).notes == ()
    assert mixvllm.estimate(MODEL).notes == ()


@pytest.mark.parametrize(
    ("question", "error", "said"),
    [
        (lambda: mixvllm.solve("gpus", MODEL), mixvllm.UsageError, "needs a GPU"),
        (lambda: mixvllm.solve("colour", MODEL), mixvllm.UsageError, "nothing to look for"),
        (lambda: mixvllm.solve("gpu", MODEL, gpu="T4"), mixvllm.UsageError, "leave --gpu out"),
        (lambda: mixvllm.solve("gpu"), mixvllm.SettingsError, "--model is required"),
        (lambda: mixvllm.compare([]), mixvllm.SettingsError, "--model is required"),
        (lambda: mixvllm.compare(MODEL, gpu=["T4", "H9"]), mixvllm.UsageError, "'H9' is not"),
        (
            lambda: mixvllm.estimate(MODEL, exact=True, concurrency=2),
            mixvllm.UsageError,
            "requests of full length",
        ),
        (lambda: mixvllm.read_log("./none.log"), mixvllm.LogError, "none.log cannot be read"),
        (lambda: mixvllm.read_log(__file__), mixvllm.LogError, "no line of vLLM's start-up"),
    ],
)
def test_what_is_wrong_with_a_question_is_an_error_of_ours(
    question: Callable[[], object], error: type[mixvllm.MixvllmError], said: str
) -> None:
    with pytest.raises(error, match=said):
        question()
