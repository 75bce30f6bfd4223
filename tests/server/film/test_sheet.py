"""Shots are made from the text, follow it, and are made again only for lines that have none."""

from __future__ import annotations

import random
from typing import Any

from pycrdt import Doc, Map, Text

from antiphon_proto.document.film import faults
from antiphon_server.film.sheet import planned, sheet

SCRIPT = "INT. HUT - DAY\n\nAnna walks in 😀.\n\nANNA\nIs anybody here?\n\nНАТ. МОРЕ\n\nВолны.\n"


def room() -> tuple[Doc, Text, Map]:
    doc: Doc = Doc(client_id=7)
    story = doc.get("story", type=Text)
    story.insert(0, SCRIPT)
    return doc, story, doc.get("film", type=Map)


def make(doc: Doc, film: Map[Any], prefix: str) -> int:
    found = planned(doc.get_update())
    for number, fields in enumerate(found):
        film[f"{prefix}{number:03}"] = Map(fields)
    return len(found)


def at(story: Text, words: str) -> int:
    """The byte index of these words."""
    return len(str(story).split(words)[0].encode())


def test_each_beat_has_one_shot_in_the_order_of_the_text() -> None:
    doc, _, film = room()
    assert make(doc, film, "a") == 5
    found = sheet(doc.get_update())
    assert [shot.text for shot in found.shots] == [
        "INT. HUT - DAY",
        "Anna walks in 😀.",
        "Is anybody here?",
        "НАТ. МОРЕ",
        "Волны.",
    ]
    assert [shot.scene for shot in found.shots] == [0, 0, 0, 1, 1]
    assert (found.shots[2].who, found.shots[2].place) == ("ANNA", "HUT")
    assert found.bare == 0
    assert planned(doc.get_update()) == []


def test_new_text_gets_its_shots_in_its_place_and_the_others_stay() -> None:
    doc, story, film = room()
    make(doc, film, "a")
    before = {key: dict(film[key].to_py()) for key in list(film.keys())}
    story.insert(at(story, "НАТ."), "BOB\nNobody.\n\nBob laughs.\n\n")
    assert sheet(doc.get_update()).bare == 2
    assert make(doc, film, "b") == 2
    found = sheet(doc.get_update())
    assert [shot.text for shot in found.shots[2:6]] == [
        "Is anybody here?",
        "Nobody.",
        "Bob laughs.",
        "НАТ. МОРЕ",
    ]
    assert {key: film[key].to_py() for key in before} == before


def test_words_that_change_change_in_their_shot() -> None:
    doc, story, film = room()
    make(doc, film, "a")
    index = at(story, "anybody")
    del story[index : index + len("anybody")]
    story.insert(index, "somebody else 😀")
    index = at(story, "ANNA")
    story.insert(index + 4, "BELLE")
    shot = sheet(doc.get_update()).shots[2]
    assert (shot.text, shot.who) == ("Is somebody else 😀 here?", "ANNABELLE")


def test_a_shot_whose_text_is_deleted_stays_and_says_so() -> None:
    doc, story, film = room()
    make(doc, film, "a")
    index = at(story, "Anna walks")
    del story[index : index + len("Anna walks in 😀.\n\n".encode())]
    found = sheet(doc.get_update())
    assert len(found.shots) == 5
    assert (found.shots[1].scene, found.shots[1].text) == (-1, "")
    film["a001"]["words"] = "Kept."
    assert sheet(doc.get_update()).shots[1].text == "Kept."


def test_of_a_thousand_shots_none_is_lost_under_concurrent_edits() -> None:
    luck = random.Random(4)
    doc, story, film = room()
    story.insert(0, "".join(f"INT. ROOM {n} - DAY\n\nStep {n} 😀 Ж.\n\n" for n in range(500)))
    assert make(doc, film, "a") == 1005
    other: Doc = Doc(client_id=9)
    theirs = other.get("story", type=Text)
    other.apply_update(doc.get_update())
    for _ in range(200):
        for text in (story, theirs):
            words = str(text)
            place = luck.randrange(len(words))
            index = len(words[:place].encode())
            if luck.random() < 0.5:
                text.insert(index, luck.choice(("x", "\n", "Ж😀")))
            elif words[place].isalnum():
                del text[index : index + len(words[place].encode())]
    doc.apply_update(other.get_update())
    found = sheet(doc.get_update())
    assert len(found.shots) == 1005
    lost = [shot for shot in found.shots if shot.scene < 0]
    assert len(lost) == 0
    # Each still stands on its own words: the places of the shots are those of the text.
    starts = [shot.start for shot in found.shots]
    assert starts == sorted(starts)


def test_a_plan_fills_a_film_to_its_bound() -> None:
    doc: Doc = Doc(client_id=7)
    doc.get("story", type=Text).insert(0, "".join(f"INT. R{n}\n\nA.\n\n" for n in range(10_000)))
    assert len(planned(doc.get_update())) == 5000


def test_what_is_planned_may_stand_in_the_film_also_under_the_longest_client_id() -> None:
    doc: Doc = Doc(client_id=2**53 - 1)
    doc.get("story", type=Text).insert(0, SCRIPT)
    found = planned(doc.get_update())
    assert len(found) == 5
    assert not any(map(faults, found))
