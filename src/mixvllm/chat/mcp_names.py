"""Names for the tools of all servers: unique, and such as the OpenAI API allows."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

MOST_CHARACTERS = 64
NOT_ALLOWED = re.compile(r"[^a-zA-Z0-9_-]")
HASH_LENGTH = 8

# A tool as (server, name).
Offered = tuple[str, str]


def name_tools(offered: Sequence[Offered]) -> dict[Offered, str]:
    """A name for each tool: its own, with its server's before it where two have the same."""
    own = {tool: allowed(tool[1]) for tool in offered}
    count = Counter(own.values())
    names: dict[Offered, str] = {}
    taken = {name for name, times in count.items() if times == 1}
    for tool, name in own.items():
        if count[name] == 1:
            names[tool] = name
            continue
        full = allowed(f"{tool[0]}__{tool[1]}")
        names[tool] = full if full not in taken else _marked(full, tool)
        taken.add(names[tool])
    return names


def allowed(name: str) -> str:
    """A name of allowed characters; one that is too long ends in a mark of what was cut off."""
    plain = NOT_ALLOWED.sub("_", name) or "_"
    return plain if len(plain) <= MOST_CHARACTERS else _marked(plain, name)


def _marked(plain: str, of: object) -> str:
    mark = hashlib.sha256(repr(of).encode()).hexdigest()[:HASH_LENGTH]
    return f"{plain[: MOST_CHARACTERS - HASH_LENGTH - 1]}_{mark}"
