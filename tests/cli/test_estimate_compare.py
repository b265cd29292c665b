"""`mixvllm estimate-kv` for several models, GPUs or releases at once."""

from __future__ import annotations

import pytest

from tests.cli.command import Command

GPT_OSS = "openai/gpt-oss-20b"
LLAMA = "meta-llama/Llama-3.1-70B-Instruct"


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_each_gpu_has_the_very_document_that_it_has_alone(mixvllm: Command) -> None:
    both = mixvllm("estimate-kv", GPT_OSS, "--compare", "H100,L40S", "--json")

    alone = [mixvllm("estimate-kv", GPT_OSS, "--gpu", g, "--json").json for g in ("H100", "L40S")]
    assert both.code == 0
    assert both.json == {"estimates": alone}


def test_models_are_put_side_by_side_in_the_order_given(mixvllm: Command) -> None:
    ran = mixvllm("estimate-kv", LLAMA, GPT_OSS, "--gpu", "H200", "--json")

    assert [each["model"]["name"] for each in ran.json["estimates"]] == [LLAMA, GPT_OSS]


def test_one_that_fits_is_a_yes_and_none_is_a_no(mixvllm: Command) -> None:
    arguments = ("estimate-kv", LLAMA, "--max-model-len", "32768", "--compare")
    some = mixvllm(*arguments, "H100,MI300X")
    none = mixvllm(*arguments, "H100,L40S")

    assert (some.code, some.out.splitlines()[0]) == (0, "1 of 2 fit.")
    assert (none.code, none.out.splitlines()[0]) == (3, "0 of 2 fit.")
    assert "H100: weights and overheads leave no memory" in none.out
    assert "--tensor-parallel-size 4 makes it fit." in " ".join(none.out.split())


def test_a_refused_variant_is_a_row_with_its_reason(mixvllm: Command) -> None:
    arguments = ("estimate-kv", GPT_OSS, "./nowhere", "--gpu", "H100")
    ran = mixvllm(*arguments)
    answer = mixvllm(*arguments, "--json")

    assert (ran.code, answer.code) == (0, 0)
    assert "refused" in ran.out
    assert "./nowhere: There is nothing at ./nowhere." in ran.out
    good, bad = answer.json["estimates"]
    assert good["fits"] is True
    assert bad["model"] == {"name": "./nowhere"}
    assert bad["error"]["message"] == "There is nothing at ./nowhere."


def test_where_all_are_refused_the_work_failed(mixvllm: Command) -> None:
    ran = mixvllm("estimate-kv", GPT_OSS, "./nowhere", "--gpus", "7")

    assert ran.code == 1
    assert "None of the estimates can be made." in ran.out
    assert "64 attention heads" in ran.out


def test_an_upgrade_is_told_by_the_rules_that_move_a_number(mixvllm: Command) -> None:
    flags = ("--kv-cache-memory", "40GiB", "--max-model-len", "32768")
    arguments = ("estimate-kv", GPT_OSS, *flags, "--vllm-version", "0.32,0.24")
    ran = mixvllm(*arguments)
    answer = mixvllm(*arguments, "--json").json

    assert "From vLLM 0.24 to 0.32:" in ran.out
    assert "windows keep the tokens of every batch in flight" in ran.out
    (upgrade,) = answer["upgrades"]
    newer, older = (each["kv_cache_tokens"] for each in answer["estimates"])
    (change,) = upgrade["changes"]
    assert (change["since"], upgrade["oldest"], upgrade["newest"]) == ("0.26", "0.24", "0.32")
    assert (change["before"]["tokens"], change["after"]["tokens"]) == (older, newer)


def test_an_upgrade_that_changes_nothing_says_so(mixvllm: Command) -> None:
    ran = mixvllm("estimate-kv", LLAMA, "--vllm-version", "0.24,0.32")

    assert "From vLLM 0.24 to 0.32 none of these numbers changes." in ran.out


def test_without_memory_there_is_no_verdict_but_the_sizes(mixvllm: Command) -> None:
    ran = mixvllm("estimate-kv", GPT_OSS, LLAMA)

    assert ran.code == 0
    assert "Give --gpu NAME" in ran.out
    assert "verdict" not in ran.out
    assert "131.42 GiB" in ran.out


@pytest.mark.parametrize("width", [60, 80, 140])
def test_the_rows_keep_to_the_width(
    mixvllm: Command, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    several = ("--compare", "H100,L40S", "--vllm-version", "0.24,0.32")
    ran = mixvllm("estimate-kv", GPT_OSS, LLAMA, *several)

    assert max(map(len, ran.out.splitlines())) <= width
    assert ran.out.count("does not fit") == 4
    assert ("A wider terminal shows" in ran.out) == (width < 140)


def test_in_a_pipe_each_row_is_one_line_with_everything(
    mixvllm: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS")
    ran = mixvllm("estimate-kv", GPT_OSS, LLAMA, "--compare", "H100,L40S")

    row = next(line for line in ran.out.splitlines() if line.startswith(f"{GPT_OSS} "))
    assert row.split()[:3] == [GPT_OSS, "H100", "fits"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--compare H100,H1000", "--compare: The GPU 'H1000' is not known.\n  Nearest are"),
        ("--compare H100,,L40S", "has an empty entry"),
        ("--compare H100,L40S --gpu H100", "both name GPUs"),
        ("--vllm-version 0.32,0.9", "0.10 to 0.33"),
        ("--compare H100,L40S --explain", "--explain is for one"),
    ],
)
def test_a_slip_in_the_options_ends_all(mixvllm: Command, arguments: str, said: str) -> None:
    ran = mixvllm("estimate-kv", GPT_OSS, *arguments.split())

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_what_is_named_twice_is_one(mixvllm: Command) -> None:
    ran = mixvllm("estimate-kv", GPT_OSS, GPT_OSS, "--compare", "H100,H100", "--json")

    assert ran.json["gpu"]["name"] == "H100"


def test_a_model_of_the_environment_wins_alone(
    mixvllm: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIXVLLM_MODEL__NAME", GPT_OSS)
    ran = mixvllm("estimate-kv", LLAMA, "demo", "--json")

    assert ran.json["model"]["name"] == GPT_OSS
