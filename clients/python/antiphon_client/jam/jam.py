"""The jam of a room: its clock, playing and conducting, the band, loops, and the record of it all.

As long as it is because it is one surface (`room.jam`); its parts are in `clock` and `loops`.

Server time is in milliseconds; `room.jam.now_ms` is the server's current time, as estimated from pings."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET, Struct
from pycrdt import Map

from antiphon_client.errors import ClientError
from antiphon_client.http import call
from antiphon_client.jam.clock import ServerClock
from antiphon_client.jam.loops import Loops
from antiphon_client.session.connection import bounded
from antiphon_client.session.event_stream import EventStream, EventStreams
from antiphon_client.session.exchanges import answered_within
from antiphon_client.session.listener import Listener
from antiphon_client.session.run import ENDED, AnyRun
from antiphon_client.session.session import Session
from antiphon_proto.document.jam import (
    BAND,
    PLAYERS,
    SAMPLE_RATE,
    SETTINGS,
    TRANSPORT,
    BandControls,
    KeyMode,
    NoteEvent,
    Transport,
    TransportChange,
    When,
)
from antiphon_proto.document.jam_fields import CONTROL, CONTROL_MAPS, PLAYER, SETTING, band_controls, faults
from antiphon_proto.messages import (
    Audio,
    AudioGap,
    BandNotes,
    BandStream,
    Conduct,
    Conducted,
    Perform,
    Ping,
    Play,
    Played,
    Pong,
    Run,
    RunInfo,
    ServerMessage,
    Welcome,
)

JamFormat: TypeAlias = Literal["mid", "wav", "flac", "zip", "json"]
_FIRST_PINGS, _QUICK, _SLOW = 8, 0.1, 3.0
"""So many pings come quickly, the others at their pace; seconds."""
_NOTES, _FRAMES = 4096, 512
"""Bounds of the buffers of a slow reader: messages of notes, and frames of audio."""


class AudioFrame(Struct, frozen=True):
    """A frame of the band: one Opus packet (48 kHz, stereo) that begins to sound at server time `at_ms`. The first
    `pre_skip` samples of a decoder that starts with it do not count."""

    run: str
    epoch: int
    seq: int
    pts: int
    at_ms: float
    pre_skip: int
    opus: bytes


class Performance(AnyRun):
    """The result of `room.jam.perform()`: the band, until it is stopped (`await performance.stop()`)."""

    def __init__(self, session: Session, request: Perform) -> None:
        super().__init__(session, request.perform)
        self.request = request

    async def _send(self) -> None:
        await self._session.submit(self, self.request)


class Jam(Listener):
    """See `Room.jam`."""

    def __init__(self, session: Session) -> None:
        self.clock = ServerClock()
        self.loops = Loops(session.replica, session.wake)
        self.stream: BandStream | None = None
        """How the band is heard, while one plays."""
        self.gaps = 0
        """Frames of the band that did not come, or came too late to be sent."""
        self._session = session
        self._replica = session.replica
        self._numbers = 0
        self._conducted: dict[int, Conducted] = {}
        self._played: EventStreams[Played] = EventStreams(_NOTES)
        self._notes: EventStreams[BandNotes] = EventStreams(_NOTES)
        self._audio: EventStreams[AudioFrame] = EventStreams(_FRAMES)
        self._sounding: dict[str, set[int]] = {}
        self._next_seq: int | None = None

    # Time ---------------------------------------------------------------------------------------------------

    @property
    def now_ms(self) -> float:
        """Server time."""
        return _own_ms() + self.clock.offset

    async def in_time(self) -> None:
        """Wait until the server's clock is known well enough to play."""
        async with answered_within(self._session.timeout):
            await self._session.until(lambda: self.clock.count >= _FIRST_PINGS)

    async def sleep_until(self, at_ms: float) -> None:
        """Wait for a moment of server time."""
        while (wait := at_ms - self.now_ms) > 0:
            await asyncio.sleep(wait / 1000)

    # The transport ------------------------------------------------------------------------------------------

    @property
    def course(self) -> tuple[Transport, ...]:
        """The transport that is in force, and the one that is promised, if one is."""
        view = self._replica.jam.get(TRANSPORT)
        if not isinstance(view, Mapping):
            return (Transport(),)
        found = [
            msgspec.convert(view[name], Transport, strict=False) for name in ("now", "next") if view.get(name)
        ]
        return tuple(found) or (Transport(),)

    def transport_at(self, ms: float) -> Transport:
        """The one in force at a moment of server time."""
        course = self.course
        return next((one for one in reversed(course) if one.at_ms <= ms), course[0])

    @property
    def transport(self) -> Transport:
        """The one in force now."""
        return self.transport_at(self.now_ms)

    @property
    def beat(self) -> float:
        """The beat that sounds now."""
        now = self.now_ms
        return self.transport_at(now).beat_at(now)

    async def conduct(
        self,
        *,
        when: When = "bar",
        playing: bool | None = None,
        tempo: float | None = None,
        beats: int | None = None,
        tonic: int | None = None,
        mode: KeyMode | None = None,
        bar: int | None = None,
    ) -> Conducted:
        """Change the transport at the next line, or as soon as everybody can know of it ("now"). Returns when the
        server has said from which time and beat on the change is in force. Raises RequestRefused."""
        named = {"playing": playing, "tempo": tempo, "beats": beats, "tonic": tonic, "mode": mode, "bar": bar}
        values: dict[str, Any] = {name: UNSET if value is None else value for name, value in named.items()}
        self._numbers += 1
        request = bounded(Conduct(self._numbers, TransportChange(**values), when))
        number = request.conduct
        await self._session.exchange(request, str(number), lambda: number in self._conducted)
        return self._conducted.pop(number)

    # Playing ------------------------------------------------------------------------------------------------

    async def play(self, *events: NoteEvent) -> None:
        """Keys pressed and released, at server times; the server moves those that are far from its own clock. 64 at
        most. Returns when the server has taken them. Raises RequestRefused, NoAnswer."""
        await self._session.exchange(Play(events))

    async def press(self, pitch: int, velocity: int = 90) -> None:
        """Press a key now."""
        await self.play(NoteEvent(self.now_ms, pitch, velocity))

    async def release(self, pitch: int) -> None:
        """Release a key now. Raises RequestRefused, NoAnswer."""
        await self.play(NoteEvent(self.now_ms, pitch, 0))

    def set_instrument(self, program: int, *, volume: float = 1.0, muted: bool = False) -> None:
        """Choose the instrument: a General MIDI program, 128 for drums. Raises ClientError."""
        fields = {"program": program, "volume": volume, "muted": muted}
        _check(faults(PLAYER, fields), "instrument")
        me = self._session.state.me
        if me is None:
            raise ClientError("not joined yet")
        self._put(PLAYERS, me.id, fields)

    def played(self) -> EventStream[Played]:
        """The others' notes from now on. After a gap all sounding notes are released."""
        return self._played.open()

    # The band -----------------------------------------------------------------------------------------------

    @property
    def controls(self) -> BandControls:
        """The room's wishes to the band."""
        return band_controls(self._part(BAND))

    def ask_band(self, **fields: Any) -> None:
        """Change fields of `controls`; `prompts`, `roles`, `volumes` and `instruments` are dictionaries, and replace
        the old value; None takes a field away. Raises ClientError."""
        wrong = [name for name, value in fields.items() if value is not None and not _sound(name, value)]
        _check(wrong, "request to the band")
        with self._replica.doc.transaction():
            for name, value in fields.items():
                self._put(BAND, name, Map(dict(value)) if isinstance(value, Mapping) else value)

    def set(self, **fields: Any) -> None:
        """The room's settings: `interval` (bars after which people hear each other), `metronome`, `count_in`. Raises
        ClientError."""
        _check(faults(SETTING, fields), "setting")
        for name, value in fields.items():
            self._put(SETTINGS, name, value)

    def perform(self, seed: int | None = None) -> Performance:
        """The band, which plays from `await performance.start()` on."""
        return Performance(self._session, Perform(self._session.pending.next_number(), seed))

    def band_notes(self) -> EventStream[BandNotes]:
        """The band's notes from now on, ahead of their time."""
        return self._notes.open()

    def audio(self) -> EventStream[AudioFrame]:
        """The band's sound, from now on: a frame comes before its time; one that a change took back is not given."""
        return self._audio.open()

    # The record ---------------------------------------------------------------------------------------------

    async def export(
        self,
        format: JamFormat = "mid",
        *,
        from_ms: float | None = None,
        to_ms: float | None = None,
        loop: str | None = None,
        parts: Sequence[str] = (),
    ) -> bytes:
        """The last session, the time between two server times, or (as `mid`) a loop, as a file; `zip` are stems.
        `parts`: only these, as `person:ID`, `loop:ID` or `band:ROLE`. Raises RequestRefused."""
        query = {"format": format, "from": _whole(from_ms), "to": _whole(to_ms), "loop": loop}
        given = [(name, value) for name, value in query.items() if value is not None]
        given += [("part", part) for part in parts]
        return await call(self._session.address, "GET", f"/jam/export?{urlencode(given)}")

    async def log(self, from_ms: float = 0.0, to_ms: float | None = None) -> list[dict[str, Any]]:
        """Everything that sounded between two server times, and who played it. Raises RequestRefused."""
        events: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            query = {"from": _whole(from_ms), "to": _whole(to_ms), "after": after}
            given = {name: value for name, value in query.items() if value is not None}
            page = json.loads(await call(self._session.address, "GET", f"/jam/log?{urlencode(given)}"))
            events += page["events"]
            after = page["next"]
        return events

    async def keep_time(self) -> None:
        """Ping at intervals while the room is joined."""
        while True:
            if self._session.synced:
                with contextlib.suppress(ClientError):
                    self._session.ping(Ping(_own_ms()))
            await asyncio.sleep(_QUICK if self.clock.count < _FIRST_PINGS else _SLOW)

    # Server's messages ------------------------------------------------------------------------------------

    def on_message(self, message: ServerMessage) -> None:
        """Follow the clock, the transport, the players and the band."""
        match message:
            case Welcome():
                self._welcomed(message)
            case Run():
                self._run_changed(message.run)
            case Pong(sent_ms, server_ms):
                self.clock.add(sent_ms, server_ms, _own_ms())
            case Conducted(conduct):
                self._conducted[conduct] = message
            case Played():
                self._others_played(message)
            case BandStream():
                self._streams(message)
            case Audio():
                self._heard(message)
            case BandNotes():
                self._notes.put(message)
            case AudioGap():
                self._missed()

    def on_failure(self, failure: ClientError) -> None:
        """The room is lost for good: end all streams with `failure`."""
        for streams in (self._played, self._notes, self._audio):
            streams.on_failure(failure)

    def _welcomed(self, message: Welcome) -> None:
        for run in message.runs:
            self._run_changed(run)
        self.clock.renew()
        self._missed()
        self.stream = None

    def _run_changed(self, run: RunInfo) -> None:
        """Drop buffered frames of a band that ended."""
        if run.state in ENDED and self.stream is not None and self.stream.run == run.id:
            self.stream = None
            self._audio.keep(lambda frame: frame.run != run.id)

    def _others_played(self, message: Played) -> None:
        held = self._sounding.setdefault(message.participant, set())
        for event in message.events:
            (held.add if event.velocity else held.discard)(event.pitch)
        self._played.put(message)

    def _missed(self) -> None:
        """Release all notes: some releases may have been lost."""
        now = self.now_ms
        for participant, pitches in self._sounding.items():
            if pitches:
                self._played.put(
                    Played(participant, tuple(NoteEvent(now, pitch, 0) for pitch in sorted(pitches)))
                )
        self._sounding.clear()

    def _streams(self, stream: BandStream) -> None:
        known, self.stream = self.stream, stream
        if known is None or known.run != stream.run:
            self._next_seq = None
        self._audio.keep(
            lambda frame: (
                frame.run == stream.run and (frame.epoch >= stream.epoch or frame.pts < stream.from_pts)
            )
        )

    def _heard(self, audio: Audio) -> None:
        stream = self.stream
        if stream is None or audio.run != stream.run:
            return
        if audio.epoch < stream.epoch and audio.pts >= stream.from_pts:
            return
        if self._next_seq is not None:
            self.gaps += max(0, audio.seq - self._next_seq)
        self._next_seq = audio.seq + 1
        at_ms = stream.start_ms + audio.pts * 1000 / SAMPLE_RATE
        frame = AudioFrame(audio.run, audio.epoch, audio.seq, audio.pts, at_ms, stream.pre_skip, audio.opus)
        self._audio.put(frame)

    def _part(self, section: str) -> dict[str, Any]:
        found = self._replica.jam.get(section)
        return dict(found.to_py() or {}) if isinstance(found, Map) else {}

    def _put(self, section: str, key: str, value: Any) -> None:
        part = self._replica.jam_part(section)
        if value is not None:
            part[key] = value
        elif key in part:
            del part[key]
        self._session.wake()


def _own_ms() -> float:
    return time.monotonic() * 1000


def _sound(name: str, value: Any) -> bool:
    if name in CONTROL_MAPS:
        fits_key, fits_value, bound = CONTROL_MAPS[name]
        if not isinstance(value, Mapping) or len(value) > bound:
            return False
        return all(fits_key(key) and fits_value(item) for key, item in value.items())
    return name in CONTROL and CONTROL[name](value)


def _check(wrong: list[str], what: str) -> None:
    if wrong:
        raise ClientError(f"not a {what}: {', '.join(wrong)} is invalid")


def _whole(ms: float | None) -> int | None:
    return None if ms is None else int(ms)
