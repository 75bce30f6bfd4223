"""The passages of one room, to be found by their words (SQLite's FTS5, in memory) and by their meaning (vectors).

Only passages that have changed are indexed again. Two tables hold the words in the same order: as they stand, for exact
words, beginnings and phrases, and in base forms; SQLite's Porter stemmer takes those of English further.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from antiphon_engines.embedding.encoder import WIDTH, Encoder
from antiphon_server.search.hits import Found, Hit, Kind, Meaning, Piece
from antiphon_server.search.words import bases, words

MAX_READ: Final = 4000
"""Passages of a room whose meaning is read: two megabytes of story. The others are found by their words."""
_BATCH: Final = 4
_TERMS: Final = 12
"""Words of a query that count."""
_FEWEST_LETTERS: Final = 12
"""Of a passage with a meaning of its own."""
CLOSE: Final = 0.79
"""Cosine from which a passage may be meant. See docs/decisions/memory.md, "Search"."""
_FALL: Final = 0.03
"""How far below the best passage another one may be."""
_QUOTED: Final = re.compile(r'"([^"]+)"|“([^”]+)”|«([^»]+)»|(\S+)')
_MARK: Final = "\x01"


class RoomIndex:
    """Not for two threads at once."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        """Text of a passage -> its number. Equal passages share one."""
        self._places: dict[int, list[Piece]] = {}
        self._vectors: dict[int, NDArray[np.float32]] = {}
        self._matrix: tuple[list[int], NDArray[np.float32]] | None = None
        self._next = 1
        self._base = sqlite3.connect(":memory:", isolation_level=None)
        self._base.execute("create virtual table exact using fts5(words, tokenize = 'ascii')")
        self._base.execute("create virtual table stems using fts5(words, tokenize = 'porter ascii')")

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, pieces: Iterable[Piece]) -> None:
        """These are the room's passages now."""
        places: dict[str, list[Piece]] = defaultdict(list)
        for piece in pieces:
            places[piece.text].append(piece)
        self._base.execute("begin")
        for text in self._rows.keys() - places.keys():
            row = self._rows.pop(text)
            self._vectors.pop(row, None)
            for table in ("exact", "stems"):
                self._base.execute(f"delete from {table} where rowid = ?", (row,))
        for text in places.keys() - self._rows.keys():
            row, self._next = self._next, self._next + 1
            self._rows[text] = row
            found = [word for _, _, word in words(text)]
            self._base.execute("insert into exact(rowid, words) values (?, ?)", (row, " ".join(found)))
            self._base.execute(
                "insert into stems(rowid, words) values (?, ?)",
                (row, " ".join(bases(word)[0] for word in found)),
            )
        self._base.execute("commit")
        # In the order of the room: meaning is read from the beginning on.
        self._rows = {text: self._rows[text] for text in places}
        self._places = {self._rows[text]: found for text, found in places.items()}
        self._matrix = None

    # Searching ---------------------------------------------------------------------------------------------

    def search(
        self, query: str, kinds: Collection[Kind], limit: int, meaning: Meaning, encoder: Encoder | None
    ) -> Found:
        """Up to `limit` hits by words, and of the others as many by meaning; the best first. `encoder` None: it is not
        loaded yet, and nothing is found by meaning."""
        hits = self._by_words(query, kinds, limit)
        if meaning != "ready":
            return Found(tuple(hits), meaning)
        if encoder is not None:
            known = {id(hit.piece) for hit in hits}
            near = self._by_meaning(query, kinds, limit, encoder)
            hits += [hit for hit in near if id(hit.piece) not in known]
        return Found(tuple(hits), meaning, len(self._unread()), max(0, len(self._rows) - MAX_READ))

    def _by_words(self, query: str, kinds: Collection[Kind], limit: int) -> list[Hit]:
        terms = _terms(query)
        found = [self._rank(term) for term in terms]
        # A word that stands everywhere tells nothing beside others.
        rare = [ranks for ranks in found if len(ranks) * 2 <= len(self._rows) or len(self._rows) < 20]
        counted = [ranks for ranks in rare if ranks] or found
        matched: dict[int, int] = defaultdict(int)
        score: dict[int, float] = defaultdict(float)
        for ranks in counted:
            for row, rank in ranks.items():
                matched[row] += 1
                score[row] += rank
        least = -(-len(rare or found) // 2)
        rows = [row for row in matched if matched[row] >= min(least, len(counted))]
        rows.sort(key=lambda row: (-matched[row], score[row], row))
        hits: list[Hit] = []
        for row in rows:
            for piece in self._places[row]:
                if piece.kind in kinds and len(hits) < limit:
                    hits.append(Hit(piece, "words", self._marks(row, piece.text, terms)))
        return hits

    def _rank(self, term: list[str]) -> dict[int, float]:
        """Passages with a word or phrase -> BM25 (less is better); exact words count more than base forms."""
        phrase = " ".join(term)
        ranks: dict[int, float] = {}
        if len(term) == 1:
            for row, rank in self._match("stems", _either(phrase)):
                ranks[row] = rank
            for row, rank in self._match("exact", f'"{phrase}" *'):
                ranks[row] = min(ranks.get(row, 0.0), 0.5 * rank)
        for row, rank in self._match("exact", f'"{phrase}"'):
            ranks[row] = ranks.get(row, 0.0) + rank
        return ranks

    def _match(self, table: str, pattern: str) -> list[tuple[int, float]]:
        found: list[tuple[int, float]] = self._base.execute(
            f"select rowid, bm25({table}) from {table} where {table} match ?", (pattern,)
        ).fetchall()
        return found

    def _marks(self, row: int, text: str, terms: list[list[str]]) -> tuple[tuple[int, int], ...]:
        found = list(words(text))
        chosen: set[int] = set()
        for term in terms:
            if len(term) == 1:
                chosen.update(i for i, (_, _, word) in enumerate(found) if word.startswith(term[0]))
                chosen.update(self._stemmed(row, _either(term[0])))
                continue
            for i in range(len(found) - len(term) + 1):
                if [word for _, _, word in found[i : i + len(term)]] == term:
                    chosen.update(range(i, i + len(term)))
        spans = [found[i][:2] for i in sorted(chosen) if i < len(found)]
        if text.isascii():
            return tuple(spans)
        return tuple((_units(text[:start]), _units(text[:end])) for start, end in spans)

    def _stemmed(self, row: int, pattern: str) -> set[int]:
        """Which words of a passage have one of the base forms of a pattern."""
        marked = self._base.execute(
            f"select highlight(stems, 0, '{_MARK}', '') from stems where stems match ? and rowid = ?",
            (pattern, row),
        ).fetchone()
        return {i for i, one in enumerate(marked[0].split(" ")) if one.startswith(_MARK)} if marked else set()

    # Meaning -----------------------------------------------------------------------------------------------

    def read(self, encoder: Encoder, seconds: float) -> int:
        """Read the meaning of passages for so long; returns how many are left."""
        end = time.monotonic() + seconds
        unread = self._unread()
        while unread and time.monotonic() < end:
            batch, unread = unread[:_BATCH], unread[_BATCH:]
            for (_, row), vector in zip(batch, encoder.passages([text for text, _ in batch]), strict=True):
                self._vectors[row] = vector
            self._matrix = None
        return len(unread)

    def _unread(self) -> list[tuple[str, int]]:
        left = list(self._rows.items())[:MAX_READ]
        return [(text, row) for text, row in left if row not in self._vectors and _says_something(text)]

    def _by_meaning(self, query: str, kinds: Collection[Kind], limit: int, encoder: Encoder) -> list[Hit]:
        if not self._vectors:
            return []
        if self._matrix is None:
            self._matrix = list(self._vectors), np.stack(list(self._vectors.values()))
        rows, matrix = self._matrix
        assert matrix.shape[1] == WIDTH
        near = matrix @ encoder.query(query)
        hits: list[Hit] = []
        best = 0.0
        for i in np.argsort(-near):
            for piece in self._places[rows[i]]:
                if piece.kind not in kinds:
                    continue
                best = best or float(near[i])
                if len(hits) == limit or near[i] < max(CLOSE, best - _FALL):
                    return hits
                hits.append(Hit(piece, "meaning"))
        return hits


def _terms(query: str) -> list[list[str]]:
    """Words, and phrases in quotation marks, folded."""
    found: list[list[str]] = []
    for match in _QUOTED.finditer(query):
        whole = [word for _, _, word in words(next(group for group in match.groups() if group))]
        found += [whole] if match[4] is None and whole else [[word] for word in whole]
    return list(map(list, dict.fromkeys(map(tuple, found))))[:_TERMS]


def _either(word: str) -> str:
    """The pattern of a word's base forms: a query says less than a sentence which one is meant."""
    return " OR ".join(f'"{base}"' for base in bases(word))


def _says_something(text: str) -> bool:
    return sum(map(str.isalpha, text)) >= _FEWEST_LETTERS


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "replace")) // 2
