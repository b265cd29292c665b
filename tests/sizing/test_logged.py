"""Start-up logs held against our estimate."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixvllm.models.sources.catalogue import look_up
from mixvllm.settings.schema import ServeConfig
from mixvllm.sizing.keys_read import INFERENCE_READ
from mixvllm.sizing.logged import Beside, LogReport, report
from mixvllm.sizing.request import ARGUMENTS_READ, Choices
from mixvllm.vllm_internals.log_lines import read_lines
from mixvllm.vllm_internals.startup_log import read_log
from tests.memory.logs import ROWS, LogRow

LOGS = Path(__file__).parents[1] / "data" / "startup_logs"


def beside(gpu: str | None = None, version: str | None = None, **sections: Any) -> Beside:
    keys = {f"{section}.{name}" for section, values in sections.items() for name in values}
    asked = ServeConfig.from_layers([sections])
    return Beside(asked, keys, Choices(gpu, None, version))


def of_file(name: str, said: Beside) -> LogReport:
    with (LOGS / name).open("rb") as file:
        read = read_log(read_lines(file, name))
    return report(read.log, read.starts, said)


def of_lines(*lines: str, said: Beside | None = None) -> LogReport:
    read = read_log(lines)
    return report(read.log, read.starts, said or beside())


def row_of(made: LogReport, term: str) -> Any:
    return next(row for row in made.terms if row.term == term)


def test_a_real_start_on_a_cpu_is_predicted_to_the_token() -> None:
    made = of_file("cpu-0.32.0-demo.log", beside(model={"name": "demo"}))
    tokens = row_of(made, "KV cache tokens")

    assert tokens.predicted == tokens.measured == 23_296
    assert row_of(made, "tokens of the measured KV cache").agrees


def test_every_term_of_a_start_on_a_gpu_is_compared() -> None:
    made = of_file("docker-0.17.1-a100.log", beside("A100"))

    assert row_of(made, "tokens of the measured KV cache").agrees
    assert abs(row_of(made, "weights").difference) < 1 << 27
    assert abs(row_of(made, "beside the weights").difference) < 1 << 28
    assert "peak activation" in made.not_told
    assert made.reason is None


def test_without_a_gpu_what_needs_none_is_compared() -> None:
    made = of_file("docker-0.17.1-a100.log", beside())

    assert row_of(made, "KV cache").predicted is None
    assert row_of(made, "tokens of the measured KV cache").agrees
    assert made.reason == "The log does not tell the GPU: give --gpu NAME."


def test_a_model_that_only_its_directory_names_is_told_beside() -> None:
    without = of_file("json-0.20.0-h200-tp4.log", beside("H200"))
    said = beside("H200", model={"name": "meta-llama/Llama-3.3-70B-Instruct"})
    made = of_file("json-0.20.0-h200-tp4.log", said)

    assert without.estimate is None
    assert "/models/llama-70b" in (without.reason or "")
    assert row_of(without, "KV cache tokens").measured == 1_188_336
    assert row_of(made, "tokens of the measured KV cache").agrees


def test_what_contradicts_the_log_is_said_and_the_log_holds() -> None:
    said = beside(
        "H100",
        "0.32",
        model={"name": "meta-llama/Llama-3.1-8B-Instruct"},
        inference={"max_model_len": 4096, "kv_cache_dtype": "fp8"},
    )
    made = of_file("docker-0.17.1-a100.log", said)

    assert made.contradictions == (
        "The log says vLLM 0.17.1, not --vllm-version 0.32: the log holds.",
        "The log says max_model_len 32768, not 4096: the log holds.",
        "The log says kv_cache_dtype auto, not fp8: the log holds.",
    )
    assert made.request is not None
    assert made.request.max_model_len == 32_768


def test_a_gpu_of_another_size_than_the_logs_is_said() -> None:
    line = "Free memory on device cuda:0 (78.61/79.19 GiB) on startup."
    made = of_lines(
        "INFO 01-01 00:00:00 [core.py:1] Initializing a V1 LLM engine (v0.32.0) with config: "
        "model='meta-llama/Llama-3.1-8B-Instruct', max_seq_len=4096",
        line,
        said=beside("L40S"),
    )

    assert made.contradictions == (
        "The log says the GPU has 79.19 GiB, not 44.40 GiB of L40S: the log holds.",
    )


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("'speculative_config': {'method': 'mtp'}", "speculative_config"),
        ("'cpu_offload_gb': 4", "cpu_offload_gb"),
    ],
)
def test_what_is_not_modelled_is_the_reason_for_no_estimate(argument: str, said: str) -> None:
    made = of_lines(
        "vLLM API server version 0.17.1",
        f"non-default args: {{'model': 'meta-llama/Llama-3.1-8B-Instruct', {argument}}}",
        "Available KV cache memory: 5.79 GiB",
        said=beside("A100"),
    )

    assert made.estimate is None
    assert said in (made.reason or "")
    assert row_of(made, "KV cache").measured


@pytest.mark.parametrize("version", ["0.8.3", "0.99.0", "nightly"])
def test_a_release_without_rules_is_a_reason(version: str) -> None:
    made = of_lines(
        f"Initializing a V1 LLM engine (v{version}) with config: model='Qwen/Qwen2.5-7B'",
        "Available KV cache memory: 5.79 GiB",
    )

    assert made.estimate is None or made.assumed
    assert row_of(made, "KV cache").measured


def test_a_full_dump_of_older_releases_is_no_contradiction() -> None:
    made = of_lines(
        "INFO 03-12 14:55:20 [api_server.py:912] vLLM API server version 0.10.0",
        "INFO 03-12 14:55:20 [api_server.py:913] args: Namespace(model='Qwen/Qwen2.5-7B', "
        "dtype='auto', kv_cache_dtype='auto', max_model_len=4096, cpu_offload_gb=0, "
        "hf_overrides={}, block_size=16, gpu_memory_utilization=0.9, quantization=None, "
        "enable_prefix_caching=None, speculative_config=None)",
        "Available KV cache memory: 5.79 GiB",
        said=beside("A100"),
    )

    assert made.reason is None
    assert made.estimate is not None
    assert made.estimate.settings.max_model_len == 4096


@given(
    st.dictionaries(
        st.sampled_from((*INFERENCE_READ, *ARGUMENTS_READ, "kv_cache_memory_bytes")),
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(-(10**20), 10**20),
            st.floats(allow_nan=False, allow_infinity=False),
            st.text(max_size=8),
            st.just("auto"),
        ),
    ),
    st.text(alphabet="0123456789.,-", max_size=25),
)
@settings(max_examples=150, deadline=None)
def test_whatever_a_log_claims_is_a_report(claimed: dict[str, Any], number: str) -> None:
    made = of_lines(
        "vLLM API server version 0.32.0",
        f"non-default args: {claimed!r}",
        f"Available KV cache memory: {number} GiB",
        f"GPU KV cache size: {number} tokens",
        f"Model loading took {number} GiB memory",
        said=beside("H100", model={"name": "Qwen/Qwen2.5-7B"}),
    )

    assert made.estimate is not None or made.reason


def log_lines(row: LogRow) -> list[str]:
    """The lines that a start-up with these figures prints."""
    described = {
        name: row.get(name)
        for name in ("tensor_parallel_size", "pipeline_parallel_size", "gpu_memory_utilization")
        if row.get(name)
    }
    for name in ("max_num_batched_tokens", "max_num_seqs", "block_size", "kv_cache_dtype", "dtype"):
        if row.get(name):
            described[name] = row.get(name)
    if row.get("enforce_eager"):
        described["enforce_eager"] = True
    if row.get("enable_prefix_caching") is not None:
        described["enable_prefix_caching"] = row.get("enable_prefix_caching")
    tokens, available = row.get("kv_cache_tokens"), row.get("available_kv_gib")
    return [
        f"INFO 01-01 00:00:00 [api_server.py:1] vLLM API server version {row.version}",
        f"INFO 01-01 00:00:00 [utils.py:1] non-default args: {described!r}",
        f"INFO 01-01 00:00:00 [model.py:1] Using max model len {row.serving.max_model_len}",
        f"INFO 01-01 00:00:00 [a.py:1] Available KV cache memory: {available} GiB",
        f"INFO 01-01 00:00:00 [b.py:1] GPU KV cache size: {tokens:,} tokens",
    ]


def is_itself(row: LogRow) -> bool:
    """Whether the model of the catalogue that stands for it has the same cache format."""
    entry = look_up(row.fields["shape"])
    assert entry is not None
    return row.description.kv_cache_dtype == entry.description.kv_cache_dtype


PLAIN_ROWS = [
    row
    for row in ROWS
    if row.get("kv_cache_tokens")
    and row.get("available_kv_gib")
    and row.get("shape")
    and not row.get("left_out")
    and not row.get("described")
    and not row.get("draft_layers")
    and not row.version.startswith("0.8")
    and is_itself(row)
]


def test_there_are_many_public_starts() -> None:
    assert len(PLAIN_ROWS) >= 60


@pytest.mark.parametrize("row", PLAIN_ROWS, ids=repr)
def test_the_memory_of_a_public_start_gives_its_tokens(row: LogRow) -> None:
    made = of_lines(*log_lines(row), said=beside(model={"name": row.fields["shape"]}))

    assert made.estimate is not None, made.reason
    assert row_of(made, "tokens of the measured KV cache").agrees
