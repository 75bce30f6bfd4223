"""The evaluator: the same list for the same frame, as the vectors have it; faults play as defaults."""

from __future__ import annotations

import json
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_server.film.frame import frame
from antiphon_server.film.reel import captions, length, reel, wrapped
from support.film_vectors import PATH, made

ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.integers(),
    st.text(max_size=40),
    st.lists(st.text(max_size=5), max_size=9),
)
FIELDS = (
    "id", "kind", "seconds", "size", "angle", "move", "transition", "over", "text", "who", "cast", "off", "place",
    "time", "inside", "picture", "act", "effects", "mouth", "sound",
)  # fmt: skip


def test_the_golden_vectors_hold() -> None:
    assert json.loads(PATH.read_text()) == json.loads(json.dumps(made()))


def test_a_transition_takes_half_a_shot_at_most_and_never_overlaps_another() -> None:
    clips = reel([{"seconds": 1, "transition": "dissolve", "over": 10} for _ in range(5)])
    assert [clip.lead for clip in clips] == [12] * 5
    assert length(clips) == 120


def test_nan_and_infinity_count_as_their_defaults_and_no_length_as_a_frame() -> None:
    clips = reel([{"seconds": math.nan}, {"seconds": math.inf}, {"seconds": 0}, {"seconds": -1}, {}])
    assert [clip.frames for clip in clips] == [72, 72, 1, 1, 72]


def test_words_are_read_from_the_first_frame_to_the_last() -> None:
    (clip,) = reel([{"kind": "speech", "text": "many words " * 60, "who": "ANNA", "seconds": 10}])
    found = captions(clip)
    assert (found[0].start, found[-1].end) == (0, 240)
    assert all(one.end == two.start for one, two in zip(found, found[1:], strict=False))
    assert " ".join(line for one in found for line in one.lines).split() == ["many", "words"] * 60


def test_a_long_word_is_cut_and_wide_letters_take_two_columns() -> None:
    assert [len(line) for line in wrapped("x" * 100, 42)] == [42, 42, 16]
    assert [len(line) for line in wrapped("漢" * 50, 42)] == [21, 21, 8]
    assert wrapped(" \n ", 42) == []


@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), ANY), max_size=5), st.integers(-5, 500))
def test_anything_plays(shots: list[dict[str, object]], number: int) -> None:
    clips = reel(shots)
    assert all(clip.frames >= 1 and 0 <= 2 * clip.lead <= clip.frames for clip in clips)
    opened = 0
    for op in frame(clips, number):
        opened += {"camera": 1, "layer": 1, "clip": 1, "end": -1}.get(op[0], 0)
        assert opened >= 0
        assert all(math.isfinite(one) for one in op[1:] if isinstance(one, int | float))
    assert opened == 0


def test_a_frame_of_a_film_of_ten_thousand_shots_is_found_at_once() -> None:
    clips = reel([{"seconds": 1, "id": str(number)} for number in range(10_000)])
    assert frame(clips, 9_999 * 24)[0] == frame(clips, 0)[0]
    assert frame(clips, 240_000) == [["rect", 0, 0, 1280, 720, "#000000"]]
