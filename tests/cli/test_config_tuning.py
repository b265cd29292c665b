"""`mixvllm config init --gpu`: a file tuned for a model on a GPU, and what it promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.command import Command

WISHES = [
    ("Qwen/Qwen3-8B", "24GiB", ["--concurrency", "4"]),
    ("Qwen/Qwen3-0.6B", "T4", []),
    ("openai/gpt-oss-20b", "L4", ["--concurrency", "32"]),
    ("meta-llama/Llama-3.3-70B-Instruct", "H100", ["--concurrency", "16"]),
    ("google/gemma-3-27b-it", "A100-40G", ["--gpus", "4", "--max-model-len", "16k"]),
    ("deepseek-ai/DeepSeek-R1", "H200", ["--concurrency", "8"]),
    ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "H100", ["--concurrency", "64"]),
]


@pytest.mark.parametrize(("model", "gpu", "options"), WISHES)
def test_the_tuned_file_passes_the_check_and_gives_the_predicted_tokens(
    mixvllm: Command, tmp_path: Path, model: str, gpu: str, options: list[str]
) -> None:
    written = mixvllm("config", "init", "tuned.yaml", "--model", model, "--gpu", gpu, *options)
    text = (tmp_path / "tuned.yaml").read_text()
    predicted = re.search(r"about ([\d,]+) tokens", text)
    checked = mixvllm("config", "validate", "tuned.yaml", "--gpu", gpu, "--strict")
    estimated = mixvllm("estimate-kv", "--config", "tuned.yaml", "--gpu", gpu, "--json")

    assert written.code == 0, written.err
    assert checked.code == 0
    assert checked.out.startswith("tuned.yaml: ok")
    assert estimated.code == 0
    assert estimated.json["fits"] is True
    assert predicted is not None
    assert estimated.json["kv_cache_tokens"] == int(predicted[1].replace(",", ""))
    if options[:1] == ["--concurrency"]:
        assert estimated.json["max_concurrency"] >= int(options[1])


def test_fewer_gpus_would_not_hold_it(mixvllm: Command) -> None:
    ran = mixvllm(
        *("config", "init", "-", "--model", "meta-llama/Llama-3.3-70B-Instruct"),
        *("--gpu", "H100", "--concurrency", "16"),
    )

    assert "tensor_parallel_size: 4" in ran.out
    assert "with 2: 1.64 requests of 8,192 tokens run at once, not 16." in ran.out


def test_what_fits_nowhere_is_refused_with_numbers_and_ways_out(
    mixvllm: Command, tmp_path: Path
) -> None:
    ran = mixvllm("config", "init", "--model", "deepseek-ai/DeepSeek-R1", "--gpu", "H100")

    assert ran.code == 1
    assert "the weights take 79.55 GiB on each GPU" in ran.err
    assert "--tensor-parallel-size 16" in ran.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--gpu", "H100"], 2, "name it with --model"),
        (["--model", "gpt2", "--concurrency", "2"], 2, "name it with --gpu"),
        (["--model", "demo", "--gpu", "H100"], 2, "needs no tuning"),
        (["--from", "vllm serve gpt2", "--gpu", "H100"], 2, "--from converts a command"),
        (["--model", "Qwen/Qwen3-8B", "--gpu", "H1000"], 2, "Nearest are"),
        (["--model", "Qwen/Qwen3-8B", "--gpu", "L4", "--max-model-len", "x"], 2, "no number"),
        (["--model", "Qwen/Qwen3-8B", "--gpu", "L4", "--max-model-len", "1m"], 1, "40,960"),
        (["--model", "Qwen/Qwen3-8B", "--gpu", "L4", "--gpus", "3"], 1, "cannot be divided"),
        (["--model", "./nowhere", "--gpu", "L4"], 1, "There is nothing at ./nowhere"),
    ],
)
def test_half_a_wish_or_an_impossible_one_is_told_in_words(
    mixvllm: Command, options: list[str], code: int, said: str
) -> None:
    ran = mixvllm("config", "init", "-", *options)

    assert ran.code == code
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_what_no_gpu_of_a_size_holds_is_explained_by_its_own_code(mixvllm: Command) -> None:
    ran = mixvllm("config", "init", "-", "--model", "Qwen/Qwen3-8B", "--gpu", "2GiB")

    assert ran.code == 1
    assert "Qwen/Qwen3-8B on 8 such GPUs: does not fit: the weights take" in ran.err
    assert "More: mixvllm explain weights-too-large" in ran.err
