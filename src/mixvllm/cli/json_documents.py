"""Every kind of document that a command writes under `--json`, and what its shape is seen from."""

from __future__ import annotations

from dataclasses import dataclass

from mixvllm.cli.app import versions_as_json
from mixvllm.cli.json_shape import Shape, shape_of
from mixvllm.cli.json_shapes_made import (
    LLAMA,
    conversation_shape,
    exact_shape,
    placement_shape,
    shape_of_class,
)
from mixvllm.cli.sample_values import samples
from mixvllm.cli.status import running_as_json
from mixvllm.cli.stop import stopped_as_json
from mixvllm.doctor.check import Report
from mixvllm.gpus.device import Inventory
from mixvllm.render.doctor import report_as_json
from mixvllm.render.gpus_json import inventory_as_json
from mixvllm.server.registry import RunningServer
from mixvllm.vllm_internals.installed import InstalledEngine

# What a vLLM printed, cut to what is read of it.
START_LOG = f"""\
INFO 03-11 09:14:02 [utils.py:297]  ▄▄ ▄█ █     █     █ ▀▄▀ █  version 0.24.0
INFO 03-11 09:14:02 [utils.py:233] non-default args: {{'model': '{LLAMA}', 'config': Odd(x=3)}}
INFO 03-11 09:14:02 [model.py:533] Resolved architecture: LlamaForCausalLM
INFO 03-11 09:15:40 [gpu_model_runner.py:4879] Model loading took 14.99 GiB memory and 5.48 seconds
INFO 03-11 09:15:40 [gpu_worker.py:424] Available KV cache memory: 55.79 GiB
INFO 03-11 09:15:40 [kv_cache_utils.py:1314] GPU KV cache size: 457,024 tokens
INFO 03-11 09:15:40 [gpu_worker.py:440] Estimated CUDA graph memory: 0.55 GiB total
"""
FAILED_LOG = """\
INFO 10-25 11:59:01 [api_server.py:1839] vLLM API server version 0.11.0
WARNING 10-25 12:00:20 [fused_moe.py:812] Using default MoE config. Config file not found at \
configs/E=128,N=2880,device_name=NVIDIA_H100_80GB_HBM3.json
INFO 10-25 12:00:31 [gpu_worker.py:298] Available KV cache memory: 1.71 GiB
ValueError: To serve at least one request with the models's max seq len (131072), (4.54 GiB KV \
cache is needed, which is larger than the available KV cache memory (1.71 GiB).
"""
READ_LOG = "estimate-kv --from-log start.log"
# Keeps what that start measured, so that an estimate can be taken from it.
MEASURED = f"{READ_LOG} --gpu A100 --save"


@dataclass(frozen=True)
class Documented:
    """A kind of document.

    Attributes:
        title: The command that writes it.
        about: A sentence about it.
        writer: The module that hands it to the output.
        commands: Command lines that write examples; together they have every key.
        shapes: What no example shows, because it takes a GPU, a server or vLLM: made by what
            writes it, of values of every type that it may be given.
    """

    title: str
    about: str
    writer: str
    commands: tuple[str, ...] = ()
    shapes: tuple[Shape, ...] = ()


DOCUMENTS = (
    Documented(
        "`mixvllm estimate-kv`",
        "What a question adds (`concurrency`, `load`, `growth`) is null where it was not asked, "
        "`measured` where no start here was, and `exact` without `--exact`; "
        "[what the keys mean](estimate.md#json).",
        "estimate_one",
        (
            f"estimate-kv {LLAMA} --gpu L40S",
            f"estimate-kv {LLAMA}",
            f"estimate-kv {LLAMA} --gpu L40S --prompt 2k --output 500 --concurrency 4 --chart",
            "estimate-kv openai/gpt-oss-20b --gpu RTX4090 --concurrency 64",
            f"estimate-kv {LLAMA} --gpu A100 --vllm-version 0.24",
        ),
        (exact_shape(),),
    ),
    Documented(
        "`mixvllm estimate-kv --solve UNKNOWN`",
        "One document for every unknown; an option that does not do says so in `refusal`.",
        "estimate_solve",
        (
            f"estimate-kv {LLAMA} --gpu L40S --solve max-model-len",
            f"estimate-kv {LLAMA} --solve gpu --concurrency 2",
            f"estimate-kv {LLAMA} --gpu T4 --solve quantization",
            f"estimate-kv {LLAMA} --gpu RTX4090 --solve concurrency --prompt 2k --output 500",
        ),
    ),
    Documented(
        "`mixvllm estimate-kv --compare GPUS`",
        "Several models, GPUs or releases: one estimate each. A refused one has `error` (as in a "
        "failure) beside the names of its model, GPU and release; `upgrades` is there where "
        "releases were compared.",
        "estimate_variants",
        (
            f"estimate-kv {LLAMA} --compare L40S,T4",
            "estimate-kv google/gemma-3-27b-it --gpu H100 --vllm-version 0.24,0.32",
            "estimate-kv google/gemma-3-27b-it --vllm-version 0.24,0.32",
        ),
    ),
    Documented(
        "`mixvllm estimate-kv --from-log FILE`",
        "Every term of a start beside ours, in its `unit`; `agrees` is null where the two need "
        "not be equal, `estimate` where there is none, and `saved` without `--save`.",
        "estimate_from_log",
        (
            READ_LOG,
            MEASURED,
            f"{READ_LOG} --gpu T4",
            "estimate-kv --from-log failed.log",
        ),
    ),
    Documented(
        "`mixvllm estimate-kv --list`",
        "The models of the catalogue.",
        "estimate_options",
        ("estimate-kv --list",),
    ),
    Documented(
        "`mixvllm config validate --format json`",
        "`line` and `column` are null where there is none; `code` is one of the "
        "[codes](troubleshooting.md).",
        "config_validate",
        ("config validate wrong.yaml --format json", "config validate right.yaml --format json"),
    ),
    Documented(
        "`mixvllm config show --format json`",
        "Each value with its layer, the place where it stood, and what it overrode.",
        "config_show",
        ("config show --config right.yaml --port 9000 --format json",),
    ),
    Documented(
        "`mixvllm config show --vllm-args --json`",
        "The arguments of vLLM's own server, secrets left out.",
        "config_show",
        ("config show --config right.yaml --vllm-args --json",),
    ),
    Documented(
        "`mixvllm config init --json`",
        "What was written, and what of a converted command has no setting.",
        "config_init_file",
        (
            "config init new.yaml --json",
            "config init other.yaml --from 'vllm serve m --uvicorn-log-level info' --json",
        ),
    ),
    Documented(
        "`mixvllm config schema`",
        "With or without `--json` the same document: "
        "[mixvllm.schema.json](mixvllm.schema.json), with `--mcp` "
        "[mcp_servers.schema.json](mcp_servers.schema.json).",
        "config_schema",
        shapes=(Shape(frozenset({"a JSON Schema"})),),
    ),
    Documented(
        "`mixvllm serve --dry-run --json`",
        "What would be served, and what vLLM would be given.",
        "serve_begin",
        ("serve demo --dry-run --json",),
    ),
    Documented(
        "`mixvllm gpus`",
        "`links` is there with `--topology`; [what the keys mean](gpus.md#in-scripts).",
        "gpus",
        shapes=(shape_of_class(Inventory, inventory_as_json),),
    ),
    Documented(
        "`mixvllm gpus --for MODEL`",
        "`gpus` are those that a program started here sees; `gpus_taken` is empty where the model "
        "does not fit, `left_bytes` below 0 where the memory is in use.",
        "gpus_for",
        shapes=(placement_shape(),),
    ),
    Documented(
        "`mixvllm chat --json`",
        "One question and its answer; `error` is there where the answer broke off, and what came "
        "of it is kept.",
        "chat_once",
        shapes=(conversation_shape(),),
    ),
    Documented(
        "`mixvllm doctor`",
        "`status` is `ok`, `warning` or `error`; `fix` is the command that helps.",
        "doctor",
        shapes=(shape_of_class(Report, report_as_json),),
    ),
    Documented(
        "`mixvllm explain`",
        "Without a topic: the list of them.",
        "explain",
        ("explain",),
    ),
    Documented(
        "`mixvllm explain TOPIC`",
        "A lesson, a setting with the lesson on it, or an error; the other keys are null.",
        "explain",
        ("explain kv-cache", "explain --gpu-memory", "explain dtype", "explain port-in-use"),
    ),
    Documented(
        "`mixvllm explain errors`",
        "Every code of an error.",
        "explain",
        ("explain errors",),
    ),
    Documented(
        "`mixvllm explain SECTION`",
        "Every setting of a section of the config file.",
        "explain",
        ("explain generation_defaults", "explain server"),
    ),
    Documented(
        "`mixvllm status`",
        "Times are seconds since 1970; `phase` is one of [the phases](server.md#phases).",
        "status",
        shapes=(shape_of(running_as_json(samples(RunningServer))),),
    ),
    Documented(
        "`mixvllm stop`",
        "The servers that were ended, as they were.",
        "stop",
        shapes=(shape_of(stopped_as_json(samples(RunningServer))),),
    ),
    Documented(
        "`mixvllm --version --json`",
        "`build` is `gpu` or `cpu`; `vllm` is null where none is installed.",
        "app",
        shapes=(
            shape_of_class(InstalledEngine, versions_as_json),
            shape_of(versions_as_json(None)),
        ),
    ),
    Documented(
        "A failure",
        "In place of the answer; the exit code is 1 or 2. `problems` is as in `config validate`, "
        "with the file or the layer.",
        "output",
        (
            "config show --config wrong.yaml --format json",
            "config show --port 80 --format json",
            "config show --prt 80 --format json",
        ),
    ),
)
