"""Decode a small Llama checkpoint token by token in numpy, with a key/value cache.

For a model of some million parameters and one stream the cost is calls as much as arithmetic: on one CPU core this loop
is several times faster than the same model in torch, and needs no torch at all. Norms and the scale of attention are
multiplied into the matrices beforehand; the rest makes few calls. Its logits are those of transformers'
LlamaForCausalLM (tests/engines/audio/symbolic/test_loader.py compares them)."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class _Layer(NamedTuple):
    """Matrices of one block, input first; the norms' weights are multiplied into the matrix that follows."""

    attend: Floats  # (width, 3 * width): queries, keys, values
    mix: Floats  # (width, width)
    expand: Floats  # (width, 2 * inner): gate, up
    shrink: Floats  # (inner, width)


class Decoder:
    """One stream over a checkpoint: ``step`` appends vectors and returns the logits after the last one.

    ``weights`` are the checkpoint's tensors by name, ``config`` its config.json, ``context`` the longest stream.
    Raises ValueError for a checkpoint of another shape of model (grouped keys, scaled rotary embedding, untied output).
    """

    def __init__(self, weights: Mapping[str, NDArray[Any]], config: Mapping[str, Any], context: int) -> None:
        self.width = int(config["hidden_size"])
        self.heads = int(config["num_attention_heads"])
        self.context = context
        rotary = config.get("rope_parameters") or {}
        plain = rotary.get("rope_type", "default") == "default" and config.get("hidden_act") == "silu"
        grouped = config.get("num_key_value_heads", self.heads) != self.heads
        if (
            config.get("model_type") != "llama"
            or not plain
            or grouped
            or not config.get("tie_word_embeddings")
        ):
            raise ValueError("not a plain Llama checkpoint with tied embeddings")
        self._head = self.width // self.heads
        self._epsilon = float(config["rms_norm_eps"])

        def tensor(name: str) -> Floats:
            return np.asarray(weights[f"model.{name}"], np.float32)

        self.embedding: Floats = tensor("embed_tokens.weight")
        self._output = np.ascontiguousarray((self.embedding * tensor("norm.weight")).T)
        self._layers = [self._layer(tensor, f"layers.{i}.") for i in range(int(config["num_hidden_layers"]))]
        theta = float(rotary.get("rope_theta", config.get("rope_theta", 10_000.0)))
        inverse = 1.0 / theta ** (np.arange(0, self._head, 2, dtype=np.float64) / self._head)
        angle = np.arange(context)[:, None] * inverse
        # One row a place, over all heads of the queries and then of the keys, as `attend` gives them.
        every = (1, 2 * self.heads)
        self._cosine = np.tile(np.concatenate([np.cos(angle)] * 2, axis=-1), every).astype(np.float32)
        self._sine = np.tile(np.concatenate([-np.sin(angle), np.sin(angle)], axis=-1), every).astype(
            np.float32
        )
        halves = np.arange(2 * self.width).reshape(2 * self.heads, 2, self._head // 2)
        self._turned = halves[:, ::-1].reshape(-1)
        self._open_cache()

    def _open_cache(self) -> None:
        shape = (len(self._layers), self.heads, self.context, self._head)
        self._keys, self._values = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self.length = 0
        """Vectors in the cache."""

    def fork(self) -> Decoder:
        """An empty stream over the same weights."""
        other = copy.copy(self)
        other._open_cache()
        return other

    def _layer(self, tensor: Any, prefix: str) -> _Layer:
        attention_norm = tensor(prefix + "input_layernorm.weight")[:, None]
        mlp_norm = tensor(prefix + "post_attention_layernorm.weight")[:, None]
        qkv = np.concatenate([tensor(f"{prefix}self_attn.{part}_proj.weight") for part in "qkv"]).T
        qkv[:, : self.width] /= math.sqrt(self._head)
        expand = np.concatenate([tensor(f"{prefix}mlp.{part}_proj.weight") for part in ("gate", "up")]).T
        return _Layer(
            np.ascontiguousarray(qkv * attention_norm),
            np.ascontiguousarray(tensor(prefix + "self_attn.o_proj.weight").T),
            np.ascontiguousarray(expand * mlp_norm),
            np.ascontiguousarray(tensor(prefix + "mlp.down_proj.weight").T),
        )

    def reset(self, length: int = 0) -> None:
        """Forget everything that was appended after the first `length` vectors."""
        self.length = min(length, self.length)

    def embed(self, ids: list[int]) -> Floats:
        """(n, width) vectors of token ids."""
        vectors: Floats = self.embedding[ids]
        return vectors

    def _normed(self, x: Floats) -> Floats:
        squares = np.einsum("ij,ij->i", x, x)
        normed: Floats = x / np.sqrt(squares / np.float32(self.width) + np.float32(self._epsilon))[:, None]
        return normed

    def step(self, vectors: Floats) -> Floats:
        """Append (n, width) vectors; returns (vocabulary,) logits after the last. Raises IndexError when full."""
        count, start, width = len(vectors), self.length, self.width
        stop = start + count
        if stop > self.context:
            raise IndexError(f"{stop} vectors do not fit a context of {self.context}")
        x: Any = vectors
        cosine, sine = self._cosine[start:stop], self._sine[start:stop]
        mask: Floats | None = None
        if count > 1:
            hidden = np.arange(stop)[None] > np.arange(start, stop)[:, None]
            mask = np.where(hidden, np.float32(-1e9), np.float32(0)).astype(np.float32)
        for keys, values, layer in zip(self._keys, self._values, self._layers, strict=True):
            qkv = self._normed(x) @ layer.attend
            turning = qkv[:, : 2 * width]
            turned = (turning * cosine + turning[:, self._turned] * sine).reshape(
                count, 2, self.heads, self._head
            )
            keys[:, start:stop] = turned[:, 1].swapaxes(0, 1)
            values[:, start:stop] = qkv[:, 2 * width :].reshape(count, self.heads, self._head).swapaxes(0, 1)
            scores = turned[:, 0].swapaxes(0, 1) @ keys[:, :stop].swapaxes(1, 2)
            if mask is not None:
                scores += mask
            scores -= scores.max(-1, keepdims=True)
            np.exp(scores, out=scores)
            mixed = scores @ values[:, :stop]
            mixed /= scores.sum(-1, keepdims=True)
            x = x + mixed.swapaxes(0, 1).reshape(count, width) @ layer.mix
            both = self._normed(x) @ layer.expand
            inner = both.shape[1] // 2
            gate = both[:, :inner]
            x = x + (gate * both[:, inner:] / (1 + np.exp(-gate))) @ layer.shrink
        self.length = stop
        logits: Floats = self._normed(x[-1:])[0] @ self._output
        return logits
