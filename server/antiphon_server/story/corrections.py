"""A live run that corrects: the proofreader's findings become suggestions with reasons."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from pycrdt import Text

from antiphon_engines.api import Output
from antiphon_engines.ipc.events import Done, RunEvent
from antiphon_proto import schema
from antiphon_proto.document.splices import fold
from antiphon_proto.document.style import dictionary
from antiphon_proto.errors import AntiphonError, PeerError, TooLarge
from antiphon_proto.messages import Ask, Joined, Steer
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import PROOFREADER, Member
from antiphon_server.core.ranges import located
from antiphon_server.core.rights import Right, require
from antiphon_server.core.run_registry import Order, RunEntry
from antiphon_server.document.anchors import Trail
from antiphon_server.document.authorship import Owner
from antiphon_server.document.state import AI_ORIGIN, OURS
from antiphon_server.document.text_index import size
from antiphon_server.runs.live_run import LiveRun
from antiphon_server.runs.supervisor import RunSupervisor
from antiphon_server.story.proofreader import Correction, Proofreader

_LONGEST = 64 * 1024
"""Bytes of a passage."""
_AT_ONCE = 12
"""Findings that are put into the story with one tick."""
_NAME = re.compile(r"\w[\w'’-]*")


class CorrectionRun(LiveRun):
    """`start` is where its text stood when it was taken, `trail` the changes since."""

    def __init__(
        self, run: RunEntry, room: RoomContext, supervisor: RunSupervisor, text: str, start: int, trail: Trail
    ) -> None:
        super().__init__(run)
        self._room = room
        self._supervisor = supervisor
        self._text = text
        self._start = start
        self._trail = trail
        self._open: list[tuple[Correction, int, int]] = []
        """Findings that are not in the story yet, each where its words stand by the changes that `_trail` had."""

    def checked(self, result: Sequence[Correction] | AntiphonError) -> None:
        """The proofreader's findings."""
        if not self._supervisor.holds(self):
            return
        if isinstance(result, AntiphonError):
            self._supervisor.fail(self, result)
            return
        self._open = self._places(result)
        self.run.update(length=len(result))
        self.ended = Done("end")
        self._room.wake()

    def on_started(self) -> None:
        """It has no engine that could tell."""

    def on_output(self, output: Output | RunEvent) -> None:
        """Nothing comes of an engine."""

    @property
    def made(self) -> int:
        return self.run.info.progress

    def steer(self, steer: Steer, epoch: int) -> bool:
        raise PeerError("corrections cannot be steered")

    def on_steered(self, steer: Steer) -> dict[str, object]:
        return {}

    def settle(self) -> bool:
        """Put some of the findings into the story, the last ones first: they do not move the others."""
        if self._open and self._room.writable():
            for place, (one, start, end) in enumerate(self._open if self._trail.changes else ()):
                changes = self._trail.changes
                self._open[place] = one, fold(start, changes, "right"), fold(end, changes, "left")
            some, self._open = self._open[-_AT_ONCE:], self._open[:-_AT_ONCE]
            self._suggest(some)
            self._trail = self._room.shared.anchors.trail()  # the own changes are behind all that is left
            if self._open:
                self._room.wake()
        return not self._open

    def on_closed(self) -> None:
        if not self.run.info.progress:
            self.run.update(suggestion="none")

    @property
    def owner(self) -> Owner:
        return Owner(PROOFREADER.id, self.run.info.id)

    def _suggest(self, found: Sequence[tuple[Correction, int, int]]) -> None:
        """Where somebody has changed the words meanwhile there is nothing to correct."""
        document = self._room.shared.document
        run = self.run.info.id
        data = document.data()
        places = [(one, start, end) for one, start, end in found if data[start:end] == self._wrong(one)]
        marked = [(one, start, end, _kept(document.chunks(start, end)[0][1])) for one, start, end in places]

        def work(text: Text, _canvas: object) -> None:
            for one, start, end, kept in reversed(marked):
                reason = {schema.ATTR_REASON: one.reason}
                if one.replacement:
                    attributes = {**kept, **reason, schema.ATTR_AI: run, schema.ATTR_SUGGEST: run}
                    text.insert(end, one.replacement, attributes)
                text.format(start, end, {**reason, schema.ATTR_SUGGEST_DELETE: run})

        if marked:
            self._room.commit(document.rework(work, AI_ORIGIN), self.owner)
        progress = self.run.info.progress + len(marked)
        self.run.update(progress=progress, length=progress + len(self._open))

    def _wrong(self, one: Correction) -> bytes:
        return self._text[one.start : one.end].encode()

    def _places(self, found: Sequence[Correction]) -> list[tuple[Correction, int, int]]:
        """Where the words of each finding stood when the text was taken."""
        places = []
        at, counted = self._start, 0
        for one in found:
            at += size(self._text[counted : one.start])
            counted = one.start
            if wrong := self._wrong(one):
                places.append((one, at, at + len(wrong)))
        return places


class Corrections:
    """`proofreader` None: there is none."""

    def __init__(self, room: RoomContext, supervisor: RunSupervisor, proofreader: Proofreader | None) -> None:
        self._room = room
        self._supervisor = supervisor
        self._proofreader = proofreader

    def ask(self, member: Member, ask: Ask) -> None:
        """Start a run. Raises PeerError, Denied, Conflict or QueueFull; then there is no run."""
        room = self._room
        require(member.role, Right.EDIT)
        if self._proofreader is None:
            raise PeerError("this server has no proofreader")
        room.runs.check_room_for(member.id)
        data = room.shared.document.data()
        start, end = located(room, member.id, ask.offset, ask.start, ask.end)
        if start == end:
            start, end = data.rfind(b"\n", 0, start) + 1, data.find(b"\n", end)
            end = len(data) if end < 0 else end
        if end - start > _LONGEST:
            raise TooLarge(f"at most {_LONGEST} bytes are corrected at once")
        text = data[start:end].decode()
        if not text.strip():
            raise PeerError("there is nothing to correct here")
        if not any(run.info.author == PROOFREADER.id for run in room.runs):
            room.tell_all(Joined(PROOFREADER))
        order = Order(
            ask=ask.ask,
            participant=member.id,
            author=PROOFREADER.id,
            task="fix",
            mode="suggest",
            instruction="",
            length=0,
            seed=0,
            model=self._proofreader.name,
            params="{}",
            prompt=msgspec.json.encode({"selection": text}).decode(),
        )
        run = room.runs.start(order, room.unix_ms())
        run.update(state="running")
        work = CorrectionRun(run, room, self._supervisor, text, start, room.shared.anchors.trail())
        self._supervisor.hold(work)
        style = room.shared.document.side.style_fields()
        names = set(_NAME.findall(style.get("facts", ""))) | dictionary(style)
        self._proofreader.check(text, names, work.checked)


def _kept(attributes: dict[str, object] | object) -> dict[str, object]:
    """Formatting that a correction inherits: all but the attributes of runs."""
    assert isinstance(attributes, dict)
    return {name: value for name, value in attributes.items() if name not in OURS}
