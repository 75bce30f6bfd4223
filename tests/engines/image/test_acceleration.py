"""Pictures through another backend: the embedded model on ONNX Runtime, and a build in the background."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.plans.plan import BackendName
from antiphon_engines.backends.plans.plan_store import PlanStore
from antiphon_engines.backends.plans.planning import PLANS
from antiphon_engines.backends.runners.torch_runner import TorchRunner
from antiphon_engines.config import WorkerConfig
from antiphon_engines.image import spec
from antiphon_engines.image.engine import ImageEngine
from support import plans, tiny_pipelines
from support.drive import run
from support.easel import ask, distance, easel, paint, pixels, scene
from support.easel import encode as png

pytestmark = pytest.mark.filterwarnings("ignore")


def build(config: WorkerConfig) -> ImageEngine:
    engine = spec.build(config)
    assert isinstance(engine, ImageEngine)
    return engine


@pytest.fixture(scope="module")
def embedded(cache_dir: Path) -> Any:
    """The engine that a server with default settings has once its plans are built, and the one on torch."""
    plans.prepare_embedded_plans(cache_dir)
    fast = build(plans.embedded_config(cache_dir))
    plain = build(plans.embedded_config(cache_dir, image_backend="torch"))
    yield fast, plain
    fast.close()
    plain.close()


def test_the_embedded_model_runs_on_onnxruntime_by_default(embedded: Any) -> None:
    fast, plain = embedded
    assert fast.info.backend == "onnxruntime"
    assert plain.info.backend == "torch"
    assert {slot.backend for slot in fast.slots.values()} == {"onnxruntime"}
    assert {slot.backend for slot in plain.slots.values()} == {"torch"}


def test_both_paint_the_same_pictures(embedded: Any) -> None:
    fast, plain = embedded
    source = png(scene(128, 128))
    requests = [
        ask(prompt="a red house", seed=1, guidance=3.0),
        ask(prompt="a blue cat", seed=2, guidance=1.0, steps=3),
        ask("image_to_image", "a tree", source=source, strength=0.6, seed=3),
        ask(prompt="the sun", seed=4, width=64, height=192),
    ]
    for one, other in zip(paint(fast, *requests), paint(plain, *requests), strict=True):
        assert distance(one, other) <= 4


def test_a_picture_beyond_the_plan_is_torchs(embedded: Any, caplog: pytest.LogCaptureFixture) -> None:
    fast, plain = embedded
    request = ask(width=1544, height=16, steps=1)
    assert distance(*paint(fast, request), *paint(plain, request)) <= 4
    assert {slot.backend for slot in fast.slots.values()} == {"onnxruntime"}
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_torch_serves_while_the_plans_are_built_and_then_they_are_used(tmp_path: Path) -> None:
    checkpoint = plans.tiny_checkpoint(tmp_path / "model")
    config = WorkerConfig(
        str(tmp_path / "cache"),
        image_model=str(checkpoint.folder),
        image_pixels=128 * 128,
        threads=1,
        device="cpu",
        image_backend="text_encoder=onnxruntime",
    )
    engine = build(config)
    try:
        request = ask(seed=5, steps=2)
        before = run(engine, request)[0]
        engine.accelerated()
        assert {part: slot.backend for part, slot in engine.slots.items()} == {
            "denoiser": "torch",
            "tiny_decoder": "torch",
            "text_encoder": "onnxruntime",
        }
        after = run(engine, request)[0]
        assert distance(pixels(before), pixels(after)) <= 2
    finally:
        engine.close()

    # The plan is taken at once by the next engine, and built again when it has been spoilt, as by a torn disk.
    store = PlanStore(Path(config.cache_dir) / PLANS)
    [entry] = store.entries()
    assert entry.problem == ""
    ready = build(config)
    assert ready.slots["text_encoder"].backend == "onnxruntime"
    ready.close()
    model = store.folder / entry.name / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1] + b"?")
    wary = build(config)
    wary.close()
    assert wary.slots["text_encoder"].backend == "torch"
    assert store.entries() == []


class Renamed(TorchRunner):
    backend: BackendName = "onnxruntime"


def test_the_engine_says_what_runs_it_now() -> None:
    engine = easel(tiny_pipelines.stable_diffusion())
    assert engine.info.backend == "torch"
    slot = engine.slots["denoiser"]
    slot.offer(Renamed(slot.fallback.network))
    paint(engine, ask(steps=1))
    assert engine.info.backend == "onnxruntime"
    engine.close()


def test_closing_the_engine_ends_a_build(tmp_path: Path) -> None:
    checkpoint = plans.tiny_checkpoint(tmp_path / "model")
    engine = build(
        WorkerConfig(
            str(tmp_path / "cache"),
            image_model=str(checkpoint.folder),
            threads=1,
            device="cpu",
            image_backend="onnxruntime",
        )
    )
    engine.close()
    assert PlanStore(tmp_path / "cache" / PLANS).under_way() == []
    assert engine.slots["denoiser"].backend == "torch"


@pytest.mark.parametrize("backend", ["tensorrt", "tensorrt_rtx"])
def test_a_backend_that_cannot_run_here_leaves_torch_and_says_why(
    tmp_path: Path, backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    config = plans.embedded_config(
        tmp_path, image_backend=f"denoiser={backend},tiny_decoder=torch,text_encoder=torch"
    )
    with caplog.at_level(logging.WARNING, logger="antiphon_engines"):
        engine = build(config)
    engine.close()
    assert engine.slots["denoiser"].backend == "torch"
    assert [line for line in caplog.messages if line.startswith(f"the denoiser stays on torch: {backend} ")]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_backend": "tensor"}, "'tensor' is not one of auto, torch"),
        ({"image_backend": "painter=torch"}, "no part 'painter'"),
        ({"image_precision": "int3"}, "'int3' is not one of"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(tmp_path: Path, settings: Any, message: str) -> None:
    with pytest.raises(EngineUnavailable, match=message):
        spec.build(plans.embedded_config(tmp_path, **settings))
