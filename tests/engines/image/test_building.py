"""From a spec to an engine that has painted once, or to one clear line."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from antiphon_engines import registry
from antiphon_engines.api import EngineUnavailable
from antiphon_engines.config import WorkerConfig
from antiphon_engines.image import building
from antiphon_engines.image import spec as image_spec
from antiphon_engines.text import spec as text_spec
from support import tiny_pipelines as tiny
from support.easel import ask, distance, paint

pytestmark = pytest.mark.filterwarnings("ignore")


def config(model: str, **settings: Any) -> WorkerConfig:
    return WorkerConfig("unused", image_model=model, threads=1, device="cpu", **settings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny.stable_diffusion().save_pretrained(tmp_path / "tiny-turbo")
    return tmp_path / "tiny-turbo"


def test_a_diffusers_folder_paints_what_the_pipeline_in_memory_paints(folder: Path) -> None:
    from support.easel import easel

    built = image_spec.build(config(str(folder)))
    assert built is not None
    assert built.info.name == "tiny-turbo"
    facts = built.info.image
    assert facts is not None
    # A turbo model is known by its name.
    assert (facts.steps, facts.guidance) == (2, 0.0)
    [stored] = paint(built, ask())
    [memory] = paint(easel(tiny.stable_diffusion()), ask(guidance=0.0))
    assert distance(stored, memory) <= 2


def test_sana_is_loaded_from_a_folder(tmp_path: Path) -> None:
    tiny.sana(sprint=True).save_pretrained(tmp_path / "sprint")
    built = image_spec.build(config(str(tmp_path / "sprint")))
    assert built is not None
    assert built.info.image is not None
    assert built.info.image.samplers == ("scm",)
    paint(built, ask(steps=2))


def spoil(folder: Path, part: str, change: Any) -> None:
    path = next((folder / part).glob("*.safetensors"))
    save_file({name: change(tensor) for name, tensor in load_file(path).items()}, path)


def test_a_checkpoint_of_nans_is_refused(folder: Path) -> None:
    spoil(folder, "unet", lambda tensor: torch.full_like(tensor, float("nan")))
    with pytest.raises(EngineUnavailable, match="tiny-turbo cannot paint: .*not finite"):
        image_spec.build(config(str(folder)))


def test_a_checkpoint_of_other_shapes_is_refused(folder: Path) -> None:
    spoil(folder, "unet", lambda tensor: torch.zeros((3, 5)))
    with pytest.raises(EngineUnavailable, match="cannot be loaded"):
        image_spec.build(config(str(folder)))


def test_a_torn_file_is_refused(folder: Path) -> None:
    path = next((folder / "vae").glob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(EngineUnavailable, match="cannot be loaded"):
        image_spec.build(config(str(folder)))


def test_families_that_are_not_served_say_so(folder: Path) -> None:
    pipeline = tiny.stable_diffusion()
    with pytest.raises(EngineUnavailable, match="families served"):
        building.adapt(_Other(), "other", torch.device("cpu"))
    pipeline.unet.register_to_config(in_channels=9)
    with pytest.raises(EngineUnavailable, match="9 channels"):
        building.adapt(pipeline, "inpainting", torch.device("cpu"))


class _Other:
    components: dict[str, Any] = {}


@pytest.mark.parametrize("spec", ["", "no such model", "../nowhere/at/all", "embeded"])
def test_specs_that_name_nothing(spec: str) -> None:
    with pytest.raises(EngineUnavailable, match="no image model"):
        image_spec.parse(spec)


def test_folders_that_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="not a diffusers folder"):
        image_spec.parse(str(tmp_path))
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "NoSuchPipeline"}))
    with pytest.raises(EngineUnavailable, match="cannot be loaded"):
        image_spec.build(config(str(tmp_path)))


def test_hub_ids_and_none() -> None:
    assert image_spec.parse("none") is None
    assert image_spec.parse("stabilityai/sd-turbo") == image_spec.DiffusersModel(
        "stabilityai/sd-turbo", False
    )
    described = image_spec.describe("stabilityai/sd-turbo")
    assert described is not None
    assert described.name == "stabilityai/sd-turbo"


def test_a_worker_without_pictures_still_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    text = object()
    monkeypatch.setattr(text_spec, "build", lambda config, residency: text)
    found = find_spec
    monkeypatch.setattr(image_spec, "find_spec", lambda name: None if name == "diffusers" else found(name))
    engines = registry.engines(config("embedded"))
    assert engines.ready == (text,)
    [absent] = engines.absent
    assert absent.modality == "image"
    assert "pip install 'antiphon[image]'" in absent.reason
    assert registry.engines(config("none")).absent == ()
