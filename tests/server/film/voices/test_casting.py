from __future__ import annotations

from collections import Counter

import pytest

from antiphon_engines.model_files.packaged_speech import VOICES
from antiphon_proto.messages import VoiceInfo
from antiphon_server.film.voices.casting import chosen, gender_of
from antiphon_server.film.voices.lines import language_of

ALL = [VoiceInfo(one.id, one.language, one.gender, one.name) for one in VOICES]


@pytest.mark.parametrize(
    ("name", "gender"),
    [
        ("ANNA", "female"), ("MRS. BROWN", "female"), ("OLD WOMAN", "female"), ("ALICE", "female"), ("МАМА", "female"),
        ("ОЛЬГА", "female"), ("JOHN", "male"), ("FERRYMAN", "male"), ("НИКИТА", "male"), ("ДЕДУШКА", "male"),
        ("ПЁТР", "male"), ("", ""), ("😀", ""),
    ],
)  # fmt: skip
def test_a_name_tells_a_gender(name: str, gender: str) -> None:
    assert gender_of(name) == gender


def test_characters_have_voices_of_their_own() -> None:
    taken: Counter[str] = Counter()
    for name in ("ANNA", "BEN", "CLARA", "DAN", "EVA"):
        voice = chosen(name, "en", ALL, taken)
        assert voice is not None
        taken[voice] += 1
        assert voice[1] == ("f" if gender_of(name) == "female" else "m")
    assert max(taken.values()) == 1
    assert chosen("ПЁТР", "ru", ALL, taken) is None


@pytest.mark.parametrize(
    ("text", "language"), [("Hello", "en"), ("Привет, OK", "ru"), ("...", ""), ("漢字", "")]
)
def test_letters_tell_a_language(text: str, language: str) -> None:
    assert language_of(text) == language
