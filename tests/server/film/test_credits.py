"""Who made a film, counted from the room's own records."""

from __future__ import annotations

from antiphon_proto.messages import Participant
from antiphon_server.document.authorship import Authorship, Owner
from antiphon_server.film.credits import CreditSources, credits_of
from antiphon_server.film.reel import length, reel


def test_cast_shares_and_models_stand_at_the_end() -> None:
    written = Authorship()
    written.insert(0, 30, Owner("ada"))
    written.insert(30, 10, Owner("ai", "r1"))
    people = tuple(
        Participant(id=key, name=name, color="#000000", kind="human", role="editor")
        for key, name in (("ada", "Ada"), ("ai", "Model"))
    )
    sources = CreditSources(
        written.serialise(), people, {}, {"s1": "ada", "s2": "gone"}, {"a" * 64: "painter"}
    )
    shots = [
        {"who": "ANNA", "cast": ["ANNA", "KEEPER"], "picture": "a" * 64},
        {"who": 3, "cast": "x", "picture": None},
    ]
    found = credits_of(sources, shots)
    assert found.lines("en") == [
        "Cast: ANNA; KEEPER",
        "Text: Ada, 75 %; Model, 25 %",
        "Shots: Ada, 100 %",
        "Models: painter",
    ]
    assert found.lines("ru")[0] == "Роли: ANNA; KEEPER"
    cards = found.cards("ru")
    assert [card["text"].split("\n")[0] for card in cards] == ["Роли", "Текст", "Планы", "Модели"]
    assert length(reel(cards)) == 4 * 72


def test_a_film_of_nobody_has_no_end() -> None:
    found = credits_of(CreditSources(Authorship().serialise(), (), {}, {}, {}), [])
    assert (found.lines("en"), found.cards("en")) == ([], [])
