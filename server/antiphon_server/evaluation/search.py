"""How often search finds the passage that a query is about: `antiphon eval search`."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Final

import msgspec
from msgspec import Struct

from antiphon_engines.embedding.encoder import Encoder
from antiphon_server.search.hits import KINDS, Hit, Piece
from antiphon_server.search.index import RoomIndex

_DATA: Final = Path(__file__).with_suffix(".json")
_FIVE: Final = 5


class Data(Struct, frozen=True):
    """Language -> passages, each with three queries: of its meaning in its language, of its meaning in the other one,
    and of its words in other forms."""

    about: str
    passages: dict[str, list[tuple[str, str, str, str]]]


class Share(Struct, frozen=True):
    """Of `queries`, how many had their passage first, and among the first five. `others`: passages beside the right one
    that were shown for a query, on average."""

    kind: str
    queries: int
    first: int
    five: int
    others: float


class Figures(Struct, frozen=True):
    """`milliseconds`: of one search in these passages, median and most."""

    shares: list[Share]
    milliseconds: tuple[float, float]


def measured(encoder: Encoder | None) -> Figures:
    """Without an encoder words alone are looked for."""
    data = msgspec.json.decode(_DATA.read_bytes(), type=Data)
    index = RoomIndex()
    index.take(Piece("text", one[0]) for some in data.passages.values() for one in some)
    if encoder is not None:
        while index.read(encoder, 60.0):
            pass
    times: list[float] = []
    shares: list[Share] = []
    for place, what in enumerate(("same language", "other language", "words"), 1):
        by = "words" if what == "words" else "meaning"
        if by == "meaning" and encoder is None:
            continue
        for language, passages in data.passages.items():
            ranks: list[int | None] = []
            shown = 0
            for one in passages:
                begun = time.perf_counter()
                found = index.search(one[place], KINDS, 10, "ready" if encoder else "absent", encoder)
                times.append(1000 * (time.perf_counter() - begun))
                hits = [hit for hit in found.hits if hit.by == by]
                ranks.append(_rank(hits, one[0]))
                shown += len(hits) - (ranks[-1] is not None)
            first, five = (sum(rank is not None and rank < most for rank in ranks) for most in (1, _FIVE))
            shares.append(
                Share(f"{language}, {what}", len(passages), first, five, round(shown / len(passages), 1))
            )
    return Figures(shares, (round(median(times), 1), round(max(times), 1)))


def _rank(hits: list[Hit], text: str) -> int | None:
    return next((i for i, hit in enumerate(hits) if hit.piece.text == text), None)
