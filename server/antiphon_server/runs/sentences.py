"""Ends a run's text at a whole sentence of about the requested length, and removes doubled blanks and empty lines where
the text has none.

Near its end a run's words are held back until their sentence is complete, so that nothing is written that would have to
be taken away again.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from antiphon_proto.messages import TokenInfo
from antiphon_proto.params import TextParams

_SOFT: Final = 0.55
"""From this part of the length on the first sentence that ends is the last."""
_MAX_TOKENS: Final = 4096
_ENDS: Final = re.compile(r"(?:[.!?…]+|[。！？؟।]+)[\"'”’»)\]」』]*$")
_UNSPACED: Final = re.compile(r"[。！？][」』”]*$")
"""Sentences of scripts that put no blank between them."""
_NO_END: Final = re.compile(
    r"(?:^|[\s(\"“«])(?:\w|mr|mrs|ms|dr|st|prof|vs|e\.g|i\.e|no|г|гг|ул|стр|т\.е|т\.к|им|руб)\.$", re.I
)
"""Abbreviations and initials, which end no sentence."""


def longer(params: TextParams) -> TextParams:
    """The parameters for the engine, with room to finish the last sentence."""
    if not params.whole_sentences:
        return params
    length = params.max_tokens
    return replace(params, max_tokens=min(_MAX_TOKENS, length + max(12, length // 2)))


class Sentences:
    """`before` is the text in front of the run's place."""

    def __init__(self, params: TextParams, before: str) -> None:
        self.resize(params.max_tokens)
        self._most_newlines = 2 if "\n\n" in before else 1
        """A text that already has empty lines keeps them."""
        tail = before[-2:]
        self._newlines = self._most_newlines if not before else len(tail) - len(tail.rstrip("\n"))
        self._spaced = not before or before[-1:].isspace()
        self._blank = ""
        """A blank that has come, and is written with the next word."""
        self._line = before.rpartition("\n")[2][-80:]
        self._held: list[TokenInfo] = []
        self._count = 0
        self.complete = False
        """The last sentence has ended: nothing more is wanted."""

    def resize(self, length: int) -> None:
        """The length was steered; in tokens."""
        self._soft = max(1, round(length * _SOFT))

    def push(self, token: TokenInfo) -> list[TokenInfo]:
        """Take a token; returns those that may be written now."""
        if self.complete:
            return []
        self._count += 1
        near = self._count > self._soft
        ended, kept = self._tidy(token.text, near)
        self._held.append(replace(token, text=kept))
        if near and not ended:
            return []
        self.complete = near and ended
        return self._release()

    def flush(self, by_itself: bool) -> list[TokenInfo]:
        """The stream is over; `by_itself`: the model ended it, and so its sentence."""
        if self.complete:
            return []
        if not by_itself:
            # No sentence ended in time: at least no word is cut in two.
            while self._held and not self._held[-1].text[:1].isspace():
                self._held.pop()
            if self._held:
                self._held.pop()
        self.complete = True
        return self._release()

    def _release(self) -> list[TokenInfo]:
        held, self._held = self._held, []
        return [token for token in held if token.text]

    def _tidy(self, text: str, near: bool) -> tuple[bool, str]:
        """The text without blanks that are too many, up to the end of a sentence when `near`; whether one has ended."""
        out: list[str] = []
        for sign in text:
            if sign == "\n":
                if near and self._line.strip():
                    return True, "".join(out)
                if self._newlines < self._most_newlines:
                    self._newlines += 1
                    self._blank = "\n" * self._newlines
                    self._line, self._spaced = "", True
            elif sign.isspace():
                if near and self._ends():
                    return True, "".join(out)
                if not self._spaced:
                    self._blank, self._spaced = " ", True
            else:
                if near and _UNSPACED.search(self._line) and not _UNSPACED.search(self._line + sign):
                    return True, "".join(out)
                out.append(self._blank + sign)
                self._line = (self._line + self._blank.strip("\n") + sign)[-80:]
                self._blank, self._newlines, self._spaced = "", 0, False
        return False, "".join(out)

    def _ends(self) -> bool:
        return bool(_ENDS.search(self._line)) and not _NO_END.search(self._line)
