"""Authorship and text agree in length in every state; a difference is repaired and told."""

from __future__ import annotations

import logging
import random
from typing import Any

import pytest
from pycrdt import Doc, Text

from antiphon_proto.errors import AntiphonError
from antiphon_proto.messages import Ask, Undo
from antiphon_server.bench.attacks.update_composer import Composer
from antiphon_server.document.authorship import Owner
from antiphon_server.document.document import Document
from antiphon_server.document.exact_splices import exact_splices
from antiphon_server.document.state import SharedState
from antiphon_server.document.text_index import EMBED, Splice
from antiphon_server.room_limits import RoomLimits
from support.replica import NativeReplica
from support.rooms import House

WORDS = ("ab", "é", "🎭🎭", "\n", "שלום", "語", "e\u0301")
MARKS: tuple[dict[str, Any] | None, ...] = (None, {"bold": True}, {"ai": "r1"}, {"comment:x": True})


def flat(pieces: Any) -> bytes:
    return b"".join(content.encode() if isinstance(content, str) else EMBED.encode() for content, _ in pieces)


def after(data: bytes, splices: tuple[Splice, ...]) -> bytes:
    for one in splices:
        data = data[: one.at] + one.text.encode() + data[one.at + one.deleted :]
    return data


def honest(doc: Doc, chance: random.Random) -> None:
    """An edit of an editor's: text, embeds, formats, deletions."""
    text = doc.get("story", type=Text)
    data = flat(text.diff())
    places = [at for at in range(len(data) + 1) if at == len(data) or data[at] & 0xC0 != 0x80]
    start, end = sorted((chance.choice(places), chance.choice(places)))
    match chance.randrange(5):
        case 0 | 1:
            text.insert(start, chance.choice(WORDS) + str(chance.getrandbits(40)), chance.choice(MARKS))
        case 2:
            text.insert_embed(start, {"image": "x"}, chance.choice(MARKS[:2]))
        case 3 if end > start:
            del text[start:end]
        case 4 if end > start:
            text.format(start, end, chance.choice(({"bold": True}, {"bold": None}, {"ai": "r2"})))


@pytest.mark.parametrize("seed", range(12))
def test_the_author_list_is_as_long_as_the_text_after_every_update(seed: int) -> None:
    chance = random.Random(seed)
    shared = SharedState(RoomLimits())
    document = shared.document
    composer = Composer(chance, document._index)
    people = [Doc(client_id=client) for client in (11, 12, 13)]
    oracle: list[str] = []
    for _ in range(120):
        before = document.pieces()
        who = chance.randrange(4)
        if who == 3:
            update = composer.update()
        else:
            # They edit the state that they last saw: concurrently, as often as not.
            if chance.random() < 0.6:
                people[who].apply_update(document.state())
            vector = people[who].get_state()
            honest(people[who], chance)
            update = people[who].get_update(vector)
        try:
            change = document.apply(update, 16)
        except AntiphonError:
            continue
        if change is None:
            continue
        name = f"p{who}"
        shared.take(change, Owner(name), 1)
        data = flat(document.pieces())
        assert after(flat(before), change.splices) == data
        for one in change.splices:
            oracle[one.at : one.at + one.deleted] = [name] * one.inserted
        assert len(data) == document.length == shared.authorship.length
        exact = exact_splices(before, document.pieces())
        assert after(flat(before), exact) == data
    assert document.recounts == 0
    owners = [span.owner.author for span in shared.authorship.spans() for _ in range(span.length)]
    # Others' text that one deletes and brings back is theirs again (`removed`): the composer repeats words, embeds are
    # all alike. Of all else the author is who wrote it.
    assert all(
        a == b or b == "p3" or byte == ord(EMBED)
        for a, b, byte in zip(owners, oracle, flat(document.pieces()), strict=True)
    )


def test_a_change_that_does_not_add_up_is_told_from_the_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    right, lies = Document._on_text, [False]

    def wrong(self: Document, event: Any) -> None:
        if lies[0]:
            self._deltas.extend([{"retain": 3}, {"insert": "z" * 50}])
        else:
            right(self, event)

    monkeypatch.setattr(Document, "_on_text", wrong)
    shared = SharedState(RoomLimits())
    writer = Doc(client_id=7)
    text = writer.get("story", type=Text)
    text += "one two three"
    shared.take(shared.document.apply(writer.get_update(), 16), Owner("ann"), 1)
    lies[0] = True
    other = Doc(client_id=8)
    other.apply_update(writer.get_update())
    vector = other.get_state()
    theirs = other.get("story", type=Text)
    theirs.insert(4, "🎭")
    theirs.insert_embed(0, {"image": "x"})
    del theirs[12:14]
    change = shared.document.apply(other.get_update(vector), 17)
    assert change is not None
    shared.take(change, Owner("ben"), 2)
    assert shared.document.recounts == 1
    assert shared.authorship.length == shared.document.length == len(theirs)
    whose = [span.owner.author for span in shared.authorship.spans() for _ in range(span.length)]
    marks = [at for at, who in enumerate(whose) if who == "ben"]
    assert marks == [0, *range(5, 9)], "the embed and the mask are Ben's, all else is Ann's"


def test_a_list_that_differs_is_made_anew_from_the_log_and_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    house = House()
    ann = house.join(NativeReplica("Ann", client_id=11))
    ben = house.join(NativeReplica("Ben", client_id=12))
    ann.edit(house.room, 0, insert="Ann's words 🎭. ")
    house.tick()
    ben.receive()
    ben.edit(house.room, 3, insert="BEN")
    house.tick()
    house.room.snapshot()
    ben.receive()
    ben.edit(house.room, 0, insert="Ben again. ")
    house.tick()
    shared = house.room.shared
    true = list(shared.authorship.spans())
    shared.authorship.insert(2, 50, Owner("mallory"))
    shared.authorship.delete(0, 1)
    with caplog.at_level(logging.ERROR):
        house.room.snapshot()
    assert list(shared.authorship.spans()) == true
    assert house.services.recounts.lists == 1
    assert "made anew" in caplog.text
    house.restart()
    assert list(house.room.shared.authorship.spans()) == true


def test_undoing_a_run_takes_its_words_and_nobody_elses_beside_embeds_and_forgeries() -> None:
    house = House()
    ann = house.join(NativeReplica("Ann", client_id=11))
    ben = house.join(NativeReplica("Ben", client_id=12))
    ann.edit(house.room, 0, insert="A" * 60)
    house.tick()
    ben.receive()
    before = ben.doc.get_state()
    for at in (0, 10, 20):
        ben.story.insert_embed(at, {"image": "x" * 50})
    ben.story.insert(5, "B" * 60, {"ai": "r1", "suggest": "r1"})
    ben.story.format(0, 30, {"ai": "r1"})
    ben.send_update(house.room, ben.doc.get_update(before))
    for value in ('"zzz"', "5", "[1]", '{"other":1}'):
        raw = value.encode()
        forged = b"\x01\x01\x63\x00\x05\x01\x05story" + bytes([len(raw)]) + raw + b"\x00"
        ben.send_update(house.room, forged)
    house.tick()
    ann.receive()
    text = house.room.text()
    assert ann.resume
    ann.send(house.room, Ask(1, "continue", "write", ann.resume.offset, 123, 123))
    run = house.host.last
    house.host.start(run)
    house.host.say(run, "the AI's 🎭 words")
    house.host.finish(run)
    house.tick()
    assert "the AI's 🎭 words" in house.room.text()
    ann.send(house.room, Undo(run))
    house.tick()
    assert house.room.text() == text
    assert (
        sum(span.length for span in house.room.shared.authorship.spans()) == house.room.shared.document.length
    )
