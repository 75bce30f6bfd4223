"""Random language and music models of a few hundred kilobytes, of transformers' own classes, and as folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch


def language(folder: Path) -> None:
    llama().save_pretrained(folder)


def musicgen(folder: Path) -> None:
    band().save_pretrained(folder)


def llama() -> Any:
    """Two layers, grouped queries."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=64,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=128,
        )
    )


def band() -> Any:
    """A MusicGen, the whole of it: text encoder, decoder, EnCodec."""
    from transformers import (
        EncodecConfig,
        MusicgenConfig,
        MusicgenDecoderConfig,
        MusicgenForConditionalGeneration,
        T5Config,
    )

    torch.manual_seed(0)
    config = MusicgenConfig(
        text_encoder=T5Config(
            vocab_size=64, d_model=16, d_ff=16, num_layers=1, num_heads=2, d_kv=8
        ).to_dict(),
        audio_encoder=EncodecConfig(
            target_bandwidths=[1.2],
            sampling_rate=32000,
            audio_channels=1,
            num_filters=4,
            upsampling_ratios=[8, 5, 4, 4],
            norm_type="weight_norm",
            hidden_size=16,
            codebook_size=64,
            codebook_dim=16,
            num_lstm_layers=2,
            use_causal_conv=False,
        ).to_dict(),
        decoder=MusicgenDecoderConfig(
            vocab_size=64,
            max_position_embeddings=128,
            num_hidden_layers=2,
            ffn_dim=48,
            num_attention_heads=4,
            hidden_size=32,
            num_codebooks=4,
        ).to_dict(),
    )
    return MusicgenForConditionalGeneration(config)
