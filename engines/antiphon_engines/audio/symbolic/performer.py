"""The band as a session over the model's cache: people's notes go in as they come, the band's notes come out.

Time is a count of ticks (tokens.TICKS_PER_BEAT a quarter note) from the start of the session. The caller owns the
clock: it reports people's notes with `on_note`, asks for the band's notes with `advance`, and renders them.

The stream that the model reads is the one of tokens.py. A step forward in time is sampled first and committed only when
no note can arrive before it; a note that arrives in between is injected and the step is sampled again.

One class and one file: the sampled, injected and revised tokens all depend on the position in one open bar,
and a split would pass that position around.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from antiphon_engines.audio.symbolic import tokens
from antiphon_engines.audio.symbolic.controls import Controls
from antiphon_engines.audio.symbolic.decoder import Decoder, Floats
from antiphon_engines.audio.symbolic.guide import CHORDS, Guide, pitches_outside
from antiphon_engines.audio.symbolic.tokens import (
    BOS,
    IDS,
    LAGS,
    RANGES,
    ROLES,
    TICKS_PER_BEAT,
    VOCABULARY,
    Bar,
    Chord,
    Note,
)

Ids = NDArray[np.int64]

_PITCH_IDS: Final[dict[str, Ids]] = {
    role: np.array([IDS[f"{role}{pitch}"] for pitch in range(low, high + 1)])
    for role, (low, high) in RANGES.items()
    if role != "H"
}
_DURATION_IDS: Final[Ids] = np.array([IDS[f"DUR_{ticks}"] for ticks in tokens.DURATIONS])
_DRUM_IDS: Final[Ids] = np.array([IDS[f"D_{name}"] for name in tokens.DRUM_NAMES])
_OF_ROLE: Final[dict[str, Floats]] = {
    role: np.isin(np.arange(len(VOCABULARY)), ids).astype(np.float32)
    for role, ids in {**_PITCH_IDS, "D": _DRUM_IDS}.items()
}
"""(vocabulary,) 1 for each token that begins a note of a role."""
_PATIENCE: Final = {"M": TICKS_PER_BEAT, "B": 2 * TICKS_PER_BEAT, "C": 48, "P": 48, "D": 48}
"""Ticks of silence after which a role is urged; the lead is only when it is to answer."""
_MOST_URGENT: Final = 3.0
_AT_IDS: Final[Ids] = np.array([IDS[f"AT_{tick}"] for tick in range(1, TICKS_PER_BEAT)])
_CHORD_IDS: Final[Ids] = np.array([IDS[tokens.chord_name(chord)] for chord in CHORDS])
_MOST_HEARD: Final = 24
"""Notes of people that a beat can hold; the model never saw more, and a flood would fill its window."""
_MOST_NOTES: Final = {"M": 1, "B": 1, "C": 6, "P": 6}
"""Notes that one role may start at one tick."""


def _meter(beats: int) -> int:
    """The meter, as the vocabulary has it, of a bar of so many beats."""
    return 3 if beats == 3 else 4


class Performer:
    """A band that plays on for ever. Equal seeds, controls and notes at equal times give equal music."""

    def __init__(self, decoder: Decoder, controls: Controls, seed: int = 0) -> None:
        self._decoder, self._random = decoder, np.random.default_rng(seed)
        self.controls = controls
        """Set it to change the wishes."""
        self._in_force = controls
        self._waiting: list[
            tuple[int, int, int]
        ] = []  # (tick in the stream, arrival, pitch) of notes not yet injected
        self._arrivals = 0
        self._guide = Guide()
        self._asked: Chord | None = None  # the chord of this beat, where people asked for it
        self._bars: deque[list[int]] = deque(maxlen=32)  # whole bars, as token ids, for a fresh window
        self._bar_ids: list[int] = []
        self._bar_vectors: list[Floats] = []
        self._bar_rows: deque[Floats] = deque(maxlen=32)
        self._bar_number = -1
        self._bar_start = 0
        self._beat = 0
        self._place = 0  # ticks from the beat at which the band plays now
        self._heard_place = 0  # ticks from the beat of the last injected note
        self._heard_count = 0  # notes injected in this beat
        self._order = 0  # index into ROLES of the role that played last at this tick
        self._last_drum = -1
        self._may_play = False  # whether events may be added at this tick
        self._pending: int | None = None
        self._played_at = dict.fromkeys(ROLES, 0)  # the tick at which each role last began a note
        self._promised = 0  # everything before this tick has been handed out
        self.chords: list[tuple[int, Chord]] = []
        """(tick, chord) of every beat so far; the caller may clear it."""
        self.tokens_fed = 0
        self._logits: Floats = decoder.embedding[0]
        decoder.reset()
        self._feed([BOS])
        self._bar_ids.clear()
        self._bar_vectors.clear()
        self._open_bar(0)

    # The stream -------------------------------------------------------------------------------------

    def _feed(self, ids: Sequence[int], vectors: Floats | None = None) -> None:
        """Append tokens; a full window starts anew from the last whole bars."""
        rows = self._decoder.embed(list(ids)) if vectors is None else vectors
        if self._decoder.length + len(rows) > self._decoder.context:
            self._restart()
        self._logits = self._decoder.step(rows)
        self._bar_ids += ids
        self._bar_vectors.append(rows)
        self.tokens_fed += len(ids)

    def _restart(self) -> None:
        room = self._decoder.context * 5 // 8 - sum(map(len, self._bar_vectors))
        kept: list[Floats] = []
        for rows in reversed(self._bar_rows):
            room -= len(rows)
            if room < 0:
                break
            kept.insert(0, rows)
        self._decoder.reset()
        window = np.concatenate([self._decoder.embed([BOS]), *kept, *self._bar_vectors])
        self._decoder.step(window[-(self._decoder.context * 7 // 8) :])

    def _header(self) -> tuple[list[int], Floats]:
        """Control tokens of the bar that opens; a mix of styles is the weighted mean of their vectors."""
        controls = self._in_force
        main = max(controls.styles, key=lambda name: controls.styles[name])
        ids = tokens.header(
            Bar(
                beats=_meter(controls.beats),
                number=self._bar_number,
                style=main,
                key=controls.key,
                tempo=tokens.tempo_class(controls.beats_per_minute),
                density=controls.density,
                roles=controls.roles,
                lag=controls.lag,
            )
        )
        rows = self._decoder.embed(ids).copy()
        names = list(controls.styles)
        weights = np.array([controls.styles[name] for name in names], np.float32)
        rows[1] = (weights / weights.sum()) @ self._decoder.embed([IDS[f"STYLE_{name}"] for name in names])
        return ids, rows

    def _open_bar(self, start: int) -> None:
        if self._bar_ids:
            self._bars.append(self._bar_ids)
            self._bar_rows.append(np.concatenate(self._bar_vectors))
        self._bar_ids, self._bar_vectors = [], []
        self._bar_number += 1
        self._enforce(self.controls)
        self._bar_start, self._beat = start, 0
        self._feed(*self._header())
        self._open_beat()

    def _enforce(self, controls: Controls) -> None:
        """Let ``controls`` rule the open bar; another style, key or density opens a section.

        Sections change these in the training set. In the middle of one the model plays on as before."""
        before, self._in_force = self._in_force, controls
        if (before.styles, before.key, before.density) != (controls.styles, controls.key, controls.density):
            self._bar_number = 0

    def _open_beat(self) -> None:
        """Inject the notes heard by this beat, then choose its chord."""
        now = self._beat_tick
        self._heard_count = 0
        self._guide.forget(now - LAGS[-1])
        arrived = []
        while self._waiting and self._waiting[0][0] <= now:
            arrived.append(heapq.heappop(self._waiting))
        if arrived:
            self._inject([pitch for _, _, pitch in sorted(arrived, key=lambda note: note[2])], now)
        self._asked = None
        chord = self._in_force.chord
        if chord is None:
            bias = self._guide.bias(self._in_force, now, self._logits[_CHORD_IDS])
            picked = self._choose(_CHORD_IDS, self._in_force.chord_temperature, 1.0, bias)
            chord = CHORDS[int(np.flatnonzero(picked == _CHORD_IDS)[0])]
            wanted = self._guide.asked is not None or self._in_force.form is not None
            self._asked = chord if wanted else None
        self._feed([IDS[tokens.chord_name(chord)]])
        self.chords.append((now, chord))
        self._place = self._heard_place = 0
        self._start_tick()

    def _start_tick(self) -> None:
        self._order, self._last_drum, self._may_play = 0, -1, True
        self._counts = dict.fromkeys(_MOST_NOTES, 0)

    @property
    def _beat_tick(self) -> int:
        return self._bar_start + self._beat * TICKS_PER_BEAT

    def _inject(self, pitches: Sequence[int], tick: int) -> None:
        """Append people's notes that count as heard at ``tick`` of this beat."""
        pitches = pitches[: _MOST_HEARD - self._heard_count]
        if not pitches:
            return
        self._heard_count += len(pitches)
        offset = tick - self._beat_tick
        ids = [IDS[f"HEARD_{offset}"]] if offset and offset != self._heard_place else []
        ids += [IDS[f"H{tokens.fold('H', pitch)}"] for pitch in pitches]
        self._feed(ids)
        self._heard_place = offset
        self._may_play = False

    # Choosing ---------------------------------------------------------------------------------------

    def _choose(self, ids: Ids, temperature: float, top_p: float, bias: Floats | None = None) -> int:
        """Sample one of ``ids`` by the logits of this moment; ``bias`` is added to them, (len(ids),)."""
        logits = self._logits[ids].astype(np.float64)
        if bias is not None:
            logits = logits + bias
        logits = (logits - logits.max()) / temperature
        order = np.argsort(-logits, kind="stable")
        odds = np.exp(logits[order])
        cumulated = np.cumsum(odds / odds.sum())
        last = int(np.searchsorted(cumulated, top_p))
        draw = self._random.random() * cumulated[min(last, len(cumulated) - 1)]
        return int(ids[order[int(np.searchsorted(cumulated, draw, side="right"))]])

    def _sample(self, ids: Ids, bias: Floats | None = None) -> int:
        controls = self._in_force
        if controls.key_lock and controls.key is not None:
            outside = -controls.key_lock * pitches_outside(controls.key, self._asked)[ids]
            bias = outside if bias is None else bias + outside
        return self._choose(ids, controls.temperature, controls.top_p, bias)

    def _urgency(self, ids: Ids) -> Floats:
        """(len(ids),) nats for the roles that have been silent for too long; more the longer it lasts."""
        controls, now = self._in_force, self._beat_tick + self._place
        bias = np.zeros(len(ids), np.float32)
        for role in controls.urged & controls.roles:
            silent = (now - self._played_at[role]) / _PATIENCE[role]
            if silent >= 1:
                bias += controls.urge * min(silent, _MOST_URGENT) * _OF_ROLE[role][ids]
        return bias

    def _options(self) -> Ids:
        """Tokens that may come next: a voice or a drum at this tick, or a step forward in time."""
        controls = self._in_force
        parts: list[Ids] = []
        if self._may_play:
            for index, role in enumerate(ROLES[:-1]):
                if role in controls.roles and index >= self._order and self._counts[role] < _MOST_NOTES[role]:
                    parts.append(_PITCH_IDS[role])
            if "D" in controls.roles:
                parts.append(_DRUM_IDS[self._last_drum + 1 :])
        first = max(self._place + 1, self._heard_place, self._promised - self._beat_tick)
        if first < TICKS_PER_BEAT:
            parts.append(_AT_IDS[first - 1 :])
        if self._beat + 1 < controls.beats:
            parts.append(np.array([IDS[f"BEAT_{self._beat + 1}"]]))
        else:
            parts.append(np.array([IDS[f"BAR{_meter(controls.beats)}_{(self._bar_number + 1) % 8}"]]))
        return np.concatenate(parts)

    # Public methods ------------------------------------------------------------------------------

    def on_note(self, tick: int, pitch: int) -> None:
        """A person's note-on at ``tick``; the band knows of it ``lag`` ticks later, or as soon as it can after that.

        More notes than a beat can hold are left out, those that came last.
        """
        if len(self._waiting) >= 4 * _MOST_HEARD:
            return
        self._guide.press(tick, pitch)
        heapq.heappush(self._waiting, (tick + self._in_force.lag, self._arrivals, pitch))
        self._arrivals += 1

    def release(self, tick: int, pitch: int) -> None:
        """A person lets go of a key at ``tick``. The model knows no lengths of people's notes, the help does."""
        self._guide.release(tick, pitch)

    def let_go(self) -> None:
        """Release all keys."""
        self._guide.let_go(self._beat_tick)

    def _inject_before(self, target: int) -> bool:
        """Inject notes that belong before the step to ``target``; true if there were any."""
        end = self._beat_tick + TICKS_PER_BEAT
        taken: dict[int, list[int]] = {}
        earliest = self._beat_tick + max(self._heard_place, self._place + 1)
        while self._waiting and self._waiting[0][0] <= target:
            tick = max(self._waiting[0][0], earliest)
            if tick >= end:
                break
            taken.setdefault(tick, []).append(heapq.heappop(self._waiting)[2])
        for tick, pitches in taken.items():
            self._inject(sorted(pitches), tick)
        return bool(taken)

    def advance(self, now: int, horizon: int) -> list[Note]:
        """The band's notes from the last horizon up to ``horizon`` (not included), in ticks of the session.

        ``now`` says that every note of people up to that tick has been reported with `on_note`. No step is taken beyond
        that: with ``horizon`` > ``now`` + lag the notes end there and come with a later call."""
        out: list[Note] = []
        while True:
            if self._pending is None:
                options = self._options()
                self._pending = self._sample(options, self._urgency(options))
            name = VOCABULARY[self._pending]
            if not name.startswith(("AT_", "BEAT_", "BAR")):
                out += self._play(self._pending)
                self._pending = None
                continue
            end = self._beat_tick + TICKS_PER_BEAT
            target = self._beat_tick + int(name[3:]) if name.startswith("AT_") else end
            if self._inject_before(min(target, now + self._in_force.lag)):
                self._pending = None
                continue
            if target >= horizon or target > now + self._in_force.lag:
                self._promised = max(self._promised, min(horizon, now + self._in_force.lag + 1))
                return out
            self._pending = None
            if target < end:
                self._feed([IDS[name]])
                self._place = target - self._beat_tick
                self._start_tick()
            elif name.startswith("BAR"):
                self._open_bar(end)
            else:
                self._beat += 1
                self._feed([IDS[name]])
                self._open_beat()

    def _play(self, first: int) -> list[Note]:
        """Append a drum hit, or a voice: pitches from low to high, then their length."""
        name = VOCABULARY[first]
        tick = self._beat_tick + self._place
        self._feed([first])
        if name.startswith("D_"):
            self._last_drum = tokens.DRUM_NAMES.index(name[2:])
            self._order = len(ROLES)
            self._played_at["D"] = tick
            return [Note(tick, "D", self._last_drum, 0)]
        role = name[0]
        self._played_at[role] = tick
        low = RANGES[role][0]
        self._order = ROLES.index(role)
        pitches = [int(name[1:])]
        while True:
            room = self._counts[role] + len(pitches) < _MOST_NOTES[role]
            higher = _PITCH_IDS[role][pitches[-1] - low + 1 :] if room else _DURATION_IDS[:0]
            choice = self._sample(np.concatenate([higher, _DURATION_IDS]))
            self._feed([choice])
            text = VOCABULARY[choice]
            if text.startswith("DUR_"):
                self._counts[role] += len(pitches)
                return [Note(tick, role, pitch, int(text[4:])) for pitch in pitches]
            pitches.append(int(text[1:]))

    def cut(self) -> None:
        """End the open bar, complete or not, and open another where the notes handed out so far end."""
        self._pending = None
        self._open_bar(max(self._promised, self._beat_tick))

    @property
    def bar_start(self) -> int:
        """The tick at which the open bar began."""
        return self._bar_start

    def revise(self) -> None:
        """Restate the controls of the open bar: the rest of it is sampled as if it had opened with them.

        Its length and its lag stay. Nothing happens where the bar has outgrown the window.
        """
        place = self._decoder.length - sum(map(len, self._bar_vectors))
        if place <= 0:
            return
        before = self._in_force
        self._enforce(replace(self.controls, beats=before.beats, lag=before.lag))
        ids, rows = self._header()
        self._bar_ids[: len(ids)] = ids
        self._bar_vectors[0] = rows
        self._decoder.reset(place)
        self._logits = self._decoder.step(np.concatenate(self._bar_vectors))
        self._pending = None

    def transcript(self) -> list[Bar]:
        """The last bars as the model read them, people's notes included."""
        return tokens.decode([index for bar in (*self._bars, self._bar_ids) for index in bar])
