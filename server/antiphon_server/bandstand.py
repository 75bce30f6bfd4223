"""The jam of a room: who conducts and who plays, what of it the others hear, and the band.

The transport lives in the `Conductor`; what stands in the document is what it says, and is written at the tick.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from antiphon_proto.errors import RateLimited
from antiphon_proto.jam import NoteEvent
from antiphon_proto.messages import Conduct, Conducted, Play, Played
from antiphon_server.frames import Frame
from antiphon_server.jam_settings import JamSettings
from antiphon_server.keys import Keys
from antiphon_server.limits import TokenBucket
from antiphon_server.members import Member
from antiphon_server.shared import SERVER, SERVER_ORIGIN
from antiphon_server.stage import Desk
from antiphon_server.transport import Conductor, Turn, Wish

_STALE: Final = 1.0
"""Seconds after its time for which a key is still worth sending to somebody who reads slowly."""


class _Player:
    """What the jam knows of a participant who is here."""

    def __init__(self, settings: JamSettings, desk: Desk) -> None:
        clock = desk.monotonic
        self.keys = Keys(settings, clock)
        self.changes = TokenBucket(settings.changes_per_second, settings.change_burst, clock)


class Bandstand:
    def __init__(self, desk: Desk, settings: JamSettings) -> None:
        self._desk = desk
        self._settings = settings
        self._conductor = Conductor.stored(desk.shared.document.jam.transport)
        self._players: dict[str, _Player] = {}
        self._unwritten = False

    @property
    def transport(self) -> Conductor:
        return self._conductor

    @property
    def pending(self) -> bool:
        """Whether a tick has to come, even if nothing else happens."""
        return bool(self._conductor.turns)

    # What people ask ------------------------------------------------------------------------------------

    def play(self, member: Member, play: Play) -> None:
        """Raises PeerError, or RateLimited now and then while keys are left out."""
        events, refused = self._player(member).keys.take(play.events, self._desk.server_ms())
        self._sound(member.id, events)
        if refused:
            raise RateLimited("you play more keys than this server passes on")

    def conduct(self, member: Member, conduct: Conduct) -> None:
        """Raises PeerError or QueueFull."""
        if not self._player(member).changes.allow():
            raise RateLimited("too many changes of the transport; wait a little")
        now = self._desk.server_ms()
        self._advance(now)
        wish = Wish(conduct.conduct, member.id, conduct.change, conduct.when)
        for turn in self._conductor.conduct(wish, now, 1000 * self._settings.notice):
            self._tell(turn)
        self._changed()

    def left(self, participant: str) -> None:
        """They are gone: what they held is released."""
        if (player := self._players.pop(participant, None)) is not None:
            self._sound(participant, player.keys.release(self._desk.server_ms()))

    # The room's time ------------------------------------------------------------------------------------

    def revive(self, alive_ms: float, away: float) -> None:
        """The room comes back after it was last known at `alive_ms`. A transport that played goes on by the clock, or
        stops where it was then when that is more than `away` seconds ago."""
        now = self._desk.server_ms()
        self._advance(now)
        if now - max(alive_ms, self._conductor.now.at_ms) > 1000 * away and self._conductor.halt(alive_ms):
            self._changed()
        self._write()

    def halt(self) -> None:
        """Nobody is here any more."""
        if self._conductor.halt(self._desk.server_ms()):
            self._changed()

    def tick(self) -> None:
        self._advance(self._desk.server_ms())
        self._write()

    # Inside ---------------------------------------------------------------------------------------------

    def _player(self, member: Member) -> _Player:
        player = self._players.get(member.id)
        if player is None:
            player = self._players[member.id] = _Player(self._settings, self._desk)
        return player

    def _sound(self, participant: str, events: Sequence[NoteEvent]) -> None:
        if events:
            deadline = self._desk.monotonic() + _STALE
            frame = Frame.of(Played(participant, tuple(events)), deadline=deadline)
            self._desk.send_all(frame, but=participant)

    def _advance(self, now_ms: float) -> None:
        if self._conductor.advance(now_ms):
            self._changed()

    def _changed(self) -> None:
        self._unwritten = True
        self._desk.wake()

    def _write(self) -> None:
        if self._unwritten:
            self._unwritten = False
            view = self._conductor.view()
            change = self._desk.shared.document.play(lambda jam: jam.set_transport(view), SERVER_ORIGIN)
            self._desk.commit(change, SERVER)

    def _tell(self, turn: Turn) -> None:
        after = turn.transport
        for wish in turn.wishes:
            self._desk.tell(wish.asker, Conducted(wish.conduct, after.serial, after.at_ms, after.beat))
