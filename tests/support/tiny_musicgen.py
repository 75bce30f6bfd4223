"""A random MusicGen of some hundred kilobytes, in the folder layout of a hub checkpoint, by the stock classes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any


@cache
def model(channels: int = 1) -> Any:
    """Four codebooks of 64 codes (eight for stereo), 50 frames a second of 32 kHz sound."""
    import torch
    from transformers import (
        EncodecConfig,
        MusicgenConfig,
        MusicgenDecoderConfig,
        MusicgenForConditionalGeneration,
        T5Config,
    )

    torch.manual_seed(3)
    text = T5Config(
        vocab_size=300, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, decoder_start_token_id=0
    )
    sound = EncodecConfig(
        sampling_rate=32_000,
        audio_channels=1,
        normalize=False,
        num_filters=4,
        hidden_size=16,
        codebook_dim=16,
        codebook_size=64,
        num_lstm_layers=1,
        upsampling_ratios=[8, 5, 4, 4],
        target_bandwidths=[1.2],
        use_causal_conv=False,
        norm_type="weight_norm",
        chunk_length_s=None,
    )
    decoder = MusicgenDecoderConfig(
        vocab_size=64,
        max_position_embeddings=2048,
        num_hidden_layers=2,
        ffn_dim=32,
        num_attention_heads=2,
        hidden_size=24,
        num_codebooks=4 * channels,
        audio_channels=channels,
        pad_token_id=64,
        bos_token_id=64,
        initializer_factor=1.0,
    )
    config = MusicgenConfig(text_encoder=text, audio_encoder=sound, decoder=decoder)
    made = MusicgenForConditionalGeneration(config).eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    for layer in made.audio_encoder.quantizer.layers:
        torch.nn.init.normal_(layer.codebook.embed, std=1.0)
    made.generation_config.update(
        decoder_start_token_id=64, pad_token_id=64, bos_token_id=64, guidance_scale=3.0, do_sample=False
    )
    return made


@cache
def tokenizer() -> Any:
    """One token a byte, and an end."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    raw = Tokenizer(
        models.BPE(vocab={text: at for at, text in enumerate(["<pad>", "</s>", *alphabet])}, merges=[])
    )
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="<pad>", eos_token="</s>")


def write(folder: Path) -> None:
    """The checkpoint as a folder."""
    model().save_pretrained(folder)
    tokenizer().save_pretrained(folder)
