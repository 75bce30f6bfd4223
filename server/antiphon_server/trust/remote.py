"""A ledger as a server shows it: its tiles, fetched with a token of the room."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout
from msgspec import Struct

from antiphon_proto.errors import AntiphonError, ErrorCode, PeerError
from antiphon_server.store.ledger import TILE, Leaf, SignedCheckpoint
from antiphon_server.trust import notes
from antiphon_server.trust.verify import Log

_TRIES: Final = 120
"""Of one request, a second apart, while the server says that there are too many."""
_ANSWER: Final = 32 * 1024 * 1024
"""Bytes of a tile: 256 leaves of at most 64 KiB and their lengths."""
_SECONDS: Final = 60.0


class CannotFetch(AntiphonError):
    """The server cannot be reached, or refuses; the message is one clear line."""

    code = ErrorCode.UNAVAILABLE


class Fetched(Struct, frozen=True):
    log: Log
    checkpoint: SignedCheckpoint


async def fetch(base: str, room: str, token: str, verifier: str = "") -> Fetched:
    """The ledger under the newest checkpoint. `verifier`: the key that is trusted; empty: the one that the server
    names. Raises CannotFetch, or PeerError for an answer that makes no sense."""
    timeout = ClientTimeout(total=_SECONDS)
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with ClientSession(headers=headers, timeout=timeout) as http:
            place = f"{base}/api/rooms/{room}/ledger"
            if not verifier:
                verifier = str((await _json(http, place)).get("verifier", ""))
            note = (await _get(http, f"{place}/checkpoint")).decode(errors="replace")
            size = notes.read(note).size
            leaves: list[Leaf] = []
            for number in range(0, size, TILE):
                leaves += await _tile(http, place, number, min(TILE, size - number))
    except (ClientError, TimeoutError) as error:
        raise CannotFetch(f"cannot reach {base}: {error or 'it does not answer'}") from None
    signed = SignedCheckpoint(size, note)
    return Fetched(Log(room, leaves, [signed], notes.public_key(verifier)), signed)


def tile_path(number: int, width: int) -> str:
    """C2SP tlog-tiles: groups of three digits, and the width of a tile that is not full."""
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([*(f"x{one}" for one in groups[:-1]), groups[-1]])
    return path if width == TILE else f"{path}.p/{width}"


async def _tile(http: ClientSession, place: str, first: int, width: int) -> list[Leaf]:
    path = tile_path(first // TILE, width)
    hashes = await _get(http, f"{place}/tile/0/{path}")
    entries = await _get(http, f"{place}/tile/entries/{path}")
    bodies: list[bytes] = []
    at = 0
    while at < len(entries):
        length = int.from_bytes(entries[at : at + 2], "big")
        bodies.append(entries[at + 2 : at + 2 + length])
        at += 2 + length
    if at != len(entries) or len(bodies) != width or len(hashes) != 32 * width:
        raise PeerError(f"tile {path} of the server is not one of {width} leaves")
    return [
        Leaf(first + number, body, hashes[32 * number : 32 * number + 32])
        for number, body in enumerate(bodies)
    ]


async def _json(http: ClientSession, url: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(await _get(http, url), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise PeerError(f"the server's answer makes no sense: {error}") from None


async def _get(http: ClientSession, url: str) -> bytes:
    for _ in range(_TRIES):
        async with http.get(url) as answer:
            if answer.status == 429:
                await asyncio.sleep(1)
                continue
            if (answer.content_length or 0) > _ANSWER:
                raise CannotFetch("the server sends more than a tile holds")
            data = await answer.content.read(_ANSWER + 1)
            while len(data) <= _ANSWER and (more := await answer.content.read(_ANSWER)):
                data += more
            if answer.status != 200:
                raise CannotFetch(f"the server refuses: {data[:300].decode(errors='replace')}")
            return data
    raise CannotFetch("the server takes no more requests from here")
