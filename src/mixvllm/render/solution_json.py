"""What `estimate-kv --solve` found, as its JSON document."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from mixvllm.memory.solution import Option, Solution


def solution_as_json(solution: Solution, command: str | None) -> dict[str, Any]:
    """The JSON document of `mixvllm estimate-kv --solve`."""
    return {
        "solve": solution.unknown,
        "fits": solution.answer is not None,
        "answer": None if solution.answer is None else _option(solution.answer),
        "command": command,
        "reason": solution.reason,
        "concurrency": solution.concurrency,
        "load": None if solution.load is None else asdict(solution.load),
        "vllm_version": solution.vllm_version,
        "options": [_option(option) for option in solution.options],
    }


def _option(option: Option) -> dict[str, Any]:
    plain = asdict(option)
    renamed = {
        "requests_at_once": plain.pop("at_once"),
        "kv_cache_tokens": plain.pop("tokens"),
        "kv_cache_bytes_per_gpu": plain.pop("pool_bytes"),
    }
    return plain | renamed | {"flags": list(option.flags)}
