"""What mkdocs is told beyond its settings: pages for the repository's files, and Mermaid's script.

A page of the manual links to a file of the repository as it would on a forge
(`[the file](../deploy/nginx.conf)`). In the site such a file is a page of its own.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, InclusionLevel

from website.markdown import OUTSIDE, without_comments
from website.mermaid import SCRIPT, is_right

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

LOG = logging.getLogger("mkdocs.hooks.mixvllm")
LANGUAGES = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".py": "python", ".conf": "nginx"}
PAGES = "repository"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add Mermaid's script, and a page for each file of the repository that the manual links to."""
    if not is_right(SCRIPT):
        raise PluginError(f"{SCRIPT} is not there: `python -m website.mermaid` fetches it")
    script = "javascripts/mermaid.min.js"
    files.append(File.generated(config, script, abs_src_path=str(SCRIPT.absolute())))
    docs = Path(config.docs_dir)
    linked: set[Path] = set()
    for page in files.documentation_pages():
        for match in OUTSIDE.finditer(page.content_string):
            linked |= _with_its_files(_target(docs, page.src_uri, match))
    for path in sorted(linked):
        name = path.relative_to(docs.parent).as_posix()
        files.append(_repository_page(config, name, path))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Take out comments, and point links to the repository's files at their pages."""
    docs = Path(config.docs_dir)
    if markdown.startswith("---\n"):
        LOG.warning("%s begins with facts that are no YAML", page.file.src_uri)

    def in_site(match: re.Match[str]) -> str:
        target = _target(docs, page.file.src_uri, match)
        if target.is_relative_to(docs):
            return match[0]
        name = _page_name(target.relative_to(docs.parent).as_posix())
        if files.get_file_from_path(name) is None:
            LOG.warning("%s links to %s, which is not there", page.file.src_uri, target)
            return match[0]
        here = Path(page.file.src_uri).parent
        return f"]({os.path.relpath(name, here)}{match['anchor'] or ''})"

    return OUTSIDE.sub(in_site, without_comments(markdown))


def _target(docs: Path, source: str, match: re.Match[str]) -> Path:
    return Path(os.path.normpath(docs / Path(source).parent / match["up"] / match["path"]))


def _with_its_files(path: Path) -> set[Path]:
    """The file; the directory and the files in it; nothing where there is neither."""
    if path.is_dir():
        return {path, *_files_in(path)}
    return {path} if path.is_file() else set()


def _files_in(directory: Path) -> list[Path]:
    found = (path for path in directory.rglob("*") if "__pycache__" not in path.parts)
    return sorted(path for path in found if path.is_file())


def _page_name(name: str) -> str:
    return f"{PAGES}/{name}" if name.endswith(".md") else f"{PAGES}/{name}.md"


def _repository_page(config: MkDocsConfig, name: str, path: Path) -> File:
    if path.is_dir():
        inner = [file.relative_to(path).as_posix() for file in _files_in(path)]
        rows = [f"- [{file}]({path.name}/{file}.md)" for file in inner]
        text = "\n".join((f"# {name}/", "", *rows))
    elif path.suffix == ".md":
        text = path.read_text(encoding="utf-8")
    else:
        language = LANGUAGES.get(path.suffix, "text")
        text = f"# {name}\n\n```` {language}\n{path.read_text(encoding='utf-8')}\n````\n"
    return File.generated(
        config, _page_name(name), content=text, inclusion=InclusionLevel.NOT_IN_NAV
    )
