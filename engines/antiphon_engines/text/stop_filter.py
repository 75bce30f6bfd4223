"""Stop strings over a stream of tokens that arrive as text."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from antiphon_proto.messages import TokenInfo


class StopFilter:
    """Holds tokens back while their text may be the beginning of a stop string; never passes one on."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held: list[TokenInfo] = []

    def push(self, token: TokenInfo) -> tuple[list[TokenInfo], bool]:
        """The tokens that may go out now, and whether a stop string ended the stream before the rest."""
        self._held.append(token)
        text = "".join(held.text for held in self._held)
        found = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            kept = _cut(self._held, min(found))
            self._held = []
            return kept, True
        return self._pass(len(text) - self._open_end(text)), False

    def flush(self) -> list[TokenInfo]:
        """The text that is still held back; the stream ended by itself."""
        held, self._held = self._held, []
        return held

    def _open_end(self, text: str) -> int:
        """Length of the longest end of `text` that begins a stop string."""
        longest = max((len(stop) for stop in self._stops), default=1) - 1
        return next(
            (
                n
                for n in range(min(longest, len(text)), 0, -1)
                if any(s.startswith(text[-n:]) for s in self._stops)
            ),
            0,
        )

    def _pass(self, safe: int) -> list[TokenInfo]:
        """Release the tokens that end within the first `safe` characters."""
        end = released = 0
        for token in self._held:
            end += len(token.text)
            if end > safe:
                break
            released += 1
        out, self._held = self._held[:released], self._held[released:]
        return out


def _cut(tokens: Sequence[TokenInfo], length: int) -> list[TokenInfo]:
    """The tokens of the first `length` characters, the last of them shortened."""
    kept: list[TokenInfo] = []
    for token in tokens:
        if length <= 0:
            break
        kept.append(token if len(token.text) <= length else replace(token, text=token.text[:length]))
        length -= len(token.text)
    return kept
