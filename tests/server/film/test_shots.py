"""The rules choose a shot for each beat, by the script's form; their shots pass the film's checks."""

from __future__ import annotations

from typing import Any

from antiphon_proto.document.film import faults
from antiphon_server.film.screenplay import scenes
from antiphon_server.film.shots import plans


def planned(text: str) -> list[dict[str, Any]]:
    found = [plan.fields for plan in plans(scenes(text), text)]
    assert all(not faults({**fields, "z": "V"}) for fields in found)
    return found


def looks(text: str) -> list[tuple[str, str, str]]:
    return [(fields["size"], fields["angle"], fields["move"]) for fields in planned(text)]


def test_form_decides() -> None:
    assert looks("EXT. SEA - DAY\n\nINT. HUT\n") == [
        ("extreme_wide", "eye", "pan_right"),
        ("wide", "eye", "push"),
    ]
    both = (
        ("INT. HUT\n\nSuddenly the lamp explodes.", "ИНТ. ДОМ\n\nВдруг раздаётся взрыв."),
        ("INT. HUT\n\nAnna looks at him.", "ИНТ. ДОМ\n\nАнна смотрит на него."),
        ("INT. HUT\n\nAnna walks to the sea.", "ИНТ. ДОМ\n\nАнна идёт к морю."),
        ("INT. HUT\n\nAnna holds the letter.", "ИНТ. ДОМ\n\nАнна держит письмо."),
        ("INT. HUT\n\nAnna falls.", "ИНТ. ДОМ\n\nАнна падает."),
        ("INT. HUT\n\nANNA\n(whispers)\nGo.", "ИНТ. ДОМ\n\nАННА\n(шёпотом)\nИди."),
        ("INT. HUT\n\nANNA\nGo!", "ИНТ. ДОМ\n\nАННА\nИди!"),
        ("INT. HUT\n\nANNA (V.O.)\nGo.", "ИНТ. ДОМ\n\nАННА (ЗК)\nИди."),
    )
    seen = set()
    for english, russian in both:
        assert looks(english)[1] == looks(russian)[1]
        seen.add(looks(english)[1])
    assert len(seen) >= 6


def test_an_exchange_is_seen_over_the_shoulders_and_longer_words_take_longer() -> None:
    text = "INT. HUT\n\nANNA\nYes.\n\nBOB\nNo.\n\nANNA\nYes.\n\nBOB\n" + "many words " * 20
    found = planned(text)
    assert [fields.get("angle") for fields in found[1:]] == ["eye", "eye", "over_shoulder", "over_shoulder"]
    assert found[1]["seconds"] < found[4]["seconds"] <= 20
    assert found[4]["cast"] == ["BOB"]


def test_transitions_come_before_the_next_shot_also_from_the_scene_before() -> None:
    found = planned("INT. A\n\nWords.\n\nFADE TO:\n\nINT. B\n\nMore.\n\n> НАПЛЫВ\n\nEnd.\n")
    assert [fields.get("transition", "cut") for fields in found] == ["cut", "cut", "fade", "cut", "dissolve"]


def test_two_who_speak_at_once_are_seen_together_and_a_silent_cue_is_a_look() -> None:
    found = planned("INT. A\n\nANNA\nYes.\n\nBOB ^\nNo.\n\nANNA\n(nods)\n")
    assert found[2]["cast"] == ["ANNA", "BOB"]
    assert found[3]["size"] == "close"
