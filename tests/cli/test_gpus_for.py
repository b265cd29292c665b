from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.cli.gpus_command import gpus
from tests.gpus import stand_in as machines
from tests.gpus.stand_in import MIB, StandIn

MODEL = "Qwen/Qwen2.5-7B"


def test_a_gpu_in_use_is_passed_over_and_the_other_one_named(stand_in: StandIn) -> None:
    environment = stand_in.plays(machines.TWO_H100)
    ran = gpus(environment, "--for", MODEL, width=140)
    assert ran.code == 0
    assert ran.out.startswith(f"{MODEL} fits on GPU 1. vLLM takes the first that it sees: set")
    assert "CUDA_VISIBLE_DEVICES=GPU-00000001-aaaa-bbbb-cccc-0123456789ab" in ran.out
    told = gpus(environment, "--for", MODEL, "--json").json
    assert (told["fits"], told["gpus_needed"], told["gpus_taken"]) == (True, 1, [1])
    busy, idle = told["gpus"]
    assert busy["left_bytes"] < 0 < idle["left_bytes"]
    assert idle["memory_free_bytes"] - idle["requested_bytes"] == idle["left_bytes"]


def test_the_figures_are_those_of_estimate_kv(stand_in: StandIn, mixvllm: Command) -> None:
    told = gpus(stand_in.plays(machines.TWO_H100), "--for", MODEL, "--json").json
    size = f"{(81559 - 551) * MIB}B"
    estimate = mixvllm("estimate-kv", MODEL, "--gpu", f"H100:{size}", "--json").json
    assert told["gpus"][0]["kv_cache_tokens"] == estimate["kv_cache_tokens"]
    assert told["gpus"][0]["max_concurrency"] == estimate["max_concurrency"]
    assert told["gpus"][0]["requested_bytes"] == estimate["budget"]["requested_bytes"]


def test_a_config_file_brings_its_settings(stand_in: StandIn, tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(f"model:\n  name: {MODEL}\ninference:\n  gpus: 2\n  max_model_len: 4096\n")
    ran = gpus(stand_in.plays(machines.TWO_H100), "--for", str(file))
    assert ran.code == 3
    assert "does not fit: on GPU 0 vLLM asks for 71.20 GiB, and 9.44 GiB is free" in ran.out
    ran = gpus(stand_in.plays(machines.EIGHT), "--for", str(file))
    assert ran.code == 0
    assert ran.out.startswith(f"{MODEL} fits on GPU 0 and GPU 1.\n")


def test_more_gpus_than_there_are_is_a_no(stand_in: StandIn, tmp_path: Path) -> None:
    file = tmp_path / "four.yaml"
    file.write_text(f"model:\n  name: {MODEL}\ninference:\n  gpus: 4\n")
    ran = gpus(stand_in.plays(machines.TWO_H100), "--for", str(file))
    assert ran.code == 3
    assert ran.out.startswith(f"{MODEL} does not fit: it takes 4 GPUs, 2 are usable here.")


def test_each_of_several_kinds_is_looked_at(stand_in: StandIn) -> None:
    told = gpus(stand_in.plays(machines.MIXED), "--for", MODEL, "--json").json
    assert [each["fits"] for each in told["gpus"]] == [False, True]
    assert told["gpus_taken"] == [1]


def test_without_a_gpu_the_answer_is_no_with_the_reason(stand_in: StandIn) -> None:
    environment = stand_in.plays(machines.MISMATCH)
    ran = gpus(environment, "--for", MODEL)
    assert ran.code == 3
    assert ran.out.startswith("No GPU can be read:")
    told = gpus(environment, "--for", MODEL, "--json").json
    assert (told["fits"], told["gpus"]) == (False, [])
    assert told["reason"].startswith("NVIDIA's library")


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--for", "missing.yaml"], 1, "missing.yaml"),
        (["--for", MODEL, "--require", "1"], 2, "--for goes with none of"),
        (["--for", "./nowhere"], 1, "nowhere"),
    ],
)
def test_a_wrong_request_is_told_in_words(
    mixvllm: Command, options: list[str], code: int, words: str
) -> None:
    ran = mixvllm("gpus", *options)
    assert ran.code == code
    assert words in ran.err
