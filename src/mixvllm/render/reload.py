"""What became of settings that a running server has read anew."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from mixvllm.render.hanging import Hanging
from mixvllm.render.settings import render_problem
from mixvllm.render.theme import ERROR, GOOD, WARNING
from mixvllm.server.reload import ReloadRefused, SettingsReloaded


def reload_lines(event: SettingsReloaded | ReloadRefused) -> RenderableType:
    """What is in force now, and what is not."""
    if isinstance(event, ReloadRefused):
        words = [event.message, *([event.hint] if event.hint else [])]
        problems = [Hanging(render_problem(problem)) for problem in event.problems]
        refused = Text("Not reloaded: everything stays as it was. ", style=ERROR)
        return Group(refused.append(" ".join(words), style="not bold default"), *problems)
    lines = []
    if event.applied:
        lines.append(Text.assemble(("Reloaded", GOOD), f": {', '.join(event.applied)}"))
    if event.needs_restart:
        waiting = ", ".join(event.needs_restart)
        lines.append(Text.assemble(("Needs a restart", WARNING), f": {waiting}"))
    return Group(*lines) if lines else Text("Reloaded: nothing has changed.")
