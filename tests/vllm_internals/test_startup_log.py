"""What start-up logs of many releases tell."""

from pathlib import Path

import pytest

from mixvllm.vllm_internals.log_lines import read_lines
from mixvllm.vllm_internals.startup_log import StartupReader, read_log

LOGS = Path(__file__).parents[1] / "data" / "startup_logs"


def read(name: str) -> StartupReader:
    with (LOGS / name).open("rb") as file:
        return read_log(read_lines(file, name))


def test_a_real_start_on_a_cpu_is_read() -> None:
    log = read("cpu-0.32.0-demo.log").log

    assert log.version == "0.32.0"
    assert log.architecture == "LlamaForCausalLM"
    assert log.told("device") == "cpu"
    assert log.told("dtype") == "float32"
    assert log.measured == {
        "max_model_len": 4096,
        "available_gib": 1.0,
        "tokens": 23_296,
        "max_concurrency": 5.69,
    }
    assert log.is_complete
    assert log.failure is None


def test_a_start_in_docker_is_read() -> None:
    reader = read("docker-0.17.1-a100.log")
    log = reader.log

    assert reader.starts == 1
    assert log.version == "0.17.1"
    assert log.told("model") == "meta-llama/Llama-3.1-8B-Instruct"
    assert log.told("max_num_batched_tokens") == 2048
    assert log.measured["weights_gib"] == 14.99
    assert log.arguments is not None
    assert log.arguments.unread == ("logits_processor_pattern",)


def test_of_several_workers_the_most_loaded_counts() -> None:
    log = read("json-0.20.0-h200-tp4.log").log

    assert log.measured["available_gib"] == 90.66
    assert log.measured["weights_gib"] == 32.89
    assert log.told("tensor_parallel_size") == 4


def test_a_refused_start_tells_what_it_lacked() -> None:
    log = read("failed-0.11.0-h100.log").log

    assert not log.is_complete
    assert (log.failure or "").startswith("To serve at least one request")
    assert log.measured["needed_gib"] == 4.54
    assert log.measured["available_gib"] == 1.71
    assert log.measured["estimated_max_model_len"] == 34_832


def test_of_several_starts_the_last_one_counts() -> None:
    text = [*lines("failed-0.11.0-h100.log"), *lines("docker-0.17.1-a100.log")]
    reader = read_log(text)

    assert reader.starts == 2
    assert reader.log.version == "0.17.1"
    assert reader.log.failure is None
    assert "needed_gib" not in reader.log.measured


def test_a_restart_of_the_engine_in_one_log_is_a_start() -> None:
    reader = read_log(lines("cpu-0.32.0-demo.log") * 3)

    assert reader.starts == 3
    assert reader.log.is_complete


def lines(name: str) -> list[str]:
    return (LOGS / name).read_text().splitlines()


@pytest.mark.parametrize(
    ("line", "figures"),
    [
        (
            "Free memory on device cuda:0 (78.61/79.19 GiB) on startup. Desired GPU memory "
            "utilization is (0.9, 71.27 GiB). Actual usage is 15.66 GiB for consumed memory "
            "(weights + non-torch), 1.97 GiB for peak activation, and 0.22 GiB for CUDAGraph "
            "memory. Replace gpu_memory_utilization config with `--kv-cache-memory=1` (0.0 GiB) "
            "to fit into requested memory.",
            {
                "free_gib": 78.61,
                "total_gib": 79.19,
                "gpu_memory_utilization": 0.9,
                "requested_gib": 71.27,
                "consumed_gib": 15.66,
                "activation_gib": 1.97,
            },
        ),
        (
            "Free memory on device (177.66/178.36 GiB) on startup. Desired GPU memory utilization "
            "is (0.9, 160.53 GiB). Actual usage is 8.58 GiB for weight, 9.96 GiB for peak "
            "activation, 0.07 GiB for non-torch memory, and 0.65 GiB for CUDAGraph memory.",
            {
                "free_gib": 177.66,
                "total_gib": 178.36,
                "gpu_memory_utilization": 0.9,
                "requested_gib": 160.53,
                "weights_gib": 8.58,
                "activation_gib": 9.96,
                "other_gib": 0.07,
            },
        ),
        (
            "the current vLLM instance can use total_gpu_memory (31.73GiB) x "
            "gpu_memory_utilization (0.90) = 28.56GiB",
            {"total_gib": 31.73, "gpu_memory_utilization": 0.9, "requested_gib": 28.56},
        ),
        (
            "model weights take 21.21GiB; non_torch_memory takes 0.20GiB; PyTorch activation peak "
            "memory takes 0.37GiB; the rest of the memory reserved for KV Cache is 1.57GiB.",
            {
                "weights_gib": 21.21,
                "other_gib": 0.2,
                "activation_gib": 0.37,
                "available_gib": 1.57,
            },
        ),
        ("Loading model weights took 13.9367 GB", {"weights_gib": 13.9367}),
        ("Model loading took 7.64 GiB and 32.969258 seconds", {"weights_gib": 7.64}),
        ("Estimated CUDA graph memory: 0.36 GiB total", {"graphs_estimate_gib": 0.36}),
        ("Graph capturing finished in 3 secs, took -0.19 GiB", {"graphs_gib": -0.19}),
        (
            "GPU KV cache size: 331,965 tokens, Maximum concurrency for 32,768 tokens per "
            "request: 10.13x",
            {"tokens": 331_965, "max_model_len": 32_768, "max_concurrency": 10.13},
        ),
        (
            "CUDA graph memory profiling is enabled (default since v0.21.0). The current "
            "--gpu-memory-utilization=0.8200 is equivalent to --gpu-memory-utilization=0.8048 "
            "without CUDA graph memory profiling.",
            {"gpu_memory_utilization": 0.82},
        ),
        ("Available KV cache memory: -1.25 GiB", {"available_gib": -1.25}),
    ],
)
def test_the_figures_of_a_line_are_read(line: str, figures: dict[str, float]) -> None:
    read = read_log([f"(Worker pid=1) INFO 08-14 14:07:22 [gpu_worker.py:1] {line}"])

    assert read.log.measured == figures


@pytest.mark.parametrize(
    "refusal",
    [
        "ValueError: No available memory for the cache blocks. Try increasing it.",
        "ValueError: Free memory on device cuda:0 (2.0/23.6 GiB) on startup is less than desired "
        "GPU memory utilization (0.9, 21.3 GiB). Decrease GPU memory utilization.",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.96 GiB.",
        "ValueError: The model's max seq len (29000) is larger than the maximum number of tokens "
        "that can be stored in KV cache (23648).",
    ],
)
def test_a_refusal_is_seen_even_without_its_traceback(refusal: str) -> None:
    assert refusal.partition(": ")[2][:20] in (read_log([refusal]).log.failure or "")


def test_the_gpu_is_read_where_a_line_names_it() -> None:
    line = "Config file not found at E=128,N=768,device_name=NVIDIA_H100_80GB_HBM3.json"

    assert read_log([line]).log.gpu_name == "NVIDIA_H100_80GB_HBM3"


def test_what_a_server_says_later_changes_nothing() -> None:
    before = read("docker-0.17.1-a100.log").log
    later = [
        *lines("docker-0.17.1-a100.log"),
        "INFO 03-11 [x.py:1] GPU KV cache usage: 0.1%, 3 tokens",
        "Available KV cache memory: 1.0 GiB",
        "ValueError: No available memory for the cache blocks.",
    ]

    assert read_log(later).log == before


def test_a_text_that_is_no_log_says_nothing() -> None:
    assert not read_log(["Dear GiB,", "Error: tokens", "version 2"]).log.says_something
