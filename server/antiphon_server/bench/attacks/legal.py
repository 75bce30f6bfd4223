"""The effect of one client on all others, by legal requests: each attack goes on until it is told to stop."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeAlias

from msgspec import Struct
from pycrdt import Doc, Text

from antiphon_proto.codec import encode
from antiphon_proto.messages import (
    FRAGMENT_BODY,
    Edit,
    LearnStyle,
    Redo,
    Resync,
    SetPresence,
    Undo,
)
from antiphon_proto.sync import SyncStep2, decode_y
from antiphon_server.bench.attacks.clients import Member, Site
from antiphon_server.bench.relay_clients import DrainClient


class Ground(Struct, frozen=True):
    """Where it happens: a room with a long text, `length` bytes."""

    site: Site
    room: dict[str, Any]
    length: int

    @property
    def path(self) -> str:
        return f"/api/rooms/{self.room['room']}"

    def token(self, role: str) -> str:
        token: str = self.room["tokens"][role]
        return token

    async def member(self, role: str) -> Member:
        return await Member.join(self.site.ws, self.token(role), "Mallory")

    def yjs(self, role: str) -> str:
        return f"{self.site.ws}/yjs/{self.room['room']}?token={self.token(role)}&name=Mallory"


Told: TypeAlias = dict[str, int]
"""The outcomes: how often which."""
Attack: TypeAlias = Callable[[Ground, asyncio.Event], Coroutine[None, None, Told]]


async def reconnects(ground: Ground, stop: asyncio.Event) -> Told:
    """Comes back for the whole document as fast as it can."""
    session, told = None, Counter[str]()
    while not stop.is_set():
        try:
            member = await Member.join(ground.site.ws, ground.token("viewer"), "Mallory", session=session)
        except ConnectionError:
            told["refused"] += 1
            await asyncio.sleep(0.05)
            continue
        session = member.welcome.session
        told["joins"] += 1
        member.close()
    return told


async def stream(
    ground: Ground, stop: asyncio.Event, role: str, frames: Callable[[int], list[bytes]], pause: float
) -> Told:
    """One member sends `frames(n)` again and again, with a pause between."""
    told = Counter[str]()
    member = await ground.member(role)
    while not stop.is_set():
        if member.closed:
            told["closed"] += 1
            member = await ground.member(role)
        for frame in frames(told["rounds"]):
            member.send(frame)
        told["rounds"] += 1
        await asyncio.sleep(pause)
    member.close()
    return told


async def resyncs(ground: Ground, stop: asyncio.Event) -> Told:
    return await stream(ground, stop, "viewer", lambda _: [encode(Resync("x"))], 0.005)


async def lessons(ground: Ground, stop: asyncio.Event) -> Told:
    """`learn_style` of as much as is taken."""
    end = min(ground.length, 262_000)
    return await stream(ground, stop, "editor", lambda n: [encode(LearnStyle(n, 0, 0, end))], 0.005)


async def undos(ground: Ground, stop: asyncio.Event) -> Told:
    return await stream(ground, stop, "editor", lambda _: [encode(Undo(None)), encode(Redo())] * 50, 0.25)


async def _copied(ground: Ground) -> Doc[Any]:
    """The document of the room, as a plain client gets it."""
    answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def heard(data: bytes) -> None:
        if len(data) > ground.length // 2 and not answer.done():
            answer.set_result(data)

    opened = await DrainClient.open(ground.yjs("editor"), heard)
    opened.send(b"\x00\x00\x01\x00")
    message = decode_y(await asyncio.wait_for(answer, 30), 2**26)
    opened.close()
    assert isinstance(message, SyncStep2)
    doc: Doc[Any] = Doc()
    doc.apply_update(message.update)
    return doc


async def deletions(ground: Ground, stop: asyncio.Event) -> Told:
    """Single characters of the long text, a thousand at once."""
    doc = await _copied(ground)
    told = Counter[str]()
    member = await ground.member("editor")
    batch = 0
    story: Text = doc.get("story", type=Text)
    while not stop.is_set() and not member.closed:
        for _ in range(500):
            if len(story) < 100:
                break
            before = doc.get_state()
            del story[50:51]
            batch += 1
            member.send(encode(Edit(batch, doc.get_update(before))))
            told["deletions"] += 1
        await asyncio.sleep(1.0)
    member.close()
    return told


async def replacements(ground: Ground, stop: asyncio.Event) -> Told:
    """A word in 2,000 places of the long text at once, taken back and done again."""
    copy = await _copied(ground)
    told = Counter[str]()
    member = await ground.member("editor")
    doc: Doc[Any] = Doc(client_id=member.client_id)
    doc.apply_update(copy.get_update())
    story: Text = doc.get("story", type=Text)
    before = doc.get_state()
    step = len(story) // 2000
    with doc.transaction():
        for number in range(2000):
            del story[number * step : number * step + 3]
            story.insert(number * step, "new")
    member.send_fragments(encode(Edit(1, doc.get_update(before))), FRAGMENT_BODY)
    while not stop.is_set() and not member.closed:
        member.send(encode(Undo(None)))
        member.send(encode(Redo()))
        told["steps"] += 2
        await asyncio.sleep(0.5)
    member.close()
    return told


async def presences(ground: Ground, stop: asyncio.Event) -> Told:
    """Thirty viewers with large states that change all the time."""
    members = [await ground.member("viewer") for _ in range(30)]
    told = Counter[str]()
    while not stop.is_set():
        for member in members:
            state = json.dumps({"x": f"{told['states']} {'y' * 3900}"})
            member.send(encode(SetPresence(state)))
            told["states"] += 1
        await asyncio.sleep(0.05)
    for member in members:
        member.close()
    return told


async def sync_steps(ground: Ground, stop: asyncio.Event) -> Told:
    """A plain Yjs client that asks for everything again and again."""
    told = Counter[str]()
    client = await DrainClient.open(ground.yjs("viewer"))
    while not stop.is_set():
        if client.closed.done():
            told["closed"] += 1
            client = await DrainClient.open(ground.yjs("viewer"))
        client.send(b"\x00\x00\x01\x00")
        told["asked"] += 1
        await asyncio.sleep(0.02)
    client.close()
    return told


async def unfinished(ground: Ground, stop: asyncio.Event) -> Told:
    """Twenty viewers that hold most of a message of 8 MB."""
    members = []
    for _ in range(20):
        member = await ground.member("viewer")
        member.send_fragments(bytes(8_000_000), FRAGMENT_BODY, 38)
        members.append(member)
        await asyncio.sleep(0.05)
    await stop.wait()
    told = Counter({"held": sum(not member.closed for member in members), "asked": len(members)})
    for member in members:
        member.close()
    return told


def requests(method: str, path: str, role: str, at_once: int, body: bytes = b"", **headers: str) -> Attack:
    """The same request, so many at once. `path` follows the room's."""

    async def attack(ground: Ground, stop: asyncio.Event) -> Told:
        told = Counter[str]()

        async def one() -> None:
            while not stop.is_set():
                status = await ground.site.call(
                    method, ground.path + path, ground.token(role), body, **headers
                )
                told[str(status)] += 1
                if status not in (200, 201):
                    await asyncio.sleep(0.01)

        await asyncio.gather(*(one() for _ in range(at_once)))
        return told

    return attack


async def rooms(ground: Ground, stop: asyncio.Event) -> Told:
    """Makes rooms and holds each open."""
    told = Counter[str]()
    held: list[Member] = []
    while not stop.is_set():
        try:
            room = await ground.site.new_room()
            held.append(await Member.join(ground.site.ws, room["tokens"]["owner"], "Mallory"))
            told["rooms"] += 1
        except ConnectionError:
            told["refused"] += 1
            await asyncio.sleep(0.01)
    for member in held:
        member.close()
    return told


_BOMB: Final = zlib.compress(bytes(64 * 1024 * 1024), 9)

ATTACKS: Final[dict[str, Attack]] = {
    "reconnects": reconnects,
    "resync 200/s": resyncs,
    "GET text, 4 at once": requests("GET", "/text", "viewer", 4),
    "GET authorship, 4 at once": requests("GET", "/authorship", "viewer", 4),
    "export JSON, 4 at once": requests("GET", "/export?format=json", "viewer", 4),
    "export Markdown, 4 at once": requests("GET", "/export?format=md", "viewer", 4),
    "compare, 2 at once": requests("GET", "/compare?from=1&to=20", "editor", 2),
    "moments, 2 at once": requests("GET", "/history/20", "editor", 2),
    "learn_style 200/s": lessons,
    "undo and redo, 100 at once": undos,
    "deletions, 500 at once": deletions,
    "replaced in 2,000 places, undone and redone": replacements,
    "presences of 30 viewers": presences,
    "/yjs sync steps 50/s": sync_steps,
    "unfinished messages": unfinished,
    "compressed bodies": requests(
        "POST", "/import?format=txt", "editor", 2, _BOMB, **{"Content-Encoding": "deflate"}
    ),
    "imports of 150 KB": requests("POST", "/import?format=fountain", "editor", 4, b"*a " * 50_000),
    "rooms made and held": rooms,
}
SHORT: Final = ("reconnects", "export JSON, 4 at once", "learn_style 200/s", "undo and redo, 100 at once")
"""Those of the short form."""
