"""The band as a session: given notes stay as given, time is never betrayed, controls are obeyed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.audio.symbolic import loader
from antiphon_engines.audio.symbolic.controls import CHORD_TEMPERATURE, FOLLOW, KEY_LOCK, Controls
from antiphon_engines.audio.symbolic.decoder import Decoder
from antiphon_engines.audio.symbolic.performer import Performer
from antiphon_engines.audio.symbolic.tokens import TICKS_PER_BEAT, Chord, Key, Note, fold

BAR = 4 * TICKS_PER_BEAT
MELODY = [(0, 60), (12, 64), (24, 67), (30, 69), (36, 67), (48, 65), (60, 69), (72, 72), (84, 69), (99, 67)]


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    return loader.load_decoder()


def played(performer: Performer, ticks: int, step: int = 6, start: int = 0) -> list[Note]:
    """Advance a performer in live steps; people are heard as far as the clock."""
    notes: list[Note] = []
    for now in range(start, start + ticks, step):
        notes += performer.advance(now, now + step)
    return notes


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3 * BAR - 1), st.integers(0, 127)), max_size=24),
    st.sampled_from([0, 3, 6, 12, 24]),
    st.integers(1, 20),
)
def test_notes_of_people_are_never_altered(
    decoder: Decoder, people: list[tuple[int, int]], lag: int, step: int
) -> None:
    performer = Performer(decoder, Controls(lag=lag), seed=1)
    for now in range(0, 5 * BAR, step):
        for tick, pitch in people:
            if now <= tick < now + step:
                performer.on_note(tick, pitch)
        performer.advance(now + step - 1, now + step)
    bars = performer.transcript()
    heard = [
        (bar.ticks * number + note.tick, note.pitch) for number, bar in enumerate(bars) for note in bar.heard
    ]
    assert sorted(pitch for _, pitch in heard) == sorted(fold("H", pitch) for _, pitch in people)
    for tick, pitch in people:
        assert any(when >= tick + lag and pitch_ == fold("H", pitch) for when, pitch_ in heard)


def test_the_band_never_runs_past_what_was_heard(decoder: Decoder) -> None:
    performer = Performer(decoder, Controls(lag=6), seed=2)
    notes = performer.advance(now=20, horizon=10_000)
    assert notes
    assert max(note.tick for note in notes) <= 26


def test_notes_come_in_order_and_once(decoder: Decoder) -> None:
    performer = Performer(decoder, Controls(roles=frozenset("BCPD")), seed=3)
    notes: list[Note] = []
    for now in range(0, 6 * BAR, 5):
        fresh = performer.advance(now, now + 5)
        assert all(now <= note.tick < now + 5 for note in fresh)
        notes += fresh
    ticks = [note.tick for note in notes]
    assert ticks == sorted(ticks)
    drums = [(note.tick, note.pitch) for note in notes if note.role == "D"]
    assert len(drums) == len(set(drums))


def test_equal_seeds_give_equal_music(decoder: Decoder) -> None:
    takes = []
    for seed in (4, 4, 5):
        performer = Performer(decoder, Controls(), seed)
        for tick, pitch in MELODY:
            performer.on_note(tick, pitch)
        takes.append(played(performer, 3 * BAR))
    assert takes[0] == takes[1]
    assert takes[0] != takes[2]


def test_what_people_play_changes_what_the_band_plays(decoder: Decoder) -> None:
    takes = []
    for shift in (0, 3):
        performer = Performer(decoder, Controls(), 6)
        for tick, pitch in MELODY:
            performer.on_note(tick, pitch + shift)
        takes.append(played(performer, 3 * BAR))
    assert takes[0] != takes[1]


@pytest.mark.parametrize("roles", ["B", "D", "BC", "MP", "MBCPD"])
def test_only_the_asked_roles_play(decoder: Decoder, roles: str) -> None:
    performer = Performer(decoder, Controls(roles=frozenset(roles)), seed=7)
    notes = played(performer, 4 * BAR)
    assert {note.role for note in notes} <= set(roles)
    assert notes


def test_a_change_of_controls_waits_for_the_bar_line(decoder: Decoder) -> None:
    before = Controls(roles=frozenset("BCD"), key=Key(0, "maj"))
    steady, changed = Performer(decoder, before, 8), None
    first = played(steady, BAR + 12)
    changed = Performer(decoder, before, 8)
    same = played(changed, BAR + 12)
    assert first == same
    changed.controls = replace(before, roles=frozenset("B"), key=Key(6, "maj"), beats=3)
    rest = played(changed, 4 * BAR, start=BAR + 12)
    assert {note.role for note in rest if note.tick >= 2 * BAR} <= {"B"}
    assert [bar.beats for bar in changed.transcript()][:3] == [4, 4, 3]
    assert changed.transcript()[2].key == Key(6, "maj")


@pytest.mark.parametrize(
    ("change", "numbers"),
    [
        ({"styles": {"bossa": 1.0}}, [0, 1, 2, 0, 1]),
        ({"key": Key(2, "min")}, [0, 1, 2, 0, 1]),
        ({"density": 4}, [0, 1, 2, 0, 1]),
        ({"roles": frozenset("B")}, [0, 1, 2, 3, 4]),
    ],
)
def test_another_style_key_or_density_opens_a_section(
    decoder: Decoder, change: dict[str, Any], numbers: list[int]
) -> None:
    performer = Performer(decoder, Controls(), seed=8)
    played(performer, 3 * BAR - 6)
    performer.controls = replace(performer.controls, **change)
    played(performer, 2 * BAR, start=3 * BAR - 6)
    assert [bar.number for bar in performer.transcript()][:5] == numbers


def test_a_revised_bar_opens_a_section_too(decoder: Decoder) -> None:
    performer = Performer(decoder, Controls(), seed=8)
    played(performer, 3 * BAR + 6)
    performer.controls = replace(performer.controls, styles={"bossa": 1.0})
    performer.revise()
    played(performer, BAR, start=3 * BAR + 6)
    assert [bar.number for bar in performer.transcript()][2:5] == [2, 0, 1]


def test_a_pinned_chord_holds(decoder: Decoder) -> None:
    pinned = Chord(2, "m7")
    performer = Performer(decoder, Controls(chord=pinned), seed=9)
    played(performer, 2 * BAR)
    assert {chord for _, chord in performer.chords} == {pinned}


def test_a_long_session_restarts_its_window_on_whole_bars() -> None:
    decoder = loader.load_decoder(context=320)
    performer = Performer(decoder, Controls(roles=frozenset("BCPD")), seed=10)
    notes = played(performer, 16 * BAR)
    assert performer.tokens_fed > 2 * decoder.context
    assert max(note.tick for note in notes) >= 15 * BAR
    assert decoder.length <= decoder.context


def test_mixed_styles_and_help_are_accepted(decoder: Decoder) -> None:
    controls = Controls(styles={"jazz": 0.7, "bossa": 0.3}, follow=3.0, key_lock=50.0, key=Key(2, "min"))
    performer = Performer(decoder, controls, seed=11)
    for tick, pitch in MELODY:
        performer.on_note(tick, pitch)
    scale = {(2 + step) % 12 for step in (0, 2, 3, 5, 7, 8, 10, 11)}
    notes = [note for note in played(performer, 3 * BAR) if note.role != "D"]
    assert notes
    assert all(note.pitch % 12 in scale for note in notes)


def test_help_moves_chords_towards_what_is_played(decoder: Decoder) -> None:
    tune = [(tick, 62 + (0, 4, 7)[tick // 6 % 3]) for tick in range(0, 6 * BAR, 6)]  # D major, in a band in C
    held: list[float] = []
    for follow in (0.0, 36.0):
        performer = Performer(decoder, Controls(follow=follow, chord_temperature=0.3, lag=12), seed=12)
        for tick, pitch in tune:
            performer.on_note(tick, pitch)
        played(performer, 6 * BAR)
        chords = [chord.pitch_classes() for tick, chord in performer.chords if tick >= BAR]
        held.append(sum(len(chord & {2, 6, 9}) for chord in chords) / len(chords))
    assert held[1] > held[0]
    assert held[1] > 2


HELP: dict[str, Any] = {"follow": FOLLOW, "key_lock": KEY_LOCK, "chord_temperature": CHORD_TEMPERATURE}
ASKED = [
    (Key(0, "maj"), Chord(6, "maj"), 3),
    (Key(0, "maj"), Chord(1, "min"), 17),
    (Key(9, "min"), Chord(10, "m7"), 30),
    (Key(4, "maj"), Chord(5, "7"), 44),
    (Key(2, "min"), Chord(0, "maj"), 25),
]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("key", "asked", "place"), ASKED)
def test_a_chord_that_people_hold_is_played_within_a_bar_whatever_the_key(
    decoder: Decoder, key: Key, asked: Chord, place: int, seed: int
) -> None:
    controls = Controls(key=key, roles=frozenset("MBCD"), lag=12, urge=2.0, urged=frozenset("BCD"), **HELP)
    performer = Performer(decoder, controls, seed)
    struck, wanted = BAR + place, asked.pitch_classes()
    notes = played(performer, struck)
    for pitch_class in wanted:
        performer.on_note(struck, 60 + pitch_class)
    notes += played(performer, 2 * BAR, start=struck)
    ruled = {tick: chord.pitch_classes() for tick, chord in performer.chords}
    known = next(tick for tick in sorted(ruled) if tick >= struck + controls.lag)
    assert all(wanted <= ruled[tick] for tick in ruled if tick >= known)
    after = [note for note in notes if note.tick >= known and note.role in "BC"]
    assert after[0].tick <= struck + BAR
    assert sum(note.pitch % 12 in wanted for note in after) > 0.9 * len(after)


def test_a_chord_that_was_let_go_does_not_rule_for_ever(decoder: Decoder) -> None:
    performer = Performer(decoder, Controls(lag=3, **HELP), seed=1)
    played(performer, BAR)
    for pitch in (61, 66, 70):  # F sharp major, in C
        performer.on_note(BAR, pitch)
        performer.release(BAR + 12, pitch)
    played(performer, 3 * BAR, start=BAR)
    scale = {0, 2, 4, 5, 7, 9, 11}
    foreign = {tick: len(chord.pitch_classes() - scale) for tick, chord in performer.chords}
    assert foreign[BAR + 12] >= 2
    assert all(count <= 1 for tick, count in foreign.items() if tick >= BAR + 60)


def test_held_keys_are_let_go_when_the_caller_says_so(decoder: Decoder) -> None:
    performer = Performer(decoder, Controls(lag=0, **HELP), seed=1)
    for pitch in (61, 66, 70):
        performer.on_note(1, pitch)
    played(performer, 2 * BAR)
    performer.let_go()
    played(performer, BAR, start=2 * BAR)
    foreign = Chord(6, "maj").pitch_classes()
    held = {tick: foreign <= chord.pitch_classes() for tick, chord in performer.chords}
    assert all(held[tick] for tick in range(12, 2 * BAR, 12))
    assert not any(held[tick] for tick in range(2 * BAR + 12, 3 * BAR, 12))


@pytest.mark.parametrize(
    "wrong",
    [
        {"styles": {}},
        {"styles": {"polka": 1.0}},
        {"lag": 5},
        {"beats": 5},
        {"density": 9},
        {"roles": frozenset("X")},
    ],
)
def test_controls_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="range"):
        Controls(**wrong)
