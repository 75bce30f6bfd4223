from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Doc, Text, get_update

from antiphon_proto.errors import PeerError, TooLarge
from antiphon_server.document.change import ForeignIds, InvalidUpdate, MissingUpdates
from antiphon_server.document.document import Document
from antiphon_server.document.text_index import Splice


def _document(
    state: bytes | None = None, *, update: int = 10_000, items: int = 1000, document: int = 100_000
) -> Document:
    return Document(state, max_update=update, max_items=items, max_document=document)


def _client(text: str = "", client_id: int = 7) -> tuple[Doc, Text]:
    doc = Doc(client_id=client_id)
    story = doc.get("story", type=Text)
    if text:
        story.insert(0, text)
    return doc, story


def test_applies_and_tells_the_change_in_bytes() -> None:
    document = _document()
    doc, story = _client("Привет 😀")
    change = document.apply(doc.get_update(), 16)
    assert change is not None
    assert change.splices == (Splice(0, inserted=17, text="Привет 😀"),)
    before = doc.get_state()
    del story[2:4]
    change = document.apply(doc.get_update(before), 16)
    assert change is not None
    assert change.splices == (Splice(2, deleted=2, removed=(("р", {}),)),)
    assert document.text() == "Пивет 😀"
    assert document.length == 15


def test_the_same_update_twice_brings_nothing() -> None:
    document = _document()
    update = _client("x")[0].get_update()
    assert document.apply(update, 16) is not None
    assert document.apply(update, 16) is None
    assert document.text() == "x"


def test_an_update_that_builds_on_a_missing_one_is_refused_and_nothing_of_it_stays() -> None:
    document = _document()
    doc, story = _client("ab")
    first, vector = doc.get_update(), doc.get_state()
    story.insert(1, "later")
    second = doc.get_update(vector)
    empty = document.state()
    with pytest.raises(MissingUpdates):
        document.apply(second, 16)
    assert document.state() == empty
    document.apply(first, 17)
    assert document.text() == "ab", "nothing may wait inside to appear under somebody else's name"
    document.apply(second, 16)
    assert document.text() == "alaterb"


def test_bounds() -> None:
    document = _document(update=200, document=400)
    with pytest.raises(TooLarge):
        document.apply(_client("x" * 300)[0].get_update(), 16)
    doc, story = _client()
    with pytest.raises(TooLarge):
        for _ in range(10):
            vector = doc.get_state()
            story.insert(0, "y" * 100)
            document.apply(doc.get_update(vector), 16)
    assert document.length == 300
    doc, story = _client()
    doc.apply_update(document.state())
    vector = doc.get_state()
    del story[0:200]
    assert document.apply(doc.get_update(vector), 16) is not None, "a full document can still be shortened"
    assert document.length == 100


def _scattered(doc: Doc, story: Text, count: int) -> bytes:
    """An update of so many structs: each is written before the one before it."""
    vector = doc.get_state()
    for _ in range(count):
        story.insert(0, "x")
    return doc.get_update(vector)


def test_an_update_of_too_many_items_is_refused_unapplied_and_its_reading_is_accounted_for() -> None:
    document = _document(items=20)
    doc, story = _client()
    update = _scattered(doc, story, 21)
    with pytest.raises(TooLarge, match="more than 20 items"):
        document.apply(update, 16)
    assert (document.text(), document.read) == ("", 20)
    doc, story = _client("", 8)
    document.apply(_scattered(doc, story, 19), 16)
    assert (document.length, document.read) == (19, 19)


def test_deletions_that_are_new_count_in_full_and_those_of_a_client_that_syncs_do_not() -> None:
    document = _document(items=20)
    doc, story = _client("ab" * 50)
    document.apply(doc.get_update(), 16)
    before = doc.get_state()
    for at in range(40):
        del story[at : at + 1]
    with pytest.raises(TooLarge, match="more than 20 items"):
        document.apply(doc.get_update(before), 16)
    assert document.length == 100
    doc, story = _client()
    doc.apply_update(document.state())
    for part in range(4):
        before = doc.get_state()
        updates: list[bytes] = []
        watch = doc.observe(lambda event, updates=updates: updates.append(event.update))
        for at in range(10):
            del story[part * 10 + at : part * 10 + at + 1]
        doc.unobserve(watch)
        for update in updates:
            document.apply(update, 16)
    assert document.length == 60
    assert document.apply(doc.get_update(doc.get_state()), 16) is None, (
        "a peer that syncs tells all deletions"
    )


def test_values_that_are_no_text_are_refused() -> None:
    document = _document()
    document.apply(_client("abc")[0].get_update(), 16)
    intruder = Doc()
    intruder.get("story", type=Array).extend([1, 2])
    with pytest.raises(InvalidUpdate):
        document.apply(intruder.get_update(), 16)
    assert document.text() == "abc"
    assert document.length == 3
    change = document.insert(3, "d", {}, 2)
    assert change is not None
    assert document.text() == "abcd"


def test_values_beside_the_storys_text_are_refused() -> None:
    document = _document()
    doc, _story = _client("abc")
    document.apply(doc.get_update(), 16)
    # One client's array value whose origin is the story's last character (7, 2): it names no root.
    intruder = b"\x01\x01\x09\x00\x88\x07\x02\x01\x7e\x00"
    direct = Doc()
    direct.get("story", type=Array).extend([1])
    for update in (intruder, direct.get_update()):
        with pytest.raises(InvalidUpdate, match="text and embeds only|no place|entry of a map"):
            document.apply(update, 17)
        assert (document.text(), document.length) == ("abc", 3)


def test_unknown_roots_and_the_servers_own_id_are_refused() -> None:
    document = _document()
    stranger = Doc()
    stranger.get("elsewhere", type=Text).insert(0, "x")
    with pytest.raises(InvalidUpdate, match="root"):
        document.apply(stranger.get_update(), 16)
    with pytest.raises(InvalidUpdate, match="server"):
        document.apply(_client("x", document.client_id)[0].get_update(), 16)
    assert document.text() == ""


@given(st.integers(0, 2**32))
@settings(deadline=None, derandomize=True, max_examples=200)
def test_mutated_updates_leave_a_sound_document(seed: int) -> None:
    chance = random.Random(seed)
    document = _document()
    doc, story = _client("Привет 😀 мир")
    document.apply(doc.get_update(), 16)
    vector = doc.get_state()
    story.insert(2, "字", {"bold": True})
    del story[0:2]
    data = bytearray(doc.get_update(vector))
    for _ in range(chance.randint(1, 4)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    try:
        document.apply(bytes(data), 16)
    except PeerError as error:
        assert str(error)
    assert document.length == len(document.data())
    copy = Doc()
    copy.apply_update(document.state())
    assert str(copy.get("story", type=Text)) == document.text()
    at = document.length
    document.insert(at, "end", {}, 2)
    assert document.text().endswith("end")


def test_local_edits_carry_exactly_their_attributes() -> None:
    document = _document()
    document.insert(0, "bold", {"bold": True}, 2)
    document.insert(2, "я😀", {"ai": "r1"}, 2)
    assert document.chunks(0, document.length) == (
        ("bo", {"bold": True}),
        ("я😀", {"ai": "r1"}),
        ("ld", {"bold": True}),
    )
    assert document.marked("ai", "r1") == [(2, 8)]
    change = document.delete([(0, 2), (8, 10)], 2)
    assert change is not None
    assert [splice.removed for splice in change.splices] == [
        (("bo", {"bold": True}),),
        (("ld", {"bold": True}),),
    ]
    assert document.text() == "я😀"
    document.format([(0, 2)], {"ai": None}, 2)
    assert document.marked("ai", "r1") == [(2, 6)]


def test_a_change_says_what_became_of_formats_and_nothing_that_stayed_as_it_was() -> None:
    document = _document()
    document.insert(0, "plain bold plain", {}, 2)
    document.format([(6, 10)], {"bold": True}, 2)
    change = document.format([(4, 12)], {"bold": True, "italic": None}, 2)
    assert change is not None
    assert {(one.start, one.end, one.name, one.former, one.value) for one in change.reformats} == {
        (4, 6, "bold", None, True),
        (10, 12, "bold", None, True),
    }
    doc = Doc(client_id=8)
    doc.apply_update(document.state())
    before = doc.get_state()
    doc.get("story", type=Text).format(0, 8, {"bold": None})
    change = document.apply(doc.get_update(before), 16)
    assert change is not None
    assert [(one.start, one.end, one.former, one.value) for one in change.reformats] == [
        (4, 8, True, None)
    ] or [(one.start, one.end) for one in change.reformats] == [(4, 6), (6, 8)]


def test_embeds_count_one_byte() -> None:
    document = _document()
    doc, story = _client("яz")
    story.insert_embed(2, {"image": "x"})
    document.apply(doc.get_update(), 16)
    assert document.length == 4
    assert document.data()[2:3] == b"\x1a"
    document.insert(3, "!", {}, 2)
    assert document.text() == "я\x1a!z"
    assert Document(document.state(), max_update=1, max_items=1, max_document=1).length == 5


def test_since_gives_what_a_peer_lacks() -> None:
    document = _document()
    doc, story = _client("ab")
    document.apply(doc.get_update(), 16)
    document.insert(2, "c", {}, 2)
    doc.apply_update(document.since(doc.get_state()))
    assert str(story) == "abc"
    for bad in (b"", b"\xff", b"\x01\x02"):
        with pytest.raises(InvalidUpdate):
            document.since(bad)


def test_a_checkpoint_holds_everything() -> None:
    document = _document()
    document.insert(0, "x", {}, 2)
    restored = _document(document.checkpoint())
    assert restored.text() == "x"
    assert restored.apply(get_update(document.state(), b"\x00"), 16) is None


def test_values_that_are_known_may_come_again_in_other_bytes() -> None:
    document = _document()
    # The number 1 as a double, and as JavaScript writes it.
    document.apply(b"\x01\x01\x07\x00\x28\x01\x04meta\x01k\x01\x7b\x3f\xf0\x00\x00\x00\x00\x00\x00\x00", 16)
    assert document.apply(b"\x01\x01\x07\x00\x28\x01\x04meta\x01k\x01\x7d\x01\x00", 17) is None
    # Two values that one implementation joins, and another does not.
    document.apply(
        b"\x01\x03\x08\x00\x27\x01\x06canvas\x01k\x00\x08\x00\x08\x00\x01\x77\x01a\x88\x08\x01\x01\x77\x01b\x00",
        16,
    )
    assert document.apply(b"\x01\x01\x08\x01\x08\x00\x08\x00\x02\x77\x01a\x77\x01b\x00", 17) is None
    with pytest.raises(ForeignIds):
        document.apply(b"\x01\x01\x08\x01\x08\x00\x08\x00\x02\x77\x01a\x77\x01c\x00", 17)
    with pytest.raises(ForeignIds):
        document.apply(b"\x01\x01\x07\x00\x28\x01\x04meta\x01k\x01\x77\x01x\x00", 17)


def test_an_embed_of_an_older_room_stays_and_nobody_brings_another() -> None:
    doc, story = _client("ab")
    story.insert_embed(1, {"mention": "x"})
    document = _document(doc.get_update())
    assert document.text() == "a\x1ab"
    with pytest.raises(InvalidUpdate, match="embed"):
        _document().apply(doc.get_update(), 16)
