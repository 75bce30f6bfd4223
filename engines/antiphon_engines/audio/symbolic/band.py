"""The embedded band: the symbolic model plays, the synthesiser sounds, sample by sample with the jam's transport.

Three counts of time meet: samples of the stream, beats of the jam, and ticks of the model (12 a beat, from its own
beginning). The timeline ties samples to beats; `_origin`, the jam's beat of the model's tick 0, ties beats to ticks.
The model's bars are laid on the jam's bar lines; where the transport jumps, the open bar is cut off and the next one
begins at the next line.

The file is long because the three counts are: hearing, composing and sounding all convert between them, and the rules
for a jump of the transport have to be read side by side.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Final

import numpy as np
from msgspec.structs import replace

from antiphon_engines.api import AudioFacts, AudioRequest, PlayedNote, Remark
from antiphon_engines.audio.performer_api import Chunk
from antiphon_engines.audio.symbolic import words
from antiphon_engines.audio.symbolic.call_response import Answering
from antiphon_engines.audio.symbolic.controls import CHORD_TEMPERATURE, FOLLOW, KEY_LOCK, Controls
from antiphon_engines.audio.symbolic.decoder import Decoder
from antiphon_engines.audio.symbolic.forms import form_chord
from antiphon_engines.audio.symbolic.performer import Performer
from antiphon_engines.audio.symbolic.styles import DRUM_KIT, preset_of, sound_of, velocity
from antiphon_engines.audio.symbolic.tokens import (
    DRUM_NAMES,
    DRUMS,
    LAGS,
    QUALITIES,
    STYLES,
    TICKS_PER_BEAT,
    Chord,
    Key,
    Note,
)
from antiphon_engines.audio.synthesiser import SoundFont, Synthesiser
from antiphon_engines.audio.timeline import EPSILON, ModelBar, Span, Timeline, model_bar
from antiphon_proto.document.jam import (
    BAND_ROLES,
    PPQ,
    ROLE_PANS,
    SAMPLE_RATE,
    BandChord,
    BandControls,
    BandNote,
    BandRole,
    BandSound,
    BandVoice,
    Transport,
)

LETTERS: Final[dict[BandRole, str]] = {"lead": "M", "bass": "B", "chords": "C", "pad": "P", "drums": "D"}
_ROLES: Final[dict[str, BandRole]] = {letter: role for role, letter in LETTERS.items()}
CHANNELS: Final[dict[BandRole, int]] = {"lead": 0, "bass": 1, "chords": 2, "pad": 3, "drums": 9}
_SHARPS: Final = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_FLATS: Final = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_FLAT_KEYS: Final = {"maj": {1, 3, 5, 8, 10}, "min": {0, 2, 3, 5, 7, 10}}
_SUFFIX: Final = dict(zip(QUALITIES, ("", "m", "7", "maj7", "m7", "dim", "sus4"), strict=True))
_URGE: Final = 2.0
"""Nats for a lead that is to answer and does not begin, and for others that were left out."""
_STEADY: Final = frozenset("BCPD")
_GATE: Final = 0.94
"""Part of its length that a note is held."""
_DRUM_TICKS: Final = 1
_ARRIVAL: Final = 0.06
"""Seconds that people's notes may take to come here, beyond the lead: network and channel."""
_EARLIEST: Final = 8.0
"""Seconds of the future from which people's notes are believed; clocks are never that far apart."""
_NUDGE: Final = 0.5
"""Beats by which a change of tempo may shift the place before it counts as a jump."""
_STALE: Final = SAMPLE_RATE // 50
"""Samples after which a note that was not sounded in time is left out."""
_TICK: Final = PPQ // TICKS_PER_BEAT


@dataclass(frozen=True, order=True)
class _Event:
    """A key of the band, pressed (`velocity` 1 to 127) or released (0) at a tick of the model."""

    tick: float
    order: int
    role: BandRole
    pitch: int
    velocity: int
    hold: int
    """Number of the press that this belongs to: a release that comes after another press of the key is not for it."""


class Band:
    """The band of one room. Equal seeds, controls and notes at equal samples give equal music."""

    def __init__(
        self, decoder: Decoder, synthesiser: Synthesiser, request: AudioRequest, timeline: Timeline
    ) -> None:
        self._decoder, self._synthesiser, self._timeline = decoder, synthesiser, timeline
        self._lead = request.lead + request.frame / SAMPLE_RATE + _ARRIVAL
        self._seed = request.seed & (2**63 - 1)
        self._hands = np.random.default_rng([self._seed, 1])
        self._performer: Performer | None = None
        self._transport: Transport | None = None
        self._next = 0
        """The sample after the last one that was played."""
        self._reached = -math.inf
        """The beat up to which it has played."""
        self._origin = 0.0
        self._bar = ModelBar(0.0, 4)
        """The open bar of the model; while it is silent, of no length and ending where the next one opens."""
        self._silent = True
        self._events: list[_Event] = []
        self._count = count()
        self._held: dict[tuple[BandRole, int], int] = {}
        self._answering = Answering()
        self._chord = ""
        self._controls = request.controls
        self._direction = words.direction(request.controls.prompts)
        self._sound: BandSound | None = None
        self._sound_told = False
        self._equip()

    # People's words and notes -----------------------------------------------------------------------

    def steer(self, controls: BandControls, heard: float) -> None:
        """Volumes, instruments and brightness count at once, a role that is switched off is not heard again; the rest
        from the next bar line that people have not heard yet."""
        if controls.mode != self._controls.mode:
            self._answering.forget()
        self._controls = controls
        self._direction = words.direction(controls.prompts)
        self._equip()
        span = self._timeline.at(heard)
        if self._performer is None or self._silent or not span.transport.playing:
            return
        if span.beat(heard) < self._bar.start - EPSILON:
            wanted = self._wanted(self._timeline.at(self._next).transport, self._bar)
            if wanted != self._performer.controls:
                self._performer.controls = wanted
                self._performer.revise()

    def on_notes(self, notes: Sequence[PlayedNote]) -> None:
        """Keys of people. Notes that cannot be followed (while the transport stands still, from a far future) are left
        out.

        The end of a long note may lie as far in the future as it likes: loops say it in advance.
        """
        for note in notes:
            soon = note.sample < self._next + _EARLIEST * SAMPLE_RATE
            if not (0 <= note.pitch <= 127 and (soon or note.velocity == 0)):
                continue
            span = self._timeline.at(note.sample)
            if not span.transport.playing:
                continue
            beat = span.beat(note.sample)
            if soon:
                self._answering.heard(beat, pressed=note.velocity > 0)
            if self._performer is None or self._silent:
                continue
            tick = round((beat - self._origin) * TICKS_PER_BEAT) + self._shift(span.transport)
            tick = max(tick, self._performer.bar_start - 4 * TICKS_PER_BEAT)
            if note.velocity == 0:
                self._performer.release(tick, note.pitch)
            elif self._controls.mode != "free":
                self._performer.on_note(tick, note.pitch)

    def reach(self, sample: int) -> float:
        """People can still change all sound that is due later than this many seconds from now."""
        transport = self._timeline.at(sample).transport
        ticks = self._lag(transport) + self._shift(transport)
        return ticks / TICKS_PER_BEAT * 60 / transport.tempo - _ARRIVAL

    def close(self) -> None:
        self._synthesiser.release()

    def _lag(self, transport: Transport) -> int:
        """How late the model hears, in ticks: as the reaction says, or as soon as it can be."""
        soonest = self._lead * transport.tempo / 60 * TICKS_PER_BEAT
        wanted = max(self._controls.reaction * TICKS_PER_BEAT, soonest)
        return next((lag for lag in LAGS if lag >= wanted - 1e-6), LAGS[-1])

    def _shift(self, transport: Transport) -> int:
        """Ticks of the reaction beyond the longest lag that the model knows: it hears notes as if played later."""
        return max(0, round(self._controls.reaction * TICKS_PER_BEAT) - LAGS[-1])

    # Requests to the model ------------------------------------------------------------------------

    def _wanted(self, transport: Transport, bar: ModelBar) -> Controls:
        asked, direction = self._controls, self._direction
        density = asked.density if asked.density is not None else direction.density
        roles = set(asked.roles)
        answers = False
        if asked.mode == "answer":
            late = (self._lag(transport) + self._shift(transport)) / TICKS_PER_BEAT
            answers = self._answering.turn(bar.start, bar.beats, bar.start - late)
            roles = roles | {"lead"} if answers else roles - {"lead"}
        return Controls(
            styles=direction.styles,
            key=Key(transport.tonic, transport.mode),
            form=form_chord(
                direction.main, Key(transport.tonic, transport.mode), transport.bar_at(bar.start)
            ),
            beats_per_minute=transport.tempo,
            beats=bar.beats,
            density=None if density is None else min(4, int(density * 5)),
            roles=frozenset(LETTERS[role] for role in roles),
            lag=self._lag(transport),
            temperature=asked.temperature,
            chord_temperature=CHORD_TEMPERATURE,
            follow=0.0 if asked.mode == "free" else FOLLOW,
            key_lock=KEY_LOCK,
            urge=_URGE,
            urged=_STEADY | {"M"} if answers else _STEADY,
        )

    def _equip(self) -> None:
        """Instruments, volumes and tone, from now on."""
        asked, sound = self._controls, sound_of(self._direction.main)
        voices = []
        for role, channel in CHANNELS.items():
            drums = role == "drums"
            preset = preset_of(asked.instruments.get(role), drums=drums)
            preset = sound.program(role) if preset is None else preset
            volume, pan = asked.volumes.get(role, 1.0), asked.pans.get(role, ROLE_PANS[role])
            self._synthesiser.program(channel, preset, drums=drums)
            self._synthesiser.volume(channel, volume)
            self._synthesiser.pan(channel, pan)
            voices.append(BandVoice(role, DRUM_KIT if drums else preset, preset if drums else 0, volume, pan))
        bright = asked.brightness if asked.brightness is not None else self._direction.brightness
        bright = 0.5 if bright is None else bright
        self._synthesiser.brightness(bright)
        fresh = BandSound(0, bright, tuple(voices))
        self._sound_told = self._sound_told and fresh == self._sound
        self._sound = fresh

    # Playing ----------------------------------------------------------------------------------------

    def play(self, start: int, samples: int) -> Chunk:
        notes: list[BandNote] = []
        chords: list[BandChord] = []
        keys: dict[int, list[_Event | None]] = {}
        for low, high, span in self._timeline.pieces(start, start + samples):
            if span.transport.playing:
                self._locate(span, low)
                self._reached = span.beat(high)
                fresh = self._advance(span.transport, span.beat(low), span.beat(high))
                notes += self._announce(fresh, span.transport)
                chords += self._harmony(span.transport)
            if self._silent or not span.transport.playing:
                keys.setdefault(low - start, []).append(None)
            else:
                self._schedule(span, low, high, start, keys)
        self._next = start + samples
        moves = {offset: partial(self._press, at_once) for offset, at_once in keys.items()}
        told = None
        if not self._sound_told and self._sound is not None:
            told, self._sound_told = replace(self._sound, sample=start), True
        return Chunk(self._synthesiser.render(samples, moves), tuple(notes), tuple(chords), told)

    def _locate(self, span: Span, sample: int) -> None:
        """Find the model's place at `sample`; where the transport has jumped, wait for the next bar line."""
        beat = span.beat(sample)
        jumped = sample - self._next > 0 and beat > self._bar.end + 2 * self._bar.beats
        # Started again, at the beginning of the bar in which it stopped.
        jumped = jumped or (self._transport != span.transport and beat < self._reached - _NUDGE)
        if self._transport == span.transport and not jumped:
            return
        known = self._transport
        self._transport = span.transport
        if known is not None and not jumped and self._fits(span.transport, beat):
            return
        self._events.clear()
        self._answering.forget()
        if self._performer is not None:
            self._performer.let_go()
        bar = model_bar(span.transport, beat)
        opens = bar.start if beat <= bar.start + EPSILON else bar.end
        self._bar, self._silent = ModelBar(opens, 0), True

    def _fits(self, transport: Transport, beat: float) -> bool:
        """Whether the open bar can go on: the place is about the same, and its end is a line of the transport's."""
        there = model_bar(transport, beat)
        lines = [(there.end, self._bar.end), (there.start, self._bar.end), (there.end, self._bar.start)]
        near = self._silent or self._bar.start - _NUDGE <= beat <= self._bar.end + _NUDGE
        return near and any(abs(line - own) < EPSILON for line, own in lines)

    def _advance(self, transport: Transport, start: float, beat: float) -> list[Note]:
        """The model's notes from beat `start` up to `beat`, opening its bars on the way."""
        notes: list[Note] = []
        while beat > self._bar.end + EPSILON:
            bar = model_bar(transport, self._bar.end)
            if self._performer is not None and not self._silent:
                notes += self._take(bar.start)
            wanted = self._wanted(transport, bar)
            self._open(bar, wanted)
        if not self._silent:
            notes += self._take(beat)
        # Notes in a gap that nobody hears are not played.
        first = (start - self._origin) * TICKS_PER_BEAT - 0.01
        return [note for note in notes if note.tick >= first]

    def _open(self, bar: ModelBar, wanted: Controls) -> None:
        if self._performer is None:
            self._performer = Performer(self._decoder, wanted, self._seed)
            self._origin = bar.start
        self._performer.controls = wanted
        if self._silent and bar.start != self._origin:
            self._performer.cut()
            self._origin = bar.start - self._performer.bar_start / TICKS_PER_BEAT
        self._bar, self._silent = bar, False

    def _take(self, beat: float) -> list[Note]:
        assert self._performer is not None
        horizon = math.ceil((beat - self._origin) * TICKS_PER_BEAT - 1e-6)
        heard = {LETTERS[role] for role in self._controls.roles} | (
            {"M"} if self._controls.mode == "answer" and self._answering.answers else set()
        )
        return [note for note in self._performer.advance(horizon, horizon) if note.role in heard]

    def _announce(self, fresh: Sequence[Note], transport: Transport) -> list[BandNote]:
        """Give the notes hands: velocities and a little looseness; and queue them."""
        sound = sound_of(self._direction.main)
        out = []
        for note in fresh:
            role = _ROLES[note.role]
            beat, offset = divmod(
                note.tick + round((self._origin - self._bar.start) * TICKS_PER_BEAT), TICKS_PER_BEAT
            )
            jitter = int(self._hands.integers(-5, 6))
            loudness = velocity(
                sound, role, beat % self._bar.beats, self._bar.beats, offset, TICKS_PER_BEAT, jitter
            )
            late = float(self._hands.random()) * sound.loose / 1000 * transport.tempo / 60 * TICKS_PER_BEAT
            drum = role == "drums"
            pitch = DRUMS[DRUM_NAMES[note.pitch]] if drum else note.pitch
            ticks = _DRUM_TICKS if drum else note.duration
            hold = next(self._count)
            down, up = note.tick + late, note.tick + late + ticks * _GATE
            heapq.heappush(self._events, _Event(down, hold, role, pitch, loudness, hold))
            heapq.heappush(self._events, _Event(up, next(self._count), role, pitch, 0, hold))
            tick = round(self._origin * PPQ) + note.tick * _TICK
            out.append(BandNote(tick, ticks * _TICK, role, pitch, loudness))
        return out

    def _harmony(self, transport: Transport) -> list[BandChord]:
        """Chords since the last time, where they change."""
        if self._performer is None:
            return []
        out = []
        for tick, chord in self._performer.chords:
            name = chord_name(chord, transport)
            if name != self._chord:
                self._chord = name
                out.append(BandChord(round(self._origin * PPQ) + tick * _TICK, name))
        self._performer.chords.clear()
        return out

    # Sounding ---------------------------------------------------------------------------------------

    def _schedule(
        self, span: Span, low: int, high: int, start: int, keys: dict[int, list[_Event | None]]
    ) -> None:
        """Sort the events of samples `low` to `high` by their sample, counted from `start`."""
        end = (span.beat(high) - self._origin) * TICKS_PER_BEAT
        while self._events and self._events[0].tick < end:
            event = heapq.heappop(self._events)
            sample = math.floor(span.sample(self._origin + event.tick / TICKS_PER_BEAT))
            if event.velocity and sample < low - _STALE:
                continue
            keys.setdefault(min(max(sample, low), high - 1) - start, []).append(event)

    def _press(self, keys: Sequence[_Event | None]) -> None:
        """Move the synthesiser's keys; None lets go of all."""
        for key in keys:
            if key is None:
                self._synthesiser.release()
                self._held.clear()
                continue
            place, channel = (key.role, key.pitch), CHANNELS[key.role]
            if key.velocity:
                if place in self._held:
                    self._synthesiser.off(channel, key.pitch)
                self._synthesiser.on(channel, key.pitch, key.velocity)
                self._held[place] = key.hold
            elif self._held.get(place) == key.hold:
                self._synthesiser.off(channel, key.pitch)
                del self._held[place]


def chord_name(chord: Chord, transport: Transport) -> str:
    """As musicians write it, with the accidentals of the key: "Bbmaj7"."""
    names = _FLATS if transport.tonic in _FLAT_KEYS[transport.mode] else _SHARPS
    return names[chord.root] + _SUFFIX[chord.quality]


class EmbeddedMusician:
    """The embedded model and its SoundFont."""

    name = "antiphon-music"
    device = "cpu"
    backend = "numpy"
    note = Remark(
        "plays in 29 styles, from bossa to techno; hears the notes that people play", "embedded_music"
    )
    facts = AudioFacts(
        hears="notes",
        controls=BandControls.__struct_fields__,
        roles=BAND_ROLES,
        lead=0.12,
        prompts=tuple(style for style in STYLES if style != words.UNKNOWN),
    )

    def __init__(self, decoder: Decoder, font: SoundFont) -> None:
        self._decoder, self._font = decoder, font

    def open(self, request: AudioRequest, timeline: Timeline) -> Band:
        return Band(self._decoder.fork(), self._font.synthesiser(), request, timeline)

    def close(self) -> None:
        """Nothing outlives it."""
