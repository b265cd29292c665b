"""YAML and JSON that README and manual show can be copied; links of the README lead somewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from mixvllm.settings.check import check_file
from tests.documents.blocks import PAGES, ROOT, Block, blocks, name_of

SHOWN = [block for page in PAGES for block in blocks(page)]
LINK = re.compile(r"\]\((?!https?://|mailto:)(?P<path>[^)#\s]*)(?:#(?P<anchor>[\w-]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# Settings of other programs.
FOREIGN = ("apiVersion", "services", "scrape_configs", "jobs")


def of_language(*languages: str) -> list[Block]:
    return [block for block in SHOWN if block.language in languages]


@pytest.mark.parametrize("block", of_language("yaml", "yml"), ids=lambda block: block.page)
def test_a_config_that_is_shown_is_valid(block: Block, tmp_path: Path) -> None:
    data = YAML(typ="safe").load(block.text)
    if any(key in data for key in FOREIGN):
        return
    file = tmp_path / "shown.yaml"
    file.write_text(block.text, encoding="utf-8")

    assert [str(problem) for problem in check_file(file).problems] == []


def test_json_that_is_shown_is_json() -> None:
    for block in of_language("json"):
        json.loads(block.text)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=name_of)
def test_links_lead_to_files_and_headings_that_are_there(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)
    for match in LINK.finditer(text):
        target = (page.parent / match["path"]).resolve() if match["path"] else page
        assert target.exists(), f"{match[0]} leads nowhere"
        if match["anchor"]:
            assert match["anchor"] in anchors(target), f"{match[0]}: no such heading"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as the site and the forges make them."""
    headings = HEADING.findall(page.read_text(encoding="utf-8"))
    kept = (re.sub(r"[^\w\s-]", "", heading.lower()).strip() for heading in headings)
    return {re.sub(r"[\s-]+", "-", heading) for heading in kept}


def test_every_page_of_the_manual_is_in_its_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in PAGES[1:]]

    assert [
        page for page in pages if not re.search(rf"[ ]{re.escape(page)}$", navigation, re.M)
    ] == []
