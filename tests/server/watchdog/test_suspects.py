"""An update that stopped the gateway before is taken neither from a client nor from the store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from antiphon_proto.messages import Ack
from antiphon_server.rooms.hub import Hub
from antiphon_server.store.api import StorageUnavailable
from antiphon_server.watchdog.beacon import Beacon, fingerprint
from antiphon_server.watchdog.supervisor import RECORD
from antiphon_server.watchdog.suspects import Suspects
from support.memory_store import MemoryStore
from support.replica import NativeReplica
from support.rooms import MODELS, House


def noted(path: Path, room: str, update: bytes = b"", at: float = 100.0) -> None:
    note = {"room": room, "what": "Edit", "update": fingerprint(update), "at": at, "why": "it stood still"}
    with path.open("a") as file:
        file.write(json.dumps(note) + "\n")


def test_an_update_that_stopped_the_server_is_refused_and_left_out(tmp_path: Path) -> None:
    house = House()
    ann = house.join(NativeReplica("Ann", "owner", 11))
    ann.edit(house.room, 0, insert="good ")
    house.tick()
    poison = ann.change(0, insert="bad ")
    ann.send_update(house.room, poison)
    house.tick()
    noted(tmp_path / "s", "room", poison)
    noted(tmp_path / "s", "another", b"x")
    with (tmp_path / "s").open("a") as file:
        file.write('{"room": "ro')  # the disk was full
    house.suspect(Suspects(tmp_path / "s", lambda: 200.0))
    house.restart()
    assert house.room.text() == "good "
    bo = house.join(NativeReplica("Bo", "editor", 12))
    assert bo.text == "good "
    bo.send_update(house.room, poison)
    house.tick()
    bo.receive()
    assert bo.of(Ack)[-1].status == "invalid"
    assert "stopped the server" in bo.of(Ack)[-1].message
    bo.edit(house.room, 0, insert="more ")
    assert house.room.text() == "more good "


async def test_a_room_that_stops_the_server_again_is_held_back_for_a_while(tmp_path: Path) -> None:
    now = 1000.0
    path = tmp_path / "s"
    noted(path, "once", at=900)
    for at in (900.0, 950.0):
        noted(path, "twice", at=at)
    suspects = Suspects(path, lambda: now)
    assert suspects.held_back("once") == 0
    assert 0 < suspects.held_back("twice") <= 600
    hub = Hub(
        MemoryStore(), None, mint=lambda room, role, link: link, models=lambda: MODELS, suspects=suspects
    )
    with pytest.raises(StorageUnavailable, match="held back"):
        await hub.get("twice")
    now = 2000.0
    assert suspects.held_back("twice") == 0


def test_the_beacon_says_what_is_served_and_what_came_last() -> None:
    record = bytearray(RECORD)
    beacon = Beacon(record)

    def told() -> dict[str, str]:
        text = bytes(record).split(b"\0", 1)[0]
        found: dict[str, str] = json.loads(text) if text else {}
        return found

    with beacon.serving("r", "Edit", b"update"):
        assert told() == {"room": "r", "what": "Edit", "update": fingerprint(b"update")}
        with beacon.serving("s", "loading"):
            assert told() == {"room": "s", "what": "loading", "update": ""}
        assert told()["room"] == "r"
    assert told() == {}
    with beacon.serving("r", "tick"):
        assert told()["update"] == fingerprint(b"update")


def test_a_fingerprint_tells_large_updates_apart_by_both_ends() -> None:
    large = bytes(200_000)
    changed = {fingerprint(large[:at] + b"x" + large[at + 1 :]) for at in (0, 199_999)}
    assert len(changed | {fingerprint(large), fingerprint(large + b"\0")}) == 4
