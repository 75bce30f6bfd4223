"""The jam session of a room: transport, keys, band and recording.

The transport lives in the `Conductor`; the document holds a copy, which is written at the tick.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from antiphon_engines.api import Audio, EngineUnavailable, Performed
from antiphon_proto.document.jam import BAND, LOOPS, PLAYERS, NoteEvent, Transport, TransportChange
from antiphon_proto.errors import AntiphonError, Conflict, RateLimited
from antiphon_proto.messages import Conduct, Conducted, Perform, Play, Played
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import Member
from antiphon_server.core.run_registry import SEED_BITS, Order
from antiphon_server.core.seat import Seat
from antiphon_server.document.authorship import Owner
from antiphon_server.document.change import Change
from antiphon_server.document.state import SERVER, SERVER_ORIGIN
from antiphon_server.jam.audio_stats import Sound
from antiphon_server.jam.band_run import COMMITTED, BandRun
from antiphon_server.jam.chronicle import Chronicle
from antiphon_server.jam.keyboard import Keys
from antiphon_server.jam.loop_schedule import LoopBook
from antiphon_server.jam.recording import (
    Asked,
    BandBegan,
    BandEnded,
    BandSounded,
    JamLog,
    SessionNamed,
)
from antiphon_server.jam.transport import Conductor, Turn, Wish
from antiphon_server.jam_settings import JamSettings
from antiphon_server.net.frames import Frame
from antiphon_server.runs.supervisor import RunSupervisor
from antiphon_server.store.api import StoredRoom
from antiphon_server.token_bucket import TokenBucket

_STALE: Final = 1.0
"""Seconds after its time for which a key is still sent to a slow client."""
_AHEAD_MS: Final = 1500.0
"""How far before they sound the band is told of the notes of loops."""


class _Player:
    """The keys and rates of a connected participant."""

    def __init__(self, settings: JamSettings, room: RoomContext) -> None:
        clock = room.monotonic
        self.keys = Keys(settings, clock)
        self.changes = TokenBucket(settings.changes_per_second, settings.change_burst, clock)


_TAKEN_BACK = ("tempo", "beats", "tonic", "mode")
"""Fields of the transport that undo reverts; a start or a stop is meant for its moment."""


def _values(transport: Transport, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(transport, name) for name in names}


class JamSession:
    def __init__(
        self, room: RoomContext, supervisor: RunSupervisor, stored: StoredRoom, sound: Sound
    ) -> None:
        settings = room.limits.jam
        self._room = room
        self._supervisor = supervisor
        self._settings = settings
        self._sound = sound
        jam = room.shared.document.jam
        self._conductor = Conductor.stored(jam.transport)
        self._loops = LoopBook(jam.loops)
        self._players: dict[str, _Player] = {}
        self._band: BandRun | None = None
        self._log = JamLog(
            stored.jam,
            room.record,
            max_bytes=settings.log_bytes,
            max_batches=settings.log_batches,
            writable=room.writable,
        )
        self._chronicle = Chronicle(room, self._log, self._conductor, self._loops)
        self._unwritten = False
        self._pushed_ms = room.server_ms()
        """Until when the band was told of the notes of loops."""

    @property
    def transport(self) -> Conductor:
        return self._conductor

    @property
    def pending(self) -> bool:
        """Whether a tick has to come, even if nothing else happens."""
        return bool(self._conductor.turns)

    # Requests -----------------------------------------------------------------------------------------

    def play(self, member: Member, play: Play) -> None:
        """Raises PeerError, or RateLimited at intervals while keys are dropped."""
        events, refused = self._player(member).keys.take(play.events, self._room.server_ms())
        jam = self._room.shared.document.jam
        if events and jam.mixable and member.id not in jam.players:
            change = self._room.shared.document.play(lambda jam: jam.add_player(member.id), SERVER_ORIGIN)
            self._room.commit(change, SERVER)
        self._chronicle.name(member)
        self._on_notes(member.id, events)
        if refused:
            raise RateLimited("you play more keys than this server passes on")

    def conduct(self, member: Member, conduct: Conduct) -> None:
        """Raises PeerError or QueueFull."""
        if not self._player(member).changes.allow():
            raise RateLimited("too many changes of the transport; wait a little")
        now = self._room.server_ms()
        self._advance(now)
        self._chronicle.name(member)
        before = self._conductor.course[-1]
        self._wish(Wish(conduct.conduct, member.id, conduct.change, conduct.when), now)
        after = self._conductor.course[-1]
        changed = [name for name in _TAKEN_BACK if getattr(before, name) != getattr(after, name)]
        if changed:
            self._room.actions.conducted(member.id, _values(before, changed), _values(after, changed))

    def _wish(self, wish: Wish, now: float) -> None:
        for turn in self._conductor.conduct(wish, now, 1000 * self._notice(wish.change)):
            self._tell(turn)
        self._changed()

    def reconduct(self, member: str, expected: dict[str, Any], wanted: dict[str, Any]) -> bool:
        """Set fields of the transport that are as expected; whether there were any."""
        now = self._room.server_ms()
        self._advance(now)
        coming = self._conductor.course[-1]
        fields = {name: value for name, value in wanted.items() if getattr(coming, name) == expected[name]}
        if fields:
            self._wish(Wish(0, member, TransportChange(**fields), "bar"), now)
        return bool(fields)

    def perform(self, member: Member, perform: Perform) -> None:
        """Start the band. Raises EngineUnavailable, Conflict or QueueFull; then there is no run."""
        room = self._room
        model = room.model("audio")
        if model is None:
            raise EngineUnavailable("this server has no band")
        if not model.ready or model.audio is None:
            raise EngineUnavailable(f"the band cannot play now: {model.note or 'it is not ready'}")
        if self._band is not None:
            raise Conflict("a band plays already in this room; stop it first")
        room.runs.check_room_for(member.id)
        order = Order(
            ask=perform.perform,
            participant=member.id,
            task="jam",
            mode="write",
            instruction="",
            length=0,
            seed=secrets.randbits(SEED_BITS) if perform.seed is None else perform.seed,
            model=model.name,
            params=msgspec.json.encode(room.shared.document.jam.controls).decode(),
            prompt="",
        )
        lead = max(self._settings.lead, model.audio.lead_ms / 1000)
        run = room.runs.start(order, room.unix_ms())
        band = BandRun(
            run,
            room,
            self._supervisor,
            self._conductor,
            self._settings,
            lead,
            model.audio.pre_skip,
            self._sound,
            self,
        )
        self._supervisor.hold(band)
        try:
            band.begin()
        except AntiphonError:
            self._supervisor.refuse(band)
            raise
        self._band = band
        self._pushed_ms = room.server_ms()
        self._chronicle.name(member)
        info, start_ms = run.info, band.timebase.start_ms
        self._log.add(BandBegan(room.server_ms(), info.id, info.participant, info.model, info.seed, start_ms))

    def name_session(self, member: Member, at_ms: float, name: str) -> None:
        """Somebody names the session that `at_ms` lies in."""
        self._log.add(SessionNamed(self._room.server_ms(), member.id, at_ms, name))

    def on_left(self, participant: str) -> None:
        """They are gone: release the keys that they held."""
        if (player := self._players.pop(participant, None)) is not None:
            self._on_notes(participant, player.keys.release(self._room.server_ms()))

    def on_welcome(self, seat: Seat) -> None:
        """Tell a newcomer about the band's stream."""
        if self._band is not None and self._band.streams:
            seat.outlet.send(Frame.of(self._band.stream))

    # The room's steps -----------------------------------------------------------------------------------

    def on_commit(self, change: Change, owner: Owner, sender: Seat | None) -> None:
        """Follow a change of the loops or of the band's controls."""
        changes = change.jam
        if not changes:
            return
        loops = [one for one in changes if one.section == LOOPS]
        if loops:
            self._chronicle.loops_until(self._room.server_ms())
        for loop in loops:
            sound = self._room.shared.document.jam.loops.get(loop.key)
            self._loops.replace(loop.key, sound)
        self._chronicle.mix()
        if any(one.section in (BAND, PLAYERS, LOOPS) for one in changes) and self._band is not None:
            self._band.on_change()  # a solo elsewhere silences its roles
        if any(one.section == BAND for one in changes) and owner != SERVER:
            controls = self._room.shared.document.jam.controls
            self._log.add(Asked(self._room.server_ms(), owner.author, controls))

    def on_performed(self, band: BandRun, played: Performed) -> None:
        self._chronicle.performed(band.run.info.id, band.timebase, played)

    def on_sounded(self, band: BandRun, audio: Audio) -> None:
        at_ms = band.timebase.ms_at(audio.pts)
        self._log.add(BandSounded(at_ms, band.run.info.id, audio.samples, audio.opus))

    def on_over(self, band: BandRun) -> None:
        info = band.run.info
        self._band = None
        self._chronicle.band_over()
        self._log.add(BandEnded(self._room.server_ms(), info.id, info.error or info.state))

    # The room's time ------------------------------------------------------------------------------------

    def revive(self, alive_ms: float, away: float) -> None:
        """The room comes back after it was last known at `alive_ms`. A transport that played goes on by the clock, or
        stops where it was then when that is more than `away` seconds ago."""
        now = self._room.server_ms()
        alive_ms = max(alive_ms, self._conductor.now.at_ms)
        self._advance(now)
        if now - alive_ms > 1000 * away and self._conductor.halt(alive_ms):
            self._turned()
        self._write()

    def halt(self) -> None:
        """The last member has left."""
        if self._conductor.halt(self._room.server_ms()):
            self._turned()

    def tick(self) -> None:
        now = self._room.server_ms()
        self._advance(now)
        self._write()
        if self._band is not None and self._band.streams:
            start, self._pushed_ms = max(now, self._pushed_ms), now + _AHEAD_MS
            self._band.on_loops(self._loops.between(self._conductor.course, start, self._pushed_ms))

    def sweep(self) -> None:
        """Once a second: end notes that hang, and write the recording to the store."""
        now = self._room.server_ms()
        for participant, player in self._players.items():
            self._on_notes(participant, player.keys.overdue(now))
        self._chronicle.sweep()

    def close(self) -> None:
        """Hand the rest of the recording to the store."""
        self._chronicle.close()

    # Inside ---------------------------------------------------------------------------------------------

    def _player(self, member: Member) -> _Player:
        player = self._players.get(member.id)
        if player is None:
            player = self._players[member.id] = _Player(self._settings, self._room)
        return player

    def _notice(self, change: TransportChange) -> float:
        """A band is to know of another time before it has committed to playing in the old one; a stop does not wait."""
        timely = change.playing is True or any(
            value is not msgspec.UNSET for value in (change.tempo, change.beats, change.bar)
        )
        if self._band is None or not timely:
            return self._settings.notice
        return max(self._settings.notice, self._band.lead + COMMITTED)

    def _on_notes(self, participant: str, events: Sequence[NoteEvent]) -> None:
        """Keys sound: for the others, for the band, and in the record."""
        if not events:
            return
        deadline = self._room.monotonic() + _STALE
        frame = Frame.of(Played(participant, tuple(events)), deadline=deadline)
        self._room.send_all(frame, but=participant)
        jam = self._room.shared.document.jam
        program = jam.program(participant)
        self._chronicle.keys(participant, program, events)
        if self._band is not None:
            now = self._conductor.now
            bars = jam.interval if now.playing else 0
            self._band.on_notes(participant, events, bars * now.beats * 60_000 / now.tempo)

    def _advance(self, now_ms: float) -> None:
        if self._conductor.turns and self._conductor.turns[0].transport.at_ms <= now_ms:
            self._chronicle.loops_until(now_ms)
        come = self._conductor.advance(now_ms)
        self._chronicle.turned(come)
        if come:
            self._changed()

    def _turned(self) -> None:
        self._chronicle.halted(self._conductor.now)
        self._changed()

    def _changed(self) -> None:
        self._unwritten = True
        if self._band is not None:
            self._band.on_change()
        self._room.wake()

    def _write(self) -> None:
        if self._unwritten:
            self._unwritten = False
            view = self._conductor.view()
            change = self._room.shared.document.play(lambda jam: jam.set_transport(view), SERVER_ORIGIN)
            self._room.commit(change, SERVER)

    def _tell(self, turn: Turn) -> None:
        after = turn.transport
        for wish in turn.wishes:
            self._room.tell(wish.asker, Conducted(wish.conduct, after.serial, after.at_ms, after.beat))
