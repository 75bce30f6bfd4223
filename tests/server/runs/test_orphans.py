"""Runs that nobody is there for any more: all of a room's, whatever they are and however far, stop together."""

from __future__ import annotations

from typing import Any

import pytest
from pycrdt import Map

from antiphon_engines.ipc.events import Queued
from antiphon_proto.messages import Ask, Paint, Perform, RunInfo
from antiphon_server.room_limits import RoomLimits
from support.replica import NativeReplica
from support.rooms import House

FRAME = {"type": "frame", "z": "V", "x": 10, "y": 20, "w": 300, "h": 200, "prompt": "a fox"}
AWAY = 30.0
"""Seconds that a room stands empty before its runs are stopped."""


@pytest.fixture
def house() -> House:
    return House(RoomLimits(max_runs=8, max_runs_per_member=8, empty_timeout=AWAY))


@pytest.fixture
def ann(house: House) -> NativeReplica:
    ann = house.join(NativeReplica("Ann", "owner", 11))
    before = ann.doc.get_state()
    ann.doc.get("canvas", type=Map)["f"] = Map(FRAME)
    ann.send_update(house.room, ann.doc.get_update(before))
    house.tick()
    return ann


def ask(house: House, who: NativeReplica, message: Any) -> str:
    before = {run.info.id for run in house.room.runs}
    who.send(house.room, message)
    house.tick(0)
    [run] = [run.info.id for run in house.room.runs if run.info.id not in before]
    return run


def work(house: House, who: NativeReplica) -> dict[str, str]:
    """A run of every kind and at every stage, by name."""
    runs = {
        "text": ask(house, who, Ask(1, "continue", "write", 0, 0, 0)),
        "waiting text": ask(house, who, Ask(2, "continue", "write", 0, 0, 0)),
        "picture": ask(house, who, Paint(3, "f", "text_to_image", "a fox")),
        "band": ask(house, who, Perform(4, 42)),
    }
    for name in ("text", "picture", "band"):
        house.host.start(runs[name])
    house.host.tell(runs["waiting text"], Queued(1, 4000))
    house.host.say(runs["text"], "a", "b")
    house.tick()
    return runs


def info(house: House, run: str) -> RunInfo:
    return house.room.runs.get(run).info


def states(house: House, runs: dict[str, str]) -> set[str]:
    return {str(info(house, run).state) for run in runs.values()}


def test_all_runs_of_an_empty_room_stop_at_once_and_the_engine_is_told(
    house: House, ann: NativeReplica
) -> None:
    runs = work(house, ann)
    ann.drop(house.room)
    house.clock.advance(AWAY - 1)
    house.room.sweep()
    assert states(house, runs) == {"running", "queued"}, "to disconnect is not to cancel"
    assert house.host.cancelled == []
    house.clock.advance(1)
    house.room.sweep()
    assert states(house, runs) == {"stopped"}
    assert sorted(house.host.cancelled) == sorted(runs.values())
    assert (
        info(house, runs["waiting text"]).position,
        info(house, runs["waiting text"]).expected_start_ms,
    ) == (0, 0)
    house.clock.advance(1)
    house.room.sweep()
    assert len(house.host.cancelled) == len(runs), "once is enough"


def test_what_an_orphan_made_stays_and_what_comes_late_counts_for_nothing(
    house: House, ann: NativeReplica
) -> None:
    runs = work(house, ann)
    ann.drop(house.room)
    house.clock.advance(AWAY)
    house.room.sweep()
    for run in runs.values():
        house.host.say(run, "late")
        house.host.fail(run, "late")
    house.tick()
    assert "".join(text for text, _ in house.formatted()) == "ab"
    assert states(house, runs) == {"stopped"}
    assert not [run for run in house.room.runs if run.live]


def test_somebody_who_comes_back_in_time_finds_their_runs_going_on(house: House, ann: NativeReplica) -> None:
    runs = work(house, ann)
    ann.drop(house.room)
    house.clock.advance(AWAY - 0.5)
    house.join(NativeReplica("Bo", "viewer", 12))
    house.clock.advance(AWAY)
    house.room.sweep()
    assert states(house, runs) == {"running", "queued"}
    assert house.host.cancelled == []


def test_while_others_are_there_nobodys_run_is_orphaned(house: House, ann: NativeReplica) -> None:
    house.join(NativeReplica("Bo", "editor", 12))
    runs = work(house, ann)
    ann.drop(house.room)
    house.clock.advance(10 * AWAY)
    house.room.sweep()
    assert states(house, runs) == {"running", "queued"}
