"""The signatures of the networks that can be exported, from their configurations. Imports no runtime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from msgspec import Struct

from antiphon_engines.backends.plans.signature import Dim, Port, Signature

Config: TypeAlias = Mapping[str, Any]
_DECODED: Final = 4
"""Pictures that a decoder takes at once: more need gigabytes of workspace, and gain nothing."""


class Bounds(Struct, frozen=True):
    """How large the calls are that plans are made for. Sizes of pictures are pixels."""

    rows: int = 16
    """Of one call: jobs of a batch, twice with guidance."""
    pixels: int = 1_048_576
    """Of one picture."""
    tokens: int = 2048
    """Of a language model's context."""
    frames: int = 1500
    """Of the audio codec: 30 s at 50 frames a second."""
    chunk: int = 128
    """Tokens of a prompt that one call reads."""

    @property
    def side(self) -> int:
        """Pixels of the longest side that a plan takes: room for 9:4. A call beyond it is torch's."""
        return int(1.5 * self.pixels**0.5)


def factor(vae: Config) -> int:
    """Pixels per latent."""
    widths = (
        vae.get("block_out_channels")
        or vae.get("decoder_block_out_channels")
        or vae["encoder_block_out_channels"]
    )
    return int(2 ** (len(widths) - 1))


def _sides(per_latent: int, levels: int, bounds: Bounds, usual: int) -> tuple[Dim, Dim]:
    """Height and width of latents that a network halves `levels` times."""
    step = 2**levels
    high = max(bounds.side // per_latent // step, 1) * step
    best = min(max(usual // step, 1) * step, high)
    return Dim("height", step, best, high, step), Dim("width", step, best, high, step)


def _rows(bounds: Bounds, name: str = "rows") -> Dim:
    return Dim(name, 1, min(2, bounds.rows), bounds.rows)


def unet(config: Config, longest: int, per_latent: int, bounds: Bounds) -> Signature:
    channels, guidance = config["in_channels"], config.get("time_cond_proj_dim")
    side = config["sample_size"]
    usual = side if isinstance(side, int) else max(side)
    inputs = [
        Port("latents", ("rows", channels, "height", "width")),
        Port("timesteps", ("rows",), "float32"),
        Port("states", ("rows", longest, config["cross_attention_dim"])),
    ]
    if guidance:
        inputs.append(Port("guidance", ("rows", guidance)))
    levels = len(config["block_out_channels"]) - 1
    dims = (_rows(bounds), *_sides(per_latent, levels, bounds, usual))
    return Signature(tuple(inputs), ("answer",), dims)


def sana(config: Config, per_latent: int, bounds: Bounds) -> Signature:
    inputs = [
        Port("latents", ("rows", config["in_channels"], "height", "width")),
        Port("timesteps", ("rows",), "float32"),
        Port("states", ("rows", "tokens", config["caption_channels"])),
        Port("mask", ("rows", "tokens"), "float32"),
    ]
    if config.get("guidance_embeds"):
        inputs.append(Port("guidance", ("rows",)))
    sides = _sides(per_latent, 0, bounds, config["sample_size"])
    dims = (_rows(bounds), *sides, Dim("tokens", 1, 300, 512))
    return Signature(tuple(inputs), ("answer",), dims)


def decoder(config: Config, per_latent: int, bounds: Bounds) -> Signature:
    sides = _sides(per_latent, 0, bounds, 64)
    port = Port("latents", ("rows", config["latent_channels"], "height", "width"))
    rows = Dim("rows", 1, 1, min(bounds.rows, _DECODED))
    return Signature((port,), ("pixels",), (rows, *sides))


def text_encoder(longest: int, bounds: Bounds) -> Signature:
    return Signature((Port("ids", ("rows", longest), "int64"),), ("states",), (_rows(bounds),))


def cached(layers: int) -> list[str]:
    """Names of the keys and values of every layer."""
    return [f"{kind}_{layer}" for layer in range(layers) for kind in ("keys", "values")]


def _cache(layers: int, heads: int, size: int) -> tuple[tuple[Port, ...], tuple[str, ...]]:
    """Keys and values of every layer, in and out. Out come those of the whole, past and new together."""
    names = cached(layers)
    ports = tuple(Port(name, ("rows", heads, "past", size)) for name in names)
    return ports, tuple(f"next_{name}" for name in names)


def language(config: Config, bounds: Bounds) -> Signature:
    heads = config["num_attention_heads"]
    size = config.get("head_dim") or config["hidden_size"] // heads
    past, following = _cache(config["num_hidden_layers"], config.get("num_key_value_heads") or heads, size)
    inputs = (
        Port("ids", ("rows", "new"), "int64"),
        Port("positions", ("rows", "new"), "int64"),
        Port("mask", ("rows", 1, "new", "span"), "bool"),
        *past,
    )
    tokens = min(bounds.tokens, int(config.get("max_position_embeddings") or bounds.tokens))
    dims = (
        _rows(bounds),
        Dim("new", 1, 1, min(bounds.chunk, tokens)),
        Dim("past", 1, min(512, tokens - 1), tokens - 1),
    )
    return Signature(inputs, ("logits", *following), dims, (("span", "past", "new"),))


def music(config: Config, bounds: Bounds) -> Signature:
    heads = config["num_attention_heads"]
    layers, size = config["num_hidden_layers"], config["hidden_size"] // heads
    past, following = _cache(layers, heads, size)
    words = (Port(f"cross_{name}", ("rows", heads, "words", size)) for name in cached(layers))
    inputs = (Port("ids", ("rows", config["num_codebooks"], 1), "int64"), *past, *words)
    frames = min(bounds.frames, int(config["max_position_embeddings"]))
    dims = (_rows(bounds), Dim("words", 1, 16, 256), Dim("past", 1, min(256, frames - 1), frames - 1))
    return Signature(inputs, ("logits", *following), dims)


def codec(config: Config, bounds: Bounds) -> Signature:
    rate = 1
    for ratio in config["upsampling_ratios"]:
        rate *= ratio
    bits = max(1, config["codebook_size"] - 1).bit_length()
    books = int(1000 * config["target_bandwidths"][-1] // (-(-config["sampling_rate"] // rate) * bits))
    port = Port("codes", ("rows", books, "frames"), "int64")
    # The padding of its first convolution needs a few frames to mirror.
    dims = (Dim("rows", 1, 1, bounds.rows), Dim("frames", 4, min(50, bounds.frames), bounds.frames))
    return Signature((port,), ("audio",), dims)
