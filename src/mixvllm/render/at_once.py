"""How many requests run together, as sentences."""

from __future__ import annotations

from mixvllm.memory.answer import AtOnce, Estimate, Question
from mixvllm.memory.request import Load
from mixvllm.render.units import size_text


def each_text(tokens: int, load: Load | None) -> str:
    """`of 32,768 tokens`, or the load's prompt and answer."""
    if load is None:
        return f"of {tokens:,} tokens"
    return f"of {load.prompt_tokens:,} + {load.output_tokens:,} tokens"


def requests_text(count: int) -> str:
    """`1 request`, `12 requests`."""
    return f"{count:,} request{'s' * (count != 1)}"


def met_text(estimate: Estimate, question: Question) -> str:
    """That so many run at once."""
    room = ""
    if question.at_once is not None and question.at_once > question.concurrency:
        room = f"; the memory holds {question.at_once:,}"
    each = each_text(question.tokens, estimate.load)
    return f"{requests_text(question.concurrency)} {each} at once{room}."


def unmet_text(estimate: Estimate, question: Question) -> str:
    """What so many need, what is there, and of what length so many fit."""
    requests = requests_text(question.concurrency)
    each = each_text(question.tokens, estimate.load)
    pool = question.pool_bytes or 0
    needed, there = size_text(question.needed_bytes), size_text(pool)
    if needed == there:
        needed = f"{size_text(question.needed_bytes - pool)} more"
    left = f"that {' '.join(question.flags)} leaves" if question.flags else "there"
    text = (
        f"{requests} {each} at once need {needed} of KV cache a GPU; "
        f"the {there} {left} hold {question.at_once:,}."
    )
    if question.longest:
        text += f" {question.concurrency:,} fit at up to {question.longest:,} tokens each."
    return text


def load_text(load: Load, now: AtOnce, full: AtOnce | None) -> str:
    """How many of the load run, what limits them, and the worst case beside it."""
    size = size_text(now.bytes_per_request_per_gpu)
    text = f"{load.prompt_tokens:,} + {load.output_tokens:,} tokens take {size} a GPU"
    if now.count is None:
        return text
    text += f": {requests_text(now.count)} at once, limited by {_limit(now)}"
    if full is not None and full.count is not None:
        text += f" ({full.count:,} at full length)"
    return text


def _limit(now: AtOnce) -> str:
    if now.limited_by == "max_num_seqs":
        return f"max_num_seqs; the memory holds {now.by_memory:,}"
    if now.by_memory_low is None:
        return "memory"
    return f"memory; expect {now.by_memory_low:,} to {now.by_memory_high:,}"
