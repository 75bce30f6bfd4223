"""How much of the story is whose: characters by participant and by run."""

from __future__ import annotations

from collections import Counter

from antiphon_server.document.state import SharedState


def shares(shared: SharedState) -> tuple[dict[str, int], dict[str, int]]:
    """Characters (code points) by participant, and by run; what a run wrote counts for its author, too."""
    people: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    data = shared.document.data()
    plain = data.isascii()
    at = 0
    for span in shared.authorship.spans():
        end = at + span.length
        count = span.length if plain else len(data[at:end].decode(errors="replace"))
        people[span.owner.author] += count
        if span.owner.run is not None:
            runs[span.owner.run] += count
        at = end
    return dict(people), dict(runs)
