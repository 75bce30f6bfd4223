"""Tells clients about the state of runs, the digest of the document, and a store that refuses changes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from antiphon_proto.errors import AntiphonError
from antiphon_proto.messages import Digest, Error, Run, Shares
from antiphon_server.core.context import LONG_STORY, RoomContext
from antiphon_server.core.run_registry import RunEntry
from antiphon_server.core.seat import Seat
from antiphon_server.document.document import digest
from antiphon_server.document.shares import Counts, counted, shares
from antiphon_server.net.frames import Frame
from antiphon_server.trust.acts import note_run
from antiphon_server.trust.ledger import Ledger

_HEARTBEAT = 15.0
"""Seconds between two awareness heartbeats to plain Yjs clients, which forget after 30."""


class Reports:
    def __init__(self, room: RoomContext, ledger: Ledger) -> None:
        self._room = room
        self._ledger = ledger
        self._heartbeat_at = float("-inf")
        self._digested = -1
        """Offset of the last digest."""
        self._digest_at = float("-inf")
        self.digest_due = False
        """The digest of a long story is due: `digest_in_thread`."""
        self._told: AntiphonError | None = None

    def runs(self, runs: Iterable[RunEntry]) -> None:
        """Store the state of these runs and tell everybody who may see them."""
        room = self._room
        for run in runs:
            room.journal.add(run.record)
            note_run(self._ledger, run)
            first = 0 if run.announced else run.ask
            run.announced = True
            room.tell(run.info.participant, Run(room.offset, run.info, first))
            if not run.private:
                room.send_all(Frame.of(Run(room.offset, run.info)), but=run.info.participant)

    def digest(self, now: float) -> None:
        """Send digest and shares after a change, once in `limits.digest_interval` seconds."""
        room = self._room
        if self._digested != room.offset and now - self._digest_at >= room.limits.digest_interval:
            self._digest_at = now
            if room.shared.document.length >= LONG_STORY:
                self.digest_due = True
            else:
                self._digested = room.offset
                self._summarise(digest(room.shared.document.characters()), shares(room.shared))

    async def digest_in_thread(self) -> None:
        """The same for a long story, in a thread, while the room is paused."""
        room = self._room
        self.digest_due = False
        with room.pause.entered():
            document = room.shared.document
            characters, parts = document.characters(), document.parts()
            spans = list(room.shared.authorship.spans())
            made = await asyncio.to_thread(lambda: (digest(characters), counted(parts, spans)))
            room.flush()
            self._digested = room.offset
            self._summarise(*made)

    def _summarise(self, sha256: bytes, counts: Counts) -> None:
        offset = self._room.offset
        self._room.tell_all(Digest(offset, sha256))
        self._room.told_shares = Shares(offset, *counts)
        self._room.tell_all(self._room.told_shares)

    def store(self) -> None:
        """Tell everybody when nothing can be saved, once per failure."""
        problem = self._room.journal.problem
        if problem is not None and self._told is None:
            self._room.tell_all(Error(problem.code, f"edits cannot be saved now: {problem}"[:2000], "edit"))
        self._told = problem

    def heartbeat(self, now: float, plain: Iterable[Seat]) -> None:
        """Repeat all presences to plain Yjs clients, which forget those that were silent for 30 s."""
        if now - self._heartbeat_at < _HEARTBEAT:
            return
        self._heartbeat_at = now
        seats = list(plain)
        if seats and (frame := self._room.presence.heartbeat()) is not None:
            for seat in seats:
                seat.outlet.send(frame)
