"""The image engine on CUDA: the CPU's pictures, by recordings, with adapters and within a memory budget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from antiphon_engines.backends.residency import Residency
from antiphon_engines.config import WorkerConfig
from antiphon_engines.image import spec
from antiphon_engines.image.engine import ImageEngine
from antiphon_proto.params import Adapter
from support import tiny_lora
from support import tiny_pipelines as tiny
from support.easel import ask, distance, paint

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]
CLOSE = 3
"""Of 255: sums in another order, in float32."""


@pytest.fixture(autouse=True)
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten bits of a product are not float32."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cuda")
    tiny.stable_diffusion().save_pretrained(folder / "model")
    tiny.sana().save_pretrained(folder / "sana")
    tiny_lora.save(tiny.stable_diffusion(), folder, "soft")
    return folder


def build(
    place: Path, device: str = "cuda", model: str = "model", budget: int = 0, **settings: Any
) -> ImageEngine:
    """`budget` is in bytes."""
    settings = {"image_precision": "fp32"} | settings
    config = WorkerConfig(
        str(place),
        image_model=str(place / model),
        threads=1,
        device=device,
        **settings,
    )
    engine = spec.build(config, Residency(budget))
    assert isinstance(engine, ImageEngine)
    return engine


@pytest.mark.parametrize("model", ["model", "sana"])
def test_pictures_are_those_of_the_cpu_whoever_shares_the_batch(place: Path, model: str) -> None:
    engines = {device: build(place, device, model) for device in ("cpu", "cuda")}
    requests = [ask(seed=1), ask(seed=2, guidance=3.0), ask(seed=3, prompt="a blue cat", steps=6)]
    wanted = paint(engines["cpu"], *requests)
    for _ in range(2):  # plain calls first, then recordings
        for found, expected in zip(paint(engines["cuda"], *requests), wanted, strict=True):
            assert distance(found, expected) <= CLOSE
    [alone] = paint(engines["cuda"], requests[1])
    assert distance(alone, wanted[1]) <= CLOSE
    assert engines["cuda"].info.device == "cuda"
    for engine in engines.values():
        engine.close()


def test_half_precision_paints(place: Path) -> None:
    exact, half = build(place, "cpu"), build(place, image_precision="bf16")
    [wanted] = paint(exact, ask())
    for _ in range(3):
        [found] = paint(half, ask())
        assert abs(found.astype(float).mean() - wanted.astype(float).mean()) < 8
    exact.close()
    half.close()


def test_an_adapter_by_name_gives_what_merging_gives(place: Path) -> None:
    file = str(place / "soft.safetensors")
    merged = build(place, image_loras=(f"{file}=0.7",))
    offering = build(place, image_adapters={"soft": file})
    [wanted] = paint(merged, ask())
    [bare] = paint(offering, ask())
    assert distance(bare, wanted) > 8
    for _ in range(3):
        found, neighbour = paint(offering, ask(adapters=(Adapter("soft", 0.7),)), ask())
        assert distance(found, wanted) <= CLOSE
        assert distance(neighbour, bare) <= CLOSE
    merged.close()
    offering.close()


def test_within_a_memory_budget_networks_leave_and_come_back(place: Path) -> None:
    """Less than any network needs: each has the card to itself, and its CUDA graph is recorded anew."""
    free, tight = build(place), build(place, budget=1)
    [wanted] = paint(free, ask())
    for _ in range(3):
        [found] = paint(tight, ask())
        assert distance(found, wanted) <= CLOSE
    there = []
    for part, slot in tight.slots.items():
        network = slot._fallback.network
        if next(network.module.parameters()).device.type == "cuda":
            there.append(part)
    assert there == ["decoder"]
    free.close()
    tight.close()
