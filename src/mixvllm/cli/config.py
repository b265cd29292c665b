"""`mixvllm config`: check, show and write configuration files."""

from __future__ import annotations

from mixvllm.cli.command_table import command_group

COMMANDS = {
    "validate": (
        "mixvllm.cli.config_validate",
        "Check files: all problems at once, each with file, line and column.",
    ),
    "show": (
        "mixvllm.cli.config_show",
        "Show the effective settings, and where each value came from.",
    ),
    "schema": ("mixvllm.cli.config_schema", "Print the JSON Schema of a config file."),
    "init": ("mixvllm.cli.config_init", "Write a commented config file to start from."),
}

app = command_group(COMMANDS, add_completion=False)


@app.callback()
def config() -> None:
    """Check, show and write configuration files."""
