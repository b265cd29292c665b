"""What vLLM says when it cannot go on, recognised by its own templates, and said in plain words.

The templates are those of vLLM 0.32 and 0.33, and of what it calls: transformers, huggingface_hub,
torch, NCCL. `SOURCES` says where each of vLLM's stands, so that a test can look.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mixvllm.error_codes import ErrorCode
from mixvllm.vllm_internals.plugins import BITSANDBYTES, GGUF


@dataclass(frozen=True)
class LateError:
    """What vLLM ended with.

    Attributes:
        code: What it is, by its stable name.
        message: One clause with its numbers, without a full stop.
        numbers: The parts that the template names.
        advice: What to do, where it does not hang on numbers.
    """

    code: ErrorCode
    message: str
    numbers: Mapping[str, str]
    advice: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Template:
    code: ErrorCode
    pattern: re.Pattern[str]
    message: str
    advice: tuple[str, ...]


def _said(code: ErrorCode, pattern: str, message: str, *advice: str) -> _Template:
    return _Template(code, re.compile(pattern, re.DOTALL), message, advice)


SIZE = r"[\d.]+ ?[KMGT]?i?B"
LISTED = "where it is installed, VLLM_PLUGINS must be unset or have {} in its list"
GGUF_PLUGIN = (
    GGUF.installation,
    "name the checkpoint that the file was made from",
    LISTED.format(GGUF.method),
)
BITSANDBYTES_PLUGIN = (BITSANDBYTES.installation, LISTED.format(BITSANDBYTES.method))
REMOTE = ("read the code that the model brings, then `--trust-remote-code`",)
TEMPLATES = (
    _said(
        "kv-cache-too-small",
        r"max seq len \((?P<length>\d+)\), \((?P<needed>[\d.]+) GiB KV cache is needed, which is "
        r"larger than the available KV cache memory \((?P<available>[\d.]+) GiB\)"
        r"(?:.*estimated maximum model length is (?P<longest>\d+))?",
        "one request of {length:,} tokens takes {needed} GiB of KV cache, and vLLM has "
        "{available} GiB left for it",
    ),
    _said(
        "no-kv-cache",
        r"No available memory for the cache blocks",
        "weights and activations leave no memory for the KV cache",
    ),
    _said(
        "gpu-memory-in-use",
        r"Free memory on device (?P<device>\S*) ?\((?P<free>[\d.]+)/(?P<total>[\d.]+) GiB\) on "
        r"startup is less than desired GPU memory utilization \((?P<share>[\d.]+), "
        r"(?P<asked>[\d.]+) GiB\)",
        "vLLM asks for {asked} GiB ({share} of {total} GiB) of {device}, and {free} GiB were free",
    ),
    _said(
        "out-of-gpu-memory",
        r"out of memory occurred when warming up (?P<what>\w+) with (?P<requests>\d+) dummy",
        "the GPU ran out of memory when vLLM tried the {what} with {requests} requests",
    ),
    _said(
        "out-of-gpu-memory",
        rf"(?:CUDA|HIP|XPU) out of memory\. Tried to allocate (?P<size>{SIZE})\. GPU (?P<gpu>\d+) "
        rf"has a total capacity of (?P<total>{SIZE}) of which (?P<free>{SIZE}) is free",
        "GPU {gpu} ran out of memory: {size} more were needed, and of {total} only {free} were "
        "free",
    ),
    _said(
        "out-of-gpu-memory",
        r"(?:CUDA|HIP|XPU)(?: error:)? out of memory",
        "a GPU ran out of memory",
    ),
    _said(
        "gpu-memory-changed",
        r"Error in memory profiling\. Initial free memory (?P<before>[\d.]+) GiB, current free "
        r"memory (?P<now>[\d.]+) GiB",
        "another process gave back GPU memory while vLLM measured it ({before} GiB free before, "
        "{now} GiB after)",
        "start again when the other process has ended",
    ),
    _said(
        "too-many-sequences",
        r"max_num_seqs \((?P<asked>\d+)\) exceeds available Mamba cache blocks \((?P<blocks>\d+)\)",
        "max_num_seqs is {asked}, and there are {blocks} blocks of state, one a sequence",
        "`--max-num-seqs {blocks}`",
    ),
    _said(
        "gated-model",
        r"(?:gated repo|is a gated repository|GatedRepoError|401 Client Error)",
        "the hub lets only those in who asked the model's owner, or who have a key",
        "ask for access on the model's page",
        "run `hf auth login`, or set HF_TOKEN",
    ),
    _said(
        "plugin-missing",
        r"(?:config file at|local directory specified:|maximum length is 96:) "
        r"'(?P<name>[^'\n]+\.gguf|[^':\s/]+/[^':\s/]+:[^'\s/]+)'",
        "{name} is a GGUF file, which vLLM reads by a plugin only, and that is not loaded",
        *GGUF_PLUGIN,
    ),
    *(
        _said(
            "plugin-missing",
            rf"(?:Unknown quantization method: {name}\.|Load format `{name}` is not supported)",
            f"vLLM has {name} by a plugin only, and that is not loaded",
            *advice,
        )
        for name, advice in ((GGUF.method, GGUF_PLUGIN), (BITSANDBYTES.method, BITSANDBYTES_PLUGIN))
    ),
    _said(
        "remote-code-needed",
        r"Failed to load the (?P<what>model config|tokenizer|processor)\..*trust_remote_code",
        "the {what} is read by code that comes with the model, or is not known to this release of "
        "transformers",
        *REMOTE,
    ),
    _said(
        "remote-code-needed",
        r"contains custom code which must be executed",
        "the model brings code of its own, which vLLM runs only when it is trusted",
        *REMOTE,
    ),
    _said(
        "architecture-unsupported",
        r"Model architectures \[(?P<names>[^\]]*)\] are not supported for now",
        "this vLLM does not serve the architecture {names}",
        "a newer vLLM may: mixvllm serves with 0.32 and 0.33",
    ),
    _said(
        "architecture-unsupported",
        r"Model architecture (?P<name>\S+) was supported in vLLM until v(?P<version>[\d.]+)",
        "vLLM does not serve the architecture {name} any more; {version} was the last that did",
    ),
    _said(
        "tokenizer-missing",
        r"requires the (?P<library>SentencePiece|protobuf) library but it was not found",
        "the tokenizer needs the library {library}, which is not installed",
        "`pip install sentencepiece protobuf`",
    ),
    _said(
        "tokenizer-missing",
        r"Couldn't instantiate the backend tokenizer",
        "the tokenizer's files are not whole, or need the library sentencepiece or tiktoken",
        "`pip install sentencepiece tiktoken`",
        "fetch the model again",
    ),
    _said(
        "tokenizer-missing",
        r"Can't load tokenizer for '(?P<name>[^']+)'",
        "{name} has no tokenizer that can be loaded",
        "fetch its tokenizer files, or name another tokenizer with `vllm: {{tokenizer: ...}}`",
    ),
    _said(
        "model-incomplete",
        r"Cannot find any (?:safetensors )?model weights with `(?P<name>[^`]+)`",
        "{name} has no weights in a format that vLLM loads",
        "fetch the model again: it may be incomplete",
    ),
    _said(
        "model-incomplete",
        r"Following weights were not initialized from checkpoint: \{(?P<first>[^,}]+)",
        "the checkpoint lacks weights that the model needs, {first} for one",
        "fetch the model again: it may be incomplete",
    ),
    _said(
        "quantization-mismatch",
        r"The quantization method (?P<method>\S+) is not supported for the current GPU\. Minimum "
        r"capability: (?P<least>\d+)\. Current capability: (?P<has>\d+)",
        "the quantization method {method} needs compute capability {least}, and the GPU has {has}",
        "take a checkpoint in another format",
    ),
    _said(
        "number-format",
        r"torch\.(?P<dtype>\w+) is not supported for quantization method (?P<method>\S+?)\. "
        r"Supported dtypes: (?P<allowed>\[[^\]]*\])",
        "the quantization method {method} does not compute in {dtype}",
        "leave `dtype` out, or take one of {allowed}",
    ),
    _said(
        "number-format",
        r"Bfloat16 is only supported on GPUs.*?Your (?P<gpu>.+?) GPU has compute capability "
        r"(?P<has>\d+\.\d+)",
        "{gpu} (compute capability {has}) has no bfloat16, which needs 8.0",
        "`--dtype float16`",
    ),
    _said(
        "kv-cache-format",
        r"No valid attention backend found for (?P<gpu>\S+)",
        "no attention backend of vLLM serves this model with these formats on {gpu}",
        "leave `kv_cache_dtype` and `dtype` out",
    ),
    _said(
        "context-too-long",
        r"User-specified max_model_len \((?P<asked>\d+)\) is greater than the derived "
        r"max_model_len \(\w+=(?P<limit>\d+)",
        "{asked:,} tokens are more than the {limit:,} that the model allows",
        "`--max-model-len {limit}`",
    ),
    _said(
        "tensor-parallel-size",
        r"Total number of attention heads \((?P<heads>\d+)\) must be divisible by tensor parallel "
        r"size \((?P<ranks>\d+)\)",
        "{heads} attention heads cannot be divided over {ranks} GPUs",
    ),
    _said(
        "tensor-parallel-size",
        r"The (?:output_size of gate's and up's|input_size of down's) weight = (?P<width>\d+) is "
        r"not divisible by weight quantization block_[nk] = (?P<block>\d+)",
        "divided over the GPUs, an expert is {width} wide, which is no multiple of the "
        "{block} that its weights were quantized in",
        "fewer GPUs for tensor parallelism (`--gpus`)",
        "`vllm: {{enable_expert_parallel: true}}`, which divides whole experts over the GPUs",
    ),
    _said(
        "tensor-parallel-size",
        r"Tensor parallel size (?P<ranks>\d+) is greater than the number of experts "
        r"(?P<experts>\d+)",
        "{experts} experts cannot be divided over {ranks} GPUs",
        "`--gpus {experts}` or fewer",
    ),
    _said(
        "tensor-parallel-size",
        r"EPLB currently only supports even distribution of experts across ranks\. Got "
        r"(?P<experts>\d+) experts and (?P<ranks>\d+) EP ranks",
        "{experts} experts cannot be balanced over {ranks} GPUs: their number must be a multiple",
        "leave `enable_eplb` out",
        "a `num_redundant_experts` with which it is a multiple of {ranks}",
    ),
    _said(
        "unknown-parser",
        r"invalid (?P<what>tool call|reasoning) parser: (?P<name>\S+)",
        "vLLM has no {what} parser {name}",
    ),
    _said(
        "engine-port-in-use",
        r"EADDRINUSE|Address already in use",
        "a port that vLLM's processes talk over is in use by another program",
        "start again: vLLM takes another port each time, unless VLLM_PORT or MASTER_PORT names one",
    ),
    _said(
        "nccl",
        r"NCCL error(?: in)?: (?P<what>[^\n]+)",
        "the GPUs could not talk to each other (NCCL: {what})",
        "NCCL_DEBUG=INFO in the environment tells more in the log",
        "in a container, give it `--ipc=host` or a larger `--shm-size`",
        "NCCL_P2P_DISABLE=1 goes around broken links",
    ),
    _said(
        "shared-memory",
        r"(?:No space left on device: '?/(?:psm_|dev/shm)|unable to (?:mmap|allocate shared "
        r"memory|write to file </torch_)|[Bb]us error)",
        "/dev/shm is too small: vLLM's processes pass their data through it",
        "in a container, give it `--ipc=host` or a larger `--shm-size`",
    ),
    _said(
        "disk-full",
        r"No space left on device",
        "the disk is full",
        "make room, or set HF_HOME and XDG_CACHE_HOME to directories on a larger disk",
    ),
)


def recognised(text: str) -> LateError | None:
    """What a failure of vLLM is, by the text of its exception; None where no template fits."""
    for template in TEMPLATES:
        if match := template.pattern.search(text):
            numbers = {name: value or "" for name, value in match.groupdict().items()}
            shown = {
                name: int(value) if value.isdigit() else value for name, value in numbers.items()
            }
            return LateError(
                template.code,
                template.message.format(**shown),
                numbers,
                tuple(way.format(**numbers) for way in template.advice),
            )
    return None
