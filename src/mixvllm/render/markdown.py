"""Markdown while it is being written: which blocks are whole, and how a block looks.

Nothing of what the model wrote is lost (HTML is text here), a line stays a line, and what is copied
off the terminal has no decoration in it: code has no frame, lines have no trailing blanks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, HorizontalRule, ListItem, MarkdownElement, Paragraph
from rich.markdown import Markdown as RichMarkdown
from rich.segment import Segment
from rich.style import Style
from rich.syntax import ANSISyntaxTheme, Syntax
from rich.text import Text
from rich.theme import Theme

from mixvllm.render.theme import CODE, MARK, MARKDOWN
from mixvllm.render.untrusted import harmless

# The terminal's own colours: no background that would be copied or clash with its theme.
CODE_THEME = ANSISyntaxTheme({kind: Style.parse(style) for kind, style in CODE.items()})
THEME = Theme(dict(MARKDOWN))


def parser() -> MarkdownIt:
    """CommonMark with tables and strikethrough; HTML is text.

    So are definitions of links: blocks are read one by one, and what they define would be lost.
    """
    rules = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
    return rules.disable("reference")


def blocks(text: str) -> tuple[str, ...]:
    """The text's top-level blocks (paragraphs, lists, tables, ...), each as it was written."""
    # As the parser divides: `splitlines` would see ends of lines in other characters too.
    lines = text.split("\n")
    starts = _starts(text)
    ends = [*starts[1:], len(lines)] if starts else []
    return tuple("\n".join(lines[a:b]) for a, b in zip(starts, ends, strict=True))


def whole_length(text: str) -> int:
    """How many characters at the front belong to blocks that no further text can change.

    The last line counts only when it has ended: `2` after a list is text, `2.` goes on with it.
    The last block counts never: lists, tables and code go on.
    """
    complete = text[: text.rfind("\n") + 1]
    starts = _starts(complete)
    return sum(len(line) + 1 for line in complete.split("\n")[: starts[-1]]) if starts else 0


def _starts(text: str) -> list[int]:
    """The line that each top-level block begins at."""
    tokens = parser().parse(text)
    return [token.map[0] for token in tokens if token.level == 0 and token.map]


class Markdown(RichMarkdown):
    """One block as it is shown."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = dict(RichMarkdown.elements)

    def __init__(self, text: str) -> None:
        super().__init__("", hyperlinks=False)
        self.parsed = list(_with_lines_kept(parser().parse(text)))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's rendering, without the blanks that it puts around a block and after a line."""
        with console.use_theme(THEME):
            flat = list(self._segments(console, options))
        lines = [without_trailing_blanks(line) for line in Segment.split_lines(flat)]
        first, last = _span([bool(line) for line in lines])
        for line in lines[first:last]:
            yield from line
            yield Segment.line()

    def _segments(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for part in super().__rich_console__(console, options):
            found = [part] if isinstance(part, Segment) else console.render(part, options)
            for segment in found:
                # Here too: `&#x202e;` is a character only when it has been parsed.
                yield Segment(harmless(segment.text), segment.style, segment.control)


def _span(are_written: Sequence[bool]) -> tuple[int, int]:
    """From the first to behind the last line that has something."""
    written = [index for index, is_written in enumerate(are_written) if is_written]
    return (written[0], written[-1] + 1) if written else (0, 0)


def without_trailing_blanks(line: Sequence[Segment]) -> list[Segment]:
    """The line up to its last visible character."""
    kept = list(line)
    while kept and not kept[-1].text.strip():
        kept.pop()
    if kept:
        last = kept.pop()
        kept.append(Segment(last.text.rstrip(), last.style, last.control))
    return kept


def _with_lines_kept(tokens: Iterable[Token]) -> Iterator[Token]:
    """A line's end in a paragraph ends the line: poems and addresses are written so."""
    for token in tokens:
        for child in token.children or ():
            if child.type == "softbreak":
                child.type = "hardbreak"
        yield token


class _Heading(Heading):
    """A heading at the left, where the text is."""

    LEVEL_ALIGN: ClassVar = dict.fromkeys(Heading.LEVEL_ALIGN, "left")


class _Code(CodeBlock):
    """Code between its fences, as it was written."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        language = "" if self.lexer_name == "text" else self.lexer_name
        yield Text(f"```{language}", style=MARK)
        code = str(self.text).rstrip()
        yield Syntax(code, self.lexer_name, theme=CODE_THEME, word_wrap=True)
        yield Text("```", style=MARK)


class _Paragraph(Paragraph):
    @classmethod
    def create(cls, markdown: RichMarkdown, token: Token) -> Paragraph:
        return cls("default")


class _Item(ListItem):
    def render_number(
        self, console: Console, options: ConsoleOptions, number: int, last_number: int
    ) -> RenderResult:
        """A numbered item, with the point that Markdown has."""
        width = len(str(last_number)) + 2
        lines = console.render_lines(self.elements, options.update(width=options.max_width - width))
        for index, line in enumerate(lines):
            yield Segment((f"{number}." if index == 0 else "").rjust(width - 1) + " ")
            yield from line
            yield Segment.line()


class _Rule(HorizontalRule):
    """A short line: a long one would be broken when the window gets narrower."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("-" * 3, style="markdown.hr")


Markdown.elements |= {
    "heading_open": _Heading,
    "fence": _Code,
    "code_block": _Code,
    "hr": _Rule,
    "list_item_open": _Item,
    "paragraph_open": _Paragraph,
}
