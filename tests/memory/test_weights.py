from __future__ import annotations

import pytest

from mixvllm.memory.defaults import mxfp4_steps
from mixvllm.memory.gpu_table import find_gpu
from mixvllm.memory.serving import ServingFacts
from mixvllm.memory.weights import (
    RankWeights,
    divided_attention,
    divided_vocabulary,
    expert_padding,
    rank_weights,
)
from mixvllm.models.sources.catalogue import look_up
from mixvllm.models.weights.groups import WeightFacts
from mixvllm.sizes import GIB
from tests.memory.logs import ROWS, LogRow

# What vLLM's own classes allocate on one rank, built on the meta device.
ORACLE = [
    ("meta-llama/Llama-3.1-70B-Instruct", 4, 35_278_831_616, 0.0),
    ("meta-llama/Llama-3.1-70B-Instruct", 16, 8_989_458_432, 0.0),
    ("mistralai/Mixtral-8x7B-v0.1", 8, 11_677_999_104, 0.0),
    ("Qwen/Qwen2.5-7B", 4, 3_808_114_688, 0.0),
    ("ibm-granite/granite-3.3-8b-instruct", 8, 2_043_355_136, 0.0),
    ("deepseek-ai/DeepSeek-V3", 8, 85_140_130_848, 1e-5),
    ("Qwen/Qwen3-30B-A3B", 8, 7_680_585_728, 1e-5),
    ("Qwen/Qwen3-Next-80B-A3B-Instruct", 4, 39_925_738_176, 1e-5),
    ("nvidia/Nemotron-H-56B-Base-8K", 8, 14_082_797_056, 1e-5),
    ("ai21labs/Jamba-v0.1", 4, 25_788_980_992, 1e-4),
    ("openai/gpt-oss-20b", 1, 13_761_264_768, 1e-3),
    ("bigcode/gpt_bigcode-santacoder", 4, 1_796_321_280, 1e-4),
    ("google/gemma-4-26B-A4B", 8, 7_499_250_272, 1e-5),
    ("google/gemma-3-4b-it", 8, 1_135_167_132, 1e-3),
    ("zai-org/GLM-4.1V-9B-Thinking", 2, 10_321_384_448, 0.0),
    ("Qwen/Qwen3-VL-2B-Instruct", 8, 539_301_888, 1e-3),
    ("nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-FP8", 2, 61_066_313_160, 5e-3),
    ("meta-models/Muse-Glimmer-30B", 2, 31_227_773_952, 0.0),
    ("Qwen/Qwen3.5-122B-A10B-FP8", 1, 124_623_352_896, 1e-3),
    ("TheBloke/Llama-2-13B-chat-AWQ", 8, 906_455_040, 1e-3),
    ("Qwen/Qwen3-VL-30B-A3B-Instruct", 8, 7_823_380_380, 2e-3),
    ("Qwen/Qwen3.5-27B", 8, 6_890_389_724, 2e-3),
    ("meta-models/Muse-Glimmer-30B", 1, 59_553_253_376, 0.0),
    ("mistralai/Ministral-3-3B-Instruct-2512-BF16", 1, 7_698_180_096, 0.0),
    ("deepseek-ai/DeepSeek-V4-Flash", 1, 156_006_389_980, 1e-3),
    ("deepseek-ai/DeepSeek-V4-Flash", 4, 39_982_248_220, 3e-3),
    ("deepseek-ai/DeepSeek-V4-Pro", 8, 109_447_708_388, 5e-3),
    ("google/gemma-3-27b-it", 8, 6_881_087_644, 4e-3),
]
WEIGHED = [row for row in ROWS if row.weights is not None and row.get("weights_gib")]


def on_one_rank(name: str, *, tp: int = 1, pp: int = 1) -> RankWeights:
    entry = look_up(name)
    assert entry is not None
    assert entry.weights is not None
    serving = ServingFacts(4096, tensor_parallel_size=tp, pipeline_parallel_size=pp)
    return rank_weights(entry.weights, entry.description, serving)


@pytest.mark.parametrize(("name", "tp", "expected", "tolerance"), ORACLE)
def test_a_rank_holds_what_vllm_allocates(
    name: str, tp: int, expected: int, tolerance: float
) -> None:
    weights = on_one_rank(name, tp=tp)
    assert weights.exactness == "by group"
    assert weights.total_bytes == pytest.approx(expected, rel=tolerance, abs=0)


@pytest.mark.parametrize(
    "row", [row for row in WEIGHED if not row.get("weights_left_out")], ids=repr
)
def test_weights_and_their_tables_are_within_half_a_percent_of_the_log(row: LogRow) -> None:
    entry = row.weights
    assert entry is not None
    assert entry.weights is not None
    tp = row.get("tensor_parallel_size", 1)
    serving = ServingFacts(4096, tensor_parallel_size=tp, mxfp4_steps=mxfp4_steps(row.gpu))
    weights = rank_weights(entry.weights, entry.description, serving)
    predicted = weights.total_bytes + weights.buffer_bytes
    assert predicted / GIB == pytest.approx(row.get("weights_gib"), rel=0.005)


def test_most_of_the_logs_with_known_weights_are_compared() -> None:
    compared = [row for row in WEIGHED if not row.get("weights_left_out")]
    assert (len(compared), len(WEIGHED)) == (42, 79)


def test_experts_of_gpt_oss_are_padded_as_the_kernels_of_the_gpu_want() -> None:
    entry = look_up("openai/gpt-oss-20b")
    assert entry is not None
    assert entry.weights is not None
    # vLLM's own classes with Marlin's kernels; see also the logs of an A100 and a GB10.
    for ranks, expected in ((1, 14_679_227_520), (8, 1_903_483_392)):
        serving = ServingFacts(
            4096, tensor_parallel_size=ranks, mxfp4_steps=mxfp4_steps(find_gpu("A100"))
        )
        weights = rank_weights(entry.weights, entry.description, serving)
        padding = expert_padding(entry.weights, entry.description, serving)
        assert weights.total_bytes + padding == pytest.approx(expected, rel=4e-3)


def test_a_pooling_server_loads_no_output_layer() -> None:
    entry = look_up("meta-llama/Llama-3.1-8B-Instruct")
    assert entry is not None
    assert entry.weights is not None
    generating, pooling = (
        rank_weights(entry.weights, entry.description, ServingFacts(4096, pooling=pools))
        for pools in (False, True)
    )
    assert generating.total_bytes - pooling.total_bytes == generating.groups["lm_head"]


def test_the_rows_of_a_vocabulary_are_padded_to_64_and_then_divided() -> None:
    assert divided_vocabulary(65 * 10, vocab_size=65, ranks=4) == 128 * 10 // 4


def test_key_and_value_projections_are_copied_beyond_the_kv_heads() -> None:
    assert divided_attention(1000, kv_projections=200, heads=[(2, 1)], ranks=8) == 100 + 100


def test_layers_with_more_key_value_heads_are_divided_further() -> None:
    heads = [(2, 100), (8, 100)]
    assert divided_attention(1000, kv_projections=200, heads=heads, ranks=8) == 100 + 50 + 13


def test_the_first_or_last_pipeline_stage_is_the_heaviest() -> None:
    whole = on_one_rank("meta-llama/Llama-3.1-70B-Instruct")
    staged = on_one_rank("meta-llama/Llama-3.1-70B-Instruct", pp=4)
    assert whole.total_bytes / 4 < staged.total_bytes < whole.total_bytes / 3


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # Embedding and output on every stage; three dense layers before those with experts; an
        # encoder on every stage; layers of three kinds.
        ("Qwen/Qwen3-30B-A3B", 31_154_454_528),
        ("deepseek-ai/DeepSeek-V3", 347_211_797_056),
        ("Qwen/Qwen3.5-27B", 30_360_262_880),
        (
            "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16",
            33_549_571_328,
        ),
        ("ai21labs/Jamba-v0.1", 52_110_868_352),
    ],
)
def test_the_heaviest_of_two_stages_holds_what_vllm_allocates(name: str, expected: int) -> None:
    assert on_one_rank(name, pp=2).total_bytes == pytest.approx(expected, rel=1e-3)


def test_a_tied_output_is_one_embedding_more_on_the_last_of_two_stages() -> None:
    whole, staged = on_one_rank("Qwen/Qwen3-4B"), on_one_rank("Qwen/Qwen3-4B", pp=2)
    layers = whole.total_bytes - whole.groups["embeddings"]
    assert staged.total_bytes == layers // 2 + whole.groups["embeddings"]


def test_of_a_total_alone_a_rank_gets_its_share_and_it_says_so() -> None:
    entry = look_up("Qwen/Qwen3-8B")
    assert entry is not None
    weights = rank_weights(
        WeightFacts(1001, "index", {}),
        entry.description,
        ServingFacts(4096, tensor_parallel_size=2),
    )
    assert (weights.total_bytes, weights.exactness) == (501, "total divided")


def test_draft_layers_are_weighed_only_where_they_draft() -> None:
    entry = look_up("Qwen/Qwen3-8B")
    assert entry is not None
    facts = WeightFacts(1000, "safetensors headers", {"mlp": 1000, "draft": 100})
    draft = entry.description.layers[-1:]
    plain, drafting, staged = (
        rank_weights(facts, entry.description, serving).total_bytes
        for serving in (
            ServingFacts(4096),
            ServingFacts(4096, draft_layers=draft),
            ServingFacts(4096, draft_layers=draft, pipeline_parallel_size=2),
        )
    )
    assert (plain, drafting, staged) == (1000, 1100, 600)
