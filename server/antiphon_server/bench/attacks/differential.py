"""The same updates in Yrs (pycrdt), in JavaScript Yjs and in our own index: text, formatting and values must be the
same, in any order, and after saving and loading; a reopened room must be unchanged.

Updates are made by `update_composer` and by honest clients of both implementations, whose edits must all be taken.
Run it as `python -m antiphon_server.bench.attacks.differential --updates 100000`.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pycrdt import Array, Doc, Map, Text

from antiphon_proto.document import yjs_update
from antiphon_proto.errors import PeerError
from antiphon_server.bench import node_peers
from antiphon_server.bench.attacks.update_composer import Composer
from antiphon_server.core.long_work import result
from antiphon_server.document import jam
from antiphon_server.document.authorship import Owner
from antiphon_server.document.deletions import OwnedPiece
from antiphon_server.document.state import SERVER, SERVER_ORIGIN, SharedState
from antiphon_server.document.undo.parts import write
from antiphon_server.document.undo.stretches import Stretch
from antiphon_server.document.updates.item_index import ItemIndex, Misplaced
from antiphon_server.document.updates.parser import STRING, inspect
from antiphon_server.room_limits import RoomLimits
from antiphon_server.store.api import Entry, Snapshot

MAPS: Final = ("canvas", "jam", "film", "meta", "style", "comments")
ARRAYS: Final = ("chat",)
PER_ROOM: Final = 100
"""Accepted updates, after which a room is compared and opened again."""
_SCRIPT: Final = node_peers.LOCKED / "differential.mjs"
_HONEST: Final = 0.3
_KEPT: Final = 20
"""Differences that are told in full."""


class NodeYjs:
    """JavaScript Yjs in a process of its own. `modules`: a folder whose `node_modules` has `yjs`."""

    def __init__(self, modules: Path) -> None:
        node = node_peers.node_folder() / "node"
        self._process = subprocess.Popen(
            [node, _SCRIPT, modules], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, what: str, **arguments: Any) -> dict[str, Any]:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
        process.stdin.flush()
        answer: dict[str, Any] = json.loads(process.stdout.readline())
        return answer

    def close(self) -> None:
        self._process.communicate(timeout=10)


class Room:
    """One room of the fuzzer: the server's handling of updates, without connections."""

    def __init__(self, seed: int, limits: RoomLimits) -> None:
        self.chance = random.Random(seed)
        self.limits = limits
        self.ops: list[tuple[Any, ...]] = []
        """The operations so far, for `do`."""
        self.shared = SharedState(limits, client_id=self.chance.getrandbits(32))
        self.entries: list[Entry] = []
        self.taken: list[bytes] = []
        """As they came."""
        self.told: list[bytes] = []
        """As everybody hears them."""
        self.snapshot: Snapshot | None = None
        self._actions = 0
        change = self.shared.replay(Entry(1, SERVER.author, jam.seed(), 0))
        assert change is not None
        self.entries.append(Entry(1, SERVER.author, change.update, 0))
        self.taken.append(jam.seed())
        self.told.append(change.update)
        self.composer = Composer(self.chance, self.shared.document._index)

    def bring(self, update: bytes, author: str, origin: int) -> bool:
        """Whether it was accepted. Raises errors that are no peer's fault."""
        document = self.shared.document
        self.ops.append(("bring", update.hex(), author, origin))
        try:
            change = document.apply(update, origin)
        except PeerError:
            return False
        self._actions += 1
        self._keep(change, Owner(author), self._actions)
        self.taken.append(update)
        return True

    def undo(self, author: str, action: int | None = None) -> None:
        """Undo one of the last edits, of any author."""
        document, trace = self.shared.document, self.shared.trace
        if action is None:
            action = max(1, self._actions - self.chance.randrange(5))
        self.ops.append(("undo", author, action))

        def back(stretch: Stretch) -> tuple[OwnedPiece, ...]:
            return stretch.pieces if stretch.taker == action else ()

        def work(text: Text, _canvas: object, _jam: object, _side: object) -> None:
            write(text, result(trace.turn(trace.alive(action), back, -action, self.shared.owned)))

        self._own(document.revert(work, SERVER_ORIGIN), Owner(author), None)

    def write(self, at: int, text: str) -> None:
        """The AI writes."""
        self.ops.append(("write", at, text))
        document = self.shared.document
        change = document.insert(document.snap(at), text, {"ai": "r1"}, 2)
        self._own(change, Owner("ai", "r1"))

    def save(self) -> None:
        self.snapshot = self.shared.snapshot(len(self.entries), 0)

    def do(self, op: Sequence[Any]) -> None:
        """Repeat the operations of another room."""
        match op:
            case "bring", str(update), str(author), int(origin):
                self.bring(bytes.fromhex(update), author, origin)
            case "undo", str(author), int(action):
                self.undo(author, action)
            case "write", int(at), str(text):
                self.write(at, text)

    def reopened(self, *, snapshot: bool) -> SharedState:
        base = self.snapshot if snapshot else None
        shared = SharedState(self.limits, base)
        for entry in self.entries[base.seq if base else 0 :]:
            shared.replay(entry)
        return shared

    def _own(self, change: Any, owner: Owner, mark: int | None = 0) -> None:
        if change is not None:
            self._keep(change, owner, mark)
            self.taken.append(change.update)

    def _keep(self, change: Any, owner: Owner, mark: int | None = 0) -> None:
        if change is None:
            return
        self.shared.take(change, owner, 0, mark=mark)
        self.entries.append(Entry(len(self.entries) + 1, owner.author, change.update, 0, owner.run))
        self.told.append(change.update)


def seen(doc: Doc[Any]) -> dict[str, Any]:
    """A document's content by Yrs."""
    text = doc.get("story", type=Text)
    found: dict[str, Any] = {"text": str(text), "delta": text.diff()}
    for name in MAPS:
        found[name] = json.loads(str(doc.get(name, type=Map)))
    for name in ARRAYS:
        found[name] = json.loads(str(doc.get(name, type=Array)))
    return _plain(found)


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    """The same for both implementations."""
    pieces: list[list[Any]] = []
    for piece in found["delta"]:
        insert, attributes = (
            (piece["insert"], piece.get("attributes")) if isinstance(piece, dict) else (piece[0], piece[1])
        )
        attributes = _floats(attributes or {})
        if (
            pieces
            and pieces[-1][1] == attributes
            and isinstance(insert, str)
            and isinstance(pieces[-1][0], str)
        ):
            pieces[-1][0] += insert
        else:
            pieces.append([insert if isinstance(insert, str) else _floats(insert), attributes])
    rest = {name: _floats(found[name]) for name in (*MAPS, *ARRAYS)}
    plain = "".join(piece for piece, _ in pieces if isinstance(piece, str))
    return {"text": found["text"], "plain": plain, "delta": pieces, **rest}


def _floats(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, list):
        return [_floats(one) for one in value]
    if isinstance(value, dict):
        return {name: _floats(one) for name, one in value.items()}
    return value


def _new_doc(client_id: int | None = None) -> Doc[Any]:
    doc: Doc[Any] = Doc(client_id=client_id)
    doc.get("story", type=Text)
    for name in MAPS:
        doc.get(name, type=Map)
    for name in ARRAYS:
        doc.get(name, type=Array)
    return doc


class Fuzzer:
    """`node` None: Yrs alone, and opening again."""

    def __init__(self, node: NodeYjs | None, seed: int) -> None:
        self._node = node
        self._seed = seed
        self._limits = RoomLimits()
        self.counts: Counter[str] = Counter()
        self.differences: list[dict[str, Any]] = []

    def run(self, updates: int = 0, rooms: int = 0) -> None:
        """Until so many updates were taken, and so many rooms were opened again."""
        number = 0
        while self.counts["updates"] < updates or self.counts["rooms"] < rooms:
            self._room(self._seed * 1_000_003 + number)
            number += 1

    def _room(self, seed: int) -> None:
        room = Room(seed, self._limits)
        chance = room.chance
        native, vector = _new_doc(chance.getrandbits(31)), b""
        if self._node is not None:
            self._node.ask("begin", client=chance.getrandbits(31))
        heard = 0
        while len(room.taken) < PER_ROOM:
            dice = chance.random()
            if dice < _HONEST / 2:
                if chance.random() < 0.5:
                    native.apply_update(room.shared.document.state())
                vector = native.get_state()
                _edit(native, chance)
                self._honest(room, native.get_update(vector), "pycrdt", seed)
            elif dice < _HONEST and self._node is not None:
                if chance.random() < 0.5:
                    fresh = [_base64(one) for one in room.told[heard:]]
                    heard = len(room.told)
                    self._heard(self._node.ask("hear", updates=fresh), room, seed)
                said = self._node.ask("edit", seed=chance.getrandbits(31))
                if "update" in said:
                    self._honest(room, base64.b64decode(said["update"]), "yjs", seed)
                else:
                    self._differ(seed, "honest yjs", said.get("error"), room)
            elif dice < _HONEST + 0.04:
                room.undo("ann")
            elif dice < _HONEST + 0.08:
                room.write(chance.randrange(1 + room.shared.document.length), chance.choice(("x", "я😀")))
            elif dice < _HONEST + 0.085:
                room.save()
            else:
                update = room.composer.update()
                origin = 16 + chance.randrange(3)
                try:
                    taken = room.bring(update, f"p{origin}", origin)
                except Exception as error:
                    self._differ(seed, "an error of the server's", repr(error), room)
                    break
                self.counts["composed and taken" if taken else "composed and refused"] += 1
        self.counts["updates"] += len(room.taken)
        self.counts["rooms"] += 1
        self.compare(room, seed)
        self._reopen(room, seed)

    def _honest(self, room: Room, update: bytes, kind: str, seed: int) -> None:
        if update == b"\x00\x00":
            return
        if room.bring(update, kind, 16):
            self.counts[f"honest {kind}"] += 1
            return
        try:
            room.shared.document.apply(update, 16)
        except PeerError as error:
            self._differ(seed, f"an honest edit of {kind} was refused", str(error), room)

    def _heard(self, said: dict[str, Any], room: Room, seed: int) -> None:
        if "error" in said:
            self._differ(seed, "JavaScript cannot apply what the server tells", said["error"], room)

    def compare(self, room: Room, seed: int) -> None:
        """Compare the server's content with that of the other implementations."""
        document = room.shared.document
        truth = seen(document._doc)
        state = document.state()
        shuffled = list(room.told)
        room.chance.shuffle(shuffled)
        self._same(seed, "Yrs, loaded", truth, _grown([state]), room)
        causal = _causal(shuffled)
        self._same(seed, "Yrs, in another order", truth, _grown(causal), room)
        for name, index in (
            ("our index", document._index),
            ("our index, loaded", _indexed([state])),
            ("our index, in another order", _indexed(causal)),
        ):
            text = index if isinstance(index, str) else _read(index, room.told)
            if text != truth["text"]:
                self._differ(seed, name, {"server": truth["text"], "other": text}, room)
        if self._node is None:
            return
        for name, updates in (
            ("Yjs, as they came", room.taken),
            ("Yjs, as they are told", room.told),
            ("Yjs, in another order", causal),
            ("Yjs, loaded", [state]),
        ):
            said = self._look(updates, seed, name, room)
            if said is not None:
                self._same(seed, name, truth, said["seen"], room)
        self._exchange(room, seed)

    def _look(
        self, updates: Sequence[bytes], seed: int, name: str, room: Room, *, tidies: bool = False
    ) -> dict[str, Any] | None:
        """Their content by JavaScript Yjs."""
        assert self._node is not None
        said = self._node.ask("look", updates=[_base64(one) for one in updates], tidies=tidies)
        if "error" in said:
            self._differ(seed, name, said["error"], room)
            return None
        if said["seen"].pop("pending"):
            self._differ(seed, name, "something waits", room)
        said["seen"] = _plain(said["seen"])
        return said

    def _exchange(self, room: Room, seed: int) -> None:
        """A page deletes marks that became superfluous. It syncs, the server takes that, and both show the same."""
        said = self._look(room.told, seed, "Yjs, tidied", room, tidies=True)
        if said is None:
            return
        page = base64.b64decode(said["state"])
        server = room.reopened(snapshot=False).document
        before = server.text()
        try:
            server.apply(page, 99)
        except PeerError as error:
            self._differ(seed, "a page that syncs is refused", str(error), room)
            return
        again = self._look([page, server.state()], seed, "Yjs, synced", room, tidies=True)
        truth = seen(server._doc)
        if server.text() != before:
            self._differ(seed, "tidying changed the text", server.text(), room)
        self._same(seed, "Yrs, loaded from Yjs", truth, _grown([page]), room)
        if again is not None:
            self._same(seed, "Yjs, synced", truth, again["seen"], room)

    def _reopen(self, room: Room, seed: int) -> None:
        live = room.shared
        authors = list(live.authorship.spans())
        if live.authorship.length != len(live.document.data()):
            self._differ(
                seed, "authors", f"{live.authorship.length} bytes of {len(live.document.data())}", room
            )
        for kind in ("entries", "snapshot"):
            try:
                again = room.reopened(snapshot=kind == "snapshot")
            except Exception as error:
                self._differ(seed, f"unopenable by {kind}", repr(error), room)
                self.counts["unopenable"] += 1
                continue
            if again.document.text() != live.document.text():
                self.counts["texts that differ"] += 1
                self._differ(seed, f"text by {kind}", again.document.text(), room)
            if list(again.authorship.spans()) != authors:
                self.counts["author sums that differ"] += 1
                self._differ(seed, f"authors by {kind}", str(list(again.authorship.spans())[:5]), room)
        room.save()

    def _same(
        self, seed: int, name: str, truth: dict[str, Any], other: dict[str, Any] | str, room: Room
    ) -> None:
        if isinstance(other, str):
            self._differ(seed, name, other, room)
            return
        for part, value in truth.items():
            if other[part] != value:
                self._differ(seed, f"{name}: {part}", {"server": value, "other": other[part]}, room)
                return

    def _differ(self, seed: int, what: str, how: Any, room: Room) -> None:
        self.counts["differences"] += 1
        if len(self.differences) < _KEPT:
            self.differences.append({"seed": seed, "what": what, "how": how, "ops": room.ops})


def _causal(shuffled: list[bytes]) -> list[bytes]:
    """The same order, except for updates that depend on later ones: pending updates may be lost, mostly in Yrs,
    sometimes in Yjs. The server never sends an update before its dependencies."""
    known: dict[int, int] = {}
    left = [(one, inspect(one)) for one in shuffled]
    found = []
    while left:
        waiting = []
        for one, info in left:
            if info.missing(known):
                waiting.append((one, info))
            else:
                known.update(info.news(known))
                found.append(one)
        assert len(waiting) < len(left)
        left = waiting
    return found


def _indexed(updates: Sequence[bytes]) -> ItemIndex | str:
    index = ItemIndex()
    try:
        for update in updates:
            index.add(inspect(update), "stored")
    except Misplaced as error:
        return repr(error)
    return index


def _read(index: ItemIndex, updates: Sequence[bytes]) -> str:
    """The story's text by our own index, which sorts items, and the characters of the updates."""
    units: dict[tuple[int, int], bytes] = {}
    gone: set[tuple[int, int]] = set()
    for update in updates:
        items, deletions = yjs_update.read(update)
        for item in items:
            if item.info & 0x1F != STRING:
                continue
            data = item.content
            start = next(at for at, byte in enumerate(data) if byte < 0x80) + 1
            text = data[start:].decode().encode("utf-16-le")
            for at in range(item.length):
                units.setdefault((item.client, item.clock + at), text[2 * at : 2 * at + 2])
        for client, ranges in deletions.items():
            gone.update((client, clock + at) for clock, length in ranges for at in range(length))
    return b"".join(
        units.get((client, at), b"")
        for client, clock, length in index.order("story")
        for at in range(clock, clock + length)
        if (client, at) not in gone
    ).decode("utf-16-le")


def _grown(updates: Sequence[bytes]) -> dict[str, Any] | str:
    doc = _new_doc()
    try:
        for update in updates:
            doc.apply_update(update)
        return seen(doc)
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        return repr(error)


def _edit(doc: Doc[Any], chance: random.Random) -> None:
    """The edits of an honest client of pycrdt."""
    text = doc.get("story", type=Text)
    with doc.transaction():
        for _ in range(chance.choice((1, 1, 2, 4))):
            plain = "".join(one if isinstance(one, str) else "\x1a" for one, _ in text.diff())
            at, end = sorted(len(plain[: chance.randint(0, len(plain))].encode()) for _ in range(2))
            match chance.randrange(8):
                case 0 | 1 | 2:
                    attributes = chance.choice(({}, {"bold": True}, {"ai": "r1"}))
                    text.insert(at, chance.choice(("a", "слово ", "😀", "e\u0301")), attributes)
                case 3 if end > at:
                    del text[at:end]
                case 4 if end > at:
                    text.format(at, end, {"bold": chance.choice((True, None))})
                case 5:
                    text.insert_embed(at, {"image": "x"})
                case 6:
                    canvas = doc.get("canvas", type=Map)
                    key = chance.choice(("o1", "o2"))
                    if key in canvas and chance.random() < 0.2:
                        del canvas[key]
                    elif isinstance(canvas.get(key), Map):
                        canvas[key][chance.choice(("x", "name"))] = chance.choice((1.5, "имя", True, None))
                    else:
                        canvas[key] = Map({"type": "stroke", "points": Array([1.0, 2.0, 0.5])})
                case _:
                    doc.get("style", type=Map)[chance.choice(("tone", "tense"))] = "dry"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def differential(
    updates: int, rooms: int, seed: int, modules: Path | None = None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The result, and the first differences. `modules` as of NodeYjs; None: without JavaScript."""
    node = NodeYjs(modules) if modules is not None else None
    fuzzer = Fuzzer(node, seed)
    started = time.perf_counter()
    try:
        fuzzer.run(updates, rooms)
    finally:
        if node is not None:
            node.close()
    result = {
        "seed": seed,
        "javascript": modules is not None,
        "seconds": round(time.perf_counter() - started, 1),
        **{name: fuzzer.counts[name] for name in _COUNTS},
    }
    return result, fuzzer.differences


_COUNTS: Final = (
    "updates",
    "rooms",
    "differences",
    "unopenable",
    "texts that differ",
    "author sums that differ",
    "composed and taken",
    "composed and refused",
    "honest pycrdt",
    "honest yjs",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--updates", type=int, default=10_000)
    parser.add_argument("--rooms", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cache-dir", type=Path, default=node_peers.CACHE)
    parser.add_argument("--cases", type=Path, help="write the first differences there")
    parser.add_argument("--no-javascript", action="store_true")
    asked = parser.parse_args()
    modules = None if asked.no_javascript else node_peers.install(asked.cache_dir)
    result, differences = differential(asked.updates, asked.rooms, asked.seed, modules)
    print(json.dumps(result))
    if asked.cases is not None:
        asked.cases.write_text(json.dumps(differences, ensure_ascii=False, indent=1, default=str))
    return 1 if result["differences"] else 0


if __name__ == "__main__":
    sys.exit(main())
