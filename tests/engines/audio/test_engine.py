"""The engine over the embedded band: frames, windows, commitment, changes by people."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.api import (
    Audio,
    AudioSteer,
    Failed,
    InvalidRequest,
    PlayedNote,
    Segment,
    TextRequest,
    Window,
)
from antiphon_engines.audio.engine import RING_OUT
from antiphon_engines.audio.performer_api import Chunk
from antiphon_proto.document.jam import PPQ, SAMPLE_RATE, BandControls, Prompt, Transport
from antiphon_proto.params import TextSteer
from support.bands import START, Take, asking, band, loudness, musician, partials

BAR = 4 * PPQ
"""Ticks of a bar; at 120 it takes two seconds."""
MELODY = [(beat * 0.5 + 0.01, pitch) for beat, pitch in enumerate((60, 64, 67, 72, 71, 67, 65, 62) * 2)]


def test_frames_follow_one_another_and_sound() -> None:
    take = band().until(4)
    assert [frame.pts for frame in take.frames] == list(range(0, 4 * SAMPLE_RATE, 1920))
    assert {frame.samples for frame in take.frames} == {1920}
    assert {frame.late for frame in take.frames} == {0.0}
    pcm = take.pcm()
    assert len(pcm) == pytest.approx(4 * SAMPLE_RATE, abs=1920)
    assert loudness(pcm) > 0.01
    assert abs(pcm).max() <= 1.0


def test_a_frame_waits_for_people_and_leaves_in_time() -> None:
    take = band()
    for _ in range(50):
        window = take.session.window
        sounds = START + take.session.pts / SAMPLE_RATE
        assert window.due == pytest.approx(sounds - 0.25)
        assert window.opens < window.due
        take.step()


def test_a_longer_reaction_opens_earlier_and_never_without_bound() -> None:
    short = band(asking(BandControls(reaction=0.5))).session.window
    long = band(asking(BandControls(reaction=2.0))).session.window
    longest = band(asking(BandControls(reaction=8.0))).session.window
    assert long.opens < short.opens
    assert longest.opens >= longest.due - 0.36


def test_equal_seeds_give_equal_music() -> None:
    takes = []
    for seed in (3, 3, 4):
        take = band(asking(seed=seed))
        take.play(MELODY[:4])
        takes.append(take.until(4))
    assert takes[0].notes == takes[1].notes
    assert [frame.opus for frame in takes[0].frames] == [frame.opus for frame in takes[1].frames]
    assert takes[0].notes != takes[2].notes


def listened(shift: int, seed: int = 5) -> Take:
    """A band that hears a melody as it is played."""
    take = band(asking(BandControls(roles=frozenset({"bass", "chords"})), seed=seed))
    for at, pitch in MELODY:
        take.until(max(0.0, at - 0.3))
        take.play([(at, pitch + shift)])
    return take.until(8)


def test_what_people_play_reaches_the_model() -> None:
    plain, higher = listened(0), listened(6)
    assert plain.notes != higher.notes
    assert {name for _, name in ((chord.tick, chord.name) for chord in plain.chords)}


def test_the_bands_notes_are_found_in_the_sound() -> None:
    found = []
    for seed in range(3):
        controls = BandControls(
            roles=frozenset({"bass"}), instruments={"bass": 33}, prompts=(Prompt("ballad"),)
        )
        take = band(asking(controls, seed=seed)).until(8)
        pcm = take.pcm()
        for note in take.notes:
            start = round(note.tick / PPQ * 0.5 * SAMPLE_RATE) + 2400
            sound = pcm[start : start + SAMPLE_RATE // 4]
            if note.duration >= PPQ and len(sound) == SAMPLE_RATE // 4:
                found.append(partials(sound, note.pitch) > 20)
    assert len(found) >= 3
    assert sum(found) >= 0.8 * len(found)


def test_a_note_sounds_when_it_was_said_to() -> None:
    take = band(asking(BandControls(roles=frozenset({"drums"}), prompts=(Prompt("techno"),)))).until(6)
    pcm = abs(take.pcm()).max(axis=1)
    first = min(note.tick for note in take.notes)
    at = round(first / PPQ * 0.5 * SAMPLE_RATE)
    loud = int((pcm > 0.02).argmax())
    assert at <= loud <= at + 0.02 * SAMPLE_RATE


@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 6), st.integers(0, 127)), max_size=20),
    st.lists(st.tuples(st.integers(0, 140), st.sampled_from(["roles", "mode", "prompt"])), max_size=4),
    st.sampled_from([0.25, 1.0, 4.0]),
)
def test_what_was_handed_out_is_never_rewritten(
    people: list[tuple[float, int]], changes: list[tuple[int, str]], reaction: float
) -> None:
    """Every note comes in the frame before which it could still be changed, and not before the frames that are out."""
    take = band(asking(BandControls(reaction=reaction)))
    todo = sorted(people)
    for number in range(150):
        clock = take.session.window.opens - START
        while todo and todo[0][0] <= clock:
            take.play([todo.pop(0)])
        for at, what in changes:
            if at == number:
                change = {
                    "roles": BandControls(roles=frozenset({"lead", "pad"}), reaction=reaction),
                    "mode": BandControls(mode="answer", reaction=reaction),
                    "prompt": BandControls(prompts=(Prompt("techno"),), reaction=reaction),
                }[what]
                take.engine.steer(take.session, AudioSteer(controls=change))
        pts, known = take.session.pts, len(take.notes)
        take.step()
        low, high = pts / SAMPLE_RATE * 2 * PPQ, (pts + 1920) / SAMPLE_RATE * 2 * PPQ
        assert all(low - 1 <= note.tick < high + 1 for note in take.notes[known:])


def test_a_feasible_reaction_is_kept() -> None:
    """Notes that are played now change something after the reaction, and soon."""
    heard = []
    for seed in range(3):
        takes = []
        for pitch in (60, 66):
            take = band(asking(BandControls(reaction=1.0, roles=frozenset({"chords", "bass"})), seed=seed))
            take.until(4.0)
            take.play([(4.3 + n * 0.1, pitch + 4 * (n % 2)) for n in range(4)])
            takes.append(take.until(9))
        different = set(takes[0].notes) ^ set(takes[1].notes)
        heard += [min(note.tick for note in different) / PPQ * 0.5] if different else []
    assert min(heard) >= 4.3 + 0.5
    assert min(heard) <= 4.6 + 0.5 + 2.0


def test_a_chord_outside_the_key_is_played_while_it_is_held() -> None:
    """F sharp major in a band in C, over two bars; a bar at 120 takes two seconds."""
    take = band(asking(BandControls(roles=frozenset({"bass", "chords"})))).until(2.0)
    take.play([(2.4, pitch) for pitch in (61, 66, 70)])
    take.until(6.0)
    take.engine.push(
        take.session, [PlayedNote(round(6.4 * SAMPLE_RATE), "ada", pitch, 0) for pitch in (61, 66, 70)]
    )
    take.until(12)
    told = [(chord.tick / PPQ * 0.5, chord.name) for chord in take.chords]
    begun = min(at for at, name in told if name.startswith("F#"))
    ended = min(at for at, name in told if at > begun and not name.startswith("F#"))
    assert 2.4 < begun <= 4.4
    assert 6.4 < ended <= 8.4
    during = [
        note.pitch % 12 for note in take.notes if begun <= note.tick / PPQ * 0.5 < ended - note.duration / PPQ
    ]
    assert during
    assert sum(pitch in {1, 6, 10} for pitch in during) > 0.8 * len(during)


def test_a_stop_lets_go_of_what_people_held() -> None:
    segments = (
        Segment(0, Transport(playing=True, tempo=120)),
        Segment(4 * SAMPLE_RATE, Transport(beat=8.0, tempo=120)),
        Segment(8 * SAMPLE_RATE, Transport(playing=True, tempo=120)),
    )
    take = band(asking(BandControls(roles=frozenset({"bass", "chords"})), *segments)).until(2.0)
    take.play([(2.4, pitch) for pitch in (61, 66, 70)])
    take.until(4.0)
    assert any(chord.name.startswith("F#") for chord in take.chords)
    known = len(take.chords)
    take.until(12)
    assert not any(chord.name.startswith("F#") for chord in take.chords[known:])


# Controls -----------------------------------------------------------------------------------------------


def test_roles_that_are_switched_off_fall_silent_at_once_and_others_join_at_the_bar() -> None:
    take = band(asking(BandControls(roles=frozenset({"drums", "chords"})))).until(5)
    take.engine.steer(take.session, AudioSteer(controls=BandControls(roles=frozenset({"bass"}))))
    known = len(take.notes)
    take.until(12)
    assert {note.role for note in take.notes[known:]} == {"bass"}
    assert min(note.tick for note in take.notes[known:]) >= 3 * BAR


def test_prompts_change_the_style_from_the_next_bar_line() -> None:
    def drums(change: str) -> list[tuple[int, int]]:
        take = band(asking(BandControls(roles=frozenset({"drums"}), prompts=(Prompt("rock"),)))).until(5)
        take.engine.steer(
            take.session,
            AudioSteer(controls=BandControls(roles=frozenset({"drums"}), prompts=(Prompt(change),))),
        )
        return take.until(14).tick_notes("drums")

    rock, bossa = drums("rock"), drums("bossa")
    assert [note for note in rock if note[0] < 3 * BAR] == [note for note in bossa if note[0] < 3 * BAR]
    assert [note for note in rock if note[0] >= 3 * BAR] != [note for note in bossa if note[0] >= 3 * BAR]


def test_a_bar_that_nobody_has_heard_yet_follows_a_late_change() -> None:
    take = band(asking(BandControls(roles=frozenset({"drums"})))).until(4.08)
    assert take.clock[0] < START + 4, "people still hear the bar before"
    others = frozenset({"bass", "chords", "pad"})
    take.engine.steer(take.session, AudioSteer(controls=BandControls(roles=others)))
    known = len(take.notes)
    take.until(8)
    assert min(note.tick for note in take.notes[known:]) < 3 * BAR
    assert {note.role for note in take.notes[known:]} <= others


def test_density_volume_instrument_and_brightness_are_heard() -> None:
    full = frozenset({"bass", "chords", "drums"})
    counts = {
        density: sum(
            len(band(asking(BandControls(roles=full, density=density), seed=seed)).until(8).notes)
            for seed in (1, 2)
        )
        for density in (0.0, 1.0)
    }
    assert counts[1.0] > 1.2 * counts[0.0]
    loud = band(asking(BandControls(roles=full))).until(4)
    low = band(asking(BandControls(roles=full, volumes=dict.fromkeys(full, 0.3)))).until(4)
    assert loud.notes == low.notes
    assert loudness(low.pcm()) < 0.5 * loudness(loud.pcm())
    other = band(asking(BandControls(roles=full, instruments={"chords": 48, "bass": 39}))).until(4)
    assert other.notes == loud.notes
    assert abs(other.pcm() - loud.pcm()).max() > 0.01
    dark = band(asking(BandControls(roles=full, brightness=0.0))).until(4)
    assert dark.notes == loud.notes
    assert abs(dark.pcm()).mean() < abs(loud.pcm()).mean()


def test_answering_is_silent_until_a_phrase_and_then_answers() -> None:
    lead: list[int] = []
    for seed in (1, 2):
        controls = BandControls(mode="answer", roles=frozenset({"bass", "drums"}), reaction=1.0)
        take = band(asking(controls, seed=seed)).until(3.9)
        assert not take.tick_notes("lead")
        for beat, pitch in enumerate((60, 62, 64, 67, 65, 64, 62)):
            at = 4 + beat * 0.5
            take.until(at - 0.2)
            take.play([(at, pitch)])
        lead += [tick for tick, _ in take.until(14).tick_notes("lead")]
    assert lead, "the phrase was answered"
    assert min(lead) >= 4 * BAR - 1
    assert max(lead) < 6 * BAR, "and the answer was as long as the phrase"


def test_a_blues_has_its_four_and_its_five() -> None:
    controls = BandControls(prompts=(Prompt("медленный блюз"),), mode="free")
    fast = Segment(0, Transport(playing=True, tempo=240.0, tonic=9))
    take = band(asking(controls, fast)).until(12.2)
    by_bar = {chord.tick // BAR: chord.name for chord in take.chords if chord.tick % BAR == 0}
    expected = {0: "A7", 4: "D7", 6: "A7", 8: "E7", 9: "D7", 10: "A7", 11: "E7"}
    assert {bar: name for bar, name in by_bar.items() if bar < 12} == expected


def test_free_play_listens_to_nobody() -> None:
    takes = []
    for notes in ([], MELODY):
        take = band(asking(BandControls(mode="free")))
        take.play(notes)
        takes.append(take.until(6))
    assert takes[0].notes == takes[1].notes


# Transport ----------------------------------------------------------------------------------------------


def test_nothing_happens_until_the_transport_plays() -> None:
    take = band(asking(None, Segment(0, Transport())))
    assert take.session.window == Window(math.inf, math.inf)
    assert take.engine.step([take.session]) == [[]]
    take.clock[0] = START + 5
    begins = 6 * SAMPLE_RATE
    take.engine.steer(take.session, AudioSteer(segments=(Segment(begins, Transport(playing=True)),)))
    take.until(7)
    assert take.frames[0].pts == begins
    assert min(note.tick for note in take.notes) < PPQ


def test_a_stop_rings_out_and_goes_on_where_it_stopped() -> None:
    stop, again = 3 * SAMPLE_RATE, 8 * SAMPLE_RATE
    segments = (
        Segment(0, Transport(playing=True, tempo=120)),
        Segment(stop, Transport(beat=6.0, tempo=120)),
        Segment(again, Transport(playing=True, beat=6.0, tempo=120)),
    )
    take = band(asking(None, *segments)).until(12)
    jumps = [
        (before.pts + before.samples, after.pts)
        for before, after in zip(take.frames, take.frames[1:], strict=False)
        if after.pts != before.pts + before.samples
    ]
    [(quiet, resumed)] = jumps
    assert stop + RING_OUT <= quiet <= stop + RING_OUT + 1920
    assert resumed == again
    ticks = [note.tick for note in take.notes]
    assert ticks == sorted(ticks)
    assert any(6 * PPQ <= tick < 7 * PPQ for tick in ticks)


def test_a_bar_that_begins_again_is_played_from_its_beginning_and_the_band_says_how_it_sounds() -> None:
    segments = (
        Segment(0, Transport(playing=True, tempo=120)),
        Segment(3 * SAMPLE_RATE, Transport(beat=6.0, tempo=120)),
        Segment(4 * SAMPLE_RATE, Transport(playing=True, beat=4.0, tempo=120)),
    )
    take = band(asking(None, *segments)).until(3.9)
    known = len(take.notes)
    jazz = BandControls(prompts=(Prompt("jazz"),), volumes={"bass": 0.5}, pans={"bass": 0.1})
    take.engine.steer(take.session, AudioSteer(controls=jazz))
    take.until(6)
    assert any(4 * PPQ <= note.tick < 5 * PPQ for note in take.notes[known:])
    first, second = take.sounds
    assert (first.sample, 3 * SAMPLE_RATE <= second.sample <= 4.1 * SAMPLE_RATE) == (0, True)
    voices = {voice.role: (voice.program, voice.volume, voice.pan) for voice in second.voices}
    assert voices["bass"] == (32, 0.5, 0.1)
    assert voices["lead"] == (66, 1.0, 0.6)
    assert {voice.role: voice.program for voice in first.voices}["bass"] == 33


def test_a_jump_goes_on_at_the_next_bar_line_in_the_new_meter() -> None:
    segments = (
        Segment(0, Transport(playing=True, tempo=120)),
        Segment(
            5 * SAMPLE_RATE, Transport(playing=True, tempo=120, beat=81.0, beats=3, bar=20, bar_beat=80.0)
        ),
    )
    take = band(asking(None, *segments)).until(12)
    ticks = [note.tick for note in take.notes]
    assert max(tick for tick in ticks if tick < 40 * PPQ) < 10 * PPQ
    assert min(tick for tick in ticks if tick > 40 * PPQ) >= 83 * PPQ
    lines = {note.tick for note in take.notes if note.role == "bass" and note.tick >= 83 * PPQ}
    assert lines


def test_tempo_and_key_change_on_the_way() -> None:
    line = 4 * SAMPLE_RATE
    segments = (
        Segment(0, Transport(playing=True, tempo=120)),
        Segment(line, Transport(playing=True, tempo=60, beat=8.0, tonic=6)),
    )
    take = band(asking(BandControls(roles=frozenset({"bass", "chords"})), *segments)).until(16)
    scale = {(6 + step) % 12 for step in (0, 2, 4, 5, 7, 9, 11)}
    later = [note.pitch % 12 for note in take.notes if note.tick >= 8 * PPQ]
    assert sum(pitch in scale for pitch in later) >= 0.9 * len(later)
    assert max(note.tick for note in take.notes) < 21 * PPQ, "12 seconds at 60 are 12 beats"


@pytest.mark.parametrize("beats", [2, 3, 4, 5, 6, 7])
def test_any_meter_is_played(beats: int) -> None:
    take = band(asking(None, Segment(0, Transport(playing=True, tempo=240, beats=beats)))).until(5)
    assert take.failure is None
    assert max(note.tick for note in take.notes) > 15 * PPQ


# Faults -------------------------------------------------------------------------------------------------


def test_frames_that_cannot_arrive_are_skipped_and_the_music_is_where_it_should_be() -> None:
    take = band().until(4)
    take.clock[0] = START + 4.6
    known = len(take.notes)
    take.step()
    assert take.frames[-1].pts >= 4.6 * SAMPLE_RATE
    assert take.frames[-1].late == 0.0
    take.until(7)
    assert all(note.tick >= 4.6 * 2 * PPQ - 40 for note in take.notes[known:])
    assert len({frame.pts for frame in take.frames}) == len(take.frames)


def test_a_long_stall_is_not_caught_up_with() -> None:
    take = band().until(4)
    take.clock[0] = START + 400
    known = len(take.notes)
    take.until(406)
    assert take.failure is None
    assert all(note.tick >= 400 * 2 * PPQ for note in take.notes[known:])


def test_a_frame_that_is_late_says_so() -> None:
    take = band().until(2)
    take.clock[0] = take.session.window.due + 0.1
    [*_, audio] = take.step()
    assert isinstance(audio, Audio)
    assert audio.late == pytest.approx(0.1)


@pytest.mark.parametrize(
    "notes",
    [
        [PlayedNote(-(10**12), "x", 60, 90)],
        [PlayedNote(10**15, "x", 60, 90)],
        [PlayedNote(48_000, "x", 999, 90), PlayedNote(48_000, "x", -4, 90), PlayedNote(48_000, "x", 60, 0)],
        [PlayedNote(48_000 + n, "x", n % 128, 90) for n in range(5000)],
    ],
)
def test_odd_notes_and_floods_are_harmless(notes: list[PlayedNote]) -> None:
    take = band().until(0.9)
    take.engine.push(take.session, notes)
    take.until(4)
    assert take.failure is None
    assert len(take.frames) == 100


@pytest.mark.parametrize(
    "request_",
    [
        asking(frame=2400),
        asking(frame=0),
        asking(lead=float("nan")),
        asking(lead=-1.0),
        asking(BandControls(density=float("nan"))),
        asking(BandControls(temperature=99.0)),
        asking(BandControls(volumes={"bass": 7.0})),
        asking(None, Segment(0, Transport(tempo=float("nan")))),
        TextRequest("continue", "la la"),
    ],
)
def test_what_cannot_be_played_is_refused(request_: object) -> None:
    take = band()
    for _ in range(9):
        with pytest.raises(InvalidRequest):
            take.engine.admit(request_)


@pytest.mark.parametrize(
    "change",
    [
        AudioSteer(controls=BandControls(reaction=float("inf"))),
        AudioSteer(segments=()),
        AudioSteer(segments=(Segment(0, Transport(beats=1)),), controls=BandControls(mode="free")),
        TextSteer(instruction="faster"),
    ],
)
def test_a_bad_change_changes_nothing(change: object) -> None:
    steady, steered = band().until(2), band().until(2)
    with pytest.raises(InvalidRequest):
        steered.engine.steer(steered.session, change)
    assert steady.until(5).notes == steered.until(5).notes


def test_one_bands_fault_is_its_own() -> None:
    class Broken:
        def play(self, start: int, samples: int) -> Chunk:
            raise RuntimeError("a string broke")

    take = band()
    other = take.engine.admit(asking(seed=9))
    take.session.player = Broken()
    [failed], played = take.engine.step([take.session, other])
    assert isinstance(failed, Failed)
    assert any(isinstance(output, Audio) for output in played)


def test_bands_do_not_hear_one_another() -> None:
    alone = band(asking(seed=2)).until(4)
    together = band(asking(seed=2))
    other = together.engine.admit(asking(seed=9))
    while together.session.pts < 4 * SAMPLE_RATE:
        together.step()
        together.engine.step([other])
    assert alone.notes == together.notes
    assert [frame.opus for frame in alone.frames] == [frame.opus for frame in together.frames]


def test_the_engine_says_what_it_honours() -> None:
    facts = musician().facts
    assert facts.hears == "notes"
    assert set(facts.controls) == set(BandControls.__struct_fields__)
    info = band().engine.info
    assert info.audio is not None
    assert info.audio.pre_skip == 120
