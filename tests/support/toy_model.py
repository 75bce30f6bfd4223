"""A tiny deterministic `TokenModel` over bytes, and its tokenizer: everything above the network, without one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from antiphon_engines.text.model import Ids, Logits
from antiphon_engines.text.tokenizer import ChatMarkup

END = 256
POISON = 257
"""A row that holds this token gets logits that are not numbers."""
VOCABULARY = 258


class ToyModel:
    """Logits are a hash of all that the row holds; `calls` remembers the requests. `script`, if given, makes every
    row write those tokens after its prompt (the likeliest by far), then END."""

    name = "toy"
    device = "cpu"
    backend = "toy"
    vocab_size = VOCABULARY
    grain, least = 1, 2

    def __init__(
        self,
        *,
        rows: int = 5,
        context: int = 512,
        script: Sequence[int] | None = None,
        drafts: tuple[int, int] = (0, 0),
    ) -> None:
        self.drafts = drafts
        self.rows = rows
        self.context = context
        self.calls: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
        self.copies: list[tuple[int, int, int]] = []
        self.closed = False
        self._script = script
        self._held: list[list[int]] = [[] for _ in range(rows)]
        self._prompt = [0] * rows

    @property
    def tokens(self) -> int:
        """How many it has read."""
        return sum(sum(lengths) for _, lengths in self.calls)

    def length(self, row: int) -> int:
        return len(self._held[row])

    def held(self, row: int) -> list[int]:
        return list(self._held[row])

    def step(self, rows: Sequence[int], ids: Ids, lengths: Sequence[int]) -> Logits:
        assert len(set(rows)) == len(rows)
        assert ids.dtype == np.int64
        assert ids.shape == (len(rows), max(lengths))
        self.calls.append((tuple(rows), tuple(lengths)))
        for row, line, count in zip(rows, ids, lengths, strict=True):
            assert count >= 1
            self._held[row].extend(int(token) for token in line[:count])
            assert len(self._held[row]) <= self.context
            if count > 1:
                self._prompt[row] = len(self._held[row])
        return np.stack([self._logits(row) for row in rows])

    def step_all(self, row: int, ids: Sequence[int]) -> Logits:
        self.calls.append(((row,), (len(ids),)))
        logits = []
        for token in ids:
            self._held[row].append(int(token))
            assert len(self._held[row]) <= self.context
            logits.append(self._logits(row))
        return np.stack(logits)

    def truncate(self, row: int, length: int) -> None:
        assert 0 <= length <= len(self._held[row])
        del self._held[row][length:]

    def copy_prefix(self, source: int, target: int, length: int) -> None:
        assert 0 <= length <= len(self._held[source])
        self.copies.append((source, target, length))
        self._held[target] = self._held[source][:length]

    def close(self) -> None:
        self.closed = True

    def _logits(self, row: int) -> Logits:
        held = self._held[row]
        if POISON in held:
            return np.full(VOCABULARY, np.nan, np.float32)
        digest = hashlib.sha256(np.array(held, np.int64).tobytes()).digest()
        logits = np.random.default_rng(list(digest)).normal(size=VOCABULARY).astype(np.float32)
        logits[128:256] -= 8  # mostly ASCII
        logits[POISON] = -np.inf
        logits[END] -= 2
        if self._script is not None:
            place = len(held) - self._prompt[row]
            logits[self._script[place] if place < len(self._script) else END] = 100.0
        return logits


class ToyTokenizer:
    """One token per UTF-8 byte."""

    start_ids: tuple[int, ...] = ()
    end_ids = frozenset({END})
    chat: ChatMarkup | None = ChatMarkup(opening="<user>", closing="<ai>")
    spaced = np.array([index == ord(" ") for index in range(VOCABULARY)])

    def encode(self, text: str, *, special: bool = False) -> list[int]:
        return list(text.replace("☠", "").encode()) + [POISON] * text.count("☠")

    def decode(self, ids: Sequence[int]) -> str:
        return bytes(token for token in ids if token < 256).decode(errors="replace")
