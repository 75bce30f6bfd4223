"""The embedded image model: stock classes, no network, the same picture for the same seed, no damaged file."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.image import embedded

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

# transformers and diffusers warn about optional packages that nothing here uses.
pytestmark = pytest.mark.filterwarnings("ignore")

Pixels = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def pipeline() -> DiffusionPipeline:
    loaded = embedded.load_pipeline()
    loaded.set_progress_bar_config(disable=True)
    return loaded


def paint(pipeline: Any, prompt: str, seed: int, **options: Any) -> Pixels:
    """Return ``[128, 128, 3]`` in 0..1."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    usual = {"num_inference_steps": embedded.STEPS, "guidance_scale": embedded.GUIDANCE, "output_type": "np"}
    image = pipeline(prompt, generator=generator, **usual | options).images[0]
    return np.asarray(image, np.float32)


def copy_of_the_model(folder: Path) -> Path:
    return Path(shutil.copytree(embedded.FOLDER, folder / "model"))


def test_it_loads_with_the_stock_class_and_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the embedded model reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    loaded = embedded.load_pipeline()
    assert type(loaded).__name__ == "StableDiffusionPipeline"
    assert type(loaded.vae).__name__ == "AutoencoderTiny"
    assert type(loaded.unet).__name__ == "UNet2DConditionModel"


def test_it_is_small_and_holds_safetensors_only() -> None:
    weights = list(embedded.FOLDER.rglob("*.safetensors"))
    assert sum(path.stat().st_size for path in weights) <= 20_000_000
    assert not [
        *embedded.FOLDER.rglob("*.bin"),
        *embedded.FOLDER.rglob("*.pt"),
        *embedded.FOLDER.rglob("*.pkl"),
    ]


def test_the_same_seed_gives_the_same_picture(pipeline: DiffusionPipeline) -> None:
    first = paint(pipeline, "red heart", 3)
    assert first.shape == (128, 128, 3)
    assert np.array_equal(first, paint(pipeline, "red heart", 3))
    assert np.abs(first - paint(pipeline, "red heart", 4)).mean() > 0.005


def test_the_prompt_decides_the_colours(pipeline: DiffusionPipeline) -> None:
    red = paint(pipeline, "red heart", 1)[40:88, 40:88].mean((0, 1))
    blue = paint(pipeline, "blue heart on yellow background", 1)
    assert red.argmax() == 0
    assert blue[40:88, 40:88].mean((0, 1)).argmax() == 2
    assert blue[:4].mean((0, 1)).argmin() == 2, "a yellow ground has little blue"


@pytest.mark.parametrize("left", [True, False])
def test_a_sketch_steers_image_to_image(pipeline: DiffusionPipeline, left: bool) -> None:
    from diffusers import AutoPipelineForImage2Image

    sketch = Image.new("RGB", (128, 128), "white")
    box = (8, 40, 56, 88) if left else (72, 40, 120, 88)
    ImageDraw.Draw(sketch).ellipse(box, fill=(60, 160, 80))
    redraw = AutoPipelineForImage2Image.from_pipe(pipeline)
    redraw.set_progress_bar_config(disable=True)
    ink = 1 - paint(redraw, "green drop", 2, image=sketch, strength=embedded.STRENGTH).min(-1)
    sketched, other = (ink[:, :64], ink[:, 64:]) if left else (ink[:, 64:], ink[:, :64])
    assert sketched.sum() > 2 * other.sum()


def test_inpainting_leaves_the_rest_alone(pipeline: DiffusionPipeline) -> None:
    from diffusers import AutoPipelineForInpainting

    ground = Image.new("RGB", (128, 128), (48, 112, 222))
    mask = Image.new("L", (128, 128), 0)
    ImageDraw.Draw(mask).rectangle((64, 0, 128, 128), fill=255)
    fill = AutoPipelineForInpainting.from_pipe(pipeline)
    fill.set_progress_bar_config(disable=True)
    result = paint(fill, "red heart", 2, image=ground, mask_image=mask, strength=1.0, height=128, width=128)
    assert np.abs(result[:, :48] - np.array([48, 112, 222]) / 255).mean() < 0.06


# A dark ground is black in a preview, the map being linear: its own test would only say how dark the ground is.
@pytest.mark.parametrize("prompt", ["red heart", "green tree on purple background"])
def test_the_preview_matrix_shows_what_the_decoder_shows(pipeline: DiffusionPipeline, prompt: str) -> None:
    preview = embedded.load_preview()
    latents = paint(pipeline, prompt, 5, output_type="latent")
    small = np.einsum("chw,cr->hwr", latents, np.array(preview.matrix)) + np.array(preview.bias)
    whole = paint(pipeline, prompt, 5)
    blocks = whole.reshape(16, 8, 16, 8, 3).mean((1, 3))
    assert np.abs(np.clip((small + 1) / 2, 0, 1) - blocks).mean() < 0.1


def test_the_vocabulary_is_for_people() -> None:
    vocabulary = embedded.load_vocabulary()
    assert 150 <= len(vocabulary.nouns) <= 250
    assert "red" in vocabulary.colours
    assert vocabulary.prompts


@pytest.mark.parametrize("name", ["unet/diffusion_pytorch_model.safetensors", "preview.json"])
def test_a_damaged_file_is_refused(tmp_path: Path, name: str) -> None:
    folder = copy_of_the_model(tmp_path)
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(embedded.ImageWeightsRefused, match="damaged"):
        embedded.load_pipeline(folder)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    folder = copy_of_the_model(tmp_path)
    (folder / "vae" / "config.json").unlink()
    with pytest.raises(embedded.ImageWeightsRefused, match="cannot be read"):
        embedded.load_pipeline(folder)


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="no manifest"):
        embedded.load_preview(tmp_path)
