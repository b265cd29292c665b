"""`estimate-kv --concurrency`, `--prompt` and `--output`."""

from __future__ import annotations

import pytest

from tests.cli.command import Command

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
POOL = ("--kv-cache-memory", "40GiB", "--max-model-len", "32768")


def test_fits_answers_the_question_that_is_asked(mixvllm: Command) -> None:
    nine, ten = (
        mixvllm("estimate-kv", LLAMA, *POOL, "--concurrency", n, "--json") for n in ("9", "10")
    )

    assert (nine.code, ten.code) == (0, 3)
    assert (nine.json["fits"], ten.json["fits"]) == (True, False)
    assert ten.json["max_concurrency"] == 10.0
    assert ten.json["concurrency"] == {
        "asked": 10,
        "tokens_per_request": 32768,
        "fits": False,
        "needed_bytes_per_gpu": 20481 * (2 << 20),
        "requests_at_once": 9,
        "tokens_per_request_that_fit": 32752,
        "flags": [],
    }


def test_the_verdict_names_what_is_lacking_and_the_flags_that_help(mixvllm: Command) -> None:
    ran = mixvllm("estimate-kv", LLAMA, *POOL, "--concurrency", "16")
    first = " ".join(ran.out.partition("\n\n")[0].split())

    assert "does not fit: 16 requests of 32,768 tokens at once need 64.00 GiB" in first
    assert "the 40.00 GiB there hold 9" in first
    assert "--kv-cache-dtype fp8" in first


def test_what_so_many_sequences_take_themselves_is_counted(mixvllm: Command) -> None:
    asked = ("estimate-kv", LLAMA, "--gpu", "H100", "--concurrency", "1000000")
    first = " ".join(mixvllm(*asked).out.partition("\n\n")[0].split())

    assert "the 0 B that --max-num-seqs 1000000" in first
    assert "leaves hold 0" in first


def test_a_load_is_told_beside_the_worst_case(mixvllm: Command) -> None:
    asked = ("estimate-kv", LLAMA, *POOL, "--prompt", "2k", "--output", "500")
    load = mixvllm(*asked, "--json").json["load"]

    assert load == {
        "prompt_tokens": 2000,
        "output_tokens": 500,
        "blocks_per_request": 157,
        "bytes_per_request_per_gpu": 157 * (2 << 20),
        "requests_at_once": 20479 // 157,
        "limited_by": "memory",
        "requests_by_memory": 20479 // 157,
        "requests_by_memory_low": None,
        "requests_by_memory_high": None,
        "max_num_seqs": 1024,
        "full_length_requests_at_once": 9,
    }
    told = " ".join(mixvllm(*asked).out.split())
    assert "130 requests at once, limited by memory (9 at full length)" in told


def test_concurrency_with_a_load_asks_for_so_many_of_the_load(mixvllm: Command) -> None:
    load = ("--prompt", "2k", "--output", "500")
    ran = mixvllm("estimate-kv", LLAMA, *POOL, *load, "--concurrency", "130")

    assert ran.code == 0
    assert "fits: 130 requests of 2,000 + 500 tokens at once" in " ".join(ran.out.split())


def test_without_memory_the_question_has_bytes_and_no_verdict(mixvllm: Command) -> None:
    ran = mixvllm("estimate-kv", LLAMA, "--max-model-len", "32768", "--concurrency", "4")

    assert ran.code == 0
    assert "4 requests of 32,768 tokens at once take 16.00 GiB" in " ".join(ran.out.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--concurrency 0", "'0' is no number of requests"),
        ("--concurrency many", "'many' is no number of requests"),
        ("--prompt 2k", "--prompt is given without --output"),
        ("--output 2k", "--output is given without --prompt"),
        ("--prompt 2x --output 5", "'2x' is no number of tokens"),
        ("--prompt 1e999k --output 5", "is no number of tokens"),
        ("--prompt nank --output 5", "is no number of tokens"),
    ],
)
def test_a_count_that_is_none_is_a_mistake_of_the_command_line(
    mixvllm: Command, arguments: str, said: str
) -> None:
    ran = mixvllm("estimate-kv", LLAMA, *arguments.split())

    assert ran.code == 2
    assert said in ran.err
