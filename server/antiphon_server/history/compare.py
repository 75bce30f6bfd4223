"""The differences between two past states of a room, for people to read."""

from __future__ import annotations

from typing import Any

from antiphon_server.document.text_diff import differences
from antiphon_server.document.text_index import EMBED
from antiphon_server.history.past_state import PastState, Walk

_EMBED_SHOWN = "\ufffc"
"""Stands for an embed in a text (Unicode's object replacement character)."""


def compared(first: PastState, second: PastState) -> dict[str, Any]:
    """The answer to `compare`. Text that is gone is its author's of then, text that came its author's of now."""
    ops: list[dict[str, Any]] = []
    then, now = Walk(first.story), Walk(second.story)
    for one in differences(first.text, second.text):
        if one.kind == "equal":
            ops += _ops("equal", now, one.start, one.end)
        else:
            ops += _ops("delete", then, one.old_start, one.old_end)
            ops += _ops("insert", now, one.start, one.end)
    before, after = first.objects, second.objects
    both = before.keys() & after.keys()
    return {
        "from": first.seq,
        "to": second.seq,
        "story": ops,
        "canvas": {
            "added": sorted(after.keys() - before.keys()),
            "changed": sorted(key for key in both if before[key] != after[key]),
            "removed": sorted(before.keys() - after.keys()),
        },
    }


def _ops(op: str, story: Walk, start: int, end: int) -> list[dict[str, Any]]:
    """[start, end) of a story by author."""
    found: list[dict[str, Any]] = []
    for piece, first, last in story.between(start, end):
        text = piece.text[first:last].replace(EMBED, _EMBED_SHOWN)
        owner = piece.owner
        if found and (found[-1]["author"], found[-1]["run"]) == (owner.author, owner.run):
            found[-1]["text"] += text
        else:
            found.append({"op": op, "text": text, "author": owner.author, "run": owner.run})
    return found
