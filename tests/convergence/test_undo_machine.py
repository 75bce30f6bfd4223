"""Several people and the AI in one room, and undo at any time: whatever is taken back or done again, nothing that
somebody else made, deleted or formatted comes, goes or changes, and with nobody else at work undo and redo lead through
the very same documents.

Every inserted character is unique and tells its author by the block it is from; everybody formats with an attribute of
their own and moves objects in a field of their own.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from pycrdt import Map

from antiphon_proto.messages import Accept, Ask, Edit, Redo, Reject, Stepped, Undo
from antiphon_proto.messages.editing import StepKind, Surface
from support.replica import NativeReplica
from support.rooms import House

NAMES = ("Ann", "Bo", "Cy")
BLOCKS = {"Ann": 0x4E00, "Bo": 0x20000, "Cy": 0x300, "ai": 0xAC00}
FORMATS = {"Ann": "bold", "Bo": "italic", "Cy": "underline"}
FIELDS = {"Ann": "x", "Bo": "y", "Cy": "rotation"}
WHO = st.integers(0, 2)
PLACES = st.integers(0, 20)
RUNS = frozenset({"run", "undo_run", "accept", "reject"})
"""Kinds of steps about text that a run wrote or removed."""


class UndoMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.people = [
            NativeReplica("Ann", "owner", 11),
            NativeReplica("Bo", "editor", 12),
            NativeReplica("Cy", "editor", 13),
        ]
        for person in self.people:
            self.house.join(person)
        self.runs: list[str] = []
        self.used = dict.fromkeys(BLOCKS, 0)
        self.asks = self.objects = 0
        self.takers: dict[str, str] = {}
        """Character, or id of an object -> who took it away last."""

    # Actions of people------------------------------------------------------------------------------

    @rule(
        who=WHO,
        at=PLACES,
        delete=st.integers(0, 4),
        letters=st.integers(0, 3),
        step=st.sampled_from(["new", "same", ""]),
    )
    def write(self, who: int, at: int, delete: int, letters: int, step: StepKind) -> None:
        person = self._person(who)
        self._edit(person, person.change(at, delete, self._fresh(person.name, letters)), step)

    @rule(who=WHO, at=PLACES, length=st.integers(1, 6), on=st.booleans())
    def mark(self, who: int, at: int, length: int, on: bool) -> None:
        person = self._person(who)
        start, end = person.index(at), person.index(at + length)
        if start < end:
            before = person.doc.get_state()
            person.story.format(start, end, {FORMATS[person.name]: True if on else None})
            self._edit(person, person.doc.get_update(before), "new")

    @rule(who=WHO, which=st.integers(0, 9), deed=st.sampled_from(["place", "move", "remove"]), to=WHO)
    def draw(self, who: int, which: int, deed: str, to: int) -> None:
        person = self._person(who)
        board: Map[Any] = person.doc.get("canvas", type=Map)
        keys = sorted(board.keys())
        before = person.doc.get_state()
        with person.doc.transaction():
            if deed == "place" or not keys:
                self.objects += 1
                fields = {"type": "shape", "shape": "ellipse", "x": 0.0, "y": 0.0, "w": 9.0, "h": 9.0}
                board[f"{person.name}{self.objects}"] = Map({**fields, "z": f"a{self.objects}V"})
            elif deed == "move":
                board[keys[which % len(keys)]][FIELDS[person.name]] = float(to)
            else:
                del board[keys[which % len(keys)]]
        self._edit(person, person.doc.get_update(before), "new")

    @rule(
        who=WHO,
        at=PLACES,
        length=st.integers(0, 5),
        mode=st.sampled_from(["write", "suggest"]),
        words=st.integers(1, 3),
    )
    def ask(self, who: int, at: int, length: int, mode: Any, words: int) -> None:
        person = self._person(who)
        self.asks += 1
        assert person.resume is not None
        start, end = person.index(at), person.index(at + length)
        known, before = len(self.house.host.requests), self._alive()
        person.send(self.house.room, Ask(self.asks, "instruct", mode, person.resume.offset, start, end, "x"))
        if len(self.house.host.requests) > known:
            run = self.house.host.last
            self.house.host.start(run)
            self.house.host.say(run, *self._fresh("ai", words))
            self.house.tick()
            self.house.host.finish(run)
            self.house.tick()
            self.runs.append(run)
        self._took("run", before)

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), who=WHO, verb=st.sampled_from([Accept, Reject, Undo]))
    def judge(self, data: st.DataObject, who: int, verb: Any) -> None:
        person, before = self._person(who), self._alive()
        person.send(self.house.room, verb(data.draw(st.sampled_from(self.runs))))
        self.house.tick()
        self._took("run", before)

    @rule(seconds=st.sampled_from([0.1, 0.7]))
    def wait(self, seconds: float) -> None:
        self.house.tick(seconds)

    # Undo -------------------------------------------------------------------------------------------

    @rule(who=WHO, surface=st.sampled_from(["story", "canvas", None]), redo=st.booleans())
    def step(self, who: int, surface: Surface | None, redo: bool) -> None:
        self._step(who, surface, redo)

    @rule(who=WHO, surface=st.sampled_from(["story", "canvas", None]), times=st.integers(1, 6))
    def back_and_again(self, who: int, surface: Surface | None, times: int) -> None:
        """With nobody else at work: the same documents in both directions."""
        seen = [self._all()]
        while len(seen) <= times and self._step(who, surface, redo=False):
            seen.append(self._all())
        for expected in reversed(seen[:-1]):
            assert self._step(who, surface, redo=True)
            assert self._all() == expected

    # Invariants ------------------------------------------------------------------------------------

    @invariant()
    def all_lists_are_in_step(self) -> None:
        shared = self.house.room.shared
        assert shared.trace.length == shared.document.length == shared.authorship.length

    @invariant()
    def authorship_is_true(self) -> None:
        for letter, (name, _) in self._letters().items():
            assert _author(letter) == name

    def teardown(self) -> None:
        for _ in range(3):
            self.house.tick(0.1)
            for person in self.people:
                person.receive()
        for person in self.people:
            assert person.text == self.house.room.text()

    # Small parts ------------------------------------------------------------------------------------

    def _step(self, who: int, surface: Surface | None, redo: bool) -> bool:
        """Whether something was undone or done again; and it was nothing of the others'."""
        person = self._person(who)
        name, answers = person.name, len(person.of(Stepped))
        letters, objects, alive = self._letters(), self._objects(), self._alive()
        person.send(self.house.room, Redo(surface) if redo else Undo(None, surface))
        self.house.tick()
        person.receive()
        now, stand = self._letters(), self._objects()
        if len(person.of(Stepped)) == answers:
            assert (letters, objects) == (now, stand)
            return False
        told = person.of(Stepped)[-1]
        assert surface in (None, told.surface)
        for one in self._alive() - alive:
            # Only one's own deletions come back, or those of a run that is undone as a whole.
            assert self.takers[one] == name or (told.kind in RUNS and self.takers[one] == "run")
        for letter in letters.keys() - now.keys():
            own = _author(letter) in (name, "ai") or self.takers.get(letter) in (name, "run")
            assert own, f"{letter} of {_author(letter)} went by a step of {name}'s"
        for key in objects.keys() - stand.keys():
            assert key.startswith(name) or self.takers.get(key) == name
        for key in objects.keys() & stand.keys():
            others = objects[key].keys() - {FIELDS[name]}
            assert all(objects[key][field] == stand[key].get(field) for field in others)
        for letter in letters.keys() & now.keys():
            for other in FORMATS.keys() - {name}:
                mark = FORMATS[other]
                assert letters[letter][1].get(mark) == now[letter][1].get(mark)
        self._took("run" if told.kind in RUNS else name, alive)
        return True

    def _took(self, taker: str, before: set[str]) -> None:
        self.takers |= dict.fromkeys(before - self._alive(), taker)

    def _person(self, who: int) -> NativeReplica:
        self.house.tick()
        self.people[who].receive()
        return self.people[who]

    def _edit(self, person: NativeReplica, update: bytes, step: StepKind) -> None:
        before = self._alive()
        person.batch += 1
        person.unacknowledged[person.batch] = update
        person.send(self.house.room, Edit(person.batch, update, step))
        self.house.tick()
        self._took(person.name, before)

    def _fresh(self, author: str, count: int) -> str:
        start = BLOCKS[author] + self.used[author]
        self.used[author] += count
        return "".join(map(chr, range(start, start + count)))

    def _alive(self) -> set[str]:
        return {*self.house.room.text(), *self._objects()}

    def _all(self) -> Any:
        return list(self._letters().items()), self._objects()

    def _objects(self) -> dict[str, dict[str, Any]]:
        return self.house.room.shared.document.canvas.objects()

    def _letters(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """Letter -> (author's name, formats), in the order of the text."""
        room = self.house.room
        found: dict[str, tuple[str, dict[str, Any]]] = {}
        at = 0
        for span in room.shared.authorship.spans():
            member = room.members.get(span.owner.author)
            name = member.record.name if member else span.owner.author
            for text, attributes in room.shared.document.chunks(at, at + span.length):
                found |= {letter: (name, dict(attributes)) for letter in text}
            at += span.length
        return found


def _author(letter: str) -> str:
    return max((first, name) for name, first in BLOCKS.items() if first <= ord(letter))[1]


TestUndo = UndoMachine.TestCase
TestUndo.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
