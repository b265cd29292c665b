"""Write the computed numbers of the documentation anew, or check them with `--check`.

    python -m mixvllm.cli.lessons [--check]

`nox -s docs` runs it with `--check`, so that no number can drift from the program.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from pathlib import Path

from mixvllm.cli.lesson_numbers import answer
from mixvllm.lessons.computed import recomputed

USAGE = "python -m mixvllm.cli.lessons [--check]"


def outdated(root: Path) -> Iterator[tuple[Path, str, str]]:
    """The pages whose numbers are not what they should be: file, text, text as it should be."""
    for page in sorted((root / "docs").rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        now = recomputed(text, answer)
        if now != text:
            yield page, text, now


def main(arguments: Sequence[str], root: Path = Path()) -> int:
    """Write the pages of the repository at `root`, or only check them."""
    if not (root / "pyproject.toml").is_file():
        sys.stderr.write("run this in the repository's root\n")
        return 2
    if list(arguments) not in ([], ["--check"]):
        sys.stderr.write(f"usage: {USAGE}\n")
        return 2
    code = 0
    for page, text, now in outdated(root):
        name = page.relative_to(root).as_posix()
        if arguments:
            lines = unified_diff(text.splitlines(), now.splitlines(), name, "now", lineterm="")
            sys.stdout.writelines(f"{line}\n" for line in lines)
            sys.stderr.write(f"{name} is out of date: `python -m mixvllm.cli.lessons` writes it\n")
            code = 1
        else:
            page.write_text(now, encoding="utf-8")
            sys.stderr.write(f"wrote {name}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
