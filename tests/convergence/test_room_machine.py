"""People, plain Yjs clients and the AI in one room, with drops, delays, crashes and any script.

Every inserted character is unique and tells its author by the block it is from, which makes three things checkable
without a second implementation: nothing is lost or doubled, authorship is true, and undo takes away only its own.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from antiphon_proto.errors import CloseCode
from antiphon_proto.messages import Accept, Ask, Error, Redo, Reject, Stop, Undo
from antiphon_server.room_limits import RoomLimits
from support.replica import NativeReplica, PlainReplica
from support.rooms import House, joined

BLOCKS = {
    "Ann": (0xAC00, 0xD7A0),  # Hangul, 3 bytes
    "Bo": (0x20000, 0x2A6E0),  # CJK extension B, 4 bytes, surrogate pairs in JavaScript
    "Cy": (0x4E00, 0x9FFF),  # CJK, 3 bytes
    "plain-1": (0x300, 0x530),  # combining marks, Greek and Cyrillic, 2 bytes
    "plain-2": (0x1F300, 0x1F700),  # emoji, 4 bytes
    "ai": (0x530, 0x5FF),  # Armenian and Hebrew, 2 bytes
}
PLACES = st.integers(0, 25)
COUNTS = st.integers(0, 4)
SELDOM = st.sampled_from([False, False, False, True])
NATIVES = st.integers(0, 2)
PLAINS = st.integers(0, 1)


def author_of(character: str) -> str:
    return next(name for name, (first, end) in BLOCKS.items() if first <= ord(character) < end)


class RoomMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        limits = RoomLimits(
            resume_frames=6, snapshot_entries=10, max_runs=4, max_runs_per_member=4, digest_interval=1e9
        )
        self.house = House(limits, auto=False)
        self.natives = [
            NativeReplica("Ann", "owner", 11),
            NativeReplica("Bo", "editor", 12),
            NativeReplica("Cy", "editor", 13),
        ]
        self.plains = [PlainReplica("plain-1", "editor", 21), PlainReplica("plain-2", "editor", 22)]
        self.used = dict.fromkeys(BLOCKS, 0)
        self.typed: set[str] = set()
        self.touched: set[str] = set()
        """Characters that somebody deleted, or that undo or a run may have taken away."""
        self.uncertain: set[str] = set()
        """Characters that a crash took from the room and a client may bring back under its own name."""
        self.batches: dict[tuple[str, int], str] = {}
        self.runs: list[str] = []
        self.asker: dict[str, int] = {}
        self.written: dict[str, set[str]] = {}
        self.asks = 0
        for native in self.natives:
            native.connect(self.house.room)
        for plain in self.plains:
            plain.connect(self.house.room)

    # People -----------------------------------------------------------------------------------------

    @rule(who=NATIVES, at=PLACES, delete=COUNTS, insert=COUNTS)
    def native_edit(self, who: int, at: int, delete: int, insert: int) -> None:
        native = self.natives[who]
        text = self._fresh(native.name, insert)
        self.touched |= set(native.text[at : at + delete])
        batch = native.edit(self.house.room, at, delete, text)
        self.batches[native.name, batch] = text
        self.typed |= set(text)

    @rule(who=PLAINS, at=PLACES, delete=COUNTS, insert=COUNTS)
    def plain_edit(self, who: int, at: int, delete: int, insert: int) -> None:
        plain = self.plains[who]
        text = self._fresh(plain.name, insert)
        self.touched |= set(plain.text[at : at + delete])
        plain.edit(self.house.room, at, delete, text)
        self.typed |= set(text)

    @rule(who=NATIVES, at=PLACES, delete=COUNTS, insert=COUNTS, times=st.integers(1, 3))
    def change_ones_mind(self, who: int, at: int, delete: int, insert: int, times: int) -> None:
        for _ in range(times):
            self.native_edit(who, at, delete, insert)
        for _ in range(times):
            self.step_back(who, redo=False)

    @rule(who=NATIVES, redo=st.booleans())
    def step_back(self, who: int, redo: bool) -> None:
        native = self.natives[who]
        before = self.house.room.text()
        native.send(self.house.room, Redo() if redo else Undo())
        gone = set(before) - set(self.house.room.text())
        if not redo:
            asked = set(native.name).union(
                *(self.written[run] for run in self.runs if self.asker[run] == who)
            )
            assert all(author_of(c) == native.name or c in asked for c in gone - self.uncertain)
        self.touched |= gone

    # The network ------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.015, 0.6]))
    def tick(self, seconds: float) -> None:
        before = set(self.house.room.text())
        self.house.tick(seconds)
        self.touched |= before - set(self.house.room.text())

    @rule()
    def sweep(self) -> None:
        self.house.room.sweep()

    @rule(who=NATIVES, frames=st.integers(1, 6))
    def deliver(self, who: int, frames: int) -> None:
        self.natives[who].receive(frames)

    @rule(who=PLAINS)
    def deliver_plain(self, who: int) -> None:
        self.plains[who].receive(self.house.room)

    @rule(who=NATIVES, really=SELDOM)
    def drop(self, who: int, really: bool) -> None:
        native = self.natives[who]
        if really and native.seat is not None:
            native.drop(self.house.room)

    @rule(who=NATIVES)
    def connect(self, who: int) -> None:
        """Also while the old connection is open: the new one takes over, and the old one's close comes late."""
        native = self.natives[who]
        old = native.seat
        native.connect(self.house.room)
        if old is not None:
            self.house.room.leave(old)
        assert native.seat is not None
        assert not native.seat.gone

    @rule(who=PLAINS)
    def reconnect_plain(self, who: int) -> None:
        plain = self.plains[who]
        if plain.seat is not None:
            plain.drop(self.house.room)
        plain.connect(self.house.room)

    # The disk ---------------------------------------------------------------------------------------

    @rule()
    def commit(self) -> None:
        self.house.store.commit()

    @rule(really=SELDOM)
    def crash(self, really: bool) -> None:
        if not really:
            return
        before = set(self.house.room.text())
        for replica in (*self.natives, *self.plains):
            before |= set(replica.text)
        owners = list(self.house.room.shared.authorship.spans())
        settled = not self.house.store.waiting and self.house.room.settled
        self.house.restart()
        if settled:
            assert list(self.house.room.shared.authorship.spans()) == owners
        after = set(self.house.room.text())
        for native in self.natives:
            for batch in native.durable:
                kept = set(self.batches.get((native.name, batch), "")) - self.touched
                assert kept <= after, "a durable edit was lost"
        # A text that was deleted and brought back just before may come from a client as one change, under its name.
        self.uncertain |= (before - after) | self.touched
        self.runs.clear()
        for replica in (*self.natives, *self.plains):
            replica.seat = None

    # The AI -----------------------------------------------------------------------------------------

    @rule(
        who=NATIVES,
        mode=st.sampled_from(["write", "suggest"]),
        task=st.sampled_from(["continue", "instruct"]),
        at=PLACES,
        length=st.integers(0, 5),
        tokens=st.integers(0, 3),
    )
    def ask(self, who: int, mode: str, task: str, at: int, length: int, tokens: int) -> None:
        native = self.natives[who]
        if native.seat is None or native.resume is None:
            return
        native.receive()
        self.asks += 1
        start, end = native.index(at), native.index(at + length)
        known = len(self.house.host.requests)
        native.send(
            self.house.room,
            Ask(self.asks, task, mode, native.resume.offset, start, end),
        )
        if len(self.house.host.requests) > known:
            run = self.house.host.last
            self.runs.append(run)
            self.asker[run], self.written[run] = who, set()
            self.house.host.start(run)
            self._write(run, tokens)
            self.tick(0.015)

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), count=st.integers(1, 3))
    def say(self, data: st.DataObject, count: int) -> None:
        self._write(data.draw(st.sampled_from(self.runs)), count)

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        self.house.host.finish(data.draw(st.sampled_from(self.runs)))

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), who=NATIVES, verb=st.sampled_from([Stop, Accept, Reject, Undo]))
    def judge(self, data: st.DataObject, who: int, verb: type) -> None:
        run = data.draw(st.sampled_from(self.runs))
        before = set(self.house.room.text())
        selection = self.house.host.requests[run].selection
        own = self._text_of(run)
        self.natives[who].send(self.house.room, verb(run))
        gone = before - set(self.house.room.text())
        if verb is Accept:
            assert gone <= set(selection)
        else:
            assert gone <= own, "more than the run's own text went away"
        # Undoing a live run takes the right to stop it; one that may not be stopped stays live, text and all.
        if verb is Undo and self.natives[who].seat is not None and not self.house.room.runs.get(run).live:
            assert not self._text_of(run)
        self.touched |= gone

    # Invariants ------------------------------------------------------------------------------------

    @invariant()
    def authorship_is_true(self) -> None:
        room = self.house.room
        data, at = room.text().encode(), 0
        for span in room.shared.authorship.spans():
            text = data[at : at + span.length].decode()
            at += span.length
            member = room.members.get(span.owner.author)
            name = member.record.name if member else span.owner.author
            # Text that comes back after several entangled deletions may count as the work of who brought it back;
            # the plain cases are in tests/server/document/test_deletions.py.
            wrong = {c for c in text if author_of(c) != name} - self.uncertain - self.touched
            assert not wrong, f"{wrong} counted as {name}'s"
        assert at == len(data)

    @invariant()
    def nothing_is_doubled(self) -> None:
        text = self.house.room.text()
        assert len(text) == len(set(text))

    @rule()
    def settle(self) -> None:
        room = self.house.room
        for replica in (*self.natives, *self.plains):
            if replica.seat is None:
                replica.connect(room)
        for _ in range(4):
            self.tick(0.05)
            self.house.store.commit()
            for native in self.natives:
                native.receive()
                if native.stale:
                    native.connect(room)
            self.house.room.sweep()
            for plain in self.plains:
                plain.receive(room)
        self.tick(31)
        room.sweep()
        for plain in self.plains:
            if plain.pipe.closed is not None:
                # Its copy holds words that the AI lost in a crash: it is told, and starts over.
                assert plain.pipe.closed[0] is CloseCode.FOREIGN_ID
                self.touched |= {c for c in plain.text if author_of(c) == plain.name}
                plain.drop(room)
                plain.start_over()
                plain.connect(room)
        for native in self.natives:
            native.receive()
            for batch in native.told:  # it stood beside words that the room lost in a crash
                self.touched |= set(self.batches[native.name, batch])
        text = room.text()
        for replica in (*self.natives, *self.plains):
            assert replica.text == text, replica.name
            assert joined(replica.story.diff()) == self.house.formatted()
        assert self.typed - self.touched <= set(text), "an edit was lost"
        for native in self.natives:
            assert not native.unacknowledged
            refusals = [e for e in native.of(Error) if e.code == "internal"]
            assert not refusals

    def teardown(self) -> None:
        self.settle()

    # Small parts ------------------------------------------------------------------------------------

    def _fresh(self, author: str, count: int) -> str:
        first, end = BLOCKS[author]
        count = min(count, end - first - self.used[author])
        start = first + self.used[author]
        self.used[author] += count
        return "".join(map(chr, range(start, start + count)))

    def _write(self, run: str, count: int) -> None:
        text = self._fresh("ai", count)
        self.written[run] |= set(text)
        self.house.host.say(run, *text)

    def _text_of(self, run: str) -> set[str]:
        data = self.house.room.text().encode()
        ranges = self.house.room.shared.authorship.ranges(run)
        return set("".join(data[start:end].decode() for start, end in ranges))


TestRoom = RoomMachine.TestCase
TestRoom.settings = settings(
    max_examples=50,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
