"""A random Llama of 100 KB in a GGUF file, with a byte-level vocabulary and a chat template."""

from __future__ import annotations

from pathlib import Path

CHATML = (
    "{% for message in messages %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_WIDTH, _HEADS, _GROUPS, _INNER, _LAYERS = 32, 4, 2, 64, 2


def write(path: Path, *, seed: int = 1, template: str | None = CHATML, context: int = 16_384) -> Path:
    """Writes the file; greedy texts of different seeds differ."""
    import gguf
    import numpy as np
    from tokenizers.pre_tokenizers import ByteLevel

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokens = [*special, *sorted(ByteLevel.alphabet()), "Ġt"]
    kinds = [int(gguf.TokenType.CONTROL)] * len(special)
    kinds += [int(gguf.TokenType.NORMAL)] * (len(tokens) - len(special))
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(context)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_INNER)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_GROUPS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_WIDTH // _HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(["Ġ t"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)
    if template is not None:
        writer.add_chat_template(template)
    random = np.random.default_rng(seed)

    def matrix(name: str, rows: int, columns: int, scale: float = 0.3) -> None:
        writer.add_tensor(f"{name}.weight", random.normal(0, scale, (rows, columns)).astype(np.float32))

    def gain(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(_WIDTH, np.float32))

    matrix("token_embd", len(tokens), _WIDTH, 1.0)
    matrix("output", len(tokens), _WIDTH)
    gain("output_norm")
    size = _WIDTH // _HEADS * _GROUPS
    for layer in range(_LAYERS):
        block = f"blk.{layer}"
        gain(f"{block}.attn_norm")
        gain(f"{block}.ffn_norm")
        matrix(f"{block}.attn_q", _WIDTH, _WIDTH)
        matrix(f"{block}.attn_k", size, _WIDTH)
        matrix(f"{block}.attn_v", size, _WIDTH)
        matrix(f"{block}.attn_output", _WIDTH, _WIDTH)
        matrix(f"{block}.ffn_gate", _INNER, _WIDTH)
        matrix(f"{block}.ffn_up", _INNER, _WIDTH)
        matrix(f"{block}.ffn_down", _WIDTH, _INNER)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
