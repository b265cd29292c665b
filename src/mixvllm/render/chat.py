"""What happens in a chat, as lines: tool calls, results, the figures at the end, failures."""

from __future__ import annotations

import json

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from mixvllm.chat.events import Answered, Failed, RoundsSpent, ServerLoading, TurnsDropped
from mixvllm.chat.served_model import ServedModel
from mixvllm.chat.tools import ToolCall, ToolResult
from mixvllm.render.progress import MEANINGS
from mixvllm.render.theme import ASIDE, ERROR, MARK, NAME
from mixvllm.render.untrusted import harmless

SHOWN_RESULT_LINES = 5
INDENT = 2
# A share below this is told with a digit more.
PLAIN_SHARE = 0.1


def greeting(model: ServedModel, url: str, turns: int) -> Text:
    """Who is talked to, and how one gets on."""
    length = f" ({model.context_length:,} tokens of context)" if model.context_length else ""
    gone_on = f"\ngoing on after {turns} message{'' if turns == 1 else 's'}" if turns else ""
    return Text.assemble(
        (harmless(model.name), NAME),
        f" at {harmless(url)}{length}",
        gone_on,
        "\n/help lists the commands; Alt-Enter begins a line, Ctrl-D leaves",
    )


def reasoning(text: str) -> RenderableType:
    """What the model thinks: dimmed, and apart by more than its colour."""
    return _indented(Text(text.rstrip("\n"), style=ASIDE))


def reasoning_heading() -> Text:
    """What stands above it."""
    return Text("thinking", style=ASIDE)


def call_line(name: str, arguments: str) -> Text:
    """A call, whole or as far as it is written."""
    line = Text.assemble(("→ ", MARK), (harmless(name), NAME))
    return line.append(f" {harmless(_compact(arguments))}" if arguments.strip() else "")


def result_lines(call: ToolCall, result: ToolResult, elapsed_s: float) -> RenderableType:
    """The first lines of a result, and how much more the model was given."""
    lines = harmless(result.text).strip("\n").split("\n")
    rest = len(lines) - SHOWN_RESULT_LINES
    shown = Text("\n".join(lines[:SHOWN_RESULT_LINES]))
    facts = [harmless(call.name), f"{elapsed_s:.1f} s"]
    if rest > 0:
        facts.insert(0, f"... {rest:,} more {'line' if rest == 1 else 'lines'}")
    if result.omitted_characters:
        facts.append(f"{result.omitted_characters:,} characters cut off")
    failed = Text("failed · " if result.is_error else "", style=ERROR)
    return _indented(Group(shown, Text.assemble(failed, " · ".join(facts))))


def approval_question(call: ToolCall) -> str:
    """What is asked before a call runs; the call itself stands above it."""
    return f"Run {harmless(call.name)}? y once, a always for this tool, n no (default): "


def figures_line(answered: Answered) -> Text:
    """Tokens, speed and the context used, as far as they are known."""
    facts = []
    if answered.completion_tokens is not None:
        facts.append(f"{answered.completion_tokens:,} tokens")
    if answered.first_token_s is not None:
        facts.append(f"first after {answered.first_token_s:.2f} s")
    speed = tokens_per_second(answered)
    if speed is not None:
        facts.append(f"{speed:.1f} tokens/s")
    used = context_used(answered)
    if used is not None:
        facts.append(f"{used:.{0 if used >= PLAIN_SHARE else 1}%} of the context")
    facts = facts or [f"{answered.elapsed_s:.1f} s"]
    return Text(" · ".join(facts))


def tokens_per_second(answered: Answered) -> float | None:
    """Tokens after the first one, over the time after the first one; None where not known."""
    if answered.completion_tokens is None or answered.first_token_s is None:
        return None
    writing_s = answered.elapsed_s - answered.first_token_s
    after_first = answered.completion_tokens - 1
    return after_first / writing_s if after_first > 0 and writing_s > 0 else None


def context_used(answered: Answered) -> float | None:
    """The share of the model's context that the conversation takes now; None where not known."""
    if answered.prompt_tokens is None or not answered.context_length:
        return None
    return (answered.prompt_tokens + (answered.completion_tokens or 0)) / answered.context_length


def ending_note(answered: Answered) -> str | None:
    """What to know about an answer that did not end by itself."""
    if answered.finish_reason == "length":
        return "the answer was ended by its limit of tokens (--max-tokens, or the context)"
    if answered.finish_reason == "content_filter":
        return "the answer was ended by the server's content filter"
    return None


def note(event: TurnsDropped | RoundsSpent) -> str:
    """What was done to the conversation without being asked."""
    match event:
        case TurnsDropped(turns):
            what = "turn was" if turns == 1 else f"{turns} turns were"
            return f"the oldest {what} left out, so that the rest fits the model's context"
        case RoundsSpent(0):
            return "the model calls a tool, and there is none; --mcp-config FILE names servers"
        case RoundsSpent(limit):
            rounds = "1 round" if limit == 1 else f"{limit} rounds"
            return f"stopped after {rounds} of tool calls; --max-rounds allows more"


def loading_line(event: ServerLoading) -> Text:
    """What the server still does before it can answer."""
    meanings = {phase.value: meaning for phase, meaning in MEANINGS.items()}
    phase = meanings.get(event.phase, harmless(event.phase))
    line = Text(f"waiting for the server: {phase}, {event.elapsed_s:.0f} s")
    return line.append(f" ({harmless(event.progress)})" if event.progress else "")


def failure_lines(event: Failed) -> Text:
    """A failure and the way out."""
    lines = Text.assemble(("error: ", ERROR), harmless(event.message))
    return lines.append(f"\n  {harmless(event.hint)}" if event.hint else "")


def _indented(renderable: RenderableType) -> RenderableType:
    return Padding(renderable, (0, 0, 0, INDENT), expand=False)


def _compact(arguments: str) -> str:
    """JSON on one line; what is no JSON (yet) as it is."""
    try:
        return json.dumps(json.loads(arguments), ensure_ascii=False)
    except ValueError:
        return arguments.strip()
