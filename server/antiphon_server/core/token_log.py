"""The model's details of each token that it wrote: its probability and the alternatives.

Kept with the room, so that members who join later, or after a restart, can request it (`recall`, `replace_token`). The
tokens of a live run are held one by one; when it ends they are packed together (zlib: about 40 bytes a token) and
written to the store. A room keeps at most `bound` bytes and drops those of the oldest run first; those of a removed run
are removed with it. A killed process loses the tokens of its live runs, never their text.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence

import msgspec

from antiphon_proto.errors import Conflict, PeerError
from antiphon_proto.messages import Alternative, TokenInfo
from antiphon_server.store.api import RunTokens, TokensGone

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(TokenInfo).decode
_decode_all = msgspec.msgpack.Decoder(tuple[TokenInfo, ...]).decode
_LEVEL = 1
"""Of zlib: 1 ms for a run of 500 tokens, and a tenth larger than the best."""


class TokenLog:
    """`record` writes a change to the store; `stored` are its records, oldest first."""

    def __init__(
        self,
        bound: int,
        stored: Iterable[RunTokens],
        record: Callable[[RunTokens | TokensGone], None],
        unix_ms: Callable[[], int],
    ) -> None:
        self._bound = bound
        self._record = record
        self._unix_ms = unix_ms
        self._live: dict[str, dict[int, bytes]] = {}
        self._ended = {one.run: one for one in stored}
        self._bytes = sum(len(one.body) for one in self._ended.values())

    def add(self, run: str, tokens: Sequence[TokenInfo]) -> None:
        """Of a run that goes on."""
        self._live.setdefault(run, {}).update((token.index, _encode(token)) for token in tokens)

    def close(self, run: str) -> None:
        """The run is over: its tokens go to the store."""
        tokens = self._live.pop(run, None)
        if not tokens:
            return
        body = zlib.compress(_encode([msgspec.Raw(token) for _, token in sorted(tokens.items())]), _LEVEL)
        self._ended[run] = kept = RunTokens(run, self._unix_ms(), body)
        self._bytes += len(body)
        self._record(kept)
        while self._bytes > self._bound and self._ended:
            self.forget(next(iter(self._ended)))

    def of(self, run: str) -> tuple[TokenInfo, ...]:
        """All tokens of a run that are known, in order. Raises Conflict when none are."""
        if (live := self._live.get(run)) is not None:
            return tuple(_decode(token) for _, token in sorted(live.items()))
        if (ended := self._ended.get(run)) is not None:
            return _decode_all(zlib.decompress(ended.body))
        raise Conflict("the tokens of this run are no longer kept")

    def alternative(self, run: str, token: int, number: int) -> tuple[TokenInfo, Alternative]:
        """A token of a run, and one of its alternatives. Raises Conflict when it is not known, PeerError for a number
        that it does not have."""
        info = next((known for known in self.of(run) if known.index == token), None)
        if info is None:
            raise Conflict("this token of the run is no longer known")
        if number >= len(info.alternatives):
            raise PeerError(f"the token has {len(info.alternatives)} alternatives")
        return info, info.alternatives[number]

    def kept(self, run: str) -> RunTokens | None:
        """The stored tokens of an ended run."""
        return self._ended.get(run)

    def forget(self, run: str) -> None:
        if (gone := self._ended.pop(run, None)) is not None:
            self._bytes -= len(gone.body)
            self._record(TokensGone(run))
