"""The options of `mixvllm chat`, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mixvllm.cli.chat_request import MCP_FILE
from mixvllm.cli.completion import (
    complete_config_files,
    complete_served_models,
    complete_sessions,
)

SAMPLING, TOOLS, SESSIONS = "Generation defaults", "Tools", "Sessions"

QuestionArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="QUESTION",
        help="Ask this, print the answer and end; `-` stands for what comes on stdin.",
        show_default=False,
    ),
]
ServedModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="NAME",
        help="The model, where there are several.",
        autocompletion=complete_served_models,
    ),
]
UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="Any server that speaks the OpenAI API; left out, the one that `serve` starts "
        "with the same configuration. Its key: MIXVLLM_SERVER__API_KEY, or the file's.",
    ),
]
SystemOption = Annotated[
    str | None, typer.Option("--system", "-s", metavar="TEXT", help="The system prompt.")
]
ImageOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--image",
        metavar="FILE",
        help="Show the model an image with the first message; may be repeated.",
    ),
]
SeedOption = Annotated[
    int | None,
    typer.Option("--seed", help="Make answers repeatable.", rich_help_panel=SAMPLING),
]
StopOption = Annotated[
    list[str] | None,
    typer.Option(
        "--stop",
        metavar="TEXT",
        help="End the answer where it has this text; may be repeated.",
        rich_help_panel=SAMPLING,
    ),
]
EnableMcpOption = Annotated[
    bool,
    typer.Option(
        "--enable-mcp",
        help=f"Offer the model the tools of ./{MCP_FILE}, or of --mcp-config.",
        rich_help_panel=TOOLS,
    ),
]
McpConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--mcp-config",
        metavar="FILE",
        help="The file of MCP servers; naming it enables them.",
        rich_help_panel=TOOLS,
        autocompletion=complete_config_files,
    ),
]
YesOption = Annotated[
    bool,
    typer.Option("--yes", "-y", help="Run every tool call without asking.", rich_help_panel=TOOLS),
]
ToolChoiceOption = Annotated[
    str | None,
    typer.Option(
        "--tool-choice",
        metavar="auto|none|required|TOOL",
        help="What the first request after a message asks for.",
        rich_help_panel=TOOLS,
    ),
]
MaxRoundsOption = Annotated[
    int,
    typer.Option(
        "--max-rounds",
        min=1,
        help="How often a message may lead to tool calls, one after another.",
        rich_help_panel=TOOLS,
    ),
]
ContinueOption = Annotated[
    bool,
    typer.Option("--continue", help="Go on with the session used last.", rich_help_panel=SESSIONS),
]
SessionOption = Annotated[
    str | None,
    typer.Option(
        "--session",
        metavar="NAME",
        help="Go on with this session, or begin it.",
        rich_help_panel=SESSIONS,
        autocompletion=complete_sessions,
    ),
]
HideThinkingOption = Annotated[
    bool, typer.Option("--hide-thinking", help="Leave out what the model thinks.")
]
PlainOption = Annotated[
    bool,
    typer.Option("--plain", "--no-markdown", help="Show text as it comes, without Markdown."),
]
