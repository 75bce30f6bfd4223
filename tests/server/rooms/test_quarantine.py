"""Rooms whose stored history holds entries that cannot be applied open without it, and say so."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pycrdt import Doc, Text

from antiphon_server.bench.attacks.yjs_updates import item, shared, string, update
from antiphon_server.clock import SystemClock
from antiphon_server.rooms.hub import Hub
from antiphon_server.rooms.quarantine import kept_aside
from antiphon_server.rooms.room import Room
from antiphon_server.store.api import Entry, Snapshot
from antiphon_server.store.sqlite import SqliteStore
from support.memory_store import MemoryStore

EMOJI_IN_AN_ARRAY = update(
    {66: [item(shared(0), parent="canvas", key="k"), item(string("😀"), parent=(66, 0))]}
)
"""On which Yrs' `str` does not come back."""


def _hub(store: MemoryStore | SqliteStore) -> Hub:
    return Hub(store, None, mint=lambda room, role, link: "x", models=lambda: (), clock=SystemClock())


def _words(client: int, *words: str) -> list[bytes]:
    doc: Doc[Any] = Doc(client_id=client)
    text: Text = doc.get("story", type=Text)
    found = []
    for word in words:
        before = doc.get_state()
        text += word
        found.append(doc.get_update(before))
    return found


async def _stored(store: MemoryStore | SqliteStore, *updates: bytes) -> str:
    record = await _hub(store).create()
    store.put(record.id, [Entry(2 + at, "p1", one, 5) for at, one in enumerate(updates)])
    return record.id


async def test_a_bad_entry_is_kept_aside_and_the_rest_stands(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore()
    one, two = _words(7, "one ", "two ")
    room_id = await _stored(store, one, EMOJI_IN_AN_ARRAY, b"\xff", two)
    with caplog.at_level(logging.ERROR):
        room = await _hub(store).get(room_id)
    assert room.text() == "one two "
    assert [(aside.seq, aside.kind) for aside in room.aside] == [(3, "entry"), (4, "entry")]
    assert [record.message for record in caplog.records if room_id in record.message] == [
        f"room {room_id}: entry 3 of p1 is kept aside: content of this kind has no place there",
        f"room {room_id}: entry 4 of p1 is kept aside: malformed update: the update ends too early",
    ]


async def test_what_its_author_wrote_later_stands_and_what_builds_on_it_goes() -> None:
    store = MemoryStore()
    doc: Doc[Any] = Doc(client_id=66)
    doc.apply_update(EMOJI_IN_AN_ARRAY)
    before = doc.get_state()
    doc.get("story", type=Text).insert(0, "mine")
    later = doc.get_update(before)
    room_id = await _stored(
        store, EMOJI_IN_AN_ARRAY, later, update({67: [item(string("b"), origin=(66, 0))]})
    )
    room = await _hub(store).get(room_id)
    assert room.text() == "mine"
    assert [aside.seq for aside in room.aside] == [2]
    room.snapshot()
    room.tick()
    again = await _hub(store).get(room_id)
    assert again.text() == "mine"


async def test_a_bad_snapshot_is_replaced_by_what_it_stood_for(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "rooms.sqlite", interval=0)
    await store.open()
    try:
        room_id = await _stored(store, *_words(7, "one ", "two "), EMOJI_IN_AN_ARRAY)
        doc: Doc[Any] = Doc()
        for entry in await store.history(room_id, 0, 10):
            doc.apply_update(entry.update)
        stored = await store.load(room_id)
        assert stored is not None
        good = Room(replace(stored, entries=()), _hub(store)._services, lambda room: None)
        ledger = good.shared.snapshot(4, 9).authorship
        store.put(
            room_id, [Snapshot(4, doc.get_update(), ledger, 9), Entry(5, "p2", _words(8, "three")[0], 9)]
        )
        room = await _hub(store).get(room_id)
        assert sorted(room.text().split()) == ["one", "three", "two"]
        assert {span.owner.author for span in room.shared.authorship.spans()} == {"p1", "p2"}
        assert [(aside.seq, aside.kind) for aside in room.aside] == [(4, "snapshot"), (4, "entry")]
        room.tick()
        room.snapshot()
        room.tick()
        await store.flush()
        assert kept_aside(tmp_path / "rooms.sqlite") == {room_id: 2}
        again = await _hub(store).get(room_id)
        assert again.text() == room.text()
        assert [(aside.seq, aside.kind) for aside in again.aside] == [(4, "entry"), (4, "snapshot")]
    finally:
        await store.close()
    assert kept_aside(tmp_path / "none.sqlite") == {}


async def test_a_panic_of_yrs_while_loading_costs_the_entry_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        pass

    store = MemoryStore()
    bad = _words(9, "bad")[0]
    room_id = await _stored(store, _words(7, "good")[0], bad)
    apply = Doc.apply_update

    def failing(self: Doc[Any], data: bytes) -> None:
        if data == bad:
            raise PanicException("called `Option::unwrap()` on a `None` value")
        apply(self, data)

    monkeypatch.setattr(Doc, "apply_update", failing)
    room = await _hub(store).get(room_id)
    assert room.text() == "good"
    assert [aside.seq for aside in room.aside] == [3]
