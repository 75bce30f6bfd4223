"""Computes the changes of a text from its states before and after, where Yrs' own delta contradicts them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

from antiphon_proto.document.splices import Splice, cut, size
from antiphon_server.document.text_diff import differences
from antiphon_server.document.text_index import plain

Pieces = Sequence[tuple[Any, Any]]
"""A `Text.diff`."""
_PAIRS = 1_000_000


def exact_splices(before: Pieces, after: Pieces) -> tuple[Splice, ...]:
    """The splices from one to the other, to be applied in order; an embed counts one, a format nothing."""
    old, new = plain(before), plain(after)
    found: list[Splice] = []
    at = was = 0
    for kept, left, right in _changes(old, new):
        gone, came = size(left), size(right)
        if kept:
            at, was = at + came, was + gone
            continue
        if gone:
            found.append(Splice(at, deleted=gone, removed=cut(before, was, was + gone)))
            was += gone
        for text, attributes in cut(after, at, at + came) if came else ():
            length = size(text)
            found.append(Splice(at, inserted=length, text=text, attributes=attributes))
            at += length
    return tuple(found)


def _changes(old: str, new: str) -> Iterator[tuple[bool, str, str]]:
    """(whether it stays, old, new), character by character where that is not too much work."""
    for one in differences(old, new):
        left, right = old[one.old_start : one.old_end], new[one.start : one.end]
        if one.kind == "equal" or len(left) * len(right) > _PAIRS:
            yield one.kind == "equal", left, right
            continue
        for kind, a, b, c, d in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
            yield kind == "equal", left[a:b], right[c:d]
