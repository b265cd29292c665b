"""`mixvllm chat`: talk with a served model, with the tools of MCP servers at hand."""

from __future__ import annotations

import gc
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from mixvllm.chat.tools import MOST_ROUNDS
from mixvllm.cli.chat_question import question_from
from mixvllm.cli.chat_request import (
    MCP_FILE,
    ChatRequest,
    choose_endpoint,
    choose_mcp_file,
    choose_sampling,
    sampling_keys,
)
from mixvllm.cli.completion import (
    complete_config_files,
    complete_served_models,
    complete_sessions,
)
from mixvllm.cli.invocation import Invocation
from mixvllm.cli.json_option import JsonOption
from mixvllm.cli.options import ConfigOption, ProfileOption, with_setting_flags
from mixvllm.cli.settings import resolve_settings
from mixvllm.errors import UsageError
from mixvllm.settings.layers.command_line import GivenFlag

SAMPLING, TOOLS, SESSIONS = "Generation defaults", "Tools", "Sessions"

app = typer.Typer(rich_markup_mode="rich", add_completion=False)


@app.command(epilog='Example: [bold]git diff | mixvllm chat "Review this change." > review.md[/]')
@partial(with_setting_flags, keys=sampling_keys())
def chat(
    ctx: typer.Context,
    flags: list[GivenFlag],
    question: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="QUESTION",
            help="Ask this, print the answer and end; `-` stands for what comes on stdin.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME",
            help="The model, where there are several.",
            autocompletion=complete_served_models,
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="URL",
            help="Any server that speaks the OpenAI API; left out, the one that `serve` starts "
            "with the same configuration. Its key: MIXVLLM_SERVER__API_KEY, or the file's.",
        ),
    ] = None,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    system: Annotated[
        str | None, typer.Option("--system", "-s", metavar="TEXT", help="The system prompt.")
    ] = None,
    image: Annotated[
        list[Path] | None,
        typer.Option(
            "--image",
            metavar="FILE",
            help="Show the model an image with the first message; may be repeated.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", help="Make answers repeatable.", rich_help_panel=SAMPLING),
    ] = None,
    stop: Annotated[
        list[str] | None,
        typer.Option(
            "--stop",
            metavar="TEXT",
            help="End the answer where it has this text; may be repeated.",
            rich_help_panel=SAMPLING,
        ),
    ] = None,
    enable_mcp: Annotated[
        bool,
        typer.Option(
            "--enable-mcp",
            help=f"Offer the model the tools of ./{MCP_FILE}, or of --mcp-config.",
            rich_help_panel=TOOLS,
        ),
    ] = False,
    mcp_config: Annotated[
        Path | None,
        typer.Option(
            "--mcp-config",
            metavar="FILE",
            help="The file of MCP servers; naming it enables them.",
            rich_help_panel=TOOLS,
            autocompletion=complete_config_files,
        ),
    ] = None,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", "-y", help="Run every tool call without asking.", rich_help_panel=TOOLS
        ),
    ] = False,
    tool_choice: Annotated[
        str | None,
        typer.Option(
            "--tool-choice",
            metavar="auto|none|required|TOOL",
            help="What the first request after a message asks for.",
            rich_help_panel=TOOLS,
        ),
    ] = None,
    max_rounds: Annotated[
        int,
        typer.Option(
            "--max-rounds",
            min=1,
            help="How often a message may lead to tool calls, one after another.",
            rich_help_panel=TOOLS,
        ),
    ] = MOST_ROUNDS,
    go_on: Annotated[
        bool,
        typer.Option(
            "--continue", help="Go on with the session used last.", rich_help_panel=SESSIONS
        ),
    ] = False,
    session: Annotated[
        str | None,
        typer.Option(
            "--session",
            metavar="NAME",
            help="Go on with this session, or begin it.",
            rich_help_panel=SESSIONS,
            autocompletion=complete_sessions,
        ),
    ] = None,
    hide_thinking: Annotated[
        bool, typer.Option("--hide-thinking", help="Leave out what the model thinks.")
    ] = False,
    plain: Annotated[
        bool,
        typer.Option("--plain", "--no-markdown", help="Show text as it comes, without Markdown."),
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Talk with a served model: in the terminal, or one question and its answer.

    With a question (as argument, on stdin, or both) the answer alone goes to stdout. Exit codes:
    0 a whole answer, 1 none or a part of one, 2 wrong usage, 130 stopped by Ctrl-C.
    """
    gc.enable()
    if go_on and session is not None:
        raise UsageError(
            "--continue goes on with the latest session: name one with --session, or "
            "give --continue, not both."
        )
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
    if asked is None:
        from mixvllm.cli.chat_terminal import talk

        return talk(request, output)
    from mixvllm.cli.chat_once import ask_once

    return ask_once(request, asked, output)
