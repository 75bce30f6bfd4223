"""The reader of updates against Yrs on the same bytes."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text, get_state

from antiphon_server.bench.attacks import yjs_updates as y
from antiphon_server.document.updates.parser import (
    ARRAY,
    DELETED,
    EMBED,
    FORMAT,
    MAP,
    NUMBERS,
    STRING,
    VALUES,
    MalformedUpdate,
    TooManyItems,
    inspect,
    state_vector,
)


def _rich() -> Doc[Any]:
    doc = Doc(client_id=7)
    story = doc.get("story", type=Text)
    story.insert(0, "Привет 😀", {"bold": True})
    story.insert_embed(4, {"image": "x"}, {"width": 3.5})
    del story[0:2]
    canvas = doc.get("canvas", type=Map)
    canvas["a"] = {"deep": [1, 2.5, None, True, "x", {"y": 2**40}]}
    canvas["m"] = Map({"k": Array([1, "two"])})
    chat = doc.get("chat", type=Array)
    chat.append("😀")
    chat.extend([1, "said", None])
    chat.insert(0, 3)
    return doc


def test_reads_everything_that_yrs_writes() -> None:
    doc = _rich()
    info = inspect(doc.get_update())
    assert info.ends == state_vector(doc.get_state()) == {7: info.ends[7]}
    assert {item[5] for item in info.structs[7] if isinstance(item[5], str)} == {"story", "canvas", "chat"}
    assert info.deletes
    assert {item[2] for item in info.structs[7]} == {
        DELETED,
        STRING,
        EMBED,
        FORMAT,
        ARRAY,
        MAP,
        VALUES,
        NUMBERS,
    }
    assert [item[7] for item in info.structs[7] if item[7]] == ["ивет 😀"]
    assert not info.missing({})
    assert not info.news(info.ends)


def test_knows_what_an_update_builds_on() -> None:
    doc = Doc(client_id=7)
    story = doc.get("story", type=Text)
    story.insert(0, "ab")
    first = doc.get_update()
    before = doc.get_state()
    story.insert(1, "😀")
    second = inspect(doc.get_update(before))
    assert second.missing({})
    assert not second.missing(state_vector(get_state(first)))
    assert second.news({7: 2}) == {7: 4}
    assert second.last_text == (7, 3)
    before = doc.get_state()
    del story[0:1]
    removal = inspect(doc.get_update(before))
    assert removal.deletes
    assert removal.missing({})
    assert not removal.ends


def test_every_truncation_is_malformed() -> None:
    update = _rich().get_update()
    for end in range(len(update)):
        with pytest.raises(MalformedUpdate):
            inspect(update[:end])


@given(st.integers(0, 2**32), st.integers(1, 4))
@settings(deadline=None, derandomize=True, max_examples=300)
def test_garbage_raises_nothing_else(seed: int, changes: int) -> None:
    chance = random.Random(seed)
    data = bytearray(_UPDATE)
    for _ in range(changes):
        data[chance.randrange(len(data))] = chance.randrange(256)
    try:
        inspect(bytes(data))
    except MalformedUpdate as error:
        assert str(error)


_UPDATE = _rich().get_update()


@pytest.mark.parametrize(
    "update",
    [
        b"",
        b"\x00",
        b"\x00\x00\x00",
        b"\x01\x01\x07\x00\x0a\x05\x00",  # a gap
        b"\x01\x01\x07\x00\x09\x01\x01a\x01g\x7e\x00",  # a subdocument
        b"\x01\x01\x07\x00\x00\x00\x00",  # an empty struct
        b"\x01\x01\x07\xff\xff\xff\xff\x0f\x00\x01\x00",  # a clock beyond 31 bits
        b"\xff" * 20,
    ],
)
def test_refuses(update: bytes) -> None:
    with pytest.raises(MalformedUpdate):
        inspect(update)


def test_deep_nesting_is_refused() -> None:
    value = b"\x75\x01" * 100 + b"\x7e"
    with pytest.raises(MalformedUpdate, match="deeply"):
        inspect(b"\x01\x01\x07\x00\x08\x01\x01a\x01" + value + b"\x00")


def _one(content: bytes) -> bytes:
    """An update of one item in the root `a`."""
    return b"\x01\x01\x07\x00" + content[:1] + b"\x01\x01a" + content[1:] + b"\x00"


@pytest.mark.parametrize(
    "content",
    [
        b"\x02\x01\x03[1]",  # JSON of old
        b"\x03\x01x",  # bytes
        b"\x05\x031e9",  # an embed that is no object
        b'\x05\x05"zzz"',
        b'\x05\x09{"zz":{}}',
        b'\x05\x13{"image":1,"b":"c"}',
        b"\x06\x04bold\x051e999",  # attributes that are no JSON, or not the same everywhere
        b"\x06\x04bold\x09undefined",
        b'\x06\x04bold\x08"\\ud800"',
        b"\x06\x04bold\x109007199254740993",
        b"\x06\x00\x041234",  # an attribute without a name
        b"\x06\x09__proto__\x011",
        b"\x07\x04",  # a shared type of XML
        b"\x08\x01\x7f",  # undefined
        b"\x08\x01\x7a" + bytes(8),  # a big integer
        b"\x08\x01\x74\x01x",  # bytes
        b"\x08\x01\x7d\xbf\xff\xff\xff\xff\xff\xff\xff\x01",  # an integer beyond 53 bits
        b"\x08\x01\x76\x01\x09__proto__\x7e",
        b"\x80\x01",  # collected content with a place
    ],
)
def test_what_implementations_read_differently_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedUpdate):
        inspect(_one(content))


@pytest.mark.parametrize(
    "content",
    [
        b"\x01\x03",
        b'\x05\x0d{"image":"x"}',
        b"\x06\x04bold\x04true",
        b"\x06\x04bold\x04null",
        b"\x07\x01",
        b"\x08\x02\x7d\xff\x01\x7e",
        b"\x08\x01\x75\x01\x76\x01\x01k\x77\x02\xc3\xa9",
    ],
)
def test_what_we_use_is_taken(content: bytes) -> None:
    assert inspect(_one(content)).items >= 1


@pytest.mark.parametrize(
    "update",
    [
        b"\x01\x0b\x07\x00" + b"\x04\x01\x05story\x01a" * 10,  # structs
        b"\x0b" + b"".join(bytes([0, client, 0]) for client in range(10)),  # clients without any
        b"\x01\x01\x07\x00\x08\x01\x04film\x7f" + b"\x7e" * 80,  # values of an array
        b"\x01\x01\x07\x00\x08\x01\x04film\x01\x75\x7f" + b"\x7e" * 80,  # values inside a value
        b"\x00\x01\x07\x7f"
        + b"".join(bytes([2 * at, 1]) for at in range(60))
        + b"\x00\x01" * 20,  # deletions
    ],
)
def test_reading_ends_with_the_last_item_that_is_taken(update: bytes) -> None:
    with pytest.raises(TooManyItems, match="more than 9 items"):
        inspect(update, 9)
    with pytest.raises(MalformedUpdate, match="too early"):
        inspect(update, 1000)


def test_what_is_read_is_counted() -> None:
    info = inspect(_UPDATE)
    assert inspect(_UPDATE, info.items) == info
    with pytest.raises(TooManyItems):
        inspect(_UPDATE, info.items - 1)


@given(
    st.one_of(
        st.floats(allow_nan=False, allow_infinity=False).map(repr),
        st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,2})?", fullmatch=True),
    )
)
def test_numbers_of_formats_are_those_that_yrs_reads_exactly(literal: str) -> None:
    """Yrs reads long decimal numbers one unit in the last place off: pages would have other values."""
    update = y.update(
        {5: [y.item(y.mark("w", literal), parent="story"), y.item(y.string("a"), origin=(5, 0))]}
    )
    try:
        inspect(update)
    except MalformedUpdate:
        return
    doc: Doc[Any] = Doc()
    text = doc.get("story", type=Text)
    doc.apply_update(update)
    assert text.diff() == [("a", {"w": json.loads(literal)})]


@pytest.mark.parametrize("literal", ["0.5", "1e3", "-2.25", "123456.789", "1e-7", "0.1", "12"])
def test_ordinary_numbers_of_formats_are_taken(literal: str) -> None:
    inspect(y.update({5: [y.item(y.mark("w", literal), parent="story")]}))


def test_a_state_vector_of_more_clients_than_there_were_is_not_read() -> None:
    vector = y.uint(100_000) + b"".join(y.uint(1000 + client) + b"\x01" for client in range(100_000))
    assert len(state_vector(vector)) == 100_000
    assert len(state_vector(vector, 100_000)) == 100_000
    with pytest.raises(MalformedUpdate):
        state_vector(vector, 10)
