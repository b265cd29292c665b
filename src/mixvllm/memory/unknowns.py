"""What can be solved for; apart from the solving, so that an option can name it at no cost."""

from __future__ import annotations

from typing import Literal, get_args

Unknown = Literal["max-model-len", "concurrency", "gpus", "gpu", "quantization", "model"]
UNKNOWNS: tuple[Unknown, ...] = get_args(Unknown)
