"""The sentence encoder, against the same network in torch, on a small file that is packed here."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.embedding import graph, prepare
from antiphon_engines.embedding.encoder import Encoder
from antiphon_engines.embedding.packed_file import PackedFile

WIDTH, INNER, LAYERS, HEADS, PLACES = 64, 128, 2, 4, 32
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁query", "▁passage", ":", "a", "b", "▁ab", "é", "ы", "▁мы"]


def packed(rows: int, columns: int, draw: np.random.Generator) -> tuple[bytes, Any]:
    """A matrix of 4-bit blocks, and its values."""
    steps = draw.integers(0, 16, (rows, columns // 32, 32)).astype(np.uint8)
    scales = draw.uniform(0.01, 0.03, (rows, columns // 32)).astype("<f2")
    blocks = np.zeros((rows, columns // 32), np.dtype([("scale", "<f2"), ("bits", "u1", 16)]))
    blocks["scale"], blocks["bits"] = scales, steps[..., :16] | steps[..., 16:] << 4
    values = (steps.astype(np.float32) - 8) * scales.astype(np.float32)[..., None]
    return blocks.tobytes(), values.reshape(rows, columns)


def write(path: Path) -> dict[str, Any]:
    """A small file; returns its tensors."""
    draw = np.random.default_rng(1)
    values: dict[str, Any] = {}
    data: dict[str, bytes] = {}

    def matrix(name: str, rows: int, columns: int) -> None:
        data[name], values[name] = packed(rows, columns, draw)

    def floats(name: str, *shape: int, around: float = 0.0) -> None:
        values[name] = draw.normal(around, 0.05, shape).astype("<f4")
        data[name] = values[name].tobytes()

    matrix("emb.word", len(PIECES), WIDTH)
    floats("emb.pos", PLACES, WIDTH)
    floats("emb.type", 1, WIDTH)
    floats("emb.ln.w", WIDTH, around=1)
    floats("emb.ln.b", WIDTH)
    for number in range(LAYERS):
        for part, rows, columns in (
            *((name, WIDTH, WIDTH) for name in ("q", "k", "v", "ao")),
            ("fi", INNER, WIDTH),
            ("fo", WIDTH, INNER),
        ):
            matrix(f"l{number}.{part}.w", rows, columns)
            floats(f"l{number}.{part}.b", rows)
        for part in ("aln", "oln"):
            floats(f"l{number}.{part}.w", WIDTH, around=1)
            floats(f"l{number}.{part}.b", WIDTH)
    texts = [piece.encode() for piece in PIECES]
    ends = np.cumsum([0, *map(len, texts)]).astype("<u4")
    head = b"E5S1" + struct.pack("<I7ifi", 1, WIDTH, LAYERS, HEADS, INNER, len(PIECES), PLACES, 1, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, sum(map(len, texts)))
    head += ends.tobytes() + np.linspace(-1, -5, len(PIECES)).astype("<f4").tobytes() + b"".join(texts)
    replaced = struct.pack("<IBI", ord("É"), 1, ord("é")) + struct.pack("<IB", ord("\u200b"), 0)
    head += struct.pack("<iI", 2, len(replaced)) + replaced + struct.pack("<i", len(data))
    table = sum(2 + len(name) + 21 for name in data)
    offset = len(head) + table
    for name, content in data.items():
        head += struct.pack("<H", len(name)) + name.encode()
        head += struct.pack("<BIQQ", 0, len(content), offset, len(content))
        offset += len(content)
    path.write_bytes(head + b"".join(data.values()))
    return values


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Encoder, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("packed")
    values = write(folder / "weights.bin")
    graph.write(PackedFile(folder / "weights.bin"), folder / "network.onnx")
    return Encoder(folder / "weights.bin", folder / "network.onnx"), values


def in_torch(values: dict[str, Any], rows: list[list[int]]) -> Any:
    import torch
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=len(PIECES),
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=INNER,
        max_position_embeddings=PLACES,
        type_vocab_size=1,
        layer_norm_eps=1e-12,
        pad_token_id=1,
    )
    model = BertModel(config, add_pooling_layer=False).eval()
    names = {
        "emb.word": "embeddings.word_embeddings.weight",
        "emb.pos": "embeddings.position_embeddings.weight",
        "emb.type": "embeddings.token_type_embeddings.weight",
    }
    parts = {
        "emb.ln": "embeddings.LayerNorm",
        "q": "attention.self.query",
        "k": "attention.self.key",
        "v": "attention.self.value",
        "ao": "attention.output.dense",
        "aln": "attention.output.LayerNorm",
        "fi": "intermediate.dense",
        "fo": "output.dense",
        "oln": "output.LayerNorm",
    }
    state = {}
    for name, value in values.items():
        if name in names:
            state[names[name]] = torch.tensor(value)
            continue
        stem, _, kind = name.rpartition(".")
        number, _, part = stem.partition(".") if stem.startswith("l") else ("", "", stem)
        prefix = f"encoder.layer.{number[1:]}." if number else ""
        state[f"{prefix}{parts[part]}.{'weight' if kind == 'w' else 'bias'}"] = torch.tensor(value)
    model.load_state_dict(state)
    length = max(map(len, rows))
    ids = torch.tensor([row + [1] * (length - len(row)) for row in rows])
    real = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    with torch.no_grad():
        states = model(ids, attention_mask=real).last_hidden_state
    means = (states * real[..., None]).sum(1) / real.sum(1, keepdim=True)
    return torch.nn.functional.normalize(means).numpy()


def test_vectors_are_those_of_the_same_network_in_torch(made: tuple[Encoder, dict[str, Any]]) -> None:
    encoder, values = made
    texts = ["ab b мы", "É", "a a a a ab ab"]
    rows = [encoder.tokens(f"passage: {text}") for text in texts]
    assert [PIECES[i] for i in rows[1]] == ["<s>", "▁passage", ":", "▁", "é", "</s>"]
    # Activations are rounded to 8 bits on the way.
    assert (encoder.passages(texts) * in_torch(values, rows)).sum(axis=1) == pytest.approx(1, abs=2e-3)
    assert np.linalg.norm(encoder.query("ab")) == pytest.approx(1, abs=1e-5)
    # A text alone and among others of other lengths.
    assert encoder.passages(texts[1:2])[0] == pytest.approx(encoder.passages(texts)[1], abs=2e-2)


def test_signs_are_replaced_and_texts_are_cut(made: tuple[Encoder, dict[str, Any]]) -> None:
    encoder, _ = made
    assert encoder.tokens("É\u200b  b") == encoder.tokens("é b")
    assert len(encoder.tokens("ab " * 1000)) == 160


def test_another_file_is_refused_with_one_line(tmp_path: Path) -> None:
    wrong = tmp_path / "weights.bin"
    write(wrong)
    whole = wrong.read_bytes()
    for content in (b"", b"E5S", b"GGUF" + whole[4:], whole[:60], whole[:300]):
        wrong.write_bytes(content)
        with pytest.raises(EngineUnavailable, match="is not a packed sentence model"):
            PackedFile(wrong)
    with pytest.raises(EngineUnavailable, match="antiphon models prepare e5-small"):
        prepare.find(tmp_path)
    with pytest.raises(EngineUnavailable, match="another file"):
        prepare.prepare(tmp_path, lambda stage, fraction: None, wrong)
