"""Steps that pause: the same pictures to the bit, whatever the budget; deadlines, cancels, steering, memory."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.api import (
    Audio,
    Done,
    Engine,
    Failed,
    Image,
    ImageRequest,
    InvalidRequest,
    Preview,
    Step,
)
from antiphon_engines.image import adapters
from antiphon_engines.image.engine import ImageEngine
from antiphon_engines.image.painting import Painting
from antiphon_engines.ipc.channel import Cancel, Events, Report, Shutdown, Submit
from antiphon_engines.scheduling.scheduler import Scheduler
from antiphon_engines.settings import QueueBounds
from antiphon_engines.worker.inbox import News
from antiphon_engines.worker.loop import WorkerLoop
from antiphon_proto.params import Adapter, ImageSteer
from support import tiny_lora
from support import tiny_pipelines as tiny
from support.drive import written
from support.easel import ask, decode, encode, mask_of, paint, scene
from support.fake_band import FakeBand, band_request
from support.inline_encoder import InlineEncoder
from support.ticking import EACH, ticking
from support.virtual_clock import VirtualClock

pytestmark = pytest.mark.filterwarnings("ignore")
CHECKED = settings(derandomize=True, deadline=None, max_examples=6)
SIZE = {"width": 64, "height": 64}
"""The pictures of these tests; a tiny model's layer takes `ticking.EACH` seconds of the engine's clock."""


def requests(sana: bool = False) -> list[ImageRequest]:
    source, mask = scene(), mask_of(64, 64, (16, 8, 56, 40))
    return [
        ask(seed=1, guidance=4.0, steps=2, **SIZE),
        ask(prompt="a blue cat", seed=2, steps=3, guidance=1.0, sampler=None, **SIZE),
        ask("image_to_image", seed=3, strength=0.6, source=encode(source), steps=3),
        ask("inpaint", seed=4, source=encode(source), mask=encode(mask), steps=2),
    ]


class Studio:
    """An engine driven piece by piece, as the scheduler does it: calls that have begun go on as a whole."""

    def __init__(self, engine: ImageEngine, budgets: Any) -> None:
        self.engine, self._budgets = engine, budgets
        self.pauses = 0

    def step(self, jobs: list[Painting]) -> dict[Painting, list[Any]]:
        self.engine.budget(self._budgets())
        outputs = self.engine.step(jobs)
        self.pauses += any(job.piece is not None and job.piece.call for job in jobs)
        return dict(zip(jobs, map(written, outputs), strict=True))

    def paint(self, *wanted: ImageRequest) -> list[np.ndarray[Any, Any]]:
        jobs = [self.engine.admit(request) for request in wanted]
        found: dict[Painting, bytes] = {}
        ready = list(jobs)
        while ready:
            leader = ready[0]
            if leader.call is not None:
                group = list(leader.call.paintings)
            else:
                group = [job for job in ready if job.unit == leader.unit and job.call is None]
            for job, outputs in self.step(group).items():
                for output in outputs:
                    assert not isinstance(output, Failed), output
                    if isinstance(output, Image):
                        found[job] = output.png
                    if isinstance(output, Done):
                        self.engine.release(job)
                        ready.remove(job)
            # Calls of other units go on in between.
            if leader in ready:
                ready = ready[1:] + ready[:1]
        return [decode(found[job]) for job in jobs]


@pytest.fixture(scope="module")
def engine() -> ImageEngine:
    return ticking(tiny.stable_diffusion())


@given(longest=st.floats(0.0, 0.6), seed=st.integers(0, 1000))
@CHECKED
def test_pictures_are_the_same_to_the_bit_for_any_budget(
    engine: ImageEngine, longest: float, seed: int
) -> None:
    whole, chance = Studio(engine, lambda: 1e9), Random(seed)
    pausing = Studio(engine, lambda: chance.uniform(0.0, longest))
    for wanted in requests():
        assert np.array_equal(*whole.paint(wanted), *pausing.paint(wanted))
    # In company, calls of several units are under way at once and share the networks.
    for one, other in zip(whole.paint(*requests()), pausing.paint(*requests()), strict=True):
        assert np.array_equal(one, other)
    assert pausing.pauses > 5
    assert whole.pauses == 0


@pytest.mark.parametrize("sprint", [False, True])
def test_sana_pauses_too(sprint: bool) -> None:
    sana = ticking(tiny.sana(sprint=True) if sprint else tiny.sana())
    [expected] = paint(sana, ask(seed=5, steps=2))
    studio = Studio(sana, lambda: 0.03)
    [picture] = studio.paint(ask(seed=5, steps=2))
    assert np.array_equal(picture, expected)
    assert studio.pauses > 10


def test_adapters_are_off_while_a_call_with_them_pauses(tmp_path: Path) -> None:
    pipeline = tiny.stable_diffusion()
    adapters.offer(pipeline, {"loud": str(tiny_lora.save(tiny.stable_diffusion(), tmp_path, "loud"))})
    engine = ticking(pipeline)
    loud = ask(seed=7, steps=3, adapters=(Adapter("loud", 1.0),))
    whole = [picture for wanted in (loud, ask(seed=8)) for picture in paint(engine, wanted)]
    studio = Studio(engine, lambda: 0.04)
    mixed = studio.paint(loud, ask(seed=8))
    assert studio.pauses > 20
    assert all(np.array_equal(one, other) for one, other in zip(whole, mixed, strict=True))


# Leaving a call ---------------------------------------------------------------------------------------


def begun(engine: ImageEngine, *wanted: ImageRequest, unit: str = "denoise") -> list[Painting]:
    """Jobs in the middle of a call of this unit."""
    jobs = [engine.admit(request) for request in wanted]
    engine.budget(1e9)
    while not jobs[0].unit.startswith(unit):
        engine.step(jobs)
    engine.budget(3 * EACH)
    engine.step(jobs)
    assert all(job.call is not None for job in jobs)
    return jobs


def finish(engine: ImageEngine, *jobs: Painting) -> list[Any]:
    """The pictures of jobs, and the other results of the first."""
    engine.budget(1e9)
    pictures, others = [], []
    for job in jobs:
        ended = False
        while not ended:
            outputs = engine.step(job.call.paintings if job.call else [job])
            [mine] = map(written, outputs)
            pictures += [decode(output.png) for output in mine if isinstance(output, Image)]
            others += [output for output in mine if isinstance(output, Step | Failed) and job is jobs[0]]
            ended = any(isinstance(output, Done | Failed) for output in mine)
        engine.release(job)
    return [*pictures, others]


@pytest.mark.parametrize("unit", ["encode", "denoise", "decode"])
def test_an_abandoned_forward_frees_its_memory_and_leaves_no_trace(engine: ImageEngine, unit: str) -> None:
    alive: list[weakref.ref[torch.Tensor]] = []

    def remember(layer: Any, given: Any, answer: torch.Tensor) -> None:
        alive.append(weakref.ref(answer))

    wanted = ask("image_to_image", seed=3, strength=0.6, source=encode(scene()), steps=3)
    [expected] = paint(engine, wanted)
    family: Any = engine._family
    module: Any = family._unet if unit == "denoise" else family._vae
    hooks = [layer.register_forward_hook(remember) for layer in module.modules() if not [*layer.children()]]
    [job] = begun(engine, wanted, unit=unit)
    for _ in range(3):
        engine.step([job])
    assert any(ref() is not None for ref in alive), "nothing is held in the middle of a forward"
    engine.release(job)
    assert all(ref() is None for ref in alive), "without the garbage collector's help"
    assert not torch.is_inference_mode_enabled()
    for hook in hooks:
        hook.remove()
    engine.budget(1e9)
    [again] = paint(engine, wanted)
    assert np.array_equal(again, expected)


def test_a_batch_goes_on_without_one_that_is_cancelled(engine: ImageEngine) -> None:
    one, other = ask(seed=1, steps=3), ask(seed=2, steps=3)
    expected = paint(engine, one, other)[1]
    kept = begun(engine, one, other)
    engine.release(kept[0])
    engine.release(kept[0])
    picture, steps = finish(engine, kept[1])
    assert [step.step for step in steps] == [1, 2, 3]
    # The rest of its steps it is alone, where sums come out in another order.
    assert int(np.abs(picture.astype(int) - expected.astype(int)).max()) <= 2


def test_a_steered_picture_leaves_its_call_and_takes_the_step_anew(engine: ImageEngine) -> None:
    changed = ImageSteer(prompt="a blue cat", guidance=5.0)
    wanted = ask(seed=4, steps=3, guidance=3.0, previews=1)
    whole = engine.admit(wanted)
    engine.budget(1e9)
    engine.step([whole])
    engine.steer(whole, changed)
    expected, _ = finish(engine, whole)
    job, neighbour = begun(engine, wanted, ask(seed=5, steps=3))
    engine.steer(job, changed)
    assert (job.call, job.unit) == (None, "encode")
    assert neighbour.call is not None
    picture, steps = finish(engine, job)
    assert np.array_equal(picture, expected)
    assert [step.step for step in steps] == [0, 1, 2, 3], "the step that was dropped is not counted"
    assert len(finish(engine, neighbour)) == 2
    [late] = begun(engine, wanted, unit="decode")
    with pytest.raises(InvalidRequest):
        engine.steer(late, changed)
    engine.release(late)


def test_what_a_steer_changes_nothing_about_does_not_break_a_call(engine: ImageEngine) -> None:
    [job] = begun(engine, ask(seed=6, steps=2, previews=1))
    engine.steer(job, ImageSteer(previews=0))
    assert job.call is not None
    outputs = finish(engine, job)
    assert not any(isinstance(output, Preview) for output in outputs[-1])


def test_a_network_that_fails_in_the_middle_fails_its_picture_alone(
    engine: ImageEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    [job] = begun(engine, ask(seed=6, steps=2))
    family: Any = engine._family
    last = family._unet.conv_out

    def breaks(*_: Any) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(last, "forward", breaks)
    engine.budget(1e9)
    [[failed]] = engine.step([job])
    assert isinstance(failed, Failed)
    assert "boom" in failed.message
    assert (job.call, job.piece is None) == (None, False)
    engine.release(job)


# In the loop ------------------------------------------------------------------------------------------


class Worker:
    """The loop with a band and a painter of layers that take `EACH` seconds of virtual time."""

    def __init__(self, *commands: News) -> None:
        self.clock = VirtualClock()
        self.script = list(commands)
        self.band = FakeBand(self.clock.monotonic, lambda unit, size: self.clock.advance(0.004))
        self.painter = ticking(tiny.stable_diffusion(), self.clock)
        engines: dict[str, Engine] = {"image": self.painter, "audio": self.band}
        infos = {kind: engine.info for kind, engine in engines.items()}
        self.scheduler = Scheduler(infos, QueueBounds())
        self.events: dict[int, list[tuple[float, Any]]] = {}
        self.until = self.clock.now
        self.loop = WorkerLoop(
            engines, self.scheduler, self, self._send, self.clock.monotonic, encoder=InlineEncoder()
        )

    def drain(self, timeout: float | None) -> list[News]:
        taken, self.script = self.script, []
        if self.clock.now >= self.until:
            return [Shutdown()]
        if not taken:
            left = self.until - self.clock.now
            self.clock.advance(left if timeout is None else min(timeout, left))
        return taken

    def run(self, seconds: float, *commands: News) -> Worker:
        self.script += commands
        self.until = self.clock.now + seconds
        self.loop.run()
        return self

    def _send(self, reports: Sequence[Report]) -> None:
        for report in reports:
            if isinstance(report, Events):
                timed = [(self.clock.now, event) for event in report.events]
                self.events.setdefault(report.ticket, []).extend(timed)

    def of(self, ticket: int, kind: type) -> list[Any]:
        return [event for _, event in self.events.get(ticket, []) if isinstance(event, kind)]


def order(ticket: int, request: Any) -> Submit:
    return Submit(ticket, f"run{ticket}", 0, "ann", 1.0, request)


def test_audio_deadlines_hold_beside_a_decode_that_outlasts_every_window() -> None:
    """A forward of the UNet takes 0.4 s here and a decode 0.35 s; windows are 0.1 s."""
    worker = Worker()
    worker.run(8.0, order(1, ask(seed=1, steps=6)))
    assert len(worker.of(1, Image)) == 1
    worker.run(1.0, order(2, band_request(worker.clock.now + 0.4)))
    worker.run(30.0, order(3, ask(seed=1, steps=6)), order(4, ask(seed=2, steps=4)))
    frames = worker.of(2, Audio)
    assert len(frames) > 580
    assert max(frame.late for frame in frames) == 0
    alone, beside = (decode(worker.of(ticket, Image)[0].png).astype(int) for ticket in (1, 3))
    # But for rounding: in a batch of two the kernels add up in another order.
    assert np.abs(alone - beside).max() <= 1, "the band beside it changes nothing about a picture"
    worker.painter.close()


def test_a_cancel_in_the_middle_of_a_forward_takes_effect_at_its_next_piece() -> None:
    worker = Worker()
    worker.run(8.0, order(1, ask(seed=1, steps=2)))
    worker.run(0.15, order(2, ask(seed=2, steps=50)))
    [job] = worker.painter._jobs
    assert job.call is not None
    worker.run(0.12, Cancel(2))
    assert worker.painter._jobs == set()
    assert worker.scheduler.active == []
    worker.run(8.0, order(3, ask(seed=1, steps=2)))
    assert worker.of(3, Image)[0].png == worker.of(1, Image)[0].png
    worker.painter.close()
