from __future__ import annotations

from antiphon_server.core.journal import Journal
from antiphon_server.store.api import Entry, RoomRecord, StorageUnavailable
from support.memory_store import MemoryStore
from support.virtual_clock import VirtualClock


async def _journal(bound: int = 1000, *, auto: bool = True) -> tuple[Journal, MemoryStore, VirtualClock]:
    store, clock = MemoryStore(auto=auto), VirtualClock()
    await store.create(RoomRecord("room", "l", 0, {}))
    return Journal(store, "room", bound, clock.monotonic), store, clock


def _entry(seq: int, size: int = 10) -> Entry:
    return Entry(seq, "ann", b"x" * size, 0)


def _seqs(store: MemoryStore) -> list[int]:
    room = store.stored("room")
    assert room is not None
    return [entry.seq for entry in room.entries]


async def test_durable_is_said_after_the_commit_and_in_order() -> None:
    journal, store, _ = await _journal(auto=False)
    said: list[int] = []
    journal.add(_entry(1))
    journal.when_durable(lambda: said.append(1))
    journal.flush()
    journal.add(_entry(2))
    journal.when_durable(lambda: said.append(2))
    journal.flush()
    assert said == []
    assert not journal.settled
    store.commit()
    assert said == [1, 2]
    assert journal.settled


async def test_what_is_refused_is_kept_in_order_and_offered_again() -> None:
    journal, store, clock = await _journal()
    said: list[int] = []
    store.problem = StorageUnavailable("gone")
    for seq in (1, 2, 3):
        journal.add(_entry(seq))
        journal.when_durable(lambda seq=seq: said.append(seq))
        journal.flush()
    assert not journal.available
    assert str(journal.problem) == "gone"
    store.problem = None
    journal.flush()
    assert said == [], "not before its time"
    clock.advance(60)
    journal.flush()
    assert said == [1, 2, 3]
    assert _seqs(store) == [1, 2, 3]
    assert journal.available
    assert journal.settled


async def test_too_much_that_waits_closes_the_door() -> None:
    journal, store, _ = await _journal(bound=25, auto=False)
    journal.add(_entry(1, 20))
    assert journal.available
    journal.add(_entry(2, 20))
    journal.flush()
    assert not journal.available
    store.commit()
    assert journal.available


async def test_it_backs_off() -> None:
    journal, store, clock = await _journal()
    tries = 0

    class Counting(StorageUnavailable):
        pass

    store.problem = Counting("gone")
    put = store.put

    def counted(*args: object) -> None:
        nonlocal tries
        tries += 1
        put(*args)

    store.put = counted
    journal.add(_entry(1))
    for _ in range(100):
        journal.flush()
        clock.advance(0.1)
    assert 4 <= tries <= 8
