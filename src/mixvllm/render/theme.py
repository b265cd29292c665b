"""What colour says, in the terminal's own sixteen colours, on a light background and on a dark one.

What is to be read has the colour of the terminal's own text, in bold where it is a name or an
answer: no colour of the sixteen is legible everywhere (yellow vanishes on white, blue on black,
faint text on either). Colour marks trouble in one or two words, and what is drawn. Green is not
used at all: beside red it tells a tenth of men nothing. `tests/render/test_theme.py` has figures.
"""

from __future__ import annotations

# To be read.
NAME = "bold"
NOTE = "bold"
TITLE = "bold default"  # in a frame, which lends it its colour otherwise
GOOD = "bold"
ASIDE = "italic"

# Trouble, said in words that are there without the colour too.
ERROR = "bold bright_red"
WARNING = "bold bright_magenta"

# Drawn: frames, line numbers, ticks, bars.
MARK = "bright_blue"
MARK_HIGH = "bright_magenta"
MARK_FULL = "bright_red"
MARK_PLAIN = "default"

# What models write: Markdown, and the code in it.
MARKDOWN = {
    "markdown.code": NAME,
    "markdown.block_quote": ASIDE,
    "markdown.list": "",
    "markdown.item.bullet": MARK,
    "markdown.item.number": "",
    "markdown.hr": MARK,
    "markdown.h1": "bold underline",
    "markdown.h2": NAME,
    "markdown.h3": NAME,
    "markdown.h4": NAME,
    "markdown.h5": ASIDE,
    "markdown.h6": ASIDE,
    "markdown.link": "underline",
    "markdown.link_url": "underline",
    "markdown.table.border": MARK,
    "markdown.table.header": NAME,
}
CODE = {
    ("Comment",): ASIDE,
    ("Keyword",): NAME,
    ("Name", "Function"): NAME,
    ("Name", "Class"): NAME,
    ("Generic", "Heading"): NAME,
    ("Generic", "Error"): NAME,
}
