"""Conversion of a tiny GGUF file, written here with the `gguf` package, as llama.cpp's converter would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

gguf = pytest.importorskip("gguf")
safetensors = pytest.importorskip("safetensors.numpy")

from antiphon_engines.api import EngineUnavailable  # noqa: E402
from antiphon_engines.model_files import gguf_folder  # noqa: E402

HIDDEN, HEADS, KV_HEADS, HEAD, INNER = 64, 4, 2, 16, 96


def byte_alphabet() -> list[str]:
    """GPT-2's 256 byte characters."""
    from tokenizers.pre_tokenizers import ByteLevel

    return sorted(ByteLevel.alphabet())


def permuted(weight: np.ndarray, heads: int) -> np.ndarray:
    """The permutation of Q and K by llama.cpp's converter (`LlamaModel.permute`)."""
    shape = (heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return weight.reshape(shape).swapaxes(1, 2).reshape(weight.shape)


def write(path: Path, *, architecture: str = "llama", pre: str = "smollm") -> dict[str, np.ndarray]:
    """Write a one-layer model; returns its weights under their Hugging Face names."""
    tokens = ["<|endoftext|>", "<|im_start|>", *byte_alphabet(), "Ġt"]
    random = np.random.default_rng(0)

    def weight(*shape: int) -> np.ndarray:
        return random.normal(size=shape).astype(np.float32)

    layer = "model.layers.0"
    weights = {
        "model.embed_tokens.weight": weight(len(tokens), HIDDEN),
        "model.norm.weight": weight(HIDDEN),
        f"{layer}.input_layernorm.weight": weight(HIDDEN),
        f"{layer}.post_attention_layernorm.weight": weight(HIDDEN),
        f"{layer}.self_attn.q_proj.weight": weight(HEADS * HEAD, HIDDEN),
        f"{layer}.self_attn.k_proj.weight": weight(KV_HEADS * HEAD, HIDDEN),
        f"{layer}.self_attn.v_proj.weight": weight(KV_HEADS * HEAD, HIDDEN),
        f"{layer}.self_attn.o_proj.weight": weight(HIDDEN, HEADS * HEAD),
        f"{layer}.mlp.gate_proj.weight": weight(INNER, HIDDEN),
        f"{layer}.mlp.up_proj.weight": weight(INNER, HIDDEN),
        f"{layer}.mlp.down_proj.weight": weight(HIDDEN, INNER),
    }
    writer: Any = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(128)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(INNER)
    writer.add_block_count(1)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(HEAD)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3] + [1] * (len(tokens) - 2))
    writer.add_token_merges(["Ġ t"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_chat_template("{{ messages }}")
    names = {name: stem for stem, name in (gguf_folder._TOP_NAMES | gguf_folder._LAYER_NAMES).items()}
    for name, value in weights.items():
        stem = name.removeprefix(f"{layer}.").removesuffix(".weight")
        stored = (
            permuted(value, HEADS if "q_proj" in name else KV_HEADS)
            if "q_proj" in name or "k_proj" in name
            else value
        )
        prefix = "blk.0." if name.startswith(layer) else ""
        writer.add_tensor(f"{prefix}{names[stem]}.weight", np.ascontiguousarray(stored))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return weights


def convert(source: Path, folder: Path) -> list[float]:
    fractions: list[float] = []
    gguf_folder.convert(source, folder, lambda stage, fraction: fractions.append(fraction))
    return fractions


@pytest.fixture
def converted(tmp_path: Path) -> tuple[dict[str, np.ndarray], Path]:
    weights = write(tmp_path / "tiny.gguf")
    fractions = convert(tmp_path / "tiny.gguf", tmp_path / "hf")
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    return weights, tmp_path / "hf"


def test_weights_get_their_names_and_their_order_back(converted: tuple[dict[str, np.ndarray], Path]) -> None:
    weights, folder = converted
    loaded = safetensors.load_file(folder / "model.safetensors")
    assert loaded.keys() == weights.keys()
    for name, weight in weights.items():
        np.testing.assert_array_equal(loaded[name], weight)
    np.testing.assert_array_equal(gguf_folder.embedding(folder), weights["model.embed_tokens.weight"])


def test_the_configuration_is_the_files(converted: tuple[dict[str, np.ndarray], Path]) -> None:
    config = json.loads((converted[1] / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert (config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"]) == (
        HEADS,
        KV_HEADS,
        HEAD,
    )
    assert config["rope_theta"] == 10_000.0
    assert config["tie_word_embeddings"] is True


def test_the_tokeniser_merges_and_keeps_digits_apart(converted: tuple[dict[str, np.ndarray], Path]) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(converted[1] / "tokenizer.json"))
    assert tokenizer.encode("a t12").tokens == ["a", "Ġt", "1", "2"]
    assert tokenizer.decode(tokenizer.encode("ёж 🦔").ids) == "ёж 🦔"


@pytest.mark.parametrize("change", [{"architecture": "gemma"}, {"pre": "qwen2"}], ids=str)
def test_other_kinds_are_refused(tmp_path: Path, change: dict[str, str]) -> None:
    write(tmp_path / "tiny.gguf", **change)
    with pytest.raises(EngineUnavailable, match="SmolLM"):
        convert(tmp_path / "tiny.gguf", tmp_path / "hf")
