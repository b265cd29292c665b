"""What in a page is for others than the site's reader: comments, and links out of docs/."""

from __future__ import annotations

import re

# A link or picture that leaves docs/: `](../deploy/nginx.conf)`, `](../../configs/phi3.yaml)`.
OUTSIDE = re.compile(r"\]\((?P<up>(?:\.\./)+)(?P<path>[\w./-]+?)/?(?P<anchor>#[\w-]+)?\)")
# Notes to whoever computes or tests the page: a browser needs none, and they break paragraphs.
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
FENCED = re.compile(r"^(```+).*?^\1$", re.DOTALL | re.MULTILINE)


def without_comments(markdown: str) -> str:
    """The page without its HTML comments; what stands in fences is left as it is."""
    kept, at = [], 0
    for fenced in FENCED.finditer(markdown):
        kept += [COMMENT.sub("", markdown[at : fenced.start()]), fenced[0]]
        at = fenced.end()
    return "".join((*kept, COMMENT.sub("", markdown[at:])))
