"""The contract of every room store; each implementation runs the whole suite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from antiphon_proto.errors import Conflict
from antiphon_proto.messages import RunInfo
from antiphon_server.store.api import (
    SPARSE,
    Entry,
    EntryHead,
    Forgotten,
    JamEntry,
    JamTrim,
    MemberRecord,
    RoomRecord,
    RoomStore,
    RunRecord,
    RunTokens,
    Snapshot,
    StorageUnavailable,
    TokensGone,
)
from antiphon_server.store.sqlite import SqliteStore

STORES: dict[str, Callable[[Path], RoomStore]] = {"sqlite": lambda folder: SqliteStore(folder / "rooms.db")}


@pytest.fixture(params=sorted(STORES))
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], RoomStore]:
    return lambda: STORES[request.param](tmp_path)


@pytest.fixture
async def store(make: Callable[[], RoomStore]) -> AsyncIterator[RoomStore]:
    opened = make()
    await opened.open()
    yield opened
    await opened.close()


def room(name: str = "r1") -> RoomRecord:
    return RoomRecord(name, f"lineage-{name}", 1_000, {"owner": "k1", "editor": "k2"})


def entry(seq: int, body: bytes = b"\x00\xffupdate", run: str | None = None) -> Entry:
    return Entry(seq, f"author{seq % 3}", body, 10 * seq, run)


def run_record(name: str, state: str = "running", created: int = 5) -> RunRecord:
    info = RunInfo(name, 1, "p1", "ai", "continue", "write", state, "model", created_ms=created)
    return RunRecord(info, "{}", '{"before":"текст 🎭"}')


async def test_an_unknown_room_is_none(store: RoomStore) -> None:
    assert await store.load("nowhere") is None


async def test_a_created_room_comes_back_as_it_was(store: RoomStore) -> None:
    await store.create(room())
    loaded = await store.load("r1")
    assert loaded is not None
    assert loaded.record == room()
    assert (loaded.snapshot, loaded.entries, loaded.members, loaded.runs) == (None, (), (), ())


async def test_a_room_is_made_with_what_it_begins_with(
    store: RoomStore, make: Callable[[], RoomStore]
) -> None:
    await store.create(room(), [entry(1, b"seed")])
    loaded = await store.load("r1")
    assert loaded is not None
    assert loaded.entries == (entry(1, b"seed"),)


async def test_a_taken_id_is_a_conflict(store: RoomStore) -> None:
    await store.create(room())
    with pytest.raises(Conflict):
        await store.create(room())


async def test_entries_come_back_in_order_with_their_authors(store: RoomStore) -> None:
    await store.create(room())
    written = [entry(seq, bytes([seq]) * seq, "run1" if seq % 2 else None) for seq in range(1, 30)]
    for one in written:
        store.put("r1", [one])
    loaded = await store.load("r1")
    assert loaded is not None
    assert list(loaded.entries) == written


async def test_committed_is_called_once_each_in_order_and_after_it_is_readable(
    store: RoomStore, make: Callable[[], RoomStore]
) -> None:
    await store.create(room())
    told: list[tuple[int, StorageUnavailable | None]] = []
    for seq in range(1, 6):
        store.put("r1", [entry(seq)], lambda problem, seq=seq: told.append((seq, problem)))
    assert told == []
    await store.flush()
    assert told == [(seq, None) for seq in range(1, 6)]


async def test_rooms_do_not_mix(store: RoomStore) -> None:
    await store.create(room("a"))
    await store.create(room("b"))
    store.put("a", [entry(1, b"a")])
    store.put("b", [entry(1, b"b")])
    a, b = await store.load("a"), await store.load("b")
    assert a is not None
    assert b is not None
    assert (a.entries[0].update, b.entries[0].update) == (b"a", b"b")


async def test_records_put_again_replace_the_old(store: RoomStore) -> None:
    await store.create(room())
    member = MemberRecord("p1", b"hash", "Ada", "#112233", "editor", "k2")
    changed = MemberRecord("p1", b"hash", "Ада 🎭", "#112233", "editor", "k2", True, 7)
    store.put("r1", [member, run_record("run1")])
    store.put("r1", [changed, run_record("run1", "done"), run_record("run0", "failed", created=1)])
    store.put("r1", [RoomRecord("r1", "lineage-r1", 1_000, {"editor": "renewed"})])
    loaded = await store.load("r1")
    assert loaded is not None
    assert loaded.members == (changed,)
    assert [(one.info.id, one.info.state) for one in loaded.runs] == [("run0", "failed"), ("run1", "done")]
    assert loaded.record.links == {"editor": "renewed"}


async def test_a_forgotten_member_is_gone_and_may_come_again(store: RoomStore) -> None:
    await store.create(room())
    ann, bo, cy = (MemberRecord(f"p{n}", b"hash", "x", "#112233", "editor", "k2") for n in range(3))
    store.put("r1", [ann, bo])
    await store.flush()
    store.put("r1", [cy, Forgotten(ann.id), Forgotten(cy.id), Forgotten(bo.id), bo, Forgotten("nobody")])
    loaded = await store.load("r1")
    assert loaded is not None
    assert loaded.members == (bo,)


async def test_a_snapshot_shortens_the_load_and_keeps_the_history(store: RoomStore) -> None:
    await store.create(room())
    store.put("r1", [entry(seq) for seq in range(1, 11)])
    store.put("r1", [Snapshot(4, b"state4", b"who4", 40)])
    store.put("r1", [Snapshot(8, b"state8", b"who8", 80), entry(11)])
    loaded = await store.load("r1")
    assert loaded is not None
    assert loaded.snapshot == Snapshot(8, b"state8", b"who8", 80)
    assert [one.seq for one in loaded.entries] == [9, 10, 11]
    assert [one.seq for one in await store.history("r1", 2, 5)] == [3, 4, 5, 6, 7]


async def test_everything_is_there_after_closing_and_opening_again(make: Callable[[], RoomStore]) -> None:
    first = make()
    await first.open()
    await first.create(room())
    first.put("r1", [entry(seq) for seq in range(1, 101)])
    await first.close()
    second = make()
    await second.open()
    loaded = await second.load("r1")
    await second.close()
    assert loaded is not None
    assert len(loaded.entries) == 100


async def test_a_closed_store_refuses(make: Callable[[], RoomStore]) -> None:
    store = make()
    await store.open()
    await store.create(room())
    await store.close()
    with pytest.raises(StorageUnavailable):
        store.put("r1", [entry(1)])


async def test_a_raising_callback_stops_nothing(store: RoomStore) -> None:
    await store.create(room())
    told = asyncio.Event()

    def broken(problem: StorageUnavailable | None) -> None:
        raise RuntimeError("broken on purpose")

    store.put("r1", [entry(1)], broken)
    store.put("r1", [entry(2)], lambda problem: told.set())
    await store.flush()
    assert told.is_set()
    assert store.problem is None


async def test_the_record_of_the_jam_is_kept_in_order_trimmed_and_read_by_time(
    store: RoomStore, make: Callable[[], RoomStore]
) -> None:
    await store.create(room())
    await store.create(room("r2"))
    batches = [JamEntry(seq, 1000 * seq, 1000 * seq + 1500, bytes([seq]) * seq) for seq in range(1, 7)]
    store.put("r1", batches[:4])
    store.put("r1", [*batches[4:], JamTrim(3)])
    store.put("r2", [JamEntry(1, 5, 6, b"other")])
    assert await store.jam("r1") == tuple(batches[2:])
    assert await store.jam("r1", after=4, limit=1) == (batches[4],)
    assert await store.jam("r1", from_ms=4500, to_ms=5000) == (batches[3],)
    await store.close()
    again = make()
    await again.open()
    loaded = await again.load("r1")
    assert loaded is not None
    assert loaded.jam == ((3, 3), (4, 4), (5, 5), (6, 6))
    assert loaded.jam_ms == 7500
    empty = await again.load("r2")
    assert empty is not None
    assert empty.jam_ms == 6
    await again.close()


async def test_tokens_of_runs_are_kept_in_order_until_they_go(store: RoomStore) -> None:
    await store.create(room())
    first, second, third = (RunTokens(run, at, run.encode()) for run, at in (("rb", 1), ("ra", 2), ("rc", 3)))
    store.put("r1", [first, second, third])
    store.put("r1", [TokensGone("ra"), RunTokens("rd", 4, b"never seen"), TokensGone("rd")])
    loaded = await store.load("r1")
    assert loaded is not None
    assert loaded.tokens == (first, third)


async def test_the_past_can_be_gone_back_to(store: RoomStore) -> None:
    await store.create(room())
    taken = (1, 500, SPARSE - 1, SPARSE, SPARSE + 700, 2 * SPARSE + 5)
    for seq in taken:
        store.put("r1", [Snapshot(seq, b"state%d" % seq, b"who", seq)])
        await store.flush()
    found = [await store.snapshot_at("r1", seq) for seq in (0, 1, 700, SPARSE, 2 * SPARSE, 9 * SPARSE)]
    assert [one and one.seq for one in found] == [None, 1, 1, SPARSE, SPARSE, 2 * SPARSE + 5]
    assert await store.snapshot_at("nowhere", 9) is None


async def test_entries_are_listed_without_their_updates(store: RoomStore) -> None:
    await store.create(room())
    store.put("r1", [entry(seq, b"x" * seq, "run" if seq % 2 else None) for seq in range(1, 8)])
    heads = await store.heads("r1", 1, 7, 3)
    assert heads == tuple(
        EntryHead(seq, f"author{seq % 3}", 10 * seq, "run" if seq % 2 else None, seq) for seq in (4, 5, 6)
    )
    assert await store.heads("r1", 7, 99, 3) == ()


async def test_who_made_what_an_entry_brings_is_kept(store: RoomStore) -> None:
    await store.create(room())
    kept = Entry(1, "p1", b"u", 0, None, b"who made it")
    store.put("r1", [kept, entry(2)])
    assert await store.history("r1", 0, 9) == (kept, entry(2))
