"""What the terms of `mixvllm.memory.overheads` are worth, as fitted to real start-ups: data alone.

Written by hand from `python -m benchmarks.calibrate`; a test holds the two together. GiB on one
GPU, at scale 1. docs/memory.md tells the method and what is left over.
"""

from __future__ import annotations

from typing import Final

CONSTANTS_GIB: Final[dict[str, float]] = {
    "CUDA graphs TP1": 0.21,
    "CUDA graphs TP2": 0.95,
    "encoder of any resolution": 3.32,
    "encoder of fixed resolution": 0.15,
    "expert workspace since 0.10": 0.02,
    "expert workspace since 0.17": 0.53,
    "latent attention workspace since 0.10": 0.0,
    "latent attention workspace since 0.17": 0.19,
    "non-torch CUDA TP1 since 0.10": 0.07,
    "non-torch CUDA TP1 since 0.18": 0.17,
    "non-torch CUDA TP2 since 0.10": 0.61,
    "non-torch CUDA TP2 since 0.17": 2.23,
    "non-torch CUDA TP8 since 0.10": 1.0,
    "non-torch CUDA TP8 since 0.17": 1.87,
    "non-torch ROCm TP1 since 0.10": 1.25,
    "non-torch ROCm TP1 since 0.17": 1.21,
    "non-torch ROCm TP2 since 0.10": 1.61,
    "non-torch ROCm TP8 since 0.10": 3.43,
    "non-torch ROCm TP8 since 0.17": 4.71,
    "unified memory": 1.8,
}
# Shares of the best guess between which the start-ups lie: FlashInfer sampling, where it was
# installed before 0.17, takes less than half; block-scaled fp8 experts on Hopper take 1.4 times.
LOW_SHARE: Final = 0.6
EARLIER_LOW_SHARE: Final = 0.45
HIGH_SHARE: Final = 1.4
# vLLM's estimate of its own CUDA graphs has been from a tenth to three times what they took.
GRAPH_LOW_SHARE: Final = 0.1
GRAPH_HIGH_SHARE: Final = 3.0
