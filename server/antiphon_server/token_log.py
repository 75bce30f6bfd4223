"""What the model said of the tokens that stand in the story: their alternatives, for whoever would have another."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from antiphon_proto.errors import Conflict, PeerError
from antiphon_proto.messages import Alternative, TokenInfo

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(TokenInfo).decode


class TokenLog:
    """Of the newest `runs` runs, packed: a token takes about 100 bytes so, and ten times that as objects."""

    def __init__(self, runs: int = 64) -> None:
        self._runs = runs
        self._tokens: OrderedDict[str, dict[int, bytes]] = OrderedDict()

    def add(self, run: str, tokens: Sequence[TokenInfo]) -> None:
        known = self._tokens.setdefault(run, {})
        known.update((token.index, _pack(token)) for token in tokens)
        while len(self._tokens) > self._runs:
            self._tokens.popitem(last=False)

    def alternative(self, run: str, token: int, number: int) -> tuple[TokenInfo, Alternative]:
        """A token of a run, and one of its alternatives. Raises Conflict when they are not known any more."""
        packed = self._tokens.get(run, {}).get(token)
        if packed is None:
            raise Conflict("the alternatives of this token are not known any more")
        info = _unpack(packed)
        if number >= len(info.alternatives):
            raise PeerError(f"the token has {len(info.alternatives)} alternatives")
        return info, info.alternatives[number]
