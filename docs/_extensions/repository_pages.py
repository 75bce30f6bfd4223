"""Pages of the site that are files of the repository: the map, how to contribute, the changelog, the protocol.

Their links are rewritten: links to these files and into `docs/` lead to pages of the site; other files are named
without a link.
"""

from __future__ import annotations

import re
from pathlib import Path

PAGES = {
    "architecture": "ARCHITECTURE.md",
    "contributing": "CONTRIBUTING.md",
    "changelog": "CHANGELOG.md",
    "protocol": "proto/PROTOCOL.md",
}
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def repository_page(root: Path, name: str) -> str:
    """Markdown for `docs/_generated/NAME.md`."""
    source = root / PAGES[name]
    pages = {path: page for page, path in PAGES.items()}

    def rewritten(found: re.Match[str]) -> str:
        text, target, anchor = found[1], found[2], found[3] or ""
        if "://" in target or target.startswith("mailto:"):
            return found[0]
        path = (source.parent / target).resolve().relative_to(root).as_posix()
        if path in pages:
            return f"[{text}]({pages[path]}.md{anchor})"
        if path.startswith("docs/"):
            return f"[{text}](../{path.removeprefix('docs/')}{anchor})"
        return text if text.startswith("`") else f"`{path}`"

    return _LINK.sub(rewritten, source.read_text())
