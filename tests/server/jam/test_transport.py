"""Beats go on over every change, at the time that was promised, and everybody has notice of it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.api import QueueFull
from antiphon_proto.document.jam import Transport, TransportChange, When
from antiphon_proto.errors import PeerError
from antiphon_server.jam.transport import MAX_WISHES, Conductor, Wish

NOTICE = 150.0


def wish(when: When = "bar", number: int = 1, asker: str = "ann", **change: object) -> Wish:
    return Wish(number, asker, TransportChange(**change), when)


def playing(tempo: float = 120.0, at_ms: float = 0.0, beats: int = 4) -> Conductor:
    """Beat 0 at `at_ms`."""
    return Conductor(Transport(serial=1, playing=True, at_ms=at_ms, tempo=tempo, beats=beats))


def test_a_stopped_transport_starts_after_the_notice_and_stops_where_it_is() -> None:
    conductor = Conductor()
    [turn] = conductor.conduct(wish("bar", playing=True), 1000.0, NOTICE)
    assert (turn.transport.at_ms, turn.transport.beat, turn.transport.playing) == (1150.0, 0.0, True)
    assert conductor.view()["next"]["serial"] == turn.transport.serial
    assert not conductor.advance(1149.0)
    assert conductor.advance(1150.0) == [turn]
    assert conductor.now == turn.transport
    [turn] = conductor.conduct(wish("now", playing=False), 2000.0, NOTICE)
    conductor.advance(2150.0)
    assert conductor.now.beat == pytest.approx(1000.0 * 110 / 60_000)
    assert conductor.now.beat_at(9_999_999.0) == conductor.now.beat


@pytest.mark.parametrize(("when", "beat"), [("beat", 3.0), ("bar", 4.0)])
def test_a_tempo_changes_at_its_line_and_beats_go_on(when: When, beat: float) -> None:
    conductor = playing()
    [turn] = conductor.conduct(wish(when, tempo=60.0), 1100.0, NOTICE)  # the notice ends at beat 2.5
    after = turn.transport
    assert (after.beat, after.at_ms, after.tempo) == (beat, beat * 500, 60.0)
    assert conductor.at(after.at_ms - 1) is conductor.now
    assert conductor.at(after.at_ms + 1000).beat_at(after.at_ms + 1000) == pytest.approx(beat + 1)


def test_another_meter_waits_for_the_bar_and_bars_are_counted_on() -> None:
    conductor = playing()
    [turn] = conductor.conduct(wish("now", beats=3), 100.0, NOTICE)
    after = turn.transport
    assert (after.beat, after.bar, after.bar_beat, after.beats) == (4.0, 1, 4.0, 3)
    assert [after.bar_at(beat) for beat in (4.0, 6.9, 7.0, 10.0)] == [1, 1, 2, 3]
    conductor.advance(after.at_ms)
    [turn] = conductor.conduct(wish("bar", tempo=100.0), after.at_ms + 100, NOTICE)
    assert (turn.transport.beat, turn.transport.bar) == (7.0, 2)


def test_a_jump_goes_to_the_start_of_the_bar() -> None:
    conductor = playing(beats=3)
    [turn] = conductor.conduct(wish("beat", bar=8, tempo=90.0), 100.0, NOTICE)
    after = turn.transport
    assert (after.beat, after.bar, after.bar_beat, after.tempo, after.at_ms) == (24.0, 8, 24.0, 90.0, 500.0)
    stopped = Conductor()
    [turn] = stopped.conduct(wish(bar=2, playing=True), 0.0, NOTICE)
    assert (turn.transport.beat, turn.transport.playing) == (8.0, True)


def test_what_comes_together_takes_effect_together() -> None:
    conductor = playing()
    conductor.conduct(wish("bar", 1, tempo=90.0), 1000.0, NOTICE)
    [turn] = conductor.conduct(
        wish("now", 2, "bo", tonic=5), 1800.0, NOTICE
    )  # 1,950 ms, and the bar is at 2,000
    assert (turn.transport.at_ms, turn.transport.tempo, turn.transport.tonic) == (2000.0, 90.0, 5)
    assert {one.conduct for one in turn.wishes} == {1, 2}
    assert len(conductor.turns) == 1


def test_an_earlier_change_moves_a_later_one_and_says_so() -> None:
    conductor = playing()
    [first] = conductor.conduct(wish("bar", 1, tonic=7), 100.0, NOTICE)
    moved = conductor.conduct(wish("beat", 2, "bo", tempo=60.0), 100.0, NOTICE)
    assert [[one.conduct for one in turn.wishes] for turn in moved] == [[2], [1]]
    assert moved[0].transport.at_ms == 500.0
    assert moved[1].transport.at_ms == 500.0 + 3000.0
    assert moved[1].transport.tonic == 7
    serials = [turn.transport.serial for turn in (first, *moved)]
    assert serials == sorted(set(serials))


def test_what_is_less_than_a_notice_away_stands() -> None:
    conductor = playing()
    [first] = conductor.conduct(wish("beat", 1, tonic=7), 300.0, NOTICE)  # at 500 ms
    [second] = conductor.conduct(wish("now", 2, "bo", playing=False), 400.0, NOTICE)
    assert conductor.turns == [first, second]
    assert second.transport.at_ms == 650.0
    assert second.transport.tonic == 7


def test_stopping_before_a_promised_change_brings_that_change_along() -> None:
    conductor = playing()
    conductor.conduct(wish("bar", 1, tempo=60.0), 100.0, NOTICE)
    turns = conductor.conduct(wish("now", 2, "bo", playing=False), 200.0, NOTICE)
    assert [turn.transport.tempo for turn in turns] == [120.0, 60.0]
    assert not turns[-1].transport.playing
    assert math.isclose(turns[-1].transport.beat, turns[0].transport.beat)


def test_a_slider_is_one_wish_and_too_many_are_refused() -> None:
    conductor = playing()
    for number in range(100):
        [turn] = conductor.conduct(wish("bar", number, tempo=100.0 + number), 0.0, NOTICE)
    assert turn.transport.tempo == 199.0
    assert len(turn.wishes) == 1
    with pytest.raises(QueueFull):
        for number in range(MAX_WISHES + 1):
            conductor.conduct(wish("bar", number, f"p{number}", tonic=1), 0.0, NOTICE)
    with pytest.raises(PeerError):
        conductor.conduct(wish("bar"), 0.0, NOTICE)


def test_a_stored_transport_comes_back_and_goes_on() -> None:
    conductor = playing()
    conductor.conduct(wish("bar", tempo=60.0), 100.0, NOTICE)
    back = Conductor.stored(conductor.view())
    assert back.view() == conductor.view()
    assert back.advance(2000.0)
    assert back.now.tempo == 60.0
    assert Conductor.stored({"now": {"tempo": "fast"}}).now == Transport()
    assert Conductor.stored(None).now == Transport()


def test_halting_keeps_the_beat_of_its_time() -> None:
    conductor = playing()
    conductor.conduct(wish("bar", tempo=60.0), 100.0, NOTICE)
    assert conductor.halt(1000.0)
    assert (conductor.now.beat, conductor.now.playing, conductor.turns) == (2.0, False, [])
    assert not conductor.halt(2000.0)


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "playing": st.booleans(),
        "tempo": st.floats(30, 300),
        "beats": st.integers(2, 7),
        "tonic": st.integers(0, 11),
    },
).filter(bool)


@settings(deadline=None, max_examples=80)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3000), CHANGES, st.sampled_from(["now", "beat", "bar"]), st.sampled_from("abc")
        ),
        min_size=1,
        max_size=12,
    ),
    st.integers(0, 2500),
)
def test_promises_hold_and_beats_never_jump(
    steps: list[tuple[int, dict[str, object], When, str]], notice: int
) -> None:
    conductor = playing(97.3)
    now = 0.0
    for number, (wait, change, when, asker) in enumerate(steps):
        now += wait
        conductor.advance(now)
        stood = [turn.transport for turn in conductor.turns if turn.transport.at_ms < now + notice]
        turns = conductor.conduct(wish(when, number, asker, **change), now, notice)
        course = conductor.course
        assert list(course[1 : 1 + len(stood)]) == stood
        assert any(one.conduct == number for turn in turns for one in turn.wishes)
        assert all(turn.transport.at_ms >= now + notice - 1e-6 for turn in turns)
        for before, after in zip(course, course[1:], strict=False):
            assert after.at_ms >= before.at_ms
            assert after.serial > before.serial
            there = before.beat_at(after.at_ms)
            if after.playing and not before.playing:
                there = before.bar_beat + (before.bar_at(there + 1e-6) - before.bar) * before.beats
            assert after.beat == pytest.approx(there, abs=1e-6)
            if before.playing or after.beats == before.beats:
                assert after.bar_at(after.beat + 1e-6) == before.bar_at(after.beat + 1e-6)
            if before.playing and after.beats != before.beats:
                assert after.beat == pytest.approx(after.bar_beat, abs=1e-6)
