"""Low-rank adapters: by setting for every picture, and by name for one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from antiphon_engines.api import EngineUnavailable, InvalidRequest
from antiphon_engines.backends.plans import planning
from antiphon_engines.config import WorkerConfig
from antiphon_engines.image import spec
from antiphon_engines.image.engine import ImageEngine
from antiphon_proto.params import Adapter
from support import tiny_lora
from support import tiny_pipelines as tiny
from support.easel import ask, distance, paint

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adapters")
    tiny.stable_diffusion().save_pretrained(folder / "model")
    for seed, name in enumerate(("soft", "loud")):
        tiny_lora.save(tiny.stable_diffusion(), folder, name, seed)
    return folder


def config(place: Path, **settings: Any) -> WorkerConfig:
    return WorkerConfig(str(place), image_model=str(place / "model"), threads=1, device="cpu", **settings)


def build(place: Path, **settings: Any) -> ImageEngine:
    engine = spec.build(config(place, **settings))
    assert isinstance(engine, ImageEngine)
    return engine


def file(place: Path, name: str) -> str:
    return str(place / f"{name}.safetensors")


def test_by_name_gives_what_merging_gives_and_neighbours_are_not_touched(place: Path) -> None:
    plain = build(place)
    merged = build(place, image_loras=(f"{file(place, 'soft')}=0.7",))
    offering = build(place, image_adapters={name: file(place, name) for name in ("soft", "loud")})
    [bare], [wanted] = paint(plain, ask()), paint(merged, ask())
    assert distance(bare, wanted) > 8
    soft = ask(adapters=(Adapter("soft", 0.7),))
    both = ask(adapters=(Adapter("soft", 0.7), Adapter("loud", 1.0)))
    first, neighbour, mixed = paint(offering, soft, ask(), both)
    assert distance(first, wanted) <= 2
    assert distance(neighbour, bare) <= 2
    assert distance(mixed, wanted) > 8
    [after] = paint(offering, ask())
    assert distance(after, bare) <= 2
    for engine in (plain, merged, offering):
        engine.close()


def test_jobs_of_other_adapters_do_not_share_a_call(place: Path) -> None:
    engine = build(place, image_adapters={"soft": file(place, "soft")})
    jobs = [
        engine.admit(ask(adapters=chosen))
        for chosen in ((), (Adapter("soft", 0.5),), (Adapter("soft", 1.0),))
    ]
    engine.step(jobs)
    assert len({job.unit for job in jobs}) == 3
    assert all(job.unit.startswith("denoise:64x64") for job in jobs)
    engine.close()


@pytest.mark.parametrize(
    ("adapters", "message"),
    [
        ((Adapter("shrill"),), "no adapter 'shrill'; this model has soft"),
        ((Adapter("soft"), Adapter("soft", 0.5)), "twice"),
    ],
)
def test_what_is_not_offered_is_refused(place: Path, adapters: Any, message: str) -> None:
    engine = build(place, image_adapters={"soft": file(place, "soft")})
    with pytest.raises(InvalidRequest, match=message):
        engine.admit(ask(adapters=adapters))
    engine.close()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_loras": ("nowhere.safetensors",)}, "nowhere.safetensors"),
        ({"image_loras": ("a=b",)}, "'b' in 'a=b' is no number"),
        ({"image_adapters": {"gone": "gone.safetensors"}}, "there is no file gone.safetensors"),
    ],
)
def test_files_that_are_not_there(place: Path, settings: Any, message: str) -> None:
    with pytest.raises(EngineUnavailable, match=message):
        build(place, **settings)


def test_an_adapter_of_another_model_is_refused(place: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"unet.nowhere.lora.down.weight": torch.zeros(2, 5)}, tmp_path / "other.safetensors")
    with pytest.raises(EngineUnavailable, match="other"):
        build(place, image_adapters={"other": str(tmp_path / "other.safetensors")})


def test_merged_adapters_are_part_of_the_key_of_what_they_change(place: Path) -> None:
    def keys(**settings: Any) -> dict[str, Any]:
        wishes = planning.wishes(config(place, **settings), place / "model", "")
        return {part: wishes.make(part, "onnxruntime", "fp32", "").key() for part in wishes.checkpoint.parts}

    bare = keys()
    soft, softer = keys(image_loras=(file(place, "soft"),)), keys(image_loras=(f"{file(place, 'soft')}=0.5",))
    loud = keys(image_loras=(file(place, "loud"),))
    assert len({each["denoiser"].name for each in (bare, soft, softer, loud)}) == 4
    assert soft["denoiser"].differs(softer["denoiser"]) == ("loras",)
    assert soft["decoder"] == bare["decoder"]
