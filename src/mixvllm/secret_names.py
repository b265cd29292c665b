"""Which names hold secrets, and how text that may hold one is shown."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

SECRET_NAME = re.compile(r"key|token$|secret|password|^authorization$", re.IGNORECASE)
SHOWN_COMMAND_LENGTH = 160
# A name as YAML writes it before its value: `api_key: x`, `{"api_key": "x", ...}`.
SECRET_ENTRY = re.compile(
    r"""
    (?P<name> \w*(?:key|token|secret|password|authorization)["']?\s*:\s+ )
    (?P<value> "[^"]*"? | '[^']*'? | \[[^\]]*\]?
             | (?: \$\{[^}]{0,99}\} | [^\s,}\]#] ) (?: \$\{[^}]{0,99}\} | [^,}\]#] )* )
    """,
    re.IGNORECASE | re.VERBOSE,
)


def is_secret_name(name: str) -> bool:
    """Whether a setting, variable or flag of this name may hold a secret."""
    return SECRET_NAME.search(name) is not None


def hide_secrets(line: str) -> str:
    """A line of YAML with stars in place of what its secret names hold; columns stay."""
    return SECRET_ENTRY.sub(lambda m: m["name"] + stars(m["value"]), line)


def command_in_words(arguments: Sequence[str]) -> str:
    """A command line for a message: on one line, not endless, without the keys in it."""
    words: list[str] = []
    hidden = False
    for word in arguments:
        name, equals, _ = word.partition("=")
        is_secret = is_secret_name(name)
        words.append("***" if hidden else f"{name}=***" if is_secret and equals else word)
        hidden = is_secret and not equals and name.startswith("-")
    text = " ".join(" ".join(words).split())
    return textwrap.shorten(text, SHOWN_COMMAND_LENGTH, placeholder=" ...")


def stars(text: str) -> str:
    """As many stars as the text has characters, blanks at its ends aside."""
    return re.sub(r"\S(?:.*\S)?", lambda m: "*" * len(m[0]), text)
