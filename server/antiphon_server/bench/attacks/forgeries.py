"""Attacks with forged attributes, embeds, client ids and cursors, and the number that was accepted.

Ann writes capital letters and shows her cursor; Mallory writes small ones and claims anything. The
room's account of both, over its own interfaces, is compared with their actions.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from contextlib import ExitStack
from typing import Any, Final

from antiphon_proto.codec import encode, server_decoder
from antiphon_proto.errors import ProtocolViolation
from antiphon_proto.messages import VERSION, Ack, Edit, Hello, Presence, SetPresence
from antiphon_server.bench.attacks import yjs_updates as y
from antiphon_server.bench.attacks.clients import Member, Site
from antiphon_server.bench.relay_clients import DrainClient

_WORDS: Final = "ANN WROTE THIS. "
_EMBEDS: Final = ('"zzzzzzzz"', "7", "[1,2]", '{"nobody":1}', "null", '"🎭"', '{"image":1,"x":2}')
_MARKS: Final = ("ai", "suggest", "suggest_del", "author", "reason", "run", "comment:x")
_EACH_SECONDS: Final = 120.0
_EMBEDS_IN_ONE: Final = 25
_BATCH: Final = 50
"""Forgeries under way at a time."""


class _Liar:
    """A member of the room and the results of their edits."""

    def __init__(self) -> None:
        self.member: Member
        self.batch = 0
        self.clock = 0
        self.fates: dict[int, str] = {}
        self._decoder = server_decoder()

    def heard(self, data: bytes) -> None:
        try:
            message = self._decoder.decode(data)
        except ProtocolViolation:
            return
        if isinstance(message, Ack) and message.status != "durable":
            self.fates[message.batch] = message.status

    def edit(self, update: bytes) -> int:
        self.batch += 1
        self.member.send(encode(Edit(self.batch, update)))
        return self.batch

    async def settled(self) -> None:
        """Everything that was sent was answered."""
        async with asyncio.timeout(_EACH_SECONDS):
            while len(self.fates) < self.batch and not self.member.closed:
                await asyncio.sleep(0.01)


async def forged(site: Site, count: int, seed: int = 1) -> dict[str, Any]:
    """Make about `count` forgeries, a quarter of each kind, in a room of their own.

    Returns `{"sent": {kind: n}, "believed": {kind: n}}`; `lost` counts words of Ann's that are not in the room after.
    """
    chance = random.Random(seed)
    room = await site.new_room()
    editor, owner = room["tokens"]["editor"], room["tokens"]["owner"]
    seen: list[Presence] = []
    decoder = server_decoder()

    def watch(data: bytes) -> None:
        try:
            message = decoder.decode(data)
        except ProtocolViolation:
            return
        if isinstance(message, Presence):
            seen.append(message)

    ann, mallory, eve = _Liar(), _Liar(), _Liar()
    eve.member = await Member.join(site.ws, editor, "Eve", on_data=eve.heard)
    ann.member = await Member.join(site.ws, owner, "Ann", on_data=ann.heard)
    mallory.member = await Member.join(site.ws, editor, "Mallory", on_data=mallory.heard)
    watcher = await Member.join(site.ws, room["tokens"]["viewer"], "Watcher", on_data=watch)
    with ExitStack() as stack:
        for one in (ann.member, mallory.member, eve.member, watcher):
            stack.callback(one.close)
        ann.edit(y.update({ann.member.client_id: [y.item(y.string(_WORDS), parent="story")]}))
        ann.clock = len(_WORDS)
        ann.member.send(encode(SetPresence('{"cursor": 1}')))
        await ann.settled()
        each = max(1, count // 4)
        sent = Counter[str]()
        believed = Counter[str]()
        await _lie_in_edits(chance, ann, mallory, each, sent, believed)
        await _lie_in_embeds(chance, eve, each, sent, believed)
        await _lie_in_presences(site, room["tokens"]["viewer"], chance, ann, each, sent)
        # Ann goes on under her own id.
        ann.edit(
            y.update(
                {
                    ann.member.client_id: [
                        y.item(y.string(_WORDS), origin=(ann.member.client_id, ann.clock - 1))
                    ]
                },
                first=ann.clock,
            )
        )
        await ann.settled()
        await asyncio.sleep(0.5)
        believed["attributes"] += await _wrongly_credited(site, room["room"], owner, ann, mallory)
        believed["presences"] += _wrong_presences(seen, ann, watcher)
    text = (await site.read(f"/api/rooms/{room['room']}/text", owner)).decode()
    return {
        "sent": dict(sent),
        "believed": {kind: believed[kind] for kind in ("attributes", "embeds", "ids", "presences")},
        "lost": 2 * sum(map(str.isupper, _WORDS)) - sum(map(str.isupper, text)),
    }


async def _lie_in_edits(
    chance: random.Random, ann: _Liar, mallory: _Liar, each: int, sent: Counter[str], believed: Counter[str]
) -> None:
    own, victim = mallory.member.client_id, ann.member.client_id
    kinds: dict[int, str] = {}
    for number in range(each):
        name = chance.choice(_MARKS)
        value = json.dumps(chance.choice(("r000000000000", ann.member.welcome.participant.id, True)))
        items = [
            y.item(y.mark(name, value), parent="story"),
            y.item(y.string("m"), origin=(own, mallory.clock)),
        ]
        kinds[mallory.edit(y.update({own: items}, first=mallory.clock))] = "attributes"
        mallory.clock += 2
        theft = chance.choice(
            (
                y.collected(chance.randint(1, 10**6)),
                y.item(y.string("FORGED"), parent="story"),
                y.item(y.deleted(5), origin=(victim, 0)),
                y.item(y.mark("bold", "true"), origin=(victim, 3)),
            )
        )
        kinds[mallory.edit(y.update({victim: [theft]}, first=ann.clock))] = "ids"
        if number % _BATCH == _BATCH - 1:
            await mallory.settled()
    await mallory.settled()
    for batch, kind in kinds.items():
        sent[kind] += 1
        if kind != "attributes":
            believed[kind] += mallory.fates.get(batch) == "applied"


async def _lie_in_embeds(
    chance: random.Random, eve: _Liar, each: int, sent: Counter[str], believed: Counter[str]
) -> None:
    """A client whose edit is malformed is read slowly from then on: several embeds are in each."""
    own = eve.member.client_id
    for first in range(0, each, _EMBEDS_IN_ONE):
        some = range(min(_EMBEDS_IN_ONE, each - first))
        items = [y.item(y.embed(chance.choice(_EMBEDS)), parent="story") for _ in some]
        batch = eve.edit(y.update({own: items}))
        await eve.settled()
        sent["embeds"] += len(items)
        believed["embeds"] += len(items) if eve.fates.get(batch) == "applied" else 0


async def _lie_in_presences(
    site: Site, token: str, chance: random.Random, ann: _Liar, each: int, sent: Counter[str]
) -> None:
    """Viewers under Ann's client id, who clear and replace cursors and claim her name."""
    claim = {"name": "Ann", "participant": ann.member.welcome.participant.id, "color": "#000000"}
    done = 0
    while done < each:
        client = await DrainClient.open(f"{site.ws}/ws")
        try:
            client.send(encode(Hello(VERSION, token, "Squat", ann.member.client_id)))
            for _ in range(min(_BATCH, each - done)):
                state = chance.choice(("null", json.dumps({"cursor": 9, "user": claim})))
                client.send(encode(SetPresence(state)))
                done += 1
            await asyncio.sleep(0.05)
        finally:
            client.close()
    sent["presences"] += done


def _wrong_presences(seen: list[Presence], ann: _Liar, watcher: Member) -> int:
    """Presences that say something of Ann that she did not, or of others that they are Ann."""
    mine = ann.member.welcome.participant.id
    wrong = 0
    for one in seen:
        state = json.loads(one.state)
        user = (state or {}).get("user", {})
        if one.participant == mine or one.client_id == ann.member.client_id:
            wrong += one.participant != mine or state is None or state.get("cursor") != 1
        else:
            wrong += user.get("participant") == mine or user.get("name") == "Ann"
    return wrong + (not any(one.participant == mine for one in seen))


async def _wrongly_credited(site: Site, room: str, token: str, ann: _Liar, mallory: _Liar) -> int:
    """Bytes of the story with a false author, and the difference in length between the author list and the text."""
    text = await site.read(f"/api/rooms/{room}/text", token)
    authors = json.loads(await site.read(f"/api/rooms/{room}/authorship", token))
    names = {ann.member.welcome.participant.id: "ann", mallory.member.welcome.participant.id: "mallory"}
    wrong = at = 0
    for span in authors["spans"]:
        whose = names.get(span["author"], "nobody") if span["run"] is None else "a run"
        for byte in text[span["start"] : span["end"]]:
            wrong += whose != ("mallory" if chr(byte).islower() else "ann")
        at = span["end"]
    return wrong + abs(len(text) - at)
