"""Where a picture comes from, as the room's own records say."""

from __future__ import annotations

from typing import Any

import pytest
from pycrdt import Array, Map

from antiphon_engines.api import Image
from antiphon_proto.messages import Paint, Steer, Stop, Undo
from antiphon_proto.params import ImageParams, ImageSteer
from antiphon_server.assets.store import AssetInfo
from antiphon_server.document.outlines import box_of
from antiphon_server.http.provenance import provenance
from support.replica import NativeReplica
from support.rooms import House

FRAME = {"type": "frame", "z": "V", "x": 10, "y": 20, "w": 300, "h": 200}


def draw(house: House, who: NativeReplica, **objects: dict[str, Any]) -> None:
    before = who.doc.get_state()
    canvas = who.doc.get("canvas", type=Map)
    with who.doc.transaction():
        for key, fields in objects.items():
            canvas[key] = Map(
                {name: Array(value) if isinstance(value, list) else value for name, value in fields.items()}
            )
    who.send_update(house.room, who.doc.get_update(before))
    house.tick()


def paint(house: House, who: NativeReplica, **more: Any) -> tuple[str, AssetInfo]:
    """A painted picture: its run and its asset."""
    data = more.pop("data", b"picture")
    steers = more.pop("steers", ())
    fields = {"paint": 1, "frame": "f", "task": "text_to_image", "prompt": "a fox"} | more
    who.send(house.room, Paint(**fields))
    house.assets.deliver()
    run = house.host.last
    house.host.start(run)
    for change in steers:
        who.send(house.room, Steer(run, image=change))
        house.host.obey(run)
    house.host.tell(run, Image(data, 64, 64, 77))
    house.host.finish(run)
    house.tick()
    house.assets.deliver()
    house.tick()
    info = next(one.info for one in house.assets.pictures.values() if one.data == data)
    return run, info


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def ann(house: House) -> NativeReplica:
    ann = house.join(NativeReplica("Ann", "owner", 11))
    draw(house, ann, f=FRAME)
    return ann


def test_a_picture_of_a_sketch_names_model_prompt_seed_and_everybody_who_drew(
    house: House, ann: NativeReplica
) -> None:
    bo, eve = (
        house.join(NativeReplica(name, "editor", number)) for name, number in (("Bo", 12), ("Eve", 13))
    )
    draw(house, bo, s={"type": "stroke", "z": "W", "x": 100, "y": 100, "points": [0, 0, 1, 5, 5, 1]})
    draw(house, eve, far={"type": "stroke", "z": "W", "x": 900, "y": 100, "points": [0, 0, 1, 5, 5, 1]})
    source, mask = house.assets.add(b"sketch"), house.assets.add(b"mask")
    run, info = paint(
        house,
        ann,
        task="inpaint",
        source=source,
        mask=mask,
        params=ImageParams(steps=4, negative_prompt="rain", guidance=2.0),
        steers=(ImageSteer(prompt="a wolf"), ImageSteer(guidance=3.0)),
    )
    told = provenance(house.room.context, info)
    assert told["origin"] == "generated"
    assert told["digital_source_type"].endswith("/compositeWithTrainedAlgorithmicMedia")
    assert told["sources"] == [{"role": "source", "asset": source}, {"role": "mask", "asset": mask}]
    assert told["source_authors"] == [{"id": bo.participant, "name": "Bo", "kind": "human"}]
    made = told["run"]
    assert (made["id"], made["model"], made["task"]) == (run, "brush", "inpaint")
    assert (made["prompt"], made["negative_prompt"], made["seed"]) == ("a wolf", "rain", 77)
    assert (made["params"]["steps"], made["params"]["seed"]) == (4, 77)
    assert made["steers"] == [
        {"step": 0, "change": {"prompt": "a wolf"}},
        {"step": 0, "change": {"guidance": 3.0}},
    ]
    assert made["asker"] == {"id": ann.participant, "name": "Ann", "kind": "human"}
    [stands] = told["objects"]
    assert stands["creator"] == ["ai", run]


def test_it_survives_a_restart_an_undo_and_what_clients_write(house: House, ann: NativeReplica) -> None:
    run, info = paint(house, ann)
    forged = {"type": "image", "z": "V", "x": 0, "y": 0, "w": 9, "h": 9, "asset": "ab" * 32, "run": run}
    draw(house, ann, forged=forged)
    upload = AssetInfo("ab" * 32, "image/png", 9, 9, 9)
    assert provenance(house.room.context, upload)["origin"] == "uploaded"
    before = provenance(house.room.context, info)
    assert before["digital_source_type"].endswith("/trainedAlgorithmicMedia")
    ann.send(house.room, Undo(run))
    house.tick()
    house.restart()
    after = provenance(house.room.context, info)
    assert after["objects"] == []
    assert after["run"] == before["run"] | {"undone": True}


def test_a_live_frame_and_a_stopped_run(house: House, ann: NativeReplica) -> None:
    run, info = paint(house, ann, live=True, data=b"live")
    told = provenance(house.room.context, info)
    assert told["run"]["id"] == run
    assert [one["id"] for one in told["objects"]] == ["f"]
    ann.send(house.room, Paint(2, "f", "text_to_image", "a fox"))
    ann.send(house.room, Stop(house.host.last))
    house.tick()
    assert provenance(house.room.context, info)["run"]["id"] == run


@pytest.mark.parametrize(
    ("fields", "box"),
    [
        ({"x": 1, "y": 2, "w": 3, "h": 4}, (1, 2, 4, 6)),
        ({"x": 5, "y": 5, "w": -3, "h": 0}, (2, 5, 5, 5)),
        ({"x": 1, "y": 1, "points": [-1, 0, 1, 4, 9, 1]}, (0, 1, 5, 10)),
        ({"x": 1, "y": 1, "points": []}, (1, 1, 1, 1)),
        ({"x": 0, "y": 0, "w": 6, "h": 8, "rotation": 45}, (-2, -1, 8, 9)),
    ],
)
def test_the_box_of_an_object(fields: dict[str, Any], box: tuple[float, ...]) -> None:
    assert box_of(fields) == box
