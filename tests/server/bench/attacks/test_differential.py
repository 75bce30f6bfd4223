"""A short run of the differential fuzzer, and that it can tell a difference."""

from __future__ import annotations

from antiphon_server.bench import node_peers
from antiphon_server.bench.attacks.differential import Fuzzer, NodeYjs, Room, differential
from antiphon_server.bench.attacks.yjs_updates import deleted, item, string, update
from antiphon_server.room_limits import RoomLimits


def test_the_same_updates_give_the_same_document_everywhere() -> None:
    result, differences = differential(400, 0, 11, node_peers.install(node_peers.CACHE))
    assert differences == []
    assert result["updates"] >= 400
    assert result["composed and taken"] > 100
    assert result["honest yjs"] > 20


def test_rooms_that_are_opened_again_are_what_they_were() -> None:
    result, differences = differential(0, 15, 12)
    assert differences == []
    assert result["rooms"] == 15


def test_a_difference_is_found_and_told() -> None:
    node = NodeYjs(node_peers.install(node_peers.CACHE))
    fuzzer = Fuzzer(node, 13)
    room = Room(13, RoomLimits())
    assert room.bring(update({7: [item(string("a word"), parent="story")]}), "p", 16)
    try:
        fuzzer.compare(room, 13)
        assert fuzzer.differences == []
        # Neighbours in different places: each implementation makes something else of it.
        room.taken.append(update({8: [item(deleted(1), parent="canvas", key="k")]}))
        room.taken.append(update({9: [item(string("unseen "), origin=(8, 0), right=(7, 0))]}))
        room.told = room.taken
        for one in room.taken[-2:]:
            room.shared.document._doc.apply_update(one)
        fuzzer.compare(room, 13)
    finally:
        node.close()
    told = [one["what"].split(":")[0] for one in fuzzer.differences]
    assert {"Yjs, as they came", "Yjs, loaded"} <= set(told)
