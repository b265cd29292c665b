"""The CPU build made to choose block sizes and dtypes as a CUDA server does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
    """Within it the CPU's attention backends take CUDA's block sizes.

    The CPU build also keeps states in float32 because of its kernels; that is left out.
    """
    if not settings.imitate_cuda:
        yield
        return
    import torch
    from vllm.model_executor.models import registry
    from vllm.v1.attention.backends.cpu_attn import CPUAttentionBackend

    with ExitStack() as stack:
        enter = stack.enter_context
        usual, latent = USUAL_BLOCK, settings.backend_block_size or LATENT_BLOCK
        enter(taking_blocks(CPUAttentionBackend, usual, multiples=True))
        for backend in latent_backends():
            enter(taking_blocks(backend, latent, multiples=latent == USUAL_BLOCK))
        # In this process, for the subprocess would not have our stand-ins.
        enter(replaced(registry, "_run_in_subprocess", lambda function: function()))
        enter(replaced(torch.cpu, "_is_avx512_bf16_supported", lambda: False))
        yield


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
