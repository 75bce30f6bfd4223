"""Token ids -> text while they stream: whole characters only.

A character may span tokens (byte-level BPE, byte fallback), and a token's text may depend on the one before it
(SentencePiece drops a leading space). So a short run of tokens is decoded together, from the last place where
characters and tokens ended together, and only new, complete text is passed on. Bytes that are no UTF-8, which small
models do write, are left out: nobody wants U+FFFD in a document."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon_engines.text.tokenizer import Tokenizer

_INCOMPLETE = "\ufffd"
_LONGEST = 16
"""Tokens of one character at most; a longer run is not UTF-8."""


class Detokenizer:
    """The stream of one job. `before` are the tokens in front of it."""

    def __init__(self, tokenizer: Tokenizer, before: Sequence[int]) -> None:
        self._tokenizer = tokenizer
        self._anchor = list(before[-6:])
        self._base = len(tokenizer.decode(self._anchor))
        self._open: list[int] = []
        self._emitted = 0

    def push(self, token: int) -> str:
        """The characters that `token` completes; empty while one is incomplete."""
        self._open.append(token)
        text = self._tokenizer.decode(self._anchor + self._open)[self._base :]
        complete = text if len(self._open) >= _LONGEST else text.rstrip(_INCOMPLETE)
        new = complete[self._emitted :]
        if complete == text:
            self._anchor, self._open, self._emitted = self._open, [], 0
            self._base = len(self._tokenizer.decode(self._anchor))
        else:
            self._emitted += len(new)
        return new.replace(_INCOMPLETE, "")
