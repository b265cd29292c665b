"""The settings: one pydantic model a section, every default and every meaning in one place.

Help texts, `docs/settings.md`, `configs/reference.yaml` and the JSON schema are made from here.
Field names are vLLM's terms; `alias` is a short name accepted in YAML and in the environment.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from mixvllm.settings.declaration import (
    Section,
    TokenCount,
    default_cpu_kv_cache_gib,
    setting,
)
from mixvllm.settings.layered import LayeredSettings
from mixvllm.vllm_internals.arguments import check_choice

DEMO_MODEL = "demo"


class ModelConfig(Section):
    """Which model is served."""

    name: str | None = setting(
        None,
        "The model: a Hugging Face name, a local directory, or `demo` for the embedded one.",
        example="microsoft/Phi-3-mini-4k-instruct",
        flags=("--model",),
        min_length=1,
    )
    revision: str | None = setting(
        None,
        "The branch, tag or commit of the model.",
        trade_off="A commit makes deployments repeatable; unset follows the main branch.",
        example="main",
        min_length=1,
    )
    trust_remote_code: bool = setting(
        False,
        "Run Python code that comes with the model.",
        trade_off="Some models need it; it gives the model's authors your machine.",
        example=True,
    )
    served_name: str | None = setting(
        None,
        "The name that requests use for the model.",
        trade_off="A stable name lets clients stay as they are when the model changes.",
        example="assistant",
        flags=("--served-model-name",),
        default_note="same as `name`",
        min_length=1,
    )


class InferenceConfig(Section):
    """How the engine runs it."""

    tensor_parallel_size: int = setting(
        1,
        "The number of GPUs that each layer is split over.",
        trade_off="More GPUs hold larger models and more KV cache, but talk at every layer.",
        example=2,
        alias="gpus",
        ge=1,
    )
    gpu_memory_utilization: float = setting(
        0.9,
        "The share of each GPU's memory that vLLM may take, weights and KV cache together.",
        trade_off="Higher serves more requests at once; too high runs out of memory.",
        example=0.9,
        alias="gpu_memory",
        ge=0.1,
        le=1.0,
    )
    max_model_len: Annotated[TokenCount, Field(ge=1)] | Literal["auto"] | None = setting(
        None,
        "The longest context in tokens, prompt and answer together; `auto` takes what fits.",
        trade_off="Longer contexts take KV cache from other requests.",
        example=4096,
        default_note="the model's own limit",
    )
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = setting(
        "auto",
        "The number format of weights and activations.",
        trade_off="bfloat16 suits Ampere and newer GPUs, float16 older ones; "
        "float32 takes twice the memory.",
        example="bfloat16",
    )
    quantization: Annotated[str, check_choice("quantization")] | None = setting(
        None,
        "The quantization method of the checkpoint (awq, gptq, fp8, ...).",
        trade_off="Mostly unneeded: vLLM reads it from the checkpoint. "
        "A checkpoint must have been made for the method.",
        example="awq",
        default_note="what the checkpoint says",
    )
    kv_cache_dtype: Annotated[str, check_choice("kv_cache_dtype")] = setting(
        "auto",
        "The number format of the KV cache (auto, fp8, ...).",
        trade_off="fp8 holds twice the tokens, at a small cost in quality.",
        example="fp8",
    )
    max_num_seqs: int | None = setting(
        None,
        "The most requests that run at once; more wait in a queue.",
        trade_off="Higher raises throughput and the time between tokens.",
        example=64,
        default_note="vLLM's choice for the GPU",
        ge=1,
    )
    max_num_batched_tokens: Annotated[TokenCount, Field(ge=1)] | None = setting(
        None,
        "The most tokens computed in one step.",
        trade_off="Higher reads long prompts faster and takes more activation memory.",
        example=8192,
        default_note="vLLM's choice for the GPU",
    )
    enforce_eager: bool = setting(
        False,
        "Run without torch.compile and CUDA graphs.",
        trade_off="Starts sooner and takes less memory, but answers more slowly.",
        example=True,
    )
    pipeline_parallel_size: int = setting(
        1,
        "The number of stages that the layers are divided into, one after another.",
        trade_off="For models too large for one machine; each token passes every stage.",
        example=2,
        ge=1,
    )
    data_parallel_size: int = setting(
        1,
        "The number of copies of the model that share the requests.",
        trade_off="Each copy takes its own GPUs and its own weights.",
        example=2,
        ge=1,
    )
    distributed_executor_backend: Literal["mp", "ray"] | None = setting(
        None,
        "What starts the workers: `mp` on one machine, `ray` over several.",
        example="ray",
        default_note="vLLM's choice",
    )
    cpu_kv_cache_gib: float = setting(
        default_cpu_kv_cache_gib,
        "The KV cache of CPU builds, in GiB; GPUs use `gpu_memory_utilization`.",
        trade_off="More holds more requests and takes longer to allocate at start-up.",
        example=4,
        default_note="4, or a quarter of the memory if that is less",
        gt=0,
    )


class ServerConfig(Section):
    """Where it listens, who may ask, and how it ends."""

    host: str = setting(
        "0.0.0.0",
        "The address to listen on; 127.0.0.1 keeps the server to this machine.",
        trade_off="0.0.0.0 is open to the network: set `api_key` with it.",
        example="127.0.0.1",
        min_length=1,
    )
    port: int = setting(8000, "The TCP port to listen on.", example=8000, ge=1024, le=65535)
    workers: int = setting(
        1,
        "The number of API processes in front of the engine.",
        trade_off="More help only where tokenizing many small requests is the limit; each takes "
        "about 0.8 GB of memory.",
        example=1,
        ge=1,
    )
    api_key: SecretStr | None = setting(
        None,
        "The key that every request must carry (`Authorization: Bearer ...`).",
        trade_off="Best given as MIXVLLM_SERVER__API_KEY, so that it stands in no file.",
        example="a-long-random-text",
        min_length=1,
    )
    shutdown_grace_s: float = setting(
        10.0,
        "Seconds that open streams may go on after Ctrl-C or SIGTERM.",
        trade_off="Longer finishes more answers and delays the restart.",
        example=10,
        ge=0,
    )
    restart: Literal["on-failure", "never"] = setting(
        "on-failure",
        "Whether a dead engine is started again.",
        trade_off="`never` ends the server at once and leaves restarting to what started it.",
        example="on-failure",
    )
    max_restarts: int = setting(
        5,
        "The most engine restarts in 10 minutes before the server gives up.",
        example=5,
        ge=0,
    )
    warm_start: Literal["auto", "never"] = setting(
        "never",
        "Whether vLLM is imported ahead by a process that the engine's are copied from.",
        trade_off="`auto` does so with the CPU build and saves two of three imports; `never` lets "
        "each process import vLLM anew, as vLLM does.",
        example="auto",
    )
    health_timeout_s: float = setting(
        60.0,
        "Seconds without a sign of life after which an engine counts as hung and is replaced.",
        trade_off="Must be longer than the longest step of the engine; 0 never asks it.",
        example=60,
        ge=0,
    )
    max_body_mib: float = setting(
        32.0,
        "The largest request body in MiB; a larger one is answered with 413.",
        trade_off="Images and sound stand in the body; each such body is held in memory.",
        example=32,
        gt=0,
    )
    max_concurrent_requests: int = setting(
        1024,
        "How many requests the engine is given at once; further ones wait for their turn.",
        trade_off="Beyond `max_num_seqs` the engine has a queue of its own.",
        example=256,
        ge=1,
    )
    max_queued_requests: int = setting(
        1024,
        "How many requests may wait for their turn; further ones are answered with 429.",
        trade_off="A long queue hides overload from clients until they give up.",
        example=100,
        ge=0,
    )
    max_n: int = setting(
        16,
        "The most answers that one request may ask for (`n`).",
        trade_off="Each is a sequence of its own: `n: 10000` alone keeps a server busy.",
        example=16,
        ge=1,
    )
    client_timeout_s: float = setting(
        60.0,
        "Seconds that a client may take for its headers, for the next piece of its body, or to "
        "read what was sent.",
        trade_off="Slower clients are cut off; 0 lets them hold a connection for ever.",
        example=60,
        ge=0,
    )
    keep_alive_s: float = setting(
        75.0,
        "Seconds that an idle connection is kept for the next request.",
        trade_off="Must be longer than a proxy in front keeps its own (nginx and most load "
        "balancers: 60), or some of its requests fail.",
        example=75,
        ge=0,
    )
    sse_keep_alive_s: float = setting(
        15.0,
        "Seconds of silence after which a stream gets a comment, so that no proxy cuts it.",
        trade_off="Clients skip comments; 0 sends none.",
        example=15,
        ge=0,
    )
    log_format: Literal["text", "json"] = setting(
        "text",
        "How log lines are written: `text` for people, `json` for log collectors.",
        example="json",
    )


class GenerationDefaultsConfig(Section):
    """Sampling values for what a request leaves out; a request's own value always wins."""

    temperature: float | None = setting(
        None,
        "How freely tokens are chosen: 0 takes the likeliest, higher is more varied.",
        trade_off="0.1-0.3 for facts and code, 0.7 for talk, above 1.2 for surprise.",
        example=0.7,
        default_note="the model's own",
        ge=0,
        le=2,
    )
    max_tokens: int | None = setting(
        None,
        "The most tokens an answer may have when the request does not say; never a ceiling.",
        trade_off="Short values cut answers off; long ones let a runaway answer run.",
        example=512,
        default_note="what fits the context (16 on /v1/completions)",
        ge=1,
    )
    top_p: float | None = setting(
        None,
        "Choose only among the likeliest tokens that together have this probability.",
        trade_off="Lower is safer and duller; 1 switches it off.",
        example=0.9,
        default_note="the model's own",
        gt=0,
        le=1,
    )
    top_k: int | None = setting(
        None,
        "Choose only among this many likeliest tokens; 0 or -1 switches it off.",
        example=40,
        default_note="the model's own",
        ge=-1,
    )
    presence_penalty: float | None = setting(
        None,
        "Lower the chance of tokens that have appeared at all.",
        trade_off="Positive brings new topics; negative keeps to the old ones.",
        example=0.0,
        default_note="the model's own",
        ge=-2,
        le=2,
    )
    frequency_penalty: float | None = setting(
        None,
        "Lower the chance of tokens the more, the oftener they have appeared.",
        trade_off="Positive stops repetition; too high spoils words that must repeat.",
        example=0.0,
        default_note="the model's own",
        ge=-2,
        le=2,
    )


def without_unset(arguments: dict[str, Any]) -> dict[str, Any]:
    """Drop what a layer set to null: it hides lower layers and is passed on to nobody."""
    return {name: value for name, value in arguments.items() if value is not None}


class ServeConfig(LayeredSettings):
    """All settings. Layers are merged by pydantic-settings in the order in which they are given."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: ModelConfig = Field(default_factory=ModelConfig)
    inference: InferenceConfig = Field(default_factory=InferenceConfig)
    server: ServerConfig = Field(default_factory=ServerConfig)
    generation_defaults: GenerationDefaultsConfig = Field(
        default_factory=GenerationDefaultsConfig, json_schema_extra={"x-alias": "generation"}
    )
    vllm: Annotated[dict[str, Any], AfterValidator(without_unset)] = Field(
        default_factory=dict,
        description="Any other vLLM argument by its own name, passed through.",
    )

    @property
    def served_name(self) -> str | None:
        """The name that requests use for the model."""
        return self.model.served_name or self.model.name
