import pytest

from mixvllm.vllm_internals.output_lines import LogLine, Sign, parse, read_sign

# Printed by vLLM 0.32, save for those marked as read in its source.
SIGNS = [
    (
        "(MainProcess pid=5970) INFO 11-22 14:20:01 [model.py:733] "
        "Resolved architecture: LlamaForCausalLM",
        Sign("loading", "architecture LlamaForCausalLM"),
    ),
    (
        "(EngineCore pid=5998) INFO 11-22 14:20:11 [core.py:133] "
        "Initializing a V1 LLM engine (v0.32.0) with config: model='demo', dtype=torch.float32",
        Sign("loading", "engine process is up"),
    ),
    (
        "(Worker pid=6010) INFO 11-22 14:20:24 [parallel_state.py:1906] "
        "world_size=1 rank=0 local_rank=0 distributed_init_method=file:///tmp/x backend=gloo",
        Sign("loading", "workers are up"),
    ),
    (
        "(Worker pid=6010) INFO 11-22 14:20:24 [cpu_model_runner.py:68] "
        "Starting to load model demo...",
        Sign("loading", "building the model"),
    ),
    (
        "(Worker pid=6010) INFO 11-22 14:20:24 [weight_utils.py:1108] Filesystem type for "
        "checkpoints: EXT4. Checkpoint size: 0.50 GiB. Available RAM: 21.56 GiB.",
        Sign("loading", "reading 0.50 GiB of weights"),
    ),
    (
        "Loading safetensors checkpoint shards:  50% Completed | 1/2 [00:02<00:00,  2.01s/it]",
        Sign("loading", "weights, file 1 of 2", 0.5),
    ),
    (
        "(Worker pid=6010) INFO 11-22 14:20:26 [default_loader.py:501] "
        "Loading weights took 2.03 seconds",
        Sign("loading", "weights read in 2.03 s"),
    ),
    (
        "(EngineCore pid=5998) INFO 11-22 14:20:28 [kv_cache_utils.py:2327] CPU KV cache size: "
        "23,296 tokens, Maximum concurrency for 4,096 tokens per request: 5.69x",
        Sign("warming", "KV cache for 23,296 tokens"),
    ),
    (
        "(EngineCore pid=5998) INFO 11-22 14:20:31 [core.py:402] "
        "init engine (profile, create kv cache, warmup model) took 2.86 s",
        Sign("warming", "engine is up"),
    ),
    # Read in the source.
    (
        "(Worker pid=6010) INFO 11-22 14:20:31 [monitor.py:48] torch.compile took 41.20 s in total",
        Sign("compiling", "took 41.20 s"),
    ),
    (
        "(Worker pid=6010) INFO 11-22 14:20:31 [backends.py:9] "
        "Dynamo bytecode transform time: 3.21 s",
        Sign("compiling", "torch.compile, bytecode done"),
    ),
    (
        "Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):  40%|████      | 4/10 [00:01<",
        Sign("warming", "CUDA graph 4 of 10", 0.4),
    ),
]


@pytest.mark.parametrize(("line", "sign"), SIGNS, ids=[str(sign.detail) for _, sign in SIGNS])
def test_a_line_of_the_start_says_how_far_it_is(line: str, sign: Sign) -> None:
    assert read_sign(parse(line).message) == sign


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Triton is installed, but doesn't include CPU backend. Disabling Triton.",
        "(Worker pid=1) WARNING 11-22 14:20:24 [cpu_worker.py:114] libiomp is not found",
        "(EngineCore pid=1) INFO 11-22 14:20:11 [core.py:1] a text about torch.compile and loading",
    ],
)
def test_other_lines_say_nothing(line: str) -> None:
    assert read_sign(parse(line).message) is None


def test_the_prefix_tells_the_process_and_the_level() -> None:
    line = parse("(Worker_TP0 pid=7) ERROR 11-22 14:20:24 [a.py:1] no memory")

    assert line == LogLine("no memory", process="Worker_TP0", level="ERROR")


def test_an_empty_message_keeps_its_prefix_apart() -> None:
    assert parse("(APIServer pid=5970) INFO 11-22 14:19:50 [api_utils.py:347] ").message == ""
