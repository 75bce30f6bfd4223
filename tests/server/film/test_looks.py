"""Looks: chosen or given by the name; DiceBear's figures are the same person with every face."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_proto.document.film import STYLES
from antiphon_server.film.looks import EYES, HAIRS, MOUTHS, SKINS, figure, look_of

ANY = st.one_of(st.none(), st.text(max_size=8), st.integers(), st.lists(st.text(max_size=2)))
FIELDS = ("style", "seed", "skin", "hair", "coat", "picture")


def test_a_name_has_a_look_until_another_is_chosen() -> None:
    anna = look_of("ANNA", {})
    assert anna == look_of("ANNA", {"style": "cat", "skin": "red", "picture": 3})
    assert (anna.style, anna.seed, anna.skin in SKINS, anna.hair in HAIRS) == ("lorelei", "ANNA", True, True)
    assert look_of("ANNA", {"coat": "#010203", "seed": "B"}).coat == "#010203"
    assert look_of("ANNA", {"style": "drawing"}).style == "lorelei"  # there is nothing to show
    assert look_of("ANNA", {"style": "drawing", "picture": "a" * 64}).style == "drawing"


@settings(deadline=None)
@given(st.text(max_size=20), st.dictionaries(st.sampled_from(FIELDS), ANY))
def test_every_choice_is_a_look(name: str, chosen: dict[str, object]) -> None:
    look = look_of(name, chosen)
    assert look.style in STYLES
    assert all(re.fullmatch("#[0-9a-f]{6}", one) for one in (look.skin, look.hair, look.coat))


@pytest.mark.parametrize("style", ["lorelei", "open_peeps", "notionists"])
def test_a_face_changes_its_eyes_and_mouth_alone(style: str) -> None:
    pytest.importorskip("dicebear")
    faces = {
        (eyes, mouth): figure(style, "Anna", "#f2d0b0", "#2a1c14", "#b3202a", eyes, mouth)
        for eyes in EYES
        for mouth in MOUTHS
    }
    assert faces["open", "rest"] != faces["open", "open"]
    assert faces["open", "rest"] != faces["shut", "rest"]
    # The hair, the largest part, is the same in all.
    parts = [set(re.findall(r' d="([^"]{400,})"', svg)) for svg in faces.values()]
    assert set.intersection(*parts)
