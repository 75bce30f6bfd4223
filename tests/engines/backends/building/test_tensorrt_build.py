"""Real engines, built on a machine without a GPU. Their results are checked through the same ONNX files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.building import build, tensorrt_build
from antiphon_engines.backends.plans import tensorrt_module
from antiphon_engines.backends.plans.checkpoint import Checkpoint
from antiphon_engines.backends.plans.plan_store import PlanStore
from antiphon_engines.backends.runners import opening
from support import plans

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def rtx() -> Any:
    try:
        return tensorrt_module.load("tensorrt_rtx")
    except EngineUnavailable as error:
        pytest.skip(error.message)


@pytest.mark.parametrize("part", ["tiny_decoder", "text_encoder"])
def test_an_engine_is_built_and_says_how_far_it_is(
    rtx: Any, tiny: Checkpoint, store: PlanStore, part: Any
) -> None:
    told: list[tuple[str, float]] = []
    order = plans.order(tiny, part, "tensorrt_rtx", "sm86")  # for a card that no other test builds for
    plan = build.build(store, order, lambda stage, fraction: told.append((stage, fraction)))
    assert plan.key == order.key()
    assert plan.key.runtime == rtx.__version__
    assert plan.model.read_bytes()[:4] == b"vtrt"
    fractions = [fraction for stage, fraction in told if stage == "build"]
    assert len(fractions) > 2
    assert fractions == sorted(fractions)
    # The ONNX file is a plan of its own, and the next engine is made of it.
    assert store.find(order.exported().key()) is not None
    again: list[str] = []
    assert build.build(store, order, lambda stage, fraction: again.append(stage)) == plan
    assert again == []


def test_an_engine_of_another_card_is_another_plan_and_none_runs_here(
    rtx: Any, tiny: Checkpoint, store: PlanStore
) -> None:
    order = plans.order(tiny, "text_encoder", "tensorrt_rtx", "sm120")
    plan = build.build(store, order)
    assert plan.key.name != plans.order(tiny, "text_encoder", "tensorrt_rtx", "sm89").key().name
    import torch

    if not torch.cuda.is_available():
        with pytest.raises(EngineUnavailable, match="refuses"):
            opening.open_plan(plan, order.signature, cuda=False, threads=1)


def test_the_precision_is_the_graphs(rtx: Any, tiny: Checkpoint, store: PlanStore) -> None:
    sizes = {}
    for precision in ("fp32", "bf16"):
        order = replace(plans.order(tiny, "text_encoder", "tensorrt_rtx", "sm89"), precision=precision)
        plan = build.build(store, order)
        sizes[precision] = store.find(order.exported().key()).model.stat().st_size
        assert plan.key.precision == precision
    assert sizes["bf16"] < sizes["fp32"]


def test_cards_that_it_knows_nothing_of_are_refused(
    rtx: Any, tiny: Checkpoint, store: PlanStore, tmp_path: Path
) -> None:
    source = build.build(store, plans.order(tiny, "text_encoder"))
    signature = plans.order(tiny, "text_encoder").signature
    with pytest.raises(EngineUnavailable, match="builds for sm75, .* not for sm90"):
        tensorrt_build.build(rtx, source.model, tmp_path / "engine", signature, device="sm90")
    torn = tmp_path / "torn.onnx"
    torn.write_bytes(source.model.read_bytes()[:1000])
    with pytest.raises(EngineUnavailable, match="cannot parse"):
        tensorrt_build.build(rtx, torn, tmp_path / "engine", signature, device="sm89")
    assert not (tmp_path / "engine").exists()
