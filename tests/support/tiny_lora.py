"""Random low-rank adapters for the denoiser of a tiny pipeline, as safetensors files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch


def save(pipeline: Any, folder: Path, name: str, seed: int = 0, strength: float = 0.5) -> Path:
    """An adapter of rank 2 on every attention of the pipeline's denoiser; returns its file."""
    from diffusers.utils import convert_state_dict_to_diffusers
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    unet = pipeline.unet
    unet.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=["to_q", "to_k", "to_v", "to_out.0"]))
    generator = torch.Generator().manual_seed(seed)
    weights = {
        key: torch.randn(value.shape, generator=generator) * strength
        for key, value in convert_state_dict_to_diffusers(get_peft_model_state_dict(unet)).items()
    }
    pipeline.save_lora_weights(folder, unet_lora_layers=weights, weight_name=f"{name}.safetensors")
    unet.delete_adapters(["default"])
    return folder / f"{name}.safetensors"
