"""Filters a model's answer for the text: no preface ("Sure, here is ..."), no run of empty lines, nothing after the
signs with which a model begins to talk about its own text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from antiphon_engines.text.stop_filter import StopFilter
from antiphon_proto.messages import TokenInfo

_LONGEST: Final = 160
"""Characters of a preface, at most."""
_PREFACE: Final = re.compile(
    r"(?:sure|certainly|of course|okay|ok|here(?:'s|’s| is| are)|the (?:new|rewritten|revised) (?:text|passage)"
    r"|конечно|хорошо|вот|новый текст|переписанный отрывок)\b[^\n]*:\s*\n\s*",
    re.I,
)
_OPENINGS: Final = (
    "sure", "certainly", "of course", "okay", "ok", "here's", "here’s", "here is", "here are", "the new",
    "the rewritten", "the revised", "конечно", "хорошо", "вот", "новый текст", "переписанный отрывок",
)  # fmt: skip


class AnswerFilter:
    """Over the tokens of one answer; as it stands it passes everything. `opens`: it begins with words of its own, which
    may have a preface; `stops` end it; `tidy`: there are never more than two line ends in a row, those included that
    `before`, the text in front of it, ends in."""

    def __init__(
        self, *, opens: bool = False, stops: Sequence[str] = (), tidy: bool = False, before: str = ""
    ) -> None:
        self._opening = opens
        self._tidies = tidy
        tail = before.rstrip(" ")
        self._newlines = len(tail) - len(tail.rstrip("\n"))
        self._stops = StopFilter(stops)
        self._held: list[TokenInfo] = []

    def push(self, token: TokenInfo) -> tuple[list[TokenInfo], bool]:
        """The tokens that may go out now, and whether the answer has ended before the rest. A token keeps its place
        where it loses its text."""
        passed, stopped = self._stops.push(token)
        out = [each for one in passed for each in self._open(one)]
        return (out + self._begin() if stopped else out), stopped

    def flush(self) -> list[TokenInfo]:
        """The stream is over: text that was held back is part of the answer."""
        out = [each for one in self._stops.flush() for each in self._open(one)]
        return out + self._begin()

    def _open(self, token: TokenInfo) -> list[TokenInfo]:
        if not self._opening:
            return [self._tidy(token)]
        self._held.append(token)
        text = "".join(held.text for held in self._held).lstrip()
        if text and not self._may_be_preface(text):
            return self._begin()
        return []

    def _may_be_preface(self, text: str) -> bool:
        if len(text) > _LONGEST:
            return False
        if found := _PREFACE.match(text):
            return found.end() == len(text)  # words have not come yet
        line, _, rest = text.casefold().partition("\n")
        if rest.strip() or ("\n" in text and not line.rstrip().endswith(":")):
            return False
        return any(line.startswith(words) or words.startswith(line) for words in _OPENINGS)

    def _begin(self) -> list[TokenInfo]:
        self._opening = False
        held, self._held = self._held, []
        text = "".join(token.text for token in held)
        kept = text.lstrip()
        if found := _PREFACE.match(kept):
            kept = kept[found.end() :]
        lost = len(text) - len(kept)
        out: list[TokenInfo] = []
        for token in held:
            out.append(self._tidy(replace(token, text=token.text[lost:])))
            lost = max(0, lost - len(token.text))
        return out

    def _tidy(self, token: TokenInfo) -> TokenInfo:
        if not self._tidies or "\n" not in token.text:
            self._newlines = 0 if token.text.strip() else self._newlines
            return token
        kept = []
        for sign in token.text:
            if sign == "\n":
                self._newlines += 1
                if self._newlines > 2:
                    continue
            elif not sign.isspace():
                self._newlines = 0
            kept.append(sign)
        return replace(token, text="".join(kept))
