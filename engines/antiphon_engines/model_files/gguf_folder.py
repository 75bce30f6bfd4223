"""A GGUF file of the Llama family -> a Hugging Face model folder (float32 safetensors, config, tokenizer).

Needs the `gguf`, `safetensors` and `tokenizers` packages, not torch. transformers can read GGUF too, but it takes
minutes and cannot save the result; this takes seconds. Layout facts are from llama.cpp's `convert_hf_to_gguf.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon_engines.api import EngineUnavailable

Progress = Callable[[str, float], None]

_LAYER_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_TOP_NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
_CONTROL, _USER_DEFINED = 3, 4  # gguf.TokenType: tokens matched before any merging


def convert(source: Path, folder: Path, progress: Progress) -> None:
    """Write `folder` from the GGUF file `source`. Raises EngineUnavailable when it is of a kind not handled here."""
    import gguf
    from safetensors.numpy import save_file

    reader = gguf.GGUFReader(source)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    if fields["general.architecture"] != "llama" or fields.get("tokenizer.ggml.pre") != "smollm":
        raise EngineUnavailable(f"{source.name}: only SmolLM-like GGUF files can be converted to ONNX")
    config = _config(fields, {tensor.name for tensor in reader.tensors})
    tensors: dict[str, NDArray[np.float32]] = {}
    for index, tensor in enumerate(reader.tensors):
        weight = np.ascontiguousarray(gguf.quants.dequantize(tensor.data, tensor.tensor_type), np.float32)
        tensors[_name(tensor.name)] = _unrotate(tensor.name, weight, config)
        progress("convert", (index + 1) / len(reader.tensors))
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    _write_json(folder / "config.json", config)
    _write_tokenizer(folder, fields)


def embedding(folder: Path) -> NDArray[np.float32]:
    """The embedding table of a folder that `convert` wrote; shape (vocabulary, hidden size)."""
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", framework="numpy") as file:
        table: NDArray[np.float32] = file.get_tensor("model.embed_tokens.weight")
        return table


def _name(name: str) -> str:
    stem, _, kind = name.rpartition(".")
    if match := re.fullmatch(r"blk\.(\d+)\.(\w+)", stem):
        return f"model.layers.{match[1]}.{_LAYER_NAMES[match[2]]}.{kind}"
    return f"{_TOP_NAMES[stem]}.{kind}"


def _unrotate(name: str, weight: NDArray[np.float32], config: dict[str, Any]) -> NDArray[np.float32]:
    """Undo llama.cpp's permutation of Q and K rows (it pairs neighbours in the rotary embedding, HF pairs halves)."""
    if ".attn_q." in name:
        heads = config["num_attention_heads"]
    elif ".attn_k." in name:
        heads = config["num_key_value_heads"]
    else:
        return weight
    pairs = weight.reshape(heads, weight.shape[0] // heads // 2, 2, *weight.shape[1:])
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(weight.shape))


def _config(fields: dict[str, Any], tensors: set[str]) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": int(fields["llama.embedding_length"]),
        "intermediate_size": int(fields["llama.feed_forward_length"]),
        "num_hidden_layers": int(fields["llama.block_count"]),
        "num_attention_heads": int(fields["llama.attention.head_count"]),
        "num_key_value_heads": int(fields["llama.attention.head_count_kv"]),
        "head_dim": int(fields["llama.rope.dimension_count"]),
        "max_position_embeddings": int(fields["llama.context_length"]),
        "rms_norm_eps": float(fields["llama.attention.layer_norm_rms_epsilon"]),
        "rope_theta": float(fields["llama.rope.freq_base"]),
        "vocab_size": int(fields["llama.vocab_size"]),
        "tie_word_embeddings": "output.weight" not in tensors,
        "attention_bias": False,
        "mlp_bias": False,
        "torch_dtype": "float32",
        "bos_token_id": int(fields["tokenizer.ggml.bos_token_id"]),
        "eos_token_id": int(fields["tokenizer.ggml.eos_token_id"]),
        "pad_token_id": int(fields["tokenizer.ggml.padding_token_id"]),
    }


def _write_tokenizer(folder: Path, fields: dict[str, Any]) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE

    texts: list[str] = fields["tokenizer.ggml.tokens"]
    kinds: list[int] = fields["tokenizer.ggml.token_type"]
    merges = [tuple(merge.split(" ", 1)) for merge in fields["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(BPE({text: index for index, text in enumerate(texts)}, merges))
    # The "smollm" pre-tokeniser: single digits, then GPT-2's byte-level pattern.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    special = [text for text, kind in zip(texts, kinds, strict=True) if kind in (_CONTROL, _USER_DEFINED)]
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in special])
    _check_tokenizer(tokenizer, texts)
    tokenizer.save(str(folder / "tokenizer.json"))
    _write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": int(fields["llama.context_length"]),
            "bos_token": texts[fields["tokenizer.ggml.bos_token_id"]],
            "eos_token": texts[fields["tokenizer.ggml.eos_token_id"]],
            "unk_token": texts[fields["tokenizer.ggml.unknown_token_id"]],
            "pad_token": texts[fields["tokenizer.ggml.padding_token_id"]],
            "add_bos_token": bool(fields["tokenizer.ggml.add_bos_token"]),
            "chat_template": fields["tokenizer.chat_template"],
            "clean_up_tokenization_spaces": False,
        },
    )


def _check_tokenizer(tokenizer: Any, texts: list[str]) -> None:
    """The rebuilt tokeniser must map every id to the file's text and survive a round trip in several scripts."""
    if tokenizer.get_vocab_size() != len(texts) or any(
        tokenizer.id_to_token(index) != text for index, text in enumerate(texts)
    ):
        raise EngineUnavailable("the tokeniser rebuilt from the GGUF file does not match its vocabulary")
    for sample in ("The year 2026, isn't it?\n\n  Two spaces", "Ёжик в тумане", "漢字とかな", "🦔👩‍👩‍👧 ok"):
        if tokenizer.decode(tokenizer.encode(sample).ids) != sample:
            raise EngineUnavailable(
                f"the tokeniser rebuilt from the GGUF file does not round-trip {sample!r}"
            )


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")
