"""An order's part of its checkpoint, loaded with its adapters merged. Reads safetensors only, never the network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.networks import DTYPES, Network, image, language, music
from antiphon_engines.backends.plans.order import Order
from antiphon_engines.backends.plans.plan import Lora


def load(order: Order, device: str = "cpu") -> Network:
    """Raises EngineUnavailable with one line."""
    dtype = DTYPES[order.precision]
    try:
        module = _module(order, dtype)
    except EngineUnavailable:
        raise
    except Exception as error:  # diffusers and transformers raise any exception on a damaged folder
        reason = " ".join(str(error).split())[:300]
        name = order.checkpoint.folder.name
        raise EngineUnavailable(f"{name} cannot be loaded: {type(error).__name__}: {reason}") from error
    module.module.to(device)
    return module


def _module(order: Order, dtype: torch.dtype) -> Network:
    folder, signature, precision = order.checkpoint.folder, order.signature, order.precision
    match order.part:
        case "language_decoder":
            from transformers import AutoModelForCausalLM

            model = _stored(AutoModelForCausalLM, folder, dtype)
            return language.network(model, signature, precision)
        case "music_decoder":
            return music.music(_music_decoder(order, dtype), signature, precision)
        case "codec_decoder":
            return music.codec(_codec(order, dtype), signature, precision)
        case part:
            return image.network(load_pipeline(folder, dtype, order.loras), part, signature, precision)


def load_pipeline(
    folder: Path, dtype: torch.dtype | dict[str, torch.dtype], loras: Sequence[Lora] = ()
) -> Any:
    """A diffusers pipeline from a folder, in one type or in one for each component, with adapters merged into it.

    Raises EngineUnavailable for an adapter, and the exceptions of diffusers for a folder."""
    from diffusers import DiffusionPipeline

    pipeline: Any = DiffusionPipeline.from_pretrained(
        folder,
        dtype=dtype,
        local_files_only=True,
        use_safetensors=True,
        # Hub repositories bring a filter model that costs a second decoder; rooms have their own moderation.
        safety_checker=None,
        feature_extractor=None,
        image_encoder=None,
    )
    merge(pipeline, loras)
    return pipeline


def merge(pipeline: Any, loras: Sequence[Lora]) -> None:
    """Add the adapters to the pipeline's weights for good. Raises EngineUnavailable for one that does not fit."""
    for lora in loras:
        try:
            pipeline.load_lora_weights(lora.path)
            pipeline.fuse_lora(lora_scale=lora.scale)
            pipeline.unload_lora_weights()
        except Exception as error:  # peft and diffusers name no base class for a file that does not fit
            reason = " ".join(str(error).split())[:300]
            raise EngineUnavailable(f"the adapter {Path(lora.path).name} does not fit: {reason}") from error


def _music_decoder(order: Order, dtype: torch.dtype) -> Any:
    from transformers import MusicgenForCausalLM, MusicgenForConditionalGeneration

    folder = order.checkpoint.folder
    if order.checkpoint.kind == "musicgen":
        return _stored(MusicgenForConditionalGeneration, folder, dtype).decoder
    return _stored(MusicgenForCausalLM, folder, dtype)


def _codec(order: Order, dtype: torch.dtype) -> Any:
    from transformers import EncodecModel, MusicgenForConditionalGeneration

    folder = order.checkpoint.folder
    if order.checkpoint.kind == "musicgen":
        return _stored(MusicgenForConditionalGeneration, folder, dtype).audio_encoder
    return _stored(EncodecModel, folder, dtype)


def _stored(kind: Any, folder: Path, dtype: torch.dtype) -> Any:
    return kind.from_pretrained(folder, dtype=dtype, local_files_only=True, trust_remote_code=False)
