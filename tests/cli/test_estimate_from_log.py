"""`estimate-kv --from-log` and what later estimates make of it, as a user calls them."""

import io
import json
import sys
from pathlib import Path

import pytest

from mixvllm.sizing.measurements import directory
from tests.cli.command import Command

LOGS = Path(__file__).parents[1] / "data" / "startup_logs"
DOCKER = str(LOGS / "docker-0.17.1-a100.log")
MODEL = "meta-llama/Llama-3.1-8B-Instruct"
LATER = ("estimate-kv", MODEL, "--gpu", "A100", "--vllm-version", "0.17", "--gpu-memory", "0.8")


def test_a_start_is_held_against_the_estimate(mixvllm: Command) -> None:
    ran = mixvllm("estimate-kv", "--from-log", DOCKER, "--gpu", "A100")

    assert ran.code == 0
    assert ran.out.startswith(f"vLLM 0.17.1 started {MODEL}: 457,024 tokens of KV cache, 457,072")
    assert "as printed" in ran.out
    assert "Arguments that could not be read: logits_processor_pattern." in ran.out
    assert "The log does not tell: peak activation." in ran.out


def test_the_same_as_json(mixvllm: Command) -> None:
    answer = mixvllm("estimate-kv", "--from-log", DOCKER, "--gpu", "A100", "--json").json

    tokens = next(row for row in answer["terms"] if row["term"] == "KV cache tokens")
    assert tokens["measured"] == 457_024
    assert tokens["difference"] == tokens["predicted"] - tokens["measured"]
    assert answer["log"]["vllm_version"] == "0.17.1"
    assert answer["log"]["complete"] is True
    assert answer["estimate"]["model"]["name"] == MODEL
    assert answer["saved"] is None


def test_a_refused_start_says_what_it_lacked_and_what_we_would_have_said(mixvllm: Command) -> None:
    ran = mixvllm(
        "estimate-kv", "--from-log", str(LOGS / "failed-0.11.0-h100.log"), "--gpu", "H100"
    )

    assert ran.code == 0
    assert "vLLM 0.11.0 did not start openai/gpt-oss-120b" in ran.out
    assert "It needed 4.54 GiB of KV cache for 131,072 tokens and had 1.71 GiB." in ran.out
    assert "Our estimate: openai/gpt-oss-120b does not fit" in ran.out


def test_a_log_comes_through_a_pipe_too(mixvllm: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.TextIOWrapper(io.BytesIO(Path(DOCKER).read_bytes()))
    monkeypatch.setattr(sys, "stdin", pipe)

    assert "457,024 tokens" in mixvllm("estimate-kv", "--from-log", "-").out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\x7fELF\0\0", "is no text"),
        (b"Dear diary,\nnothing of GiB here.\n", "has no line of vLLM's start-up"),
    ],
)
def test_a_file_that_is_no_log_is_named(
    mixvllm: Command, tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "x.log").write_bytes(content)
    ran = mixvllm("estimate-kv", "--from-log", str(tmp_path / "x.log"))

    assert ran.code == 1
    assert said in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("name", ["missing.log", "."])
def test_a_file_that_cannot_be_read_is_named(mixvllm: Command, name: str) -> None:
    ran = mixvllm("estimate-kv", "--from-log", name)

    assert ran.code == 1
    assert f"{name} cannot be read" in ran.err


def test_save_alone_is_a_mistake(mixvllm: Command) -> None:
    assert mixvllm("estimate-kv", MODEL, "--save").code == 2


def test_what_is_saved_is_used_later_and_said(mixvllm: Command) -> None:
    before = mixvllm(*LATER, "--json").json
    saved = mixvllm("estimate-kv", "--from-log", DOCKER, "--gpu", "A100", "--save", "--json").json
    after = mixvllm(*LATER, "--json").json
    shown = mixvllm(*LATER).out.replace("\n", " ")

    assert Path(saved["saved"]).parent == directory()
    assert before["measured"] is None
    assert after["measured"]["vllm_version"] == "0.17.1"
    assert after["budget"]["kv_cache_bytes"] != before["budget"]["kv_cache_bytes"]
    assert "Measured here on " in shown
    assert "weights 14.99 GiB and 558 MiB beside them. --no-measured leaves it out." in shown


def test_the_start_itself_is_reproduced_to_the_rounding_of_the_log(mixvllm: Command) -> None:
    mixvllm("estimate-kv", "--from-log", DOCKER, "--gpu", "A100", "--save")
    again = (*LATER[:-2], "--gpu-memory", "0.9", "--max-model-len", "32768")
    answer = mixvllm(*again, "--json").json

    bounds = answer["uncertainty"]
    assert bounds["kv_cache_tokens_low"] <= 457_024 <= bounds["kv_cache_tokens_high"]


@pytest.mark.parametrize(
    "flags",
    [
        ("--no-measured",),
        ("--max-num-seqs", "64"),
        ("--gpus", "2"),
        ("--vllm-version", "0.18"),
        ("--", "--enable-sleep-mode"),
    ],
)
def test_it_is_not_used_where_it_does_not_hold(mixvllm: Command, flags: tuple[str, ...]) -> None:
    mixvllm("estimate-kv", "--from-log", DOCKER, "--gpu", "A100", "--save")
    command = [*LATER, "--json", *flags]
    if "--vllm-version" in flags:
        command = [word for word in command if word not in ("--vllm-version", "0.17")][:-1]
        command += ["--vllm-version", "0.18"]

    assert mixvllm(*command).json["measured"] is None


def test_what_was_measured_can_be_forgotten(mixvllm: Command) -> None:
    mixvllm("estimate-kv", "--from-log", DOCKER, "--gpu", "A100", "--save")
    ran = mixvllm(*LATER, "--forget-measured")

    assert f"1 measurement of {MODEL} removed." in ran.err
    assert "Measured here" not in ran.out
    assert list(directory().glob("*.json")) == []


@pytest.mark.parametrize("asked", [(), ("--solve", "max-model-len")])
def test_a_damaged_store_is_named_and_passed_over(mixvllm: Command, asked: tuple[str, ...]) -> None:
    directory().mkdir(parents=True)
    (directory() / "x.json").write_text("{")
    shown, data = mixvllm(*LATER, *asked), mixvllm(*LATER, *asked, "--json")

    words = f"{directory() / 'x.json'} is no measurement of this version; it is passed over."
    assert shown.code == data.code == 0
    assert words in " ".join(shown.out.split())
    assert words in data.err
    assert words not in mixvllm(*LATER, *asked, "--no-measured").out


def test_nothing_is_saved_that_does_not_tell_what_it_holds_for(mixvllm: Command) -> None:
    ran = mixvllm("estimate-kv", "--from-log", DOCKER, "--save")

    assert ran.code == 1
    assert "Nothing is kept: The GPU is not known." in ran.err


def test_an_excerpt_without_arguments_is_compared_and_not_saved(
    mixvllm: Command, tmp_path: Path
) -> None:
    excerpt = tmp_path / "x.log"
    excerpt.write_text("Available KV cache memory: 55.79 GiB\nGPU KV cache size: 457,024 tokens\n")
    asked = ("estimate-kv", MODEL, "--from-log", str(excerpt), "--gpu", "A100")
    compared = mixvllm(*asked, "--vllm-version", "0.17", "--max-model-len", "32768")
    saved = mixvllm(*asked, "--save")

    assert "457,024    457,024  as printed" in compared.out
    assert "The log shows no arguments: vLLM's defaults are assumed." in compared.out
    assert saved.code == 1
    assert "the log does not show all arguments" in saved.err


def test_under_json_a_mistake_is_json_too(mixvllm: Command) -> None:
    ran = mixvllm("estimate-kv", "--from-log", "missing.log", "--json")

    assert "missing.log cannot be read" in json.loads(ran.out)["error"]["message"]
