"""The vocabulary of the music model: bars survive the way to tokens and back."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.audio.symbolic import tokens
from antiphon_engines.audio.symbolic.tokens import Bar, Chord, Heard, Key, Note

KEYS = st.builds(Key, st.integers(0, 11), st.sampled_from(["maj", "min"]))
CHORDS = st.none() | st.builds(Chord, st.integers(0, 11), st.sampled_from(list(tokens.QUALITIES)))


@st.composite
def notes(draw: st.DrawFn, ticks: int) -> Note:
    role = draw(st.sampled_from(tokens.ROLES))
    tick = draw(st.integers(0, ticks - 1))
    if role == "D":
        return Note(tick, role, draw(st.integers(0, len(tokens.DRUM_NAMES) - 1)), 0)
    return Note(tick, role, draw(st.integers(*tokens.RANGES[role])), draw(st.sampled_from(tokens.DURATIONS)))


@st.composite
def bars(draw: st.DrawFn) -> Bar:
    beats = draw(st.sampled_from([3, 4]))
    ticks = beats * tokens.TICKS_PER_BEAT
    heard = st.builds(Heard, st.integers(0, ticks - 1), st.integers(*tokens.RANGES["H"]))
    return Bar(
        beats=beats,
        number=draw(st.integers(0, 7)),
        style=draw(st.sampled_from(tokens.STYLES)),
        key=draw(st.none() | KEYS),
        tempo=draw(st.none() | st.integers(0, 5)),
        density=draw(st.none() | st.integers(0, 4)),
        roles=draw(st.frozensets(st.sampled_from(tokens.ROLES))),
        lag=draw(st.sampled_from(tokens.LAGS)),
        chords=tuple(draw(st.lists(CHORDS, min_size=beats, max_size=beats))),
        notes=tuple(sorted(draw(st.lists(notes(ticks), max_size=12, unique=True)))),
        heard=tuple(sorted(draw(st.lists(heard, max_size=8, unique=True)))),
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(bars(), min_size=1, max_size=3))
def test_bars_come_back_as_they_were(piece: list[Bar]) -> None:
    ids = tokens.encode(piece)
    assert tokens.decode(ids) == piece
    assert all(0 <= index < len(tokens.VOCABULARY) for index in ids)


@settings(max_examples=40, deadline=None)
@given(bars(), st.integers(0, 400))
def test_a_stream_that_breaks_off_still_reads(bar: Bar, length: int) -> None:
    ids = tokens.encode([bar])[:length]
    for found in tokens.decode(ids):
        assert set(found.notes) <= set(bar.notes)
        assert set(found.heard) <= set(bar.heard)


@settings(max_examples=40, deadline=None)
@given(bars(), st.integers(-5, 6))
def test_transposition_moves_pitch_classes_and_nothing_else(bar: Bar, semitones: int) -> None:
    table = tokens.transposition(semitones)
    (moved,) = tokens.decode(table[index] for index in tokens.encode([bar]))
    assert [c and Chord((c.root + semitones) % 12, c.quality) for c in bar.chords] == list(moved.chords)
    assert {(h.tick, (h.pitch + semitones) % 12) for h in bar.heard} == {
        (h.tick, h.pitch % 12) for h in moved.heard
    }
    drums = [note for note in bar.notes if note.role == "D"]
    assert drums == [note for note in moved.notes if note.role == "D"]
    assert (bar.style, bar.roles, bar.lag) == (moved.style, moved.roles, moved.lag)


def test_people_are_given_and_everything_the_band_plays_is_a_target() -> None:
    kinds = {name: tokens.kind_of(name) for name in tokens.VOCABULARY}
    assert {kinds[name] for name in ("H60", "HEARD_3", "STYLE_jazz", "LAG_6", "KEY_0_maj", "BOS")} == {
        "given"
    }
    assert [kinds[name] for name in ("M60", "B40", "C60", "P60", "D_HT", "DUR_6")] == [
        "lead", "bass", "comp", "pad", "drum", "duration",
    ]  # fmt: skip
    assert kinds["CHORD_none"] == "chord"


@given(st.integers(0, 127), st.sampled_from(list(tokens.RANGES)))
def test_folding_keeps_the_pitch_class_and_finds_the_range(pitch: int, role: str) -> None:
    low, high = tokens.RANGES[role]
    folded = tokens.fold(role, pitch)
    assert low <= folded <= high
    assert folded % 12 == pitch % 12
