"""The CPU build made to choose block sizes and dtypes as a CUDA server does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from mixvllm.vllm_internals.planner_capacity import PlannerSettings

# What the attention backends of SM80 and SM90 take: FlashAttention multiples of 16, FlashMLA 64.
USUAL_BLOCK = 16
LATENT_BLOCK = 64


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Put another attribute in a class or module, and put the own one back."""
    had = name in vars(owner)
    own = vars(owner).get(name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if had:
            setattr(owner, name, own)
        else:
            delattr(owner, name)


@contextmanager
def as_cuda(settings: PlannerSettings) -> Iterator[None]:
    """Within it the CPU build plans, and builds layers, as on CUDA.

    Its attention backends take CUDA's block sizes, sparse MLA has a backend, and what it does
    for the sake of its own kernels (float32 states, no prefix caching) is left out.
    """
    with ExitStack() as stack:
        for patch in (*on_meta(), *(like_cuda(settings) if settings.imitate_cuda else ())):
            stack.enter_context(patch)
        yield


def on_meta() -> list[AbstractContextManager[None]]:
    """What building without memory needs."""
    import torch
    from vllm.model_executor.models import registry

    own_to = torch.nn.Module.to

    def to(module: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return own_to(module, *arguments, **named)
        except NotImplementedError:
            return module  # nothing to move: it has no memory

    return [
        # In this process, for a subprocess would not have our stand-ins.
        replaced(registry, "_run_in_subprocess", lambda function: function()),
        replaced(torch.nn.Module, "to", to),
        replaced(torch.accelerator, "empty_cache", lambda: None),
        # Layers make them when they are built; nothing runs on them.
        replaced(torch.cuda, "Stream", Idle),
        replaced(torch.cuda, "Event", Idle),
    ]


def like_cuda(settings: PlannerSettings) -> list[AbstractContextManager[None]]:
    """What makes the CPU build choose as on CUDA."""
    import torch
    from vllm.model_executor.layers.fused_moe import config as experts
    from vllm.model_executor.layers.fused_moe.modular_kernel import FusedMoEExperts
    from vllm.platforms import current_platform
    from vllm.v1.attention.backends.cpu_attn import CPUAttentionBackend

    latent = settings.backend_block_size or LATENT_BLOCK
    return [
        taking_blocks(CPUAttentionBackend, USUAL_BLOCK, multiples=True),
        *(taking_blocks(each, latent, multiples=latent == 16) for each in latent_backends()),
        replaced(torch.cpu, "_is_avx512_bf16_supported", lambda: False),
        # Without AMX the CPU build forbids prefix caching with MLA, and has no 8-bit weights.
        replaced(torch.cpu, "_is_amx_tile_supported", lambda: True),
        replaced(experts, "current_platform", Disguised(current_platform)),
        replaced(FusedMoEExperts, "is_supported_config", ungated_or(FusedMoEExperts)),
        replaced(type(current_platform), "get_attn_backend_cls", sparse_or(current_platform)),
    ]


class Idle:
    """A CUDA stream or event that is never used."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Begin, whatever it is made of."""


class Disguised:
    """The platform, which says that it is like CUDA and else is itself."""

    def __init__(self, platform: Any) -> None:
        self.platform = platform

    def __getattr__(self, name: str) -> Any:
        return getattr(self.platform, name)

    def is_cuda_alike(self) -> bool:
        """Whether experts without a gate are allowed."""
        return True


def ungated_or(owner: Any) -> Any:
    """The experts' own answer whether they can be built, and yes where only a GPU could run them.

    Those are experts without a gate, and with the clamped gate of gpt-oss and MiniMax-M3.
    """
    own = owner.is_supported_config

    def supported(kernel: Any, config: Any, *arguments: Any) -> Any:
        on_gpu = not config.is_act_and_mul or "oai" in config.activation.value
        return (True, None) if on_gpu else own(kernel, config, *arguments)

    return staticmethod(supported)


def sparse_or(platform: Any) -> Any:
    """The platform's choice of an attention backend, with FlashMLA's for sparse MLA."""
    from vllm.v1.attention.backends.registry import AttentionBackendEnum

    own = type(platform).get_attn_backend_cls

    def choose(backend: Any, attn_selector_config: Any, num_heads: int | None = None) -> Any:
        if attn_selector_config.use_sparse:
            return AttentionBackendEnum["FLASHMLA_SPARSE"].get_path()
        return own(backend, attn_selector_config, num_heads)

    return staticmethod(choose)


def latent_backends() -> list[Any]:
    """The MLA backends of the CPU build."""
    from vllm.v1.attention.backends.registry import AttentionBackendEnum

    names = ("CPU_MLA", "AMX_MLA")
    return [AttentionBackendEnum[name].get_class() for name in names]


@contextmanager
def taking_blocks(backend: Any, size: int, *, multiples: bool) -> Iterator[None]:
    """Within it a backend takes blocks of one size, or all its multiples."""
    from vllm.v1.attention.backend import MultipleOf

    sizes = [MultipleOf(size) if multiples else size]

    def supported(_: Any = None) -> list[Any]:
        return sizes

    def supports(asked: int | None) -> bool:
        return asked is None or asked % size == 0

    with (
        replaced(backend, "get_supported_kernel_block_sizes", staticmethod(supported)),
        replaced(backend, "supports_block_size", staticmethod(supports)),
    ):
        yield


def choose_block_size(config: Any, settings: PlannerSettings) -> None:
    """Let vLLM choose the block size: by the rules of every platform, or by the CPU's own."""
    from vllm.platforms import current_platform
    from vllm.platforms.interface import Platform

    if not settings.imitate_cuda:
        current_platform.update_block_size_for_backend(config)
        return
    config.cache_config.block_size = settings.block_size or USUAL_BLOCK
    config.cache_config.user_specified_block_size = settings.block_size is not None
    # The classmethod of the base class with the platform as its class: the CPU's own differs.
    Platform.update_block_size_for_backend.__func__(type(current_platform), config)
