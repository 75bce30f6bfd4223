"""Frames that mean harm, for `/ws` and `/yjs`: structured ones of every kind, broken ones, and document updates that
are made for the document as it stands (`update_composer`)."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, Final

import msgspec

from antiphon_proto.codec import encode
from antiphon_proto.errors import AntiphonError
from antiphon_proto.messages import Edit
from antiphon_proto.sync import SyncUpdate, encode_y
from antiphon_server.bench.attacks.update_composer import Composer
from antiphon_server.bench.attacks.yjs_updates import uint
from antiphon_server.document.document import Document
from antiphon_server.document.updates.item_index import ItemIndex
from antiphon_server.room_limits import MIB

_NUMBERS: Final = (
    *(0, 1, 2, 3, 7, 63, 64, 127, 128, 255, 65_535, 2**31 - 1, 2**31, 2**32 - 1, 2**32),
    *(2**53 - 1, 2**53, 2**63 - 1, 2**64 - 1),
)
_TASKS = ("continue", "fix", "fill")
_REALS: Final = (0.0, 1.5, -1.0, float("nan"), float("inf"), 1e18, 1_790_000_000_000.0)
_PIECES: Final = ("a", "é", "😀", "\0", "<b>", "'", "\u202e", " ", "\n", "{", "ai", "\ufffe")
_STATES: Final = (
    *("null", "{}", "[", '{"cursor":{"anchor":1}}', "[" * 4000, '{"a":' * 600 + "1" + "}" * 600, "1e999"),
    *('{"user":{"name":"<img src=x onerror=alert(1)>"}}', '{"x":"' + "y" * 4000 + '"}', '{"a":NaN}'),
)
_ORIGIN: Final = 16


class Frames:
    """The sender may write under `client_id`."""

    def __init__(self, seed: int, client_id: int) -> None:
        self._chance = random.Random(seed)
        self._client_id = client_id
        self._batch = 0
        self.taken = 0
        """Updates that could be applied."""
        self._runs = ["ai", "r000000000000", "", "x" * 64, "../../etc/passwd"]
        self.begin()

    def write_as(self, client_id: int) -> None:
        """The sender's Yjs client id is another."""
        self._client_id = client_id
        self._composer.write_as(client_id)

    def begin(self) -> None:
        """In another room, which is empty."""
        index = ItemIndex()
        self._document = Document(max_update=4 * MIB, max_items=20_000, max_document=16 * MIB, index=index)
        self._composer = Composer(self._chance, index)
        self._composer.write_as(self._client_id)

    def native(self) -> bytes:
        dice = self._chance.random()
        if dice < 0.45:
            self._batch += 1
            return encode(Edit(self._batch, self._update()))
        packed = msgspec.msgpack.encode(self._message())
        if dice < 0.85:
            return packed
        return self._broken(packed)

    def plain(self) -> bytes:
        """For `/yjs`."""
        dice = self._chance.random()
        if dice < 0.55:
            return encode_y(SyncUpdate(self._update()))
        if dice < 0.62:
            vector = self._chance.choice(
                (b"\0", uint(1) + uint(self._number()) + uint(self._number()), uint(2**50))
            )
            return b"\0\0" + uint(len(vector)) + vector
        if dice < 0.85:
            return self._awareness()
        if dice < 0.88:
            return b"\3"
        return self._broken(encode_y(SyncUpdate(self._update())))

    def _update(self) -> bytes:
        """An accepted update becomes part of the document for the next ones."""
        dice = self._chance.random()
        if dice < 0.04:
            return self._chance.randbytes(self._chance.randrange(200))
        made = self._composer.update()
        try:
            self._document.apply(made, _ORIGIN)
        except AntiphonError:  # refused here as it will be there
            return made
        self.taken += 1
        return made

    def _awareness(self) -> bytes:
        states = b"".join(
            uint(self._number()) + uint(self._number()) + uint(len(state)) + state
            for state in (self._chance.choice(_STATES).encode() for _ in range(self._chance.randrange(4)))
        )
        count = self._chance.choice((None, None, 0, 65, 2**20))
        body = uint(states.count(b"\0") if count is None else count) + states
        return b"\1" + uint(len(body)) + body

    def _broken(self, data: bytes) -> bytes:
        chance, broken = self._chance, bytearray(data)
        for _ in range(chance.choice((1, 1, 2, 4))):
            if not broken:
                break
            at = chance.randrange(len(broken))
            match chance.randrange(4):
                case 0:
                    broken[at] ^= 1 << chance.randrange(8)
                case 1:
                    broken[at] = chance.choice((0, 0x7F, 0x80, 0xC0, 0xC1, 0xDD, 0xFF, 0x91))
                case 2:
                    del broken[at : at + chance.randrange(1, 6)]
                case _:
                    broken[at:at] = chance.randbytes(chance.randrange(1, 6))
        return bytes(broken)

    def _number(self) -> int:
        return self._chance.choice(_NUMBERS) if self._chance.random() < 0.5 else self._chance.randrange(200)

    def _text(self, most: int = 30) -> str:
        return "".join(self._chance.choice(_PIECES) for _ in range(self._chance.randrange(most)))

    def _message(self) -> list[Any]:
        chance, number, text = self._chance, self._number, self._text
        run: Callable[[], str] = lambda: chance.choice(self._runs)  # noqa: E731
        real: Callable[[], float] = lambda: chance.choice(_REALS)  # noqa: E731
        mode = chance.choice(("write", "suggest", "private", text()))
        messages: tuple[Callable[[], list[Any]], ...] = (
            lambda: ["set_presence", chance.choice((*_STATES, text(50)))],
            lambda: ["viewing", number()],
            lambda: ["ask", number(), chance.choice(_TASKS), mode, number(), number(), number(), text()],
            lambda: ["paint", number(), run(), "text_to_image", text(), {}, None, None, False],
            lambda: ["play", [[real(), number(), number()] for _ in range(chance.choice((0, 1, 64, 500)))]],
            lambda: ["conduct", number(), chance.choice(({}, {"tempo": real()}, {"beats": number()})), "bar"],
            lambda: ["stop", run()],
            lambda: ["steer", run(), {"temperature": real()}],
            lambda: ["accept", run(), number(), number(), number()],
            lambda: ["reject", run(), number(), None, number()],
            lambda: ["choose", run(), mode, text(30)],
            lambda: ["retry", number(), run()],
            lambda: ["recall", run()],
            lambda: ["undo", chance.choice((None, run()))],
            lambda: ["redo"],
            lambda: ["say", number(), chance.choice((text(60), "x" * 4000, "x" * 4001)), False, number(), None],
            lambda: ["comment", chance.choice(("c1", text())), number(), number(), number(), text(40)],
            lambda: ["reply", "c1", text(40)],
            lambda: ["resolve", "c1", True],
            lambda: ["delete_comment", "c1", None],
            lambda: ["learn_style", number(), number(), number(), number()],
            lambda: ["revoke", run()],
            lambda: ["use_model", "text", chance.choice(("/etc/passwd", "../x", text()))],
            lambda: ["resync", text(40)],
            lambda: ["ping", real()],
            lambda: ["fragment", chance.choice((0, 1, number())), chance.choice((2, 512, number())), b"x" * 1000],
            lambda: [text(), text(), [json.dumps(text())]],
            lambda: ["hello", 1, text(), text(), number(), None, None],
        )  # fmt: skip
        return chance.choice(messages)()
