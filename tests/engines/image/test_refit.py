"""Adapters on an engine that can take other weights. The engine is scripted: none runs without a GPU."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from msgspec.structs import replace

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.acceleration import Acceleration
from antiphon_engines.backends.building import background
from antiphon_engines.backends.plans import runtimes
from antiphon_engines.backends.plans.plan import BackendName, Lora, Plan, model_name
from antiphon_engines.backends.plans.plan_store import PlanStore
from antiphon_engines.backends.plans.planning import Wishes
from antiphon_engines.backends.plans.runtimes import Availability
from antiphon_engines.backends.plans.signature import Signature
from antiphon_engines.backends.runners import opening
from antiphon_engines.backends.runners.runner import Tensors
from antiphon_engines.backends.slot import Slot
from antiphon_engines.image import slots
from support import plans, tiny_lora, tiny_pipelines

pytestmark = pytest.mark.filterwarnings("ignore")


class Engine:
    """Gives torch's answers; remembers whose weights it was given."""

    backend: BackendName = "tensorrt"
    nbytes = 0

    def __init__(self, slot: Slot, signature: Signature, broken: bool) -> None:
        self._slot, self.signature, self._broken = slot, signature, broken
        self.weights: list[Path] = []
        self.closed = False

    def __call__(self, tensors: Tensors) -> dict[str, torch.Tensor]:
        return self._slot.fallback(tensors)

    def refit(self, onnx: Path) -> None:
        if self._broken:
            raise EngineUnavailable("tensorrt cannot take the weights: other shapes")
        self.weights.append(onnx)

    def close(self) -> None:
        self.closed = True


class Bench:
    """A model on a machine that seems to have a card, and the sessions and plans made there."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, broken: bool = False) -> None:
        checkpoint = plans.tiny_checkpoint(folder / "model")
        lora = tiny_lora.save(tiny_pipelines.stable_diffusion(vae="tiny"), folder, "soft")
        self.slots = slots.make(tiny_pipelines.stable_diffusion(vae="tiny"), ["denoiser"], {})
        choice: Any = dict.fromkeys(["denoiser"], "tensorrt")
        self.wishes = Wishes(checkpoint, choice, {}, plans.SMALL, "sm89", False, (Lora(str(lora)),))
        self.store = PlanStore(folder / "plans")
        self.opened: list[tuple[Plan, Engine]] = []
        self.asked: list[Any] = []

        def open_plan(plan: Plan, signature: Signature, **_: Any) -> Engine:
            engine = Engine(self.slots["denoiser"], signature, broken)
            self.opened.append((plan, engine))
            return engine

        def builder(folder: Path, orders: Any, hear: Any, **_: Any) -> Any:
            self.asked += orders
            raise RuntimeError("the build began")

        monkeypatch.setattr(opening, "open_plan", open_plan)
        monkeypatch.setattr(background, "Builder", builder)
        monkeypatch.setattr(
            runtimes, "availability", lambda backend, _: Availability(backend, "11.4", True, True, "on sm89")
        )
        monkeypatch.setattr(runtimes, "version", lambda backend: "11.4")
        order = self.wishes.order("denoiser", "fp32")
        assert order is not None
        self.order = order
        self.bare = replace(order, loras=())

    def put(self, order: Any) -> None:
        with self.store.put(order.key()) as folder:
            (folder / model_name(order.backend)).write_bytes(b"weights")

    def accelerate(self) -> Acceleration:
        return Acceleration(self.store.folder, self.wishes, self.slots, threads=1)


def test_an_engine_takes_the_adapters_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path, monkeypatch)
    bench.put(bench.bare)
    bench.put(bench.order.exported())
    bench.accelerate().start()
    [(plan, engine)] = bench.opened
    assert plan.key == bench.bare.key()
    assert [path.parent.name for path in engine.weights] == [bench.order.exported().key().name]
    assert bench.slots["denoiser"].backend == "tensorrt"
    assert bench.asked == []


@pytest.mark.parametrize("there", [True, False])
def test_only_what_is_wanting_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    bench = Bench(tmp_path, monkeypatch)
    if there:
        bench.put(bench.bare)
    with pytest.raises(RuntimeError, match="the build began"):
        bench.accelerate().start()
    assert bench.asked == [bench.order.exported() if there else bench.order]
    assert bench.opened == []


def test_an_engine_that_refuses_them_leaves_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(tmp_path, monkeypatch, broken=True)
    bench.put(bench.bare)
    bench.put(bench.order.exported())
    with caplog.at_level(logging.WARNING):
        bench.accelerate()
    assert bench.opened[0][1].closed
    assert bench.slots["denoiser"].backend == "torch"
    assert "cannot take the weights" in caplog.text
