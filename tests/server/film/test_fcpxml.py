"""FCPXML is exact to the frame, and holds any words."""

from __future__ import annotations

from fractions import Fraction

from defusedxml.ElementTree import fromstring
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_server.film.fcpxml import fcpxml
from antiphon_server.film.reel import length, reel
from support.film_vectors import FILMS


def frames(text: str) -> Fraction:
    return Fraction(text.removesuffix("s")) * 24


def test_every_shot_stands_where_the_film_has_it() -> None:
    clips = reel(FILMS["a scene"])
    root = fromstring(fcpxml(clips, "Паром", ["Cast: ANNA", "Text: Ada"]).encode(), forbid_dtd=False)
    (sequence,) = root.iter("sequence")
    assert frames(sequence.get("duration")) == length(clips)
    assert sequence.find("note").text == "Cast: ANNA\nText: Ada"
    assets = {one.get("id"): one for one in root.iter("asset")}
    shots = list(root.iter("asset-clip"))
    assert len(shots) == len(clips)
    for number, (shot, clip) in enumerate(zip(shots, clips, strict=True)):
        assert frames(shot.get("offset")) == 3600 * 24 + clip.start
        assert frames(shot.get("duration")) == clip.frames
        handle = clips[number + 1].lead if number + 1 < len(clips) else 0
        assert frames(assets[shot.get("ref")].get("duration")) == clip.frames + handle
    changes = [
        (frames(one.get("offset")) - 86400, frames(one.get("duration"))) for one in root.iter("transition")
    ]
    assert changes == [(clip.start, clip.lead) for clip in clips if clip.lead]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_words_make_a_document(words: str, who: str) -> None:
    clips = reel([{"kind": "speech", "text": words, "who": who, "seconds": 2}, {"seconds": 0}])
    root = fromstring(fcpxml(clips, words, [who]).encode("utf-8", "surrogatepass"), forbid_dtd=False)
    assert len(list(root.iter("asset-clip"))) == 2
