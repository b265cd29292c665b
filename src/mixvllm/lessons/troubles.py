"""The sections of the manual's troubleshooting page: one for each error code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from mixvllm.lessons.pages import page_named

PAGE = "troubleshooting"
HEADING = re.compile(r"^(?P<level>##|###) (?P<title>.+)$", re.MULTILINE)
CODE = re.compile(r"`(?P<code>[\w-]+)`")
EXAMPLE = re.compile(r"^> (?P<text>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Trouble:
    """What one error code means.

    Attributes:
        code: Its name.
        group: The heading that it stands under.
        markdown: The section: an example of its message, the cause, the cure.
    """

    code: str
    group: str
    markdown: str

    @property
    def example(self) -> str:
        """What the message looks like."""
        found = EXAMPLE.search(self.markdown)
        return found["text"] if found else ""


@cache
def troubles() -> dict[str, Trouble]:
    """Every trouble by its code, in the order of the page."""
    text = page_named(PAGE).markdown
    headings = list(HEADING.finditer(text))
    ends = [*(heading.start() for heading in headings[1:]), len(text)]
    found: dict[str, Trouble] = {}
    group = ""
    for heading, end in zip(headings, ends, strict=True):
        code = CODE.fullmatch(heading["title"])
        if heading["level"] == "##":
            group = heading["title"]
        elif code:
            body = text[heading.end() : end].strip()
            found[code["code"]] = Trouble(code["code"], group, f"# `{code['code']}`\n\n{body}\n")
    return found
