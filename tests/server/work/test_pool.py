"""Helper processes: their answers, and that a failure in one does not stay."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any, get_args

import msgspec
import pytest
from pycrdt import Doc, Text

from antiphon_engines.ipc.channel import Traced
from antiphon_engines.ipc.trace import Named, RestRecord, RunRecord, UnitRecord
from antiphon_server.document.authorship import Authorship, Owner
from antiphon_server.document.object_authors import ObjectAuthor
from antiphon_server.document.state import SharedState
from antiphon_server.formats.manuscript import Manuscript
from antiphon_server.room_limits import RoomLimits
from antiphon_server.search.hits import Update
from antiphon_server.spelling.findings import Passage
from antiphon_server.store.api import Entry
from antiphon_server.work.jobs import (
    Answer,
    Authors,
    Compare,
    Copy,
    Cut,
    Export,
    Fold,
    Job,
    Learn,
    Learned,
    Made,
    ReadMeaning,
    Replay,
    Replayed,
    Restore,
    Screen,
    Search,
    Show,
    Spell,
    Study,
    Trace,
)
from antiphon_server.work.pool import CannotWork, WorkPool
from antiphon_server.work.process import done


def copy(text: str) -> Copy:
    document: Doc[Any] = Doc()
    story: Text = document.get("story", type=Text)
    story += text
    authors = Authorship()
    authors.insert(0, len(text.encode()), Owner("p1"))
    return Copy((document.get_update(),), authors.serialise())


def export(text: str, *, as_json: bool) -> Export:
    return Export(copy(text), "r", "A title", 1, 0, (), {}, as_json, appendix=False)


async def test_a_process_serves_one_job_after_the_other_and_outlives_a_bad_one() -> None:
    pool = WorkPool(processes=1)
    try:
        first = await pool.run(Learn("I was there. She said so."), "a")
        assert isinstance(first, Learned)
        assert first.measures.words == 6
        pid = pool._idle[0]._process.pid
        with pytest.raises(CannotWork):
            await pool.run(Export(Copy((b"\xff",), b""), "r", "", 1, 0, (), {}, True, False), "a")
        made = await pool.run(export("The sea.", as_json=True), "b")
        assert isinstance(made, Made)
        assert msgspec.json.decode(made.data)["ops"] == [{"insert": "The sea.\n"}]
        assert pool._idle[0]._process.pid == pid
    finally:
        await pool.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_killed_process_fails_its_job_alone() -> None:
    pool = WorkPool(processes=1)
    try:
        await pool.run(Learn("One."), "a")
        pid = pool._idle[0]._process.pid
        long = asyncio.create_task(pool.run(Learn("I was there. " * 300_000), "a"))
        while pool._idle:
            await asyncio.sleep(0)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(CannotWork, match="bounds"):
            await long
        assert isinstance(await pool.run(Learn("Two."), "a"), Learned)
    finally:
        await pool.close()


async def test_a_job_that_takes_too_long_is_ended_with_its_process() -> None:
    pool = WorkPool(processes=1, seconds=0.001)
    try:
        with pytest.raises(CannotWork, match="more than"):
            await pool.run(Learn("I was there. " * 100_000), "a")
        assert pool._idle == []
    finally:
        await pool.close()


def test_every_job_travels() -> None:
    """Not all parts of a room's limits and records are fit for a pipe."""
    snapshot = SharedState(RoomLimits()).snapshot(0, 0)
    jobs: tuple[Job, ...] = (
        Learn("a"),
        Authors(b"a", b"", 1, {"o": ObjectAuthor(Owner("p"), Owner("q", "r"), b"d")}),
        export("a", as_json=True),
        Replay(1000, 10, 1000, snapshot, (Entry(1, "p", b"\0\0", 0),)),
        Show(b"a"),
        Compare(b"a", b"b"),
        Restore(copy("a"), b"", frozenset({"c"}), frozenset()),
        Screen((b"a",), "csv", "ru"),
        Fold((b"a", b"b")),
        Cut(b"a"),
        Spell((Passage("a", "en"),), "folder"),
        Screen((b"a", b"b"), "sheet"),
        Study("a"),
        Search("models", Update("r", "1", b"", b"\1", b"a"), "words", ("text", "chat"), 10, True),
        ReadMeaning("models", "r", "1", 0.5),
        Trace(
            Traced(
                1,
                (
                    RunRecord(1.0, 1, "queued"),
                    RestRecord(2.0, 0.1, 1),
                    UnitRecord(3.0, 0.1, "text", "decode", (1,), 1, "behind", None, 0.3, None),
                ),
                (Named(1, "r1", "text"),),
            ),
            ["r1"],
        ),
    )
    packed = [msgspec.msgpack.encode(job) for job in jobs]
    assert [msgspec.msgpack.decode(data, type=Job) for data in packed] == list(jobs)
    assert {type(job) for job in jobs} == set(get_args(Job))
    replayed = done(jobs[3])
    assert isinstance(replayed, Replayed)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(replayed), type=Answer)
    assert again == replayed


def test_what_is_asked_for_is_what_comes() -> None:
    packed = done(export("The *sea*.", as_json=False))
    assert isinstance(packed, Made)
    assert msgspec.msgpack.decode(packed.data, type=Manuscript).text == "The *sea*."
    story = copy("Да!")
    told = done(Authors("Да!".encode(), story.spans, 7, {}))
    assert isinstance(told, Made)
    body = msgspec.json.decode(told.data)
    assert body["spans"] == [{"start": 0, "end": 5, "author": "p1", "run": None}]
    assert (body["shares"], body["characters"]["people"]) == ({"p1": 5}, {"p1": 3})
