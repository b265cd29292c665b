"""`estimate-kv --solve`: each unknown, its table, its JSON and what it needs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import get_args

import pytest

from mixvllm.cli.estimate_questions import SolveOption
from mixvllm.memory.unknowns import UNKNOWNS
from tests.cli.command import Command

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
LARGE = "meta-llama/Llama-3.1-70B-Instruct"
KEYS = {"solve", "fits", "answer", "command", "reason", "concurrency", "load", "vllm_version"}


@pytest.mark.parametrize(
    ("arguments", "value", "flags"),
    [
        (f"{LLAMA} --gpu L40S --concurrency 8 --solve max-model-len", "8", "--max-model-len"),
        (f"{LLAMA} --gpu L40S --max-model-len 1k --solve concurrency", "as asked", ""),
        (f"{LARGE} --gpu H100 --max-model-len 32k --solve gpus", "4", "--tensor-parallel-size"),
        (f"{LLAMA} --max-model-len 32k --concurrency 2 --solve gpu", "RTX5000-Ada", "--gpu"),
        (f"{LARGE} --gpu H200 --max-model-len 32k --solve quantization", "fp8", "--quantization"),
        ("--gpu RTX4090 --max-model-len 32k --solve model", "", ""),
    ],
)
def test_each_unknown_is_found_and_its_flags_prove_it(
    mixvllm: Command, arguments: str, value: str, flags: str
) -> None:
    asked = ("estimate-kv", *arguments.split())
    ran = mixvllm(*asked, "--json")
    answer = ran.json["answer"]

    assert ran.code == 0
    assert ran.json.keys() == KEYS | {"options"}
    assert answer["value"] == value or not value
    assert flags in " ".join(answer["flags"])
    kept = asked[: asked.index("--solve")]
    model = () if answer["model"] in kept else (answer["model"],)
    proof = mixvllm(*kept, *model, *" ".join(answer["flags"]).split(), "--json")
    assert proof.code == 0
    assert proof.json["fits"] is True
    assert proof.json["kv_cache_tokens"] == answer["kv_cache_tokens"]


def test_the_command_serves_the_answer_with_the_flags_that_were_given(
    mixvllm: Command, tmp_path: Path
) -> None:
    file = tmp_path / "a file.yaml"
    file.write_text("inference: {kv_cache_dtype: fp8}\n")
    command = mixvllm(
        *("estimate-kv", LARGE, "--config", str(file), "--gpu", "H100", "--gpus", "1"),
        *("--max-model-len", "32k", "--concurrency", "8", "--solve", "gpus", "--json"),
        *("--", "--no-enable-prefix-caching"),
    ).json["command"]

    assert shlex.split(command) == [
        *("mixvllm", "serve", LARGE, "--config", str(file), "--max-model-len", "32k"),
        *("--tensor-parallel-size", "4", "--", "--no-enable-prefix-caching"),
    ]


def test_a_format_that_takes_another_checkpoint_has_no_command(mixvllm: Command) -> None:
    asked = ("estimate-kv", LARGE, "--gpu", "H100", "--max-model-len", "32k")
    ran = mixvllm(*asked, "--solve", "quantization", "--json").json

    assert ran["answer"]["needs"] == "a checkpoint in modelopt_fp4"
    assert ran["command"] is None
    assert "It needs a checkpoint" in mixvllm(*asked, "--solve", "quantization").out


def test_people_see_the_answer_first_then_how_to_serve_it(mixvllm: Command) -> None:
    out = mixvllm(
        *("estimate-kv", LLAMA, "--max-model-len", "32k", "--concurrency", "2", "--solve", "gpu")
    ).out

    first, _, rest = out.partition("\n\n")
    assert "RTX5000-Ada (29.44 GiB) is the smallest GPU" in " ".join(first.split())
    assert f"mixvllm serve {LLAMA} --max-model-len 32k\n" in rest
    assert "too few" in rest


def test_no_solution_ends_with_3_and_tells_the_nearest(mixvllm: Command) -> None:
    asked = ("estimate-kv", LARGE, "--max-model-len", "32k", "--concurrency", "400")
    ran = mixvllm(*asked, "--solve", "gpu", "--json")

    assert ran.code == 3
    assert (ran.json["fits"], ran.json["answer"], ran.json["command"]) == (False, None, None)
    assert "no GPU of the table does; the nearest is" in ran.json["reason"]
    assert "no solution" in mixvllm(*asked, "--solve", "gpu").out


def test_models_that_fit_come_first_and_the_largest_of_them_is_the_answer(mixvllm: Command) -> None:
    asked = ("estimate-kv", "--gpu", "RTX4090", "--max-model-len", "32k", "--concurrency", "4")
    found = mixvllm(*asked, "--solve", "model", "--json").json

    fitting = [option["fits"] for option in found["options"]]
    assert fitting == sorted(fitting, reverse=True)
    sizes = [option["parameters"] for option in found["options"] if option["fits"]]
    assert sizes == sorted(sizes, reverse=True)
    assert found["answer"] == found["options"][0]
    assert len(found["options"]) >= 200


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (f"{LLAMA} --solve gpus", "Add --gpu NAME"),
        (f"{LLAMA} --solve quantization", "Add --gpu NAME"),
        (f"{LLAMA} --solve concurrency", "--kv-cache-memory SIZE"),
        (f"{LLAMA} --solve max-model-len", "--kv-cache-memory SIZE"),
        ("--solve model", "Add --gpu NAME"),
        (f"{LLAMA} --gpu H100 --solve gpu", "leave --gpu out"),
        (f"{LLAMA} --gpu H100 --solve model", "leave MODEL out"),
        (f"{LLAMA} --gpu H100 --concurrency 2 --solve concurrency", "leave --concurrency out"),
        (f"{LLAMA} --gpu H100 --solve tokens", "max-model-len, concurrency, gpus"),
        (f"{LLAMA} demo --gpu H100 --solve gpus", "one model, GPU and release"),
    ],
)
def test_what_a_question_needs_is_said(mixvllm: Command, arguments: str, said: str) -> None:
    ran = mixvllm("estimate-kv", *arguments.split())

    assert ran.code == 2
    assert ran.out == ""
    assert said in ran.err


def test_the_option_names_everything_that_can_be_solved() -> None:
    (option,) = get_args(SolveOption)[1:]

    assert option.metavar.split("|") == list(UNKNOWNS)


@pytest.mark.parametrize("columns", ["50", "80"])
@pytest.mark.parametrize(
    "asked", ["Qwen/Qwen3-8B --gpu RTX4090 --solve concurrency", "Qwen/Qwen3-32B --solve gpu"]
)
def test_a_narrow_terminal_has_fewer_columns_and_no_cut_word(
    mixvllm: Command, monkeypatch: pytest.MonkeyPatch, columns: str, asked: str
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    wide = mixvllm("estimate-kv", *asked.split()).out
    monkeypatch.setenv("COLUMNS", columns)

    narrow = mixvllm("estimate-kv", *asked.split()).out

    table, _, rest = narrow.partition("A wider terminal shows more: ")
    assert rest
    assert set(table.split()) <= set(wide.split())
    assert "does not fit\n" in "\n".join(line.rstrip() for line in table.splitlines())
