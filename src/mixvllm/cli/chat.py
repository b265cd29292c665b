"""`mixvllm chat`: talk with a served model, with the tools of MCP servers at hand."""

from __future__ import annotations

import gc
from functools import partial
from typing import TYPE_CHECKING

import typer

from mixvllm.chat.limits import MOST_ROUNDS
from mixvllm.cli.chat_options import (
    ContinueOption,
    EnableMcpOption,
    HideThinkingOption,
    ImageOption,
    MaxRoundsOption,
    McpConfigOption,
    PlainOption,
    QuestionArgument,
    SeedOption,
    ServedModelOption,
    SessionOption,
    StopOption,
    SystemOption,
    ToolChoiceOption,
    UrlOption,
    YesOption,
)
from mixvllm.cli.chat_question import question_from
from mixvllm.cli.chat_request import (
    ChatRequest,
    check_session,
    choose_endpoint,
    choose_mcp_file,
    choose_sampling,
    sampling_keys,
)
from mixvllm.cli.invocation import Invocation
from mixvllm.cli.json_option import JsonOption
from mixvllm.cli.options import ConfigOption, ProfileOption, with_setting_flags
from mixvllm.cli.settings import resolve_settings
from mixvllm.errors import UsageError
from mixvllm.settings.flags import GivenFlag

if TYPE_CHECKING:
    from mixvllm.cli.output import Output

app = typer.Typer(rich_markup_mode="rich", add_completion=False)


@app.command(epilog='Example: [bold]git diff | mixvllm chat "Review this change." > review.md[/]')
@partial(with_setting_flags, keys=sampling_keys())
def chat(
    ctx: typer.Context,
    flags: list[GivenFlag],
    question: QuestionArgument = None,
    model: ServedModelOption = None,
    url: UrlOption = None,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    system: SystemOption = None,
    image: ImageOption = None,
    seed: SeedOption = None,
    stop: StopOption = None,
    enable_mcp: EnableMcpOption = False,
    mcp_config: McpConfigOption = None,
    yes: YesOption = False,
    tool_choice: ToolChoiceOption = None,
    max_rounds: MaxRoundsOption = MOST_ROUNDS,
    go_on: ContinueOption = False,
    session: SessionOption = None,
    hide_thinking: HideThinkingOption = False,
    plain: PlainOption = False,
    as_json: JsonOption = False,
) -> int:
    """Talk with a served model: in the terminal, or one question and its answer.

    With a question (as argument, on stdin, or both) the answer alone goes to stdout. Exit codes:
    0 a whole answer, 1 none or a part of one, 2 wrong usage, 130 stopped by Ctrl-C.
    """
    gc.enable()
    check_session(goes_on=go_on, named=session)
    invocation: Invocation = ctx.obj
    output = invocation.output
    asked = question_from(question or (), output.err.file)
    if asked is None and as_json:
        raise UsageError("--json is the answer to one question: ask one.")
    resolved = resolve_settings(invocation, flags, config, profile)
    request = ChatRequest(
        endpoint=choose_endpoint(resolved, url),
        sampling=choose_sampling(resolved, seed, stop or ()),
        model=model,
        configured_model=resolved.settings.served_name,
        system=system,
        images=tuple(image or ()),
        mcp_file=choose_mcp_file(enabled=enable_mcp, named=mcp_config),
        session=session,
        goes_on=go_on,
        tool_choice=tool_choice,
        most_rounds=max_rounds,
        allow_all=yes,
        hide_thinking=hide_thinking,
        is_plain=plain,
    )
    return begin(request, asked, output)


def begin(request: ChatRequest, asked: str | None, output: Output) -> int:
    """One question and its answer, or a conversation where none is asked; how it ended."""
    if asked is None:
        from mixvllm.cli.chat_terminal import talk

        return talk(request, output)
    from mixvllm.cli.chat_once import ask_once

    return ask_once(request, asked, output)
