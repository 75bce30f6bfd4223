"""Every part that is exported: ONNX Runtime computes the same as torch, at sizes that the exporter never saw.

The embedded model's own parts are checked where they are used (tests/engines/image/test_acceleration.py).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.building import build
from antiphon_engines.backends.networks import loading
from antiphon_engines.backends.plans import runtimes
from antiphon_engines.backends.plans.checkpoint import recognise
from antiphon_engines.backends.plans.order import Order
from antiphon_engines.backends.plans.plan import Part
from antiphon_engines.backends.plans.plan_store import PlanStore
from antiphon_engines.backends.runners import opening
from antiphon_engines.backends.runners.torch_runner import TorchRunner
from antiphon_engines.backends.slot import compare
from support import plans, tiny_models, tiny_pipelines

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
Sizes = list[dict[str, int]]
MAKERS: dict[str, Callable[[Path], None]] = {
    "stable_diffusion": lambda folder: tiny_pipelines.stable_diffusion(
        guidance_embedding=True
    ).save_pretrained(folder),
    "language": tiny_models.language,
    "musicgen": tiny_models.musicgen,
}
PICTURES: Sizes = [{"rows": 1, "height": 4, "width": 6}, {"rows": 3, "height": 10, "width": 2}]
CASES: list[tuple[str, Part, Sizes]] = [
    ("stable_diffusion", "denoiser", PICTURES),
    ("stable_diffusion", "decoder", PICTURES),
    ("language", "language_decoder", [{"rows": 1, "new": 1, "past": 1}, {"rows": 3, "new": 4, "past": 17}]),
    ("musicgen", "music_decoder", [{"rows": 1, "words": 1, "past": 1}, {"rows": 2, "words": 9, "past": 30}]),
    ("musicgen", "codec_decoder", [{"rows": 1, "frames": 5}, {"rows": 2, "frames": 33}]),
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    place = tmp_path_factory.mktemp("models")

    def folder(name: str) -> Path:
        if not (place / name).exists():
            MAKERS[name](place / name)
        return place / name

    return folder


@pytest.mark.parametrize(
    ("model", "part", "calls"), CASES, ids=[f"{model}-{part}" for model, part, _ in CASES]
)
def test_the_export_computes_what_torch_computes(
    model: str, part: Part, calls: Sizes, folders: Callable[[str], Path], store: PlanStore
) -> None:
    order: Order = plans.order(recognise(folders(model)), part)
    plan = build.build(store, order)
    runner = opening.open_plan(plan, order.signature, cuda=False, threads=1)
    reference = TorchRunner(loading.load(order))
    for seed, sizes in enumerate(calls):
        given = reference.network.example(sizes, seed)
        if part == "language_decoder":
            given["mask"] = _causal(sizes)
        found, expected = runner(given), reference(given)
        assert {name: tensor.shape for name, tensor in found.items()} == {
            name: tensor.shape for name, tensor in expected.items()
        }
        assert compare(found, expected) < 1e-4
    runner.close()
    if runtimes.version("tensorrt_rtx"):
        engine = build.build(store, plans.order(order.checkpoint, part, "tensorrt_rtx", "sm89"))
        assert engine.model.stat().st_size > 10_000


def test_a_family_that_is_not_exported_has_no_parts(tmp_path: Path) -> None:
    tiny_pipelines.sana().save_pretrained(tmp_path / "sana")
    checkpoint = recognise(tmp_path / "sana")
    assert checkpoint.parts == ()
    with pytest.raises(EngineUnavailable, match="has no denoiser; it has none"):
        checkpoint.place("denoiser")


def _causal(sizes: dict[str, int]) -> torch.Tensor:
    """The first place of the past is padding; the new ones see the tokens before them."""
    new, past = sizes["new"], sizes["past"]
    mask = torch.ones((new, past + new), dtype=torch.bool).tril(past)
    mask[:, 0] = past == 1
    return mask.expand(sizes["rows"], 1, new, past + new).contiguous()


def test_the_cache_goes_round(folders: Callable[[str], Path], store: PlanStore) -> None:
    """Token by token through the functional cache gives the logits of one pass over the whole text."""
    order = plans.order(recognise(folders("language")), "language_decoder")
    runner = opening.open_plan(build.build(store, order), order.signature, cuda=False, threads=1)
    network = loading.load(order)
    ids = torch.randint(0, 64, (2, 7), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        whole = network.module.model(ids).logits  # type: ignore[operator]
    # One masked place stands for the empty past.
    states = {
        port.name: torch.zeros(order.signature.shape(port, {"rows": 2, "past": 1, "new": 1}))
        for port in order.signature.inputs
        if port.name.startswith(("keys", "values"))
    }
    for at in range(ids.shape[1]):
        mask = torch.ones((2, 1, 1, at + 2), dtype=torch.bool)
        mask[..., 0] = False
        given = {"ids": ids[:, at : at + 1], "positions": torch.full((2, 1), at), "mask": mask, **states}
        answer = runner(given)
        torch.testing.assert_close(answer.pop("logits")[:, 0], whole[:, at], rtol=0, atol=1e-4)
        states = {name.removeprefix("next_"): tensor for name, tensor in answer.items()}
    runner.close()
