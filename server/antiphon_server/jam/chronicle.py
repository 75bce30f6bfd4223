"""What is written down of a jam while it goes on: who plays what on which instrument, how loud and where it is heard.

All that a file needs is in the record, so that the record alone gives the same music (`jam.score`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from antiphon_engines.api import Performed
from antiphon_proto.document.jam import BandRole, BandVoice, NoteEvent, Transport
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import Member
from antiphon_server.jam.loop_schedule import LoopBook
from antiphon_server.jam.mixer import Strip, strips
from antiphon_server.jam.recording import (
    BandPlayed,
    BandVoiced,
    ChordPlayed,
    JamLog,
    KeyPlayed,
    LoopNamed,
    LoopPlayed,
    Mixed,
    Part,
    Person,
    Turned,
)
from antiphon_server.jam.stream_clock import Timebase
from antiphon_server.jam.transport import Conductor, Turn

_RESTATE: Final = 100
"""Sweeps after which the record states again what is in force, so that it can be read from the middle."""
_PROGRAMS: Final[dict[BandRole, int]] = {"lead": 80, "bass": 33, "chords": 0, "pad": 89, "drums": 128}
"""Of a band that tells notes and does not say how they sound."""


class Chronicle:
    """Writes to `log`; events that need no more than themselves are added there directly."""

    def __init__(self, room: RoomContext, log: JamLog, conductor: Conductor, loops: LoopBook) -> None:
        self._room = room
        self._log = log
        self._conductor = conductor
        self._loops = loops
        self._looped_ms = room.server_ms()
        """Until when the notes of loops are written down."""
        self._sweeps = 0
        self._named: set[str] = set()
        self._strips: dict[tuple[Part, str], Strip] = {}
        self._titles: dict[str, str] = {}
        self._voiced: BandVoiced | None = None

    def name(self, member: Member) -> None:
        """Each member once, before the first that they play."""
        if member.id not in self._named:
            self._named.add(member.id)
            self._log.add(Person(self._room.server_ms(), member.id, member.record.name))
            self.mix()

    def keys(self, participant: str, program: int, events: Sequence[NoteEvent]) -> None:
        """What somebody played on `program`."""
        self._log.add(
            *(KeyPlayed(one.at_ms, participant, program, one.pitch, one.velocity) for one in events)
        )

    def turned(self, turns: Sequence[Turn]) -> None:
        """Other transports are in force."""
        for turn in turns:
            askers = tuple(dict.fromkeys(wish.asker for wish in turn.wishes if wish.asker))
            self._log.add(Turned(turn.transport.at_ms, turn.transport, askers))

    def halted(self, transport: Transport) -> None:
        """It stopped by itself."""
        self._log.add(Turned(transport.at_ms, transport))

    def loops_until(self, now_ms: float) -> None:
        """The notes of loops that have begun by now; call it before loops or the transport change."""
        notes = self._loops.between(self._conductor.course, self._looped_ms, now_ms)
        self._looped_ms = max(self._looped_ms, now_ms)
        self._log.add(
            *(
                LoopPlayed(one.at_ms, one.duration_ms, one.loop, one.by, one.program, one.pitch, one.velocity)
                for one in notes
            )
        )

    def mix(self) -> None:
        """The strips of the mixer and the names of loops, where they have changed."""
        jam, now = self._room.shared.document.jam, self._room.server_ms()
        for place, strip in strips(jam, self._named).items():
            part, key = place
            if self._strips.get(place) != strip and part != "band":
                self._strips[place] = strip
                self._log.add(Mixed(now, part, key, strip.volume, strip.pan))
        for loop, fields in jam.loops.items():
            title = str(fields.get("name") or "")
            if self._titles.get(loop) != title:
                self._titles[loop] = title
                self._log.add(LoopNamed(now, loop, str(fields.get("by") or ""), title))

    def performed(self, run: str, timebase: Timebase, played: Performed) -> None:
        """What the band is about to play."""
        now = self._room.server_ms()
        if played.sound is not None:
            at_ms = timebase.ms_at(played.sound.sample)
            self._voiced = BandVoiced(at_ms, run, played.sound.brightness, played.sound.voices)
            self._log.add(self._voiced)
        for note in played.notes:
            at_ms, duration_ms = self._conductor.span_ms(note.tick, note.duration, now)
            program = self._program(note.role)
            self._log.add(BandPlayed(at_ms, duration_ms, run, note.role, program, note.pitch, note.velocity))
        for chord in played.chords:
            at_ms, _ = self._conductor.span_ms(chord.tick, 0, now)
            self._log.add(ChordPlayed(at_ms, run, chord.name))

    def band_over(self) -> None:
        self._voiced = None

    def sweep(self) -> None:
        """Once a second: hand the record to the store."""
        self.loops_until(self._room.server_ms())
        if self._sweeps % _RESTATE == 0 and self._conductor.now.playing:
            self._restate()
        self._sweeps += 1
        self._log.flush()

    def close(self) -> None:
        """Hand the rest of the record to the store."""
        self.loops_until(self._room.server_ms())
        self._log.flush()

    def _restate(self) -> None:
        self._log.add(Turned(self._conductor.now.at_ms, self._conductor.now))
        self._strips.clear()
        self._titles.clear()
        self.mix()
        if self._voiced is not None:
            self._log.add(self._voiced)

    def _program(self, role: BandRole) -> int:
        jam = self._room.shared.document.jam
        voices: tuple[BandVoice, ...] = () if self._voiced is None else self._voiced.voices
        known = next((voice.program for voice in voices if voice.role == role), None)
        return jam.controls.instruments.get(role, _PROGRAMS[role]) if known is None else known
