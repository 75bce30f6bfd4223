"""A live run that plays: a stream of audio for the whole room, steered by the room's controls and keys.

    submitted -> playing -> (its worker dies) -> submitted again, a bounded number of times -> over

The stream's clock is fixed when it begins (`jam.stream_clock`). Committed audio goes to everybody at once; a raised
epoch cancels audio on its way that a change of the transport made wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from antiphon_engines.api import Audio, AudioRequest, AudioSteer, Output, Performed, PlayedNote
from antiphon_engines.host.backoff import Backoff
from antiphon_engines.ipc.events import Failed, RunEvent
from antiphon_proto.document.jam import NoteEvent, Transport
from antiphon_proto.errors import AntiphonError, ErrorCode, PeerError
from antiphon_proto.messages import Audio as AudioMessage
from antiphon_proto.messages import BandNotes, BandStream, Error, Steer
from antiphon_server.core.context import RoomContext
from antiphon_server.core.run_registry import RunEntry
from antiphon_server.jam.audio_stats import Sound
from antiphon_server.jam.loop_schedule import LoopNote
from antiphon_server.jam.mixer import heard
from antiphon_server.jam.stream_clock import Timebase
from antiphon_server.jam.transport import Conductor
from antiphon_server.jam_settings import JamSettings
from antiphon_server.net.frames import Frame
from antiphon_server.runs.live_run import LiveRun
from antiphon_server.runs.supervisor import RunSupervisor

FRAME: Final = 1920
"""Samples of an audio message: 40 ms, one Opus packet."""
COMMITTED: Final = 0.45
"""Seconds beyond its lead for which a band may have committed music."""
_HEALTHY: Final = 20.0
"""Seconds of playing after which the deaths of workers before it are forgotten."""
_CROWDED: Final = 2.0
"""Seconds after which a band that found no place in the engine tries again."""
_NOTES: Final = 1024
_CHORDS: Final = 64
"""Of one message."""


class Listener(Protocol):
    """Who keeps the record of a band."""

    def on_performed(self, band: BandRun, played: Performed) -> None: ...

    def on_sounded(self, band: BandRun, audio: Audio) -> None:
        """It sent a frame, and has told no notes so far."""
        ...

    def on_over(self, band: BandRun) -> None: ...


class BandRun(LiveRun):
    def __init__(
        self,
        run: RunEntry,
        room: RoomContext,
        supervisor: RunSupervisor,
        conductor: Conductor,
        settings: JamSettings,
        lead: float,
        pre_skip: int,
        sound: Sound,
        listener: Listener,
    ) -> None:
        super().__init__(run)
        self.lead = lead
        self._room = room
        self._supervisor = supervisor
        self._conductor = conductor
        self._settings = settings
        self._pre_skip = pre_skip
        self._sound = sound
        self._listener = listener
        now_ms = room.server_ms()
        delay = lead + settings.band_delay
        self.timebase = Timebase(now_ms + 1000 * delay, room.monotonic() + delay)
        self._seq = 0
        self._end = 0
        """The sample after the last one that was sent."""
        self._streams = False
        self._from_pts = 0
        self._notes_told = False
        self._cut = False
        """Audio beyond a stop was taken back: how the band would have rung out after it is not heard either."""
        self._backoff = Backoff(settings.band_backoff, settings.band_backoff_most, _HEALTHY)
        self._resume_at: float | None = None
        """When it is handed to the engine again, after the death of a worker."""
        self._began = room.monotonic()
        self._asked_for = heard(room.shared.document.jam)
        self._course: tuple[Transport, ...] = conductor.course
        self._dirty = False

    # Its beginning ------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Hand it to the engine. Raises AntiphonError."""
        self._asked_for, self._course = heard(self._room.shared.document.jam), self._conductor.course
        self._dirty = False
        request = AudioRequest(
            controls=self._asked_for,
            segments=self.timebase.segments(self._course),
            seed=self.run.info.seed,
            start=self.timebase.start,
            lead=self.lead,
            frame=FRAME,
        )
        self._supervisor.submit(self, request)

    def on_started(self) -> None:
        self._began = self._room.monotonic()
        self._streams = True
        self._room.send_all(Frame.of(self.stream))

    @property
    def streams(self) -> bool:
        return self._streams

    @property
    def stream(self) -> BandStream:
        """How to hear it, for everybody who is here and who comes."""
        info = self.run.info
        return BandStream(info.id, info.epoch, self.timebase.start_ms, FRAME, self._from_pts, self._pre_skip)

    # Hearing -----------------------------------------------------------------------------------------

    def on_change(self) -> None:
        """The room asks for something else, or the transport changes: the engine hears of it at the tick."""
        self._dirty = True

    def on_notes(self, participant: str, events: Sequence[NoteEvent], delay_ms: float) -> None:
        """Keys of a person, which the others hear `delay_ms` after their time."""
        at = self.timebase.sample_at
        self._push(
            [PlayedNote(at(one.at_ms + delay_ms), participant, one.pitch, one.velocity) for one in events]
        )

    def on_loops(self, notes: Sequence[LoopNote]) -> None:
        played: list[PlayedNote] = []
        for note in notes:
            start, end = (self.timebase.sample_at(ms) for ms in (note.at_ms, note.at_ms + note.duration_ms))
            played.append(PlayedNote(start, note.by, note.pitch, note.velocity))
            played.append(PlayedNote(max(end, start + 1), note.by, note.pitch, 0))
        self._push(sorted(played, key=lambda note: note.sample))

    def _push(self, notes: Sequence[PlayedNote]) -> None:
        if notes and self._streams:
            self._supervisor.engine.push(self.run.info.id, notes)

    # Playing -----------------------------------------------------------------------------------------

    def on_output(self, output: Output | RunEvent) -> None:
        match output:
            case Audio():
                self._send(output)
            case Performed(notes, chords):
                info = self.run.info
                self._notes_told = True
                self._listener.on_performed(self, output)
                if not notes and not chords:
                    return
                for first in range(0, max(len(notes), 1), _NOTES):
                    some = chords[:_CHORDS] if first == 0 else ()
                    message = BandNotes(info.id, info.epoch, notes[first : first + _NOTES], some)
                    self._room.send_all(Frame.of(message))

    def _send(self, audio: Audio) -> None:
        if self._taken(audio.pts):
            self._sound.stale += 1
            return
        info = self.run.info
        missing = self._missing(audio.pts)
        self._sound.frames += 1
        self._sound.gaps += missing
        self._sound.took(audio.late)
        self._seq += 1 + missing
        self._end = audio.pts + audio.samples
        if not self._notes_told:
            self._listener.on_sounded(self, audio)
        message = AudioMessage(info.id, info.epoch, self._seq - 1, audio.pts, audio.opus)
        self._room.send_all(Frame.of(message, deadline=self.timebase.seconds_at(self._end)))

    def _taken(self, pts: int) -> bool:
        """Whether a frame was made before a change that takes it back, or follows a stop that did."""
        if pts < self._from_pts:
            return False
        self._cut = self._cut and not self._conductor.at(self.timebase.ms_at(pts)).playing
        return self._cut or self.epoch != self.run.info.epoch

    def _missing(self, pts: int) -> int:
        """Frames that should have come before this one. While the transport stands still there are none."""
        if pts <= self._end or self._seq == 0:
            return 0
        before, after = (self._conductor.at(self.timebase.ms_at(sample)) for sample in (self._end, pts))
        played = before.playing and after.playing and self.timebase.sample_at(before.at_ms) <= self._end
        return (pts - self._end) // FRAME if played else 0

    # Its life -----------------------------------------------------------------------------------------

    def settle(self) -> bool:
        if isinstance(self.ended, Failed):
            self._start_again(self.ended)
        elif self._resume_at is not None:
            if self._room.monotonic() >= self._resume_at:
                self._resume()
        elif self._dirty:
            self._steer()
        return True

    def _steer(self) -> None:
        jam = self._room.shared.document.jam
        controls, course = heard(jam), self._conductor.course
        change = AudioSteer()
        epoch = 0
        if controls != self._asked_for:
            change = AudioSteer(controls=controls)
        if course != self._course:
            change = AudioSteer(controls=change.controls, segments=self.timebase.segments(course))
            epoch = self._taken_back(course)
        try:
            if change != AudioSteer():
                self._supervisor.engine.steer(self.run.info.id, change, epoch)
        except PeerError as error:
            if error.code is not ErrorCode.QUEUE_FULL:  # then it is tried again at the next tick
                self._dirty = False
            return
        self._dirty = False
        self._asked_for, self._course = controls, course
        if epoch:
            self.run.update(epoch=epoch)
            self._room.send_all(Frame.of(self.stream))

    def _taken_back(self, course: Sequence[Transport]) -> int:
        """The epoch that begins with a change of the transport, when audio beyond it has been sent already; else 0."""
        fresh = [one for one in course if one not in self._course]
        at = min((self.timebase.sample_at(one.at_ms) for one in fresh), default=self._end)
        if at >= self._end or not self._streams:
            return 0
        self._from_pts = max(0, at)
        self._end = self._from_pts
        self._cut = not self._conductor.at(self.timebase.ms_at(at)).playing
        return self.run.info.epoch + 1

    def _start_again(self, failed: Failed) -> None:
        """A worker that died takes no band with it for good, however often that happens; a band that is the death of
        its workers is the seldomer there."""
        if failed.code != ErrorCode.WORKER_LOST:
            return
        now = self._room.monotonic()
        delay = self._backoff.died(now - self._began if self._streams else 0.0)
        self._streams = False
        self.ended = None
        self.epoch = self.run.info.epoch + 1
        self.run.update(epoch=self.epoch, state="queued")
        self._from_pts = max(0, self.timebase.sample_at(self._room.server_ms()))
        told = Error(
            ErrorCode.WORKER_LOST, "the band lost its engine and starts again", "perform", self.run.info.id
        )
        self._room.tell_all(told)
        # At once the first time, then after half of the back-off.
        self._resume_at = now + (delay / 2 if self._backoff.failures > 1 else 0.0)
        if self._resume_at <= now:
            self._resume()

    def _resume(self) -> None:
        self._resume_at = None
        try:
            self.begin()
        except AntiphonError as error:
            if error.code == ErrorCode.QUEUE_FULL:
                self._resume_at = self._room.monotonic() + _CROWDED
                return
            code = ErrorCode.ENGINE_FAILED if error.code == ErrorCode.WORKER_LOST else error.code
            self.ended = Failed(code, error.message)

    @property
    def made(self) -> int:
        return self._seq

    def steer(self, steer: Steer, epoch: int) -> bool:
        raise PeerError("a band is steered by jam.band and by the transport")

    def on_steered(self, steer: Steer) -> dict[str, object]:
        return {}

    def on_closed(self) -> None:
        self._streams = False
        self._listener.on_over(self)
