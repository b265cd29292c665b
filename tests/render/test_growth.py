from __future__ import annotations

import io

import pytest
from rich.console import Console

from mixvllm.memory.gpu_table import find_gpu
from mixvllm.memory.growth import growth
from mixvllm.memory.request import EstimateRequest
from mixvllm.models.find import find_model
from mixvllm.render.growth import GrowthChart

ON_4090 = EstimateRequest(gpu=find_gpu("RTX4090"), max_model_len=32768)
LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
NARROW = """\
KV cache of one request on a GPU   # full attention
16.00 GiB |                                                             ..:####
          |                                                     ..::###########
          |                                              .::###################
          |                                      ..:###########################
 8.00 GiB |                               .::##################################
          |-- the pool: 5.53 GiB -..::#########################################
          |               ..::#################################################
          |        ..:#########################################################
          | .::################################################################
          +----------------^----------------+----------------+----------------+

how many of them run at once (logarithmic)
      100 |
          |
          |#
       10 |##:.
          |######:..
          |##############:::...
          +----------------^----------------+----------------+----------------+
tokens                32,768           65,536           98,304          131,072
a request           4.00 GiB         8.00 GiB        12.00 GiB        16.00 GiB
at once                  1.4              0.7              0.5              0.3
^ 32,768 tokens are asked for; up to 45,264 fit.
"""


def drawn(name: str, request: EstimateRequest, width: int, encoding: str = "utf-8") -> str:
    found = find_model(name, may_ask_the_hub=False)
    shown = growth(found.description, found.weights, request)
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    Console(file=file, width=width).print(GrowthChart(shown))
    file.flush()
    assert isinstance(file.buffer, io.BytesIO)
    text = file.buffer.getvalue().decode(encoding)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def test_an_encoding_without_blocks_gets_ascii() -> None:
    assert drawn(LLAMA, ON_4090, 80, "ascii") == NARROW


@pytest.mark.parametrize("width", [30, 80, 100, 140, 500])
def test_the_chart_keeps_to_its_width_and_its_numbers_to_their_ticks(width: int) -> None:
    lines = drawn("openai/gpt-oss-20b", ON_4090, width).splitlines()

    assert max(map(len, lines)) <= min(width, 120)
    axis = next(line for line in lines if "└" in line)
    numbers = next(line for line in lines if line.startswith("tokens"))
    ends = [column for column, sign in enumerate(axis) if sign in "┴▲"]
    digits = [
        column
        for column, sign in enumerate(numbers)
        if sign.isdigit() and numbers[column + 1 : column + 2] in ("", " ")
    ]
    assert set(digits) <= set(ends)
    assert numbers.endswith("131,072")


def test_each_kind_of_layers_has_its_own_sign() -> None:
    text = drawn("Qwen/Qwen3.5-27B", ON_4090, 80)

    assert "█ full attention" in text
    assert "░ recurrent state" in text
    text = drawn("google/gemma-4-26B-A4B", EstimateRequest(max_model_len=32768), 80)
    assert "▒ sliding window" in text
    assert "at once" not in text


def test_what_does_not_fit_is_said() -> None:
    text = drawn(LLAMA, EstimateRequest(gpu=find_gpu("8GiB"), max_model_len=1024), 80)
    assert "1,024 tokens are asked for; no length fits." in text
