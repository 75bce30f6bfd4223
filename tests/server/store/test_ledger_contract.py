"""The contract of a store's ledgers; each implementation runs the whole suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from antiphon_server.store.api import Entry, RoomRecord, RoomStore
from antiphon_server.store.ledger import (
    MISSING,
    TILE,
    Leaf,
    Salt,
    SaltGone,
    SignedCheckpoint,
    StoredLedger,
    TileHash,
)
from antiphon_server.store.sqlite import SqliteStore
from support.memory_store import MemoryStore

STORES: dict[str, Callable[[Path], RoomStore]] = {
    "memory": lambda folder: MemoryStore(),
    "sqlite": lambda folder: SqliteStore(folder / "rooms.db"),
}
RECORD = RoomRecord("r", "lineage", 0, {"owner": "k"})


@pytest.fixture(params=sorted(STORES))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RoomStore]:
    opened = STORES[request.param](tmp_path)
    await opened.open()
    await opened.create(RECORD)
    yield opened
    await opened.close()


def leaf(number: int) -> Leaf:
    return Leaf(number, b"leaf %d" % number, number.to_bytes(32, "big"))


async def ledger(store: RoomStore) -> StoredLedger:
    loaded = await store.load("r")
    assert loaded is not None
    return loaded.ledger


async def test_a_room_begins_without_a_ledger(store: RoomStore) -> None:
    assert await ledger(store) == StoredLedger()
    assert await store.leaves("r", 0, 10) == ()
    assert await store.tile_hashes("r", 1, 0, 10) == ()


async def test_what_is_written_comes_back_in_order(store: RoomStore) -> None:
    await store.create(RoomRecord("other", "lineage", 0, {}))
    entry = Entry(1, "p1", b"update", 0)
    store.put("r", [entry, Salt("p1", b"s" * 32), leaf(0), leaf(1)])
    store.put("r", [leaf(2), SignedCheckpoint(2, "two"), SignedCheckpoint(3, "three")])
    store.put("other", [leaf(0), Salt("p1", b"o" * 32)])
    loaded = await store.load("r")
    assert loaded is not None
    assert loaded.entries == (entry,)
    tail = tuple(leaf(number).hash for number in range(3))
    assert loaded.ledger == StoredLedger(3, (tail,), SignedCheckpoint(3, "three"), {"p1": b"s" * 32})
    assert await store.leaves("r", 1, 1) == (leaf(1),)
    assert await store.leaves("r", 1, 9) == (leaf(1), leaf(2))
    assert await store.leaves("nowhere", 0, 9) == ()


async def test_what_stands_there_is_never_changed(store: RoomStore) -> None:
    store.put("r", [leaf(0), SignedCheckpoint(1, "first"), TileHash(1, 0, b"t" * 32), Salt("p", b"s" * 32)])
    store.put("r", [Leaf(0, b"another", bytes(32)), SignedCheckpoint(1, "second")])
    store.put("r", [TileHash(1, 0, bytes(32)), Salt("p", bytes(32))])
    assert await store.leaves("r", 0, 9) == (leaf(0),)
    assert await store.tile_hashes("r", 1, 0, 9) == (TileHash(1, 0, b"t" * 32),)
    found = await ledger(store)
    assert found.checkpoint == SignedCheckpoint(1, "first")
    assert found.salts == {"p": b"s" * 32}


async def test_a_salt_goes_and_a_new_one_may_come(store: RoomStore) -> None:
    store.put("r", [Salt("p", b"s" * 32), Salt("q", b"q" * 32), leaf(0)])
    await store.flush()
    store.put("r", [Salt("x", b"x" * 32), SaltGone("x"), SaltGone("p"), SaltGone("nobody")])
    assert (await ledger(store)).salts == {"q": b"q" * 32}
    store.put("r", [Salt("p", b"n" * 32)])
    assert (await ledger(store)).salts == {"p": b"n" * 32, "q": b"q" * 32}
    assert await store.leaves("r", 0, 9) == (leaf(0),)


@pytest.mark.parametrize("size", [TILE - 1, TILE, 2 * TILE + 3])
async def test_what_is_needed_to_go_on_is_loaded(store: RoomStore, size: int) -> None:
    tiles = [TileHash(1, number, b"%032d" % number) for number in range(size // TILE)]
    store.put("r", [*(leaf(number) for number in range(size)), *tiles])
    found = await ledger(store)
    assert found.size == size
    rest = tuple(leaf(number).hash for number in range(size - size % TILE, size))
    above = (tuple(one.hash for one in tiles),) if size >= TILE else ()
    assert found.tails == (rest, *above)


async def test_a_missing_leaf_keeps_its_place(store: RoomStore) -> None:
    store.put("r", [leaf(0), leaf(2)])
    found = await ledger(store)
    assert found.size == 3
    assert found.tails == ((leaf(0).hash, MISSING, leaf(2).hash),)
