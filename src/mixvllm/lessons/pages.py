"""The pages themselves: shipped with the package; in a checkout, the documentation's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
EMPTY_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        name: The file's name without its ending.
        facts: What stands in its front matter, by name.
        markdown: The page as a reader sees it: no front matter, no comments.
    """

    name: str
    facts: Mapping[str, str]
    markdown: str


def documents() -> Path:
    """Where the pages are; pyproject.toml has the wheel carry them as `pages`."""
    shipped = Path(__file__).with_name("pages")
    return shipped if shipped.is_dir() else Path(__file__).parents[3] / "docs"


def pages_in(folder: str) -> Iterator[Page]:
    """The pages of a folder of the documentation, by name."""
    for file in sorted((documents() / folder).glob("*.md")):
        yield page_of(file.stem, file.read_text(encoding="utf-8"))


def page_named(name: str) -> Page:
    """One page of the documentation."""
    return page_of(name, (documents() / f"{name}.md").read_text(encoding="utf-8"))


def page_of(name: str, text: str) -> Page:
    """A page of its text.

    The front matter is read line by line: one `name: value` each, and no need of a YAML parser.
    """
    found = FRONT_MATTER.match(text)
    lines = found[1].splitlines() if found else []
    pairs = (line.partition(":") for line in lines)
    facts = {key.strip(): value.strip() for key, _, value in pairs}
    body = COMMENT.sub("", text[found.end() if found else 0 :])
    return Page(name, facts, EMPTY_LINES.sub("\n\n", body).strip() + "\n")
