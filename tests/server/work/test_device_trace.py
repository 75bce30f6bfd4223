"""The trace that Perfetto shows: made of a worker's record, fetched from a running server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from typer.testing import CliRunner, Result

from antiphon_engines.ipc.channel import Traced
from antiphon_engines.ipc.trace import BOUND, Named, Recorder, RestRecord, RunRecord, UnitRecord
from antiphon_proto.errors import PeerError
from antiphon_proto.messages import Ask
from antiphon_server.cli.main import app
from antiphon_server.cli.trace import CannotTrace, address
from antiphon_server.work.device_trace import chrome_trace
from support.raw_client import native
from support.server import LiveServer, bearer, running

TRACED = Traced(
    1,
    (
        RunRecord(10.0, 1, "queued"),
        RunRecord(10.1, 1, "started"),
        RunRecord(10.1, 2, "queued"),
        UnitRecord(10.2, 0.05, "text", "decode", (1, 2), 1, "behind", 0.04, 0.3, None),
        RunRecord(10.3, 1, "steered"),
        RestRecord(10.4, 0.1, 1),
        RestRecord(10.5, 0.2, 0),
        UnitRecord(10.7, 0.01, "audio", "frame", (3,), 0, "deadline", None, None, None),
        RunRecord(10.8, 1, "done"),
        RunRecord(10.9, 2, "started"),
    ),
    (Named(1, "r1", "text"), Named(2, "r2", "text"), Named(3, "r3", "audio")),
)


def check(trace: dict[str, Any]) -> list[dict[str, Any]]:
    """The required fields of every trace event."""
    assert json.loads(json.dumps(trace, allow_nan=False)) == trace
    for event in trace["traceEvents"]:
        assert event["ph"] in "XiCM"
        assert isinstance(event["name"], str)
        assert event["name"]
        assert isinstance(event["pid"], int)
        assert event["ts"] >= 0
        if event["ph"] in "XiM":
            assert isinstance(event["tid"], int)
        if event["ph"] == "X":
            assert event["dur"] >= 0
        if event["ph"] == "C":
            assert all(isinstance(value, int | float) for value in event["args"].values())
    tracks = {(event["pid"], event["tid"]) for event in trace["traceEvents"] if event["ph"] == "X"}
    named = {
        (event["pid"], event["tid"])
        for event in trace["traceEvents"]
        if event["ph"] == "M" and event["name"] == "thread_name"
    }
    assert tracks <= named
    _check_nesting(trace["traceEvents"])
    events: list[dict[str, Any]] = trace["traceEvents"]
    return events


def _check_nesting(events: list[dict[str, Any]]) -> None:
    """Spans of one track lie side by side or within each other."""
    for track in {(event["pid"], event.get("tid")) for event in events}:
        spans = [
            (event["ts"], event["ts"] + event["dur"])
            for event in events
            if event["ph"] == "X" and (event["pid"], event["tid"]) == track
        ]
        for begin, end in spans:
            for other, until in spans:
                assert not begin < other < end - 0.2 < until - 0.2


def test_units_waits_and_runs_have_their_tracks() -> None:
    events = check(chrome_trace(TRACED, {"r1", "r3"}))
    [unit] = [event for event in events if event["name"] == "decode" and event["pid"] == 1]
    assert (unit["ts"], unit["dur"]) == (200_000.0, 50_000.0)
    assert unit["args"] == {
        "batch": 2,
        "charged": 1,
        "runs": ["r1", "another room's"],
        "why": "behind",
        "measured_ms": 50.0,
        "expected_ms": 40.0,
        "deadline_slack_ms": 300.0,
        "budget_ms": None,
        "paused": False,
    }
    spans = [(e["name"], e["ts"], e["dur"]) for e in events if e["ph"] == "X" and e["tid"] == 1]
    assert ("waiting", 0.0, 100_000.0) in spans
    assert ("active", 100_000.0, 700_000.0) in spans
    assert ("held back for a band", 400_000.0, 100_000.0) in spans
    assert ("idle", 500_000.0, 200_000.0) in spans
    assert [e["name"] for e in events if e["ph"] == "i"] == ["queued", "started", "steered", "done"]


def test_other_rooms_are_not_named_and_the_unfinished_end_with_the_trace() -> None:
    trace = chrome_trace(TRACED, {"r2"})
    events = check(trace)
    assert "r1" not in json.dumps(trace)
    [active] = [event for event in events if event["name"] == "active"]
    assert active["args"] == {"state": "not over"}
    assert check(chrome_trace(Traced(1, (), ()), set()))


def test_the_ring_forgets_the_oldest() -> None:
    recorder = Recorder(bound=3)
    for ticket in range(5):
        recorder.name(ticket, f"r{ticket}", "text")
        recorder.add(RunRecord(float(ticket), ticket, "queued"))
    assert [record.at for record in recorder.records()] == [2.0, 3.0, 4.0]
    assert [named.run for named in recorder.names()] == ["r2", "r3", "r4"]
    assert BOUND <= 100_000


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[LiveServer]:
    async with running(tmp_path) as live:
        yield live


async def test_the_owner_gets_the_trace_and_others_do_not(server: LiveServer) -> None:
    room = await server.new_room()
    path = f"{server.url}/api/rooms/{room['room']}/trace"
    async with native(server.ws_url) as client:
        await client.hello(room["tokens"]["owner"], "Ada")
        await client.say(Ask(1, "continue", "write", 0, 0, 0))
        await client.sees(server.engine.reply)
    async with aiohttp.ClientSession() as http:
        for role, status in (("owner", 200), ("editor", 403), ("viewer", 403)):
            async with http.get(path, headers=bearer(room["tokens"][role])) as answer:
                assert answer.status == status
                body = await answer.json()
            if role == "owner":
                assert "queued" in {event["name"] for event in check(body)}


async def test_the_command_writes_what_the_server_gives(server: LiveServer, tmp_path: Path) -> None:
    room = await server.new_room()
    out = tmp_path / "trace.json"

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["trace", *arguments, "--out", str(out)])

    result = await asyncio.to_thread(run, room["links"]["owner"])
    assert result.exit_code == 0, result.output
    check(json.loads(out.read_text()))
    refused = await asyncio.to_thread(run, room["links"]["viewer"])
    assert isinstance(refused.exception, CannotTrace)
    assert "does not have the right" in refused.exception.message


def test_an_address_is_a_link_or_an_id_with_a_token() -> None:
    link = "https://example.org/sub/r/room1#secret"
    assert address(link, "http://other", "") == ("https://example.org/sub", "room1", "secret")
    assert address("room1", "http://host:1/", "t") == ("http://host:1", "room1", "t")
    for wrong in ("room1", "https://example.org/r/room1", "https://example.org/#x"):
        with pytest.raises(PeerError):
            address(wrong, "http://host", "")


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    out = tmp_path / "trace.json"
    result = CliRunner().invoke(app, ["trace", "http://127.0.0.1:9/r/room#token", "--out", str(out)])
    assert isinstance(result.exception, CannotTrace)
    assert "cannot reach http://127.0.0.1:9" in result.exception.message
    assert not out.exists()
