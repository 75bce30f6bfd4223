"""The AI paints with people: frames, sources, previews, newer requests, ends of every kind, undo."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pycrdt import Map

from antiphon_engines.api import Image, ImageRequest, QueueFull
from antiphon_engines.ipc.events import Done, Failed, Progressed, Queued, RunEvent, Started, Steered
from antiphon_engines.ipc.events import Preview as EnginePreview
from antiphon_proto.errors import ErrorCode
from antiphon_proto.lanes import Lane
from antiphon_proto.messages import (
    Error,
    ImageModel,
    ModelInfo,
    Paint,
    Preview,
    Run,
    RunInfo,
    Steer,
    Stop,
    Undo,
    Viewing,
)
from antiphon_proto.messages import Steered as SteeredMessage
from antiphon_proto.params import ImageParams, ImageSteer, TextSteer
from antiphon_server.canvas.painter import shaped
from antiphon_server.document.authorship import Owner
from antiphon_server.room_limits import RoomLimits
from antiphon_server.store.api import StorageFull, StorageUnavailable
from support.replica import NativeReplica
from support.rooms import House

FRAME = {"type": "frame", "z": "V", "x": 10, "y": 20, "w": 300, "h": 200, "prompt": "a fox"}
JPEG = b"\xff\xd8\xff\xd9"


@pytest.fixture
def house() -> House:
    return House(RoomLimits(max_runs=4, max_runs_per_member=3))


@pytest.fixture
def ann(house: House) -> NativeReplica:
    ann = house.join(NativeReplica("Ann", "owner", 11))
    draw(house, ann, f=FRAME)
    return ann


@pytest.fixture
def bo(house: House, ann: NativeReplica) -> NativeReplica:
    return house.join(NativeReplica("Bo", "editor", 12))


def draw(house: House, who: NativeReplica, **objects: dict[str, Any] | None) -> None:
    before = who.doc.get_state()
    canvas = who.doc.get("canvas", type=Map)
    with who.doc.transaction():
        for key, fields in objects.items():
            if fields is None:
                del canvas[key]
            else:
                canvas[key] = Map(fields)
    who.send_update(house.room, who.doc.get_update(before))
    house.tick()
    who.receive()


def paint(house: House, who: NativeReplica, **more: Any) -> str:
    """Ask for a picture; returns its run, submitted or not."""
    fields = {"paint": 5, "frame": "f", "task": "text_to_image", "prompt": "a fox"} | more
    before = {run.info.id for run in house.room.runs}
    who.send(house.room, Paint(**fields))
    house.tick(0)
    who.receive()
    new = [run.info.id for run in house.room.runs if run.info.id not in before]
    return new[0] if new else ""


def info(house: House, run: str) -> RunInfo:
    return house.room.runs.get(run).info


def finish(house: House, run: str, png: bytes = b"picture") -> None:
    """The engine brings the picture, the disk takes it."""
    house.host.tell(run, Image(png, 128, 96, 77))
    house.host.finish(run)
    house.tick()
    house.assets.deliver()
    house.tick()


def here(house: House) -> dict[str, Any]:
    return house.room.shared.document.canvas.objects()


def errors(who: NativeReplica) -> list[tuple[str, str, str]]:
    who.receive()
    return [(error.code, error.re, error.ref) for error in who.of(Error)]


def test_a_frame_becomes_a_picture_that_says_where_it_came_from(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    run = paint(house, ann, params=ImageParams(steps=4, negative_prompt="text"))
    request = house.host.requests[run]
    assert isinstance(request, ImageRequest)
    assert (request.task, request.prompt, request.source) == ("text_to_image", "a fox", None)
    assert request.params.seed is not None
    house.host.tell(run, Queued(2, 900))
    house.host.start(run)
    house.host.tell(run, Progressed(1, 4, 500))
    house.host.tell(run, EnginePreview(1, 4, JPEG, 64, 48))
    house.tick()
    bo.receive()
    [preview] = bo.of(Preview)
    assert preview == Preview(run, 1, 1, 4, 64, 48, JPEG)
    assert (info(house, run).progress, info(house, run).length, info(house, run).target) == (1, 4, "f")
    finish(house, run)
    for replica in (ann, bo):
        replica.receive()
        [(key, fields)] = (replica.doc.get("canvas", type=Map).to_py() or {}).items()
        assert fields == here(house)[key]
    assert {name: fields[name] for name in ("type", "x", "y", "w", "h", "z")} == {
        "type": "image",
        "x": 10.0,
        "y": 20.0,
        "w": 300.0,
        "h": 200.0,
        "z": "V",
    }
    assert (fields["prompt"], fields["negative_prompt"], fields["model"]) == ("a fox", "text", "brush")
    assert (fields["asker"], fields["run"], fields["seed"]) == (ann.participant, run, 77)
    assert json.loads(fields["params"]) == {"steps": 4, "seed": 77}
    assert house.assets.pictures[fields["asset"]].data == b"picture"
    author = house.room.shared.objects.get(key)
    assert author is not None
    assert author.creator == Owner("ai", run)
    assert info(house, run).state == "done"
    announced = [message for message in ann.of(Run) if message.ask == 5]
    assert [message.run.id for message in announced] == [run]
    assert not [message for message in bo.of(Run) if message.ask]


def test_the_picture_is_shown_only_when_it_is_on_disk(house: House, ann: NativeReplica) -> None:
    run = paint(house, ann)
    house.host.start(run)
    house.host.tell(run, Image(b"picture", 64, 64, 1))
    house.host.finish(run)
    house.tick()
    assert set(here(house)) == {"f"}
    assert info(house, run).state == "running"
    house.store.problem = StorageUnavailable("no")
    house.assets.deliver()
    house.tick()
    assert set(here(house)) == {"f"}
    house.store.problem = None
    house.tick(10)
    house.tick(10)
    assert "f" not in here(house)
    assert info(house, run).state == "done"


def test_undoing_the_run_takes_the_picture_away_brings_the_frame_back_and_touches_nothing_else(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    draw(house, bo, s={"type": "shape", "shape": "line", "z": "X", "x": 0, "y": 0, "w": 1, "h": 1})
    before, makers = here(house), dict(house.room.shared.objects.items())
    run = paint(house, ann)
    house.host.start(run)
    finish(house, run)
    assert set(here(house)) != set(before)
    bo.send(house.room, Undo(run))
    house.tick()
    assert here(house) == before
    assert dict(house.room.shared.objects.items()) == makers
    assert info(house, run).undone
    house.restart()
    assert here(house) == before
    assert dict(house.room.shared.objects.items()) == makers


def test_a_picture_that_pretends_to_have_been_a_frame_brings_nothing_back(
    house: House, ann: NativeReplica
) -> None:
    run = paint(house, ann)
    house.host.start(run)
    finish(house, run)
    ann.receive()
    [key] = here(house)
    for forged in ("[]", "no json", '{"id": "f", "fields": {"type": "frame"}}', '{"id": 5, "fields": 5}'):
        before = ann.doc.get_state()
        ann.doc.get("canvas", type=Map)[key]["frame"] = forged
        ann.send_update(house.room, ann.doc.get_update(before))
    ann.send(house.room, Undo(run))
    house.tick()
    assert here(house) == {}


def test_a_live_frame_stays_and_shows_its_picture(house: House, ann: NativeReplica) -> None:
    run = paint(house, ann, live=True)
    house.host.start(run)
    finish(house, run)
    [(key, fields)] = here(house).items()
    assert (key, fields["type"], fields["run"]) == ("f", "frame", run)
    assert fields["asset"] in house.assets.pictures
    ann.send(house.room, Undo(run))
    house.tick()
    assert "asset" not in here(house)["f"]
    author = house.room.shared.objects.get("f")
    assert author is not None
    assert author.creator == Owner(ann.participant)


def test_sources_are_fetched_before_the_engine_is_asked(house: House, ann: NativeReplica) -> None:
    source, mask = house.assets.add(b"source"), house.assets.add(b"mask")
    run = paint(house, ann, task="inpaint", source=source, mask=mask)
    assert run not in house.host.requests
    house.assets.deliver()
    request = house.host.requests[run]
    assert isinstance(request, ImageRequest)
    assert (request.source, request.mask) == (b"source", b"mask")
    house.host.start(run)
    finish(house, run)
    [fields] = here(house).values()
    assert (fields["source"], fields["mask"]) == (source, mask)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"frame": "nothing"}, "not_found"),
        ({"frame": "s"}, "not_found"),
        ({"task": "image_to_image"}, "invalid"),
        ({"task": "inpaint", "source": "0" * 64}, "invalid"),
        ({"source": "0" * 64}, "invalid"),
    ],
)
def test_what_cannot_be_painted_is_refused_at_once(
    house: House, ann: NativeReplica, fields: dict[str, Any], code: str
) -> None:
    draw(house, ann, s={"type": "shape", "shape": "line", "z": "X", "x": 0, "y": 0, "w": 1, "h": 1})
    assert paint(house, ann, **fields) == ""
    assert errors(ann) == [(code, "paint", "5")]


def test_a_missing_source_and_a_mask_of_another_size_end_the_run(house: House, ann: NativeReplica) -> None:
    source, mask = house.assets.add(b"source", 64, 64), house.assets.add(b"mask", 64, 32)
    missing = paint(house, ann, task="image_to_image", source="0" * 64)
    house.assets.deliver()
    assert (info(house, missing).state, info(house, missing).error_code) == ("failed", "not_found")
    unequal = paint(house, ann, task="inpaint", source=source, mask=mask)
    house.assets.deliver()
    assert info(house, unequal).error_code == "invalid"
    assert "64 x 32" in info(house, unequal).error
    assert house.host.requests == {}


def test_failures_end_the_run_and_leave_the_frame(house: House, ann: NativeReplica) -> None:
    broken = paint(house, ann)
    house.host.start(broken)
    house.host.fail(broken, "NaN in the latents")
    house.tick()
    assert (info(house, broken).error_code, info(house, broken).error) == (
        "engine_failed",
        "NaN in the latents",
    )
    empty = paint(house, ann)
    house.host.start(empty)
    house.host.finish(empty)
    house.tick()
    assert info(house, empty).error_code == "engine_failed"
    full = paint(house, ann)
    house.host.start(full)
    house.assets.problem = StorageFull("no space left")
    finish(house, full)
    assert info(house, full).error_code == "storage_full"
    house.assets.problem = None
    gone = paint(house, ann)
    house.host.start(gone)
    assert set(here(house)) == {"f"}
    draw(house, ann, f=None)
    finish(house, gone)
    assert info(house, gone).error_code == "conflict"
    assert here(house) == {}


def test_an_engine_that_refuses_leaves_no_run(house: House, ann: NativeReplica) -> None:
    house.host.refusal = QueueFull("64 runs are waiting already")
    assert paint(house, ann) == ""
    assert errors(ann) == [("queue_full", "paint", "5")]


def test_a_viewer_paints_nothing(house: House, ann: NativeReplica) -> None:
    eve = house.join(NativeReplica("Eve", "viewer", 19))
    assert paint(house, eve) == ""
    assert errors(eve) == [("denied", "paint", "5")]


def test_a_newer_request_replaces_one_that_has_not_begun(house: House, ann: NativeReplica) -> None:
    first = paint(house, ann)
    second = paint(house, ann, prompt="a wolf")
    assert info(house, first).state == "stopped"
    assert house.host.cancelled == [first]
    assert second in house.host.requests


def test_a_short_one_is_finished_while_the_newest_waits(house: House, ann: NativeReplica) -> None:
    first = paint(house, ann, live=True)
    house.host.start(first)
    second, third = paint(house, ann, live=True), paint(house, ann, live=True)
    assert [info(house, run).state for run in (first, second, third)] == ["running", "stopped", "queued"]
    assert third not in house.host.requests
    finish(house, first)
    assert info(house, first).state == "done"
    assert third in house.host.requests
    house.host.start(third)
    finish(house, third)
    assert here(house)["f"]["run"] == third


def test_a_long_one_is_stopped_when_it_has_had_its_second(house: House, ann: NativeReplica) -> None:
    first = paint(house, ann, live=True)
    house.host.start(first)
    second = paint(house, ann, live=True)
    house.host.tell(first, Progressed(2, 40, 9000))
    house.tick(0.5)
    assert info(house, first).state == "running"
    house.tick(0.6)
    assert (info(house, first).state, info(house, second).state) == ("stopped", "queued")
    assert second in house.host.requests
    house.host.start(second)
    house.tick(5)
    third = paint(house, ann, live=True)
    assert info(house, second).state == "stopped"
    assert third in house.host.requests


def test_others_and_other_frames_are_left_alone(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    draw(house, ann, g=FRAME)
    runs = [paint(house, ann), paint(house, ann, frame="g"), paint(house, bo)]
    assert [info(house, run).state for run in runs] == ["queued"] * 3


def test_steering_and_stopping_a_picture(house: House, ann: NativeReplica) -> None:
    run = paint(house, ann)
    house.host.start(run)
    change = ImageSteer(prompt="a wolf", guidance=2.0)
    ann.send(house.room, Steer(run, image=change))
    ann.send(house.room, Steer(run, TextSteer(temperature=1.0)))
    assert house.host.steered == [(run, change)]
    house.host.obey(run)
    assert (info(house, run).epoch, info(house, run).instruction) == (2, "a wolf")
    assert errors(ann) == [("invalid", "steer", run)]
    ann.send(house.room, Stop(run))
    house.tick()
    assert info(house, run).state == "stopped"
    assert set(here(house)) == {"f"}


def test_a_picture_that_waits_for_its_source_is_steered_too(house: House, ann: NativeReplica) -> None:
    run = paint(house, ann, task="image_to_image", source=house.assets.add(b"source"))
    ann.send(house.room, Steer(run, image=ImageSteer(prompt="a wolf", negative_prompt="rain", previews=2)))
    house.assets.deliver()
    request = house.host.requests[run]
    assert isinstance(request, ImageRequest)
    assert (request.prompt, request.params.negative_prompt, request.previews) == ("a wolf", "rain", 2)
    assert house.host.steered == []


def test_previews_follow_what_the_viewers_show(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    ann.send(house.room, Viewing(0))
    bo.send(house.room, Viewing(100))
    run = paint(house, ann)
    house.host.start(run)
    request = house.host.requests[run]
    assert isinstance(request, ImageRequest)
    assert (request.previews, request.preview_side) == (1, 128)
    house.room.sweep()
    assert house.host.steered == []
    ann.send(house.room, Viewing(400))
    house.room.sweep()
    house.room.sweep()
    ann.send(house.room, Steer(run, image=ImageSteer(preview_side=300)))
    bo.send(house.room, Viewing(0))
    ann.send(house.room, Viewing(0))
    house.room.sweep()
    changes = [change for _, change in house.host.steered]
    assert changes == [
        ImageSteer(previews=1, preview_side=512),
        ImageSteer(previews=1, preview_side=300),
        ImageSteer(previews=0, preview_side=64),
    ]
    assert info(house, run).epoch == 2, "the asker's own change alone"


def test_viewers_who_mostly_lag_are_sent_less_until_they_keep_up(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    run = paint(house, ann)
    house.host.start(run)

    def second(missed: int) -> None:
        for who in (ann, bo):
            who.pipe.shown.offered += 8
            who.pipe.shown.missed += missed
        house.clock.advance(1.0)
        house.room.sweep()

    second(6)
    second(6)
    for _ in range(6):
        second(0)
    assert [change for _, change in house.host.steered] == [
        ImageSteer(previews=2, preview_side=256),
        ImageSteer(previews=2, preview_side=128),
        ImageSteer(previews=2, preview_side=256),
    ]
    house.host.finish(run)
    assert info(house, run).epoch == 1


def test_people_are_told_why_fewer_previews_come(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    run = paint(house, ann)
    house.host.start(run)

    def step(number: int, *, loaded: bool = False) -> str:
        house.host.tell(run, Progressed(number, 8, 0, loaded))
        house.tick()
        bo.receive()
        return bo.of(Run)[-1].run.thinned

    assert step(1) == ""
    assert step(2, loaded=True) == "load"
    for who in (ann, bo):
        who.pipe.shown.offered += 8
        who.pipe.shown.missed += 6
    house.clock.advance(1.0)
    house.room.sweep()
    assert step(3) == "viewers"
    assert step(4, loaded=True) == "load", "what concerns everybody first"
    finish(house, run)
    assert info(house, run).thinned == ""


def test_a_run_is_by_the_model_that_begins_it(house: House, ann: NativeReplica) -> None:
    run = paint(house, ann)
    asked = info(house, run).model

    def serve(name: str) -> None:
        house.models = tuple(
            replace(each, name=name) if each.modality == "image" else each for each in house.models
        )
        house.room.announce_models(house.models)

    house.host.tell(run, Queued(1, 0))
    assert info(house, run).model == asked
    serve("another")
    assert info(house, run).model == "another", "the one that will do it"
    house.host.tell(run, Started("a third"))
    serve("a fourth")
    assert info(house, run).model == "a third", "the one that does it"


def test_a_preview_made_before_a_steer_is_stale(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    run = paint(house, ann)
    house.host.start(run)

    def step(number: int) -> None:
        house.host.tell(run, Progressed(number, 8, 0))
        house.host.tell(run, EnginePreview(number, 8, JPEG, 64, 48))

    step(1)
    bo.receive()
    ann.send(house.room, Steer(run, image=ImageSteer(prompt="a wolf")))
    step(2)
    ann.send(house.room, Steer(run, image=ImageSteer(guidance=2.0)))
    house.host.tell(run, Steered(2))
    step(3)  # made with the first change and not with the second
    house.host.tell(run, Steered(3))
    step(4)
    house.tick()
    ann.receive()
    bo.receive()
    assert [(one.epoch, one.step) for one in bo.of(Preview)] == [(1, 1), (3, 4)]
    assert ann.of(SteeredMessage) == [SteeredMessage(run, 2, 2), SteeredMessage(run, 3, 3)]
    assert bo.of(SteeredMessage) == []


def test_previews_go_on_when_a_steer_was_refused(house: House, ann: NativeReplica) -> None:
    run = paint(house, ann)
    house.host.start(run)
    ann.send(house.room, Steer(run, image=ImageSteer(prompt="a wolf")))
    house.host.refuse(run, "the picture is painted already")
    house.host.tell(run, EnginePreview(2, 4, JPEG, 64, 48))
    house.tick()
    ann.receive()
    assert [(one.epoch, one.step) for one in ann.of(Preview)] == [(2, 2)]
    assert info(house, run).instruction == "a fox"


def test_a_preview_that_nobody_has_taken_goes_with_its_epoch(house: House, ann: NativeReplica) -> None:
    run = paint(house, ann)
    house.host.start(run)
    house.host.tell(run, EnginePreview(1, 4, JPEG, 64, 48))
    assert [frame.slot for frame in ann.pipe.frames if frame.lane is Lane.PREVIEW] == [run]
    ann.send(house.room, Stop(run))
    house.host.tell(run, EnginePreview(2, 4, JPEG, 64, 48))
    house.tick()
    assert not [frame for frame in ann.pipe.frames if frame.lane is Lane.PREVIEW]


def test_what_comes_after_the_end_counts_for_nothing(house: House, ann: NativeReplica) -> None:
    run = paint(house, ann, task="image_to_image", source=house.assets.add(b"source"))
    ann.send(house.room, Stop(run))
    house.assets.deliver()
    assert house.host.requests == {}
    run = paint(house, ann)
    house.host.start(run)
    house.host.tell(run, Image(b"picture", 64, 64, 1))
    house.host.finish(run)
    house.tick()
    ann.send(house.room, Stop(run))
    house.assets.deliver()
    house.tick()
    assert info(house, run).state == "stopped"
    assert set(here(house)) == {"f"}


def test_a_restart_fails_what_was_under_way(house: House, ann: NativeReplica) -> None:
    run = paint(house, ann)
    house.host.start(run)
    house.tick()
    house.restart()
    assert (info(house, run).state, info(house, run).error_code) == ("failed", "worker_lost")


@pytest.mark.parametrize(
    ("frame", "given", "expected"),
    [
        ((300, 300), {}, (128, 128)),
        ((400, 100), {}, (224, 80)),
        ((100, 200), {}, (96, 176)),
        ((1, 100_000), {}, (80, 224)),
        ((0, 5), {}, (128, 128)),
        ((400, 100), {"width": 64}, (64, None)),
    ],
)
def test_a_picture_takes_the_shape_of_its_frame(
    frame: tuple[float, float], given: dict[str, int], expected: tuple[int, int | None]
) -> None:
    model = ModelInfo("image", "brush", "cpu", True, "", ImageModel(128, 128, 8, 1.0, 1_000_000, ("lcm",)))
    made = shaped(ImageParams(**given), *frame, model)
    assert (made.width, made.height) == expected
    assert shaped(ImageParams(), *frame, ModelInfo("image", "brush", "cpu", True)) == ImageParams()


@given(
    st.lists(
        st.sampled_from((Started(), Queued(1, 5), Progressed(1, 4, 100), Image(b"p", 8, 8, 1))), max_size=4
    ),
    st.sampled_from(
        (
            Done("end"),
            Failed(ErrorCode.WORKER_LOST, "the engine worker was killed by SIGKILL"),
            Failed(ErrorCode.ENGINE_FAILED, ""),
            Failed("", ""),
            Failed("", "something"),
        )
    ),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_a_run_that_failed_has_a_code_and_words(
    middle: list[RunEvent], end: RunEvent, frame_goes: bool
) -> None:
    house = House()
    ann = house.join(NativeReplica("Ann", "owner", 11))
    draw(house, ann, f=FRAME)
    run = paint(house, ann)
    for event in (*middle, end):
        house.host.tell(run, event)
    if frame_goes:
        draw(house, ann, f=None)
    for _ in range(3):
        house.tick()
        house.assets.deliver()
    told = info(house, run)
    assert told.state in ("done", "failed")
    assert (told.state == "failed") == bool(told.error_code) == bool(told.error)
    assert told.state == "failed" or any(isinstance(event, Image) for event in middle)
