"""The text engine's torch model on CUDA: replayed steps give the same as the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, MistralConfig

from antiphon_engines.text.torch_model import TorchModel

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]
VOCAB = 97
HEADS: dict[str, Any] = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
}
CONFIGS = {
    "llama": lambda: LlamaConfig(**HEADS, max_position_embeddings=1024),
    "mistral": lambda: MistralConfig(**HEADS, sliding_window=7, max_position_embeddings=1024),
    "gpt2": lambda: GPT2Config(vocab_size=VOCAB, n_embd=32, n_layer=2, n_head=4, n_positions=1024),
}


def pair(name: str) -> tuple[TorchModel, TorchModel]:
    """The same random network on the CPU and on CUDA."""
    models = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(1)
        network = AutoModelForCausalLM.from_config(CONFIGS[name]()).to(device)
        models.append(TorchModel(network, name="tiny", rows=5, context=600))
    return models[0], models[1]


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_writers_who_come_and_go_get_what_the_cpu_gives(name: str) -> None:
    cpu, cuda = pair(name)
    random = np.random.default_rng(0)
    for row, length in ((0, 3), (2, 300), (4, 250)):
        prompt = random.integers(0, VOCAB, (1, length), dtype=np.int64)
        for model in (cpu, cuda):
            model.step([row], prompt, [length])
    cuda.copy_prefix(2, 3, 100)
    cpu.copy_prefix(2, 3, 100)
    # Reaches of 256 and 512 tokens, every number of rows, in any order.
    for rows in ([0], [0], [0], [2, 0], [2, 0], [0, 2, 4], [4, 0, 2], [0, 4, 3, 2], [3], [3, 4], [4, 3]) * 2:
        ids = random.integers(0, VOCAB, (len(rows), 1), dtype=np.int64)
        expected, found = (model.step(rows, ids, [1] * len(rows)) for model in (cpu, cuda))
        assert np.abs(found - expected).max() < 2e-4 * np.abs(expected).max()
    assert [cuda.length(row) for row in range(5)] == [cpu.length(row) for row in range(5)]
    assert cuda._graphs is not None
    assert len(cuda._graphs) >= 4
    for model in (cpu, cuda):
        model.close()


def test_greedy_writing_is_the_same() -> None:
    cpu, cuda = pair("llama")
    written = []
    for model in (cpu, cuda):
        logits = model.step([0], np.arange(12, dtype=np.int64)[None], [12])
        ids = []
        for _ in range(40):
            ids.append(int(logits[0].argmax()))
            logits = model.step([0], np.array([[ids[-1]]], np.int64), [1])
        written.append(ids)
        model.close()
    assert written[0] == written[1]


def test_a_row_beside_a_prefill_and_the_last_place_of_the_context() -> None:
    cpu, cuda = pair("llama")
    prompt = np.random.default_rng(1).integers(0, VOCAB, (1, 590), dtype=np.int64)
    for model in (cpu, cuda):
        model.step([1], prompt, [590])
    for step in range(10):
        ids = np.full((2, 4), step, np.int64)
        expected, found = (model.step([1, 3], ids, [1, 4]) for model in (cpu, cuda))
        assert np.abs(found - expected).max() < 2e-4 * np.abs(expected).max()
    with pytest.raises(ValueError, match="pass the context"):
        cuda.step([1], np.zeros((1, 1), np.int64), [1])
    for model in (cpu, cuda):
        model.close()
