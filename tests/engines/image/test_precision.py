"""Each network of an image model in a precision of its own, by `image_precision`."""

from __future__ import annotations

from pathlib import Path

import pytest

from antiphon_engines.backends.plans import planning
from antiphon_engines.backends.plans.checkpoint import Checkpoint
from antiphon_engines.backends.plans.plan import Part
from antiphon_engines.backends.plans.signature import PRECISIONS, Precision
from antiphon_engines.config import WorkerConfig
from antiphon_engines.image import spec
from antiphon_engines.image.engine import ImageEngine
from support import plans, tiny_pipelines
from support.drive import run
from support.easel import ask, pixels

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[Part, Path]:
    """A model with each kind of autoencoder."""
    place = tmp_path_factory.mktemp("precision")
    plans.tiny_checkpoint(place / "tiny")
    tiny_pipelines.stable_diffusion().save_pretrained(place / "full")
    return {"tiny_decoder": place / "tiny", "decoder": place / "full"}


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("part", ["denoiser", "decoder", "tiny_decoder", "text_encoder"])
def test_one_network_has_its_own(
    part: Part, precision: Precision, folders: dict[Part, Path], tmp_path: Path
) -> None:
    folder = folders.get(part, folders["tiny_decoder"])
    config = WorkerConfig(
        str(tmp_path),
        image_model=str(folder),
        image_precision=f"{part}={precision}",
        image_backend="torch",
        device="cpu",
        threads=1,
    )
    engine = spec.build(config)
    assert isinstance(engine, ImageEngine)
    expected = dict.fromkeys(engine.slots, "fp32") | {part: precision}
    assert {each: slot.precision for each, slot in engine.slots.items()} == expected
    [painted] = run(engine, ask(steps=2, seed=1))
    shades = {value for row in pixels(painted).reshape(-1, 3).tolist() for value in row}
    assert len(shades) > 1, "a picture, and not one colour of what is no number"
    engine.close()
    # A plan is made in the same precision.
    wishes = planning.wishes(config, folder, "")
    assert wishes.precision(part) == precision
    order = wishes.make(part, "onnxruntime", precision, "")
    assert order.key().precision == precision
    assert isinstance(wishes.checkpoint, Checkpoint)
