"""PDF, set by Typst (https://typst.app). The words go in as data and never as markup, so none of them is a command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import typst

from antiphon_server.formats import fountain
from antiphon_server.formats.manuscript import Manuscript

_TEMPLATES: Final = {form: Path(__file__).with_name(f"{form}.typ") for form in ("prose", "screenplay")}


def write(manuscript: Manuscript, form: str = "prose") -> bytes:
    """`form`: "prose", a book's pages, or "screenplay", the usual script page in a typewriter face."""
    blocks: list[dict[str, Any]] = [
        {
            "kind": block.kind,
            "level": block.level,
            "words": [{"text": w.text, "bold": w.bold, "italic": w.italic} for w in block.words],
        }
        for block in manuscript.blocks
    ]
    if form == "screenplay":
        kinds = fountain.elements([block.text for block in manuscript.blocks])
        for entry, block, kind in zip(blocks, manuscript.blocks, kinds, strict=True):
            entry["kind"] = "section" if block.kind == "heading" else kind
            entry["text"] = _unforced(block.text, kind)
    data = json.dumps({"title": manuscript.title, "blocks": blocks})
    compiled: bytes = typst.compile(_TEMPLATES[form], sys_inputs={"manuscript": data})
    return compiled


def _unforced(text: str, kind: str) -> str:
    """Without the mark that only says what the line is."""
    text = text.strip()
    if kind == "centered":
        return text[1:-1].strip()
    forced = {"scene": ".", "action": "!", "character": "@", "lyric": "~", "transition": ">", "synopsis": "="}
    return text.removeprefix(forced.get(kind, "\x00")).strip()
