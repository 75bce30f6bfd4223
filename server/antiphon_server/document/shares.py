"""How much of the story is whose: characters by participant and by run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TypeAlias

from antiphon_server.document.authorship import Span
from antiphon_server.document.state import SharedState

Counts: TypeAlias = tuple[dict[str, int], dict[str, int]]
"""Characters (code points) by participant, and by run; a run's text counts for its author, too."""


def shares(shared: SharedState) -> Counts:
    return counted(shared.document.parts(), shared.authorship.spans())


def counted(parts: Iterable[bytes], spans: Iterable[Span]) -> Counts:
    """`parts` of a text in UTF-8, with a byte for each embed, and who wrote it."""
    people: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    rest = iter(parts)
    data, plain, at = b"", True, 0
    for span in spans:
        left, count = span.length, 0
        while left:
            if at == len(data):
                data, at = next(rest, b""), 0
                plain = data.isascii()
                if not data:
                    break
            size = min(left, len(data) - at)
            count += size if plain else len(data[at : at + size].decode(errors="replace"))
            at += size
            left -= size
        people[span.owner.author] += count
        if span.owner.run is not None:
            runs[span.owner.run] += count
    return dict(people), dict(runs)
