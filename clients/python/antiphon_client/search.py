"""Search in a room, which the server makes: by words in any form, and by meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from antiphon_client.address import Address
from antiphon_client.http import call

Kind: TypeAlias = Literal["text", "chat", "comment", "board"]
KINDS: Final[tuple[Kind, ...]] = ("text", "chat", "comment", "board")


class Hit(Struct, frozen=True):
    """A passage. `id`: of the chat's entry, comment or object; `start`: where it begins in the story; `marks`:
    [start, end) in `text` of the words that were looked for. Places are code points."""

    kind: Kind
    text: str
    by: Literal["words", "meaning"]
    marks: tuple[tuple[int, int], ...] = ()
    id: str = ""
    start: int = 0
    author: str = ""
    ms: int = 0


class Found(Struct, frozen=True):
    """`meaning` is `absent` where the server has no model for it. `pending`: passages whose meaning is not read yet."""

    hits: tuple[Hit, ...]
    meaning: Literal["ready", "absent", "off"]
    pending: int
    left_out: int


async def search(
    address: Address, secret: str | None, story: str, query: str, kinds: Sequence[Kind], limit: int
) -> Found:
    """See `Room.search`."""
    body = msgspec.json.encode({"query": query, "kinds": list(kinds), "limit": limit})
    answer = await call(address, "POST", "/search", body, session=secret or "")
    found = msgspec.json.decode(answer, type=Found)
    return replace(found, hits=tuple(_in_code_points(hit, story) for hit in found.hits))


def _in_code_points(hit: Hit, story: str) -> Hit:
    marks = tuple((_points(hit.text, start), _points(hit.text, end)) for start, end in hit.marks)
    return replace(hit, start=_points(story, hit.start) if hit.kind == "text" else 0, marks=marks)


def _points(text: str, units: int) -> int:
    """UTF-16 units -> code points."""
    if text.isascii():
        return min(units, len(text))
    return len(text.encode("utf-16-le", "replace")[: 2 * units].decode("utf-16-le", "replace"))
