"""Bounds of a chat that the command line tells too; `--help` needs nothing else of the chat."""

from __future__ import annotations

# How many rounds of calls a message may lead to, where nothing else is asked for.
MOST_ROUNDS = 8
