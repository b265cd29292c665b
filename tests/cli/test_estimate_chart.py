"""`estimate-kv --chart`: the picture, and its points as data."""

from __future__ import annotations

from tests.cli.command import Command

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"


def test_the_chart_follows_the_verdict_and_is_plain_in_a_pipe(mixvllm: Command) -> None:
    out = mixvllm("estimate-kv", LLAMA, "--gpu", "RTX4090", "--chart").out

    assert "does not fit" in out.splitlines()[0]
    assert "KV cache of one request on a GPU" in out
    assert "how many of them run at once" in out
    assert "\x1b" not in out


def test_the_points_are_in_the_json_and_only_when_asked_for(mixvllm: Command) -> None:
    asked = ("estimate-kv", LLAMA, "--kv-cache-memory", "40GiB", "--json")
    growth = mixvllm(*asked, "--chart").json["growth"]

    assert mixvllm(*asked).json["growth"] is None
    assert growth["asked_tokens"] == 131072
    assert growth["points"][-1] == {
        "tokens": 131072,
        "bytes_per_request_per_gpu": 16 << 30,
        "bytes_per_kind_per_gpu": {"full_attention": 16 << 30},
        "max_concurrency": 2.5,
        "fits": True,
    }


def test_a_chart_is_of_one_model(mixvllm: Command) -> None:
    ran = mixvllm("estimate-kv", LLAMA, "demo", "--chart")

    assert ran.code == 2
    assert "--chart is for one model" in ran.err
