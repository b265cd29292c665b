from __future__ import annotations

import io

import pytest
from rich.console import Console

from mixvllm.memory.estimate import estimate
from mixvllm.memory.gpu_table import find_gpu
from mixvllm.memory.request import EstimateRequest
from mixvllm.models.find import find_model
from mixvllm.render.budget import budget_table
from mixvllm.render.memory import estimate_view, verdict
from mixvllm.render.units import parameters_text, size_text

GIB = 1 << 30
NARROW = """\
openai/gpt-oss-20b fits: 35.45 requests of 32,768 tokens at once.

GPU KV cache size: 1,161,673 tokens
Maximum concurrency for 32,768 tokens per request: 35.45x

model              GptOssForCausalLM, 20.9 B (catalogue)
context            131,072 tokens; asked 32,768
longest that fits  131,072 tokens
KV cache           40.00 GiB a GPU, 109,226 blocks of 16 tokens
one token          24.0 KiB
one request        1.13 GiB
weights            12.81 GiB (formula)
settings           vLLM 0.33, bfloat16, mxfp4, KV bfloat16, TP 1, 8,192 tokens
                   and 1,024 sequences a batch

layers          of  block      page  blocks a request
sliding window  12     16  32.0 KiB             1,033
full attention  12     16  32.0 KiB             2,048

holds more                        tokens  requests at once
--kv-cache-dtype fp8           2,323,358             70.90
--tensor-parallel-size 2       2,323,358             70.90
--max-model-len 16384            873,381             53.31
--max-num-batched-tokens 2048  1,547,391             47.22

By the rules of vLLM 0.33 for a CUDA server.
"""
WIDE = NARROW.replace("tokens\n                   and", "tokens and")


def drawn(width: int, *, explained: bool = False, **asked: object) -> str:
    found = find_model("openai/gpt-oss-20b", may_ask_the_hub=False)
    request = EstimateRequest(**asked)  # type: ignore[arg-type]
    answer = estimate(found.description, found.weights, found.source, request)
    console = Console(file=io.StringIO(), width=width)
    console.print(estimate_view(answer, explained=explained))
    assert isinstance(console.file, io.StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


@pytest.mark.parametrize(("width", "text"), [(80, NARROW), (140, WIDE)])
def test_the_verdict_is_first_and_vllms_lines_are_next(width: int, text: str) -> None:
    assert drawn(width, max_model_len=32768, kv_cache_memory_bytes=40 * GIB) == text


def test_a_gpu_shows_where_its_memory_goes_within_80_columns() -> None:
    text = drawn(80, gpu=find_gpu("H100"), explained=True)

    assert max(map(len, text.splitlines())) <= 80
    for part in ("weights", "activations", "CUDA graphs", "KV cache", "not for vLLM", "H100"):
        assert f"\n{part} " in text
    assert "one request of 131,072 tokens" in text
    assert "expect between" in text


def test_states_that_need_fewer_sequences_are_a_fit_with_a_change() -> None:
    found = find_model("Qwen/Qwen3.5-27B", may_ask_the_hub=False)
    request = EstimateRequest(max_model_len=32768, kv_cache_memory_bytes=40 * GIB)
    answer = estimate(found.description, found.weights, found.source, request)

    assert "fits with a change" in verdict(answer).plain
    assert "--max-num-seqs to at most 835" in verdict(answer).plain


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, "-"),
        (0, "0 B"),
        (512, "512 B"),
        (24 << 10, "24.0 KiB"),
        (180 << 20, "180 MiB"),
        (1211498496, "1.13 GiB"),
        (3 << 40, "3.00 TiB"),
    ],
)
def test_sizes_read_as_vllm_prints_them(size: int | None, text: str) -> None:
    assert size_text(size) == text


def test_parameters_have_three_digits() -> None:
    assert [parameters_text(n) for n in (None, 134_515_008, 8_030_261_248, 900)] == [
        *("-", "135 M", "8.03 B", "900")
    ]


@pytest.mark.parametrize(("encoding", "cell"), [("utf-8", "\u2588"), ("ascii", "#")])
def test_the_parts_of_a_gpu_follow_each_other_on_one_bar(encoding: str, cell: str) -> None:
    found = find_model("openai/gpt-oss-20b", may_ask_the_hub=False)
    request = EstimateRequest(gpu=find_gpu("RTX4090"))
    answer = estimate(found.description, found.weights, found.source, request)
    assert answer.gpu is not None
    assert answer.budget is not None
    written = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    Console(file=written, width=80).print(budget_table(answer.gpu, answer.budget))
    written.seek(0)

    rows = [line.rstrip() for line in written.read().splitlines()[1:]]
    bars = [row.rpartition(" ")[2] for row in rows if row.endswith(cell)]
    ends = [len(row) for row in rows if row.endswith(cell)]
    assert len(bars) == 6
    assert set("".join(bars)) == {cell}
    assert ends == sorted(ends)


def test_what_lacks_is_told_as_such() -> None:
    text = drawn(80, gpu=find_gpu("T4"))

    assert "\nKV cache lacks " in text
    assert "-" not in text.partition("KV cache lacks")[2].split()[0]


@pytest.mark.parametrize("width", [40, 60])
def test_on_a_narrow_terminal_the_figures_stay_whole(width: int) -> None:
    text = drawn(width, gpu=find_gpu("H100"), explained=True)

    assert max(map(len, text.splitlines())) <= width
    assert "13.45 GiB" in text
    assert "\u2026" not in text
