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
    return counted(shared.document.text(), shared.authorship.spans())


def counted(text: str, spans: Iterable[Span]) -> Counts:
    """`text` with a byte for each embed, and who wrote it."""
    people: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    data = b"" if (plain := text.isascii()) else text.encode()
    at = 0
    for span in spans:
        end = at + span.length
        count = span.length if plain else len(data[at:end].decode(errors="replace"))
        people[span.owner.author] += count
        if span.owner.run is not None:
            runs[span.owner.run] += count
        at = end
    return dict(people), dict(runs)
