"""Every style of the theme on palettes that terminals come with: contrast as WCAG 2.1 counts it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.color import ANSI_COLOR_NAMES
from rich.style import Style

import mixvllm
from mixvllm.render import theme

SOURCE = Path(mixvllm.__file__).parent
FOR_WORDS, FOR_MARKS = 4.5, 3.0

READ = {
    "NAME": theme.NAME,
    "NOTE": theme.NOTE,
    "TITLE": theme.TITLE,
    "GOOD": theme.GOOD,
    "ASIDE": theme.ASIDE,
    **{str(kind): style for kind, style in theme.CODE.items()},
}
TROUBLE = {"ERROR": theme.ERROR, "WARNING": theme.WARNING}
DRAWN = {
    "MARK": theme.MARK,
    "MARK_HIGH": theme.MARK_HIGH,
    "MARK_FULL": theme.MARK_FULL,
    "MARK_PLAIN": theme.MARK_PLAIN,
}


@dataclass(frozen=True)
class Terminal:
    """A terminal as it is delivered: its text, its background and its sixteen colours."""

    name: str
    text: str
    background: str
    colours: str

    def colour_of(self, style: str) -> str:
        colour = Style.parse(style).color
        if colour is None or colour.is_default:
            return self.text
        assert colour.number is not None
        return self.colours.split()[colour.number]


XTERM = (
    "000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5 "
    "7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff ffffff"
)
GNOME = (
    "171421 c01c28 26a269 a2734c 12488b a347ba 2aa1b3 d0cfcc "
    "5e5c64 f66151 33d17a e9ad0c 2a7bde c061cb 33c7de ffffff"
)
VS_CODE_LIGHT = (
    "000000 cd3131 107c10 949800 0451a5 bc05bc 0598bc 555555 "
    "666666 cd3131 14ce14 b5ba00 0451a5 bc05bc 0598bc a5a5a5"
)
VS_CODE_DARK = (
    "000000 cd3131 0dbc79 e5e510 2472c8 bc3fbc 11a8cd e5e5e5 "
    "666666 f14c4c 23d18b f5f543 3b8eea d670d6 29b8db e5e5e5"
)
TERMINALS = (
    Terminal("xterm, light", "000000", "ffffff", XTERM),
    Terminal("xterm, dark", "e5e5e5", "000000", XTERM),
    Terminal("VS Code, light", "3b3b3b", "ffffff", VS_CODE_LIGHT),
    Terminal("VS Code, dark", "cccccc", "1e1e1e", VS_CODE_DARK),
    Terminal("GNOME, light", "171421", "ffffff", GNOME),
    Terminal("GNOME, dark", "d0cfcc", "171421", GNOME),
)


def _luminance(colour: str) -> float:
    shares = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _on(terminal: Terminal, style: str) -> float:
    return contrast(terminal.colour_of(style), terminal.background)


def test_contrast_is_counted_as_wcag_does() -> None:
    assert contrast("000000", "ffffff") == pytest.approx(21)
    assert contrast("777777", "ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("terminal", TERMINALS, ids=lambda each: each.name)
def test_what_is_read_is_legible_on_light_and_on_dark(terminal: Terminal) -> None:
    figures = {name: _on(terminal, style) for name, style in READ.items()}
    assert min(figures.values()) >= FOR_WORDS, figures


@pytest.mark.parametrize("terminal", TERMINALS, ids=lambda each: each.name)
def test_marks_and_words_of_trouble_are_seen_on_light_and_on_dark(terminal: Terminal) -> None:
    figures = {name: _on(terminal, style) for name, style in (TROUBLE | DRAWN).items()}
    assert min(figures.values()) >= FOR_MARKS, figures


def test_no_other_hue_of_the_sixteen_would_do() -> None:
    """Why there are three: each other one vanishes on some background."""
    taken = {str(Style.parse(style).color) for style in (TROUBLE | DRAWN).values()}
    assert {number for number in range(1, 16) if _is_seen_everywhere(number)} == {1, 5, 9, 12, 13}
    assert len(taken) == 4  # with the terminal's own text


def _is_seen_everywhere(number: int) -> bool:
    return all(
        contrast(terminal.colours.split()[number], terminal.background) >= FOR_MARKS
        for terminal in TERMINALS[:4]
    )


def test_words_of_trouble_are_bold_so_that_they_are_seen_without_their_colour() -> None:
    assert all(Style.parse(style).bold for style in TROUBLE.values())


@pytest.mark.parametrize("style", [*READ.values(), *theme.MARKDOWN.values()])
def test_nothing_is_faint_or_on_a_background_of_its_own(style: str) -> None:
    parsed = Style.parse(style)
    assert not parsed.dim
    assert parsed.bgcolor is None


def test_styles_are_named_in_the_theme_alone() -> None:
    strays = [
        f"{path.relative_to(SOURCE)}:{line}: {text}"
        for package in ("render", "cli")
        for path in sorted((SOURCE / package).glob("*.py"))
        if path.name != "theme.py"
        for line, text in _styles_in(path)
    ]
    assert not strays, "\n".join(strays)


def _styles_in(path: Path) -> Iterator[tuple[int, str]]:
    """Literals that Rich would read as a style: `bold cyan`, `[dim]...`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_style(node.value):
            yield node.lineno, node.value


def _is_style(text: str) -> bool:
    tags = [part.split("]")[0] for part in text.split("[")[1:]]
    words = {word for each in (text, *tags) for word in [tuple(each.split())] if word}
    known = {*ANSI_COLOR_NAMES, "dim"}
    return any(set(each) <= known | {"bold", "not"} and set(each) & known for each in words)


def test_a_stray_style_is_found() -> None:
    found = [_is_style(text) for text in ("bold cyan", "[dim]x[/]", "yellow", "not dim")]
    assert all(found)
    assert not any(_is_style(text) for text in ("bold", "default", "a red line", ""))
