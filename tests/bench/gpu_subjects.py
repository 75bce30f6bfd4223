"""The networks that `gpu_all` measures: random weights in the shapes of real checkpoints, made on the device itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import torch

from antiphon_engines.backends.networks import DTYPES, Network, image, language, loading, music
from antiphon_engines.backends.plans import signatures
from antiphon_engines.backends.plans.checkpoint import recognise
from antiphon_engines.backends.plans.order import Order
from antiphon_engines.backends.plans.plan import Part
from antiphon_engines.backends.plans.signature import Precision
from antiphon_engines.backends.plans.signatures import Bounds

Sizes = dict[str, int]


class Subject(NamedTuple):
    """A network and the calls that are timed; a call's name stands in the report."""

    modality: str
    part: Part
    model: Model
    calls: dict[str, Sizes]

    @property
    def name(self) -> str:
        return f"{self.modality} {self.part}"

    def network(self) -> Network:
        return self.model.network(self.part)


class Model:
    """A checkpoint; `make` gives it on the default device, and the folder is written when something reads one."""

    def __init__(
        self, make: Callable[[], Any], bounds: Bounds, precision: Precision, device: str, folder: Path
    ) -> None:
        self._make = make
        self._folder = folder / make.__name__
        self.bounds = bounds
        self.precision = precision
        self.device = device

    @cached_property
    def made(self) -> Any:
        with torch.device(self.device):
            model = self._make()
        parts = model.components.values() if hasattr(model, "components") else [model]
        for part in parts:
            if isinstance(part, torch.nn.Module):
                part.to(self.device, DTYPES[self.precision]).eval()
        return model

    @cached_property
    def folder(self) -> Path:
        self.made.save_pretrained(self._folder)
        return self._folder

    def network(self, part: Part) -> Network:
        made, bounds = self.made, self.bounds
        match part:
            case "denoiser":
                longest = made.tokenizer.model_max_length
                signature = signatures.unet(made.unet.config, longest, made.vae_scale_factor, bounds)
                return image.network(made, part, signature, self.precision)
            case "decoder" | "tiny_decoder":
                signature = signatures.decoder(made.vae.config, made.vae_scale_factor, bounds)
                return image.network(made, part, signature, self.precision)
            case "language_decoder":
                return language.network(
                    made, signatures.language(made.config.to_dict(), bounds), self.precision
                )
            case "music_decoder":
                signature = signatures.music(made.decoder.config.to_dict(), bounds)
                return music.music(made.decoder, signature, self.precision)
            case "codec_decoder":
                signature = signatures.codec(made.audio_encoder.config.to_dict(), bounds)
                return music.codec(made.audio_encoder, signature, self.precision)
            case _:
                raise ValueError(f"{part} is not measured")

    def order(self, part: Part, backend: Any, precision: Precision, device: str) -> Order:
        return Order(recognise(self.folder), part, backend, precision, device, self.bounds)

    def stored(self, part: Part, precision: Precision) -> Network:
        """The same weights from the folder, in another type."""
        return loading.load(self.order(part, "torch", precision, "any"), self.device)


def subjects(small: bool, device: str, folder: Path) -> list[Subject]:
    """Of every modality; the most important come first."""
    from gpu_image import turbo

    from support import tiny_models, tiny_pipelines

    precision: Precision = "fp32" if small else "bf16"
    bounds = Bounds(rows=32, pixels=512 * 512, tokens=1024, frames=500)
    if small:
        bounds = Bounds(rows=2, pixels=64 * 64, tokens=64, frames=64)

    def model(make: Callable[[], Any]) -> Model:
        return Model(make, bounds, precision, device, folder)

    def tiny_turbo() -> Any:
        return tiny_pipelines.stable_diffusion(vae="tiny") if small else turbo(tiny=True)

    side = 8 if small else 64
    pictures = {
        f"{rows} users": {"rows": rows, "height": side, "width": side}
        for rows in ((1, 2) if small else (1, 4, 8))
    }
    texts = {
        f"batch {rows}": {"rows": rows, "new": 1, "past": 16 if small else 512}
        for rows in ((1, 2) if small else (1, 8, 32))
    }
    # Guidance takes two rows; a second of audio is fifty frames.
    band_calls = {"1 band": {"rows": 2, "words": 8, "past": 16 if small else 250}}
    sound = {"1 second": {"rows": 1, "frames": 50}}
    painter = model(tiny_pipelines.stable_diffusion if small else turbo)
    writer = model(tiny_models.llama if small else smollm)
    band = model(tiny_models.band if small else musicgen_small)
    return [
        Subject("image", "denoiser", painter, pictures),
        Subject("image", "decoder", painter, pictures),
        Subject("image", "tiny_decoder", model(tiny_turbo), pictures),
        Subject("text", "language_decoder", writer, texts),
        Subject("audio", "music_decoder", band, band_calls),
        Subject("audio", "codec_decoder", band, sound),
    ]


def smollm() -> Any:
    """Random weights in the shapes of HuggingFaceTB/SmolLM2-135M."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=49152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=8192,
    )
    return LlamaForCausalLM(config)


def musicgen_small() -> Any:
    """Random weights in the shapes of facebook/musicgen-small, but for the text encoder, which is not timed."""
    from transformers import MusicgenConfig, MusicgenForConditionalGeneration, T5Config
    from transformers.models.encodec import EncodecConfig
    from transformers.models.musicgen import MusicgenDecoderConfig

    codec = EncodecConfig(
        target_bandwidths=[2.2],
        sampling_rate=32000,
        audio_channels=1,
        num_filters=64,
        upsampling_ratios=[8, 5, 4, 4],
        norm_type="weight_norm",
        hidden_size=128,
        codebook_size=2048,
        codebook_dim=128,
        num_lstm_layers=2,
        use_causal_conv=False,
    )
    decoder = MusicgenDecoderConfig(
        num_hidden_layers=24, ffn_dim=4096, num_attention_heads=16, hidden_size=1024, num_codebooks=4
    )
    text = T5Config(vocab_size=32128, d_model=64, d_ff=64, num_layers=1, num_heads=2)
    config = MusicgenConfig(
        text_encoder=text.to_dict(), audio_encoder=codec.to_dict(), decoder=decoder.to_dict()
    )
    return MusicgenForConditionalGeneration(config)
