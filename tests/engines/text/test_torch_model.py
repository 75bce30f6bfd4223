from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    Gemma3TextConfig,
    GPT2Config,
    LlamaConfig,
    MambaConfig,
    MistralConfig,
)

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.text.torch_model import TorchModel

VOCAB = 97
CONTEXT = 64
SMALL = {"vocab_size": VOCAB, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}


def make(config: Any, *, rows: int = 4, context: int = CONTEXT) -> TorchModel:
    torch.manual_seed(1)
    network = AutoModelForCausalLM.from_config(config)
    return TorchModel(network, name="tiny", rows=rows, context=context)


CONFIGS = {
    "llama": lambda: LlamaConfig(**SMALL, **HEADS),
    "mistral, sliding everywhere": lambda: MistralConfig(**SMALL, **HEADS, sliding_window=7),
    "gemma3, sliding in turns": lambda: Gemma3TextConfig(
        **SMALL,
        **HEADS,
        sliding_window=7,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"],
    ),
    "gpt2, learned positions": lambda: GPT2Config(
        vocab_size=VOCAB, n_embd=32, n_layer=2, n_head=4, n_positions=64
    ),
}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Several make networks this small slower, most of all on shared cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=sorted(CONFIGS), scope="module")
def model(request: pytest.FixtureRequest) -> Iterator[TorchModel]:
    made = make(CONFIGS[request.param]())
    yield made
    made.close()


@pytest.fixture
def empty(model: TorchModel) -> TorchModel:
    for row in range(model.rows):
        model.truncate(row, 0)
    return model


def tokens(seed: int, length: int) -> Any:
    return np.random.default_rng(seed).integers(0, VOCAB, length, dtype=np.int64)


def alone(model: TorchModel, ids: Any) -> Any:
    """The network's own answer, without any cache."""
    with torch.inference_mode():
        return model._model(input_ids=torch.from_numpy(ids[None]), use_cache=False).logits[0, -1].numpy()


def close(left: Any, right: Any) -> bool:
    return bool(np.abs(left - right).max() < 1e-4 * max(np.abs(right).max(), 1.0))


def feed(model: TorchModel, row: int, ids: Any, chunk: int = CONTEXT) -> Any:
    for at in range(0, len(ids), chunk):
        part = ids[at : at + chunk]
        logits = model.step([row], part[None], [len(part)])
    return logits[0]


def test_chunks_give_what_the_whole_prompt_gives(empty: TorchModel) -> None:
    ids = tokens(1, 40)
    for row, chunk in enumerate((64, 16, 7, 1)):
        assert close(feed(empty, row, ids, chunk), alone(empty, ids)), chunk
        assert empty.length(row) == 40


def test_rows_of_different_lengths_in_one_call(empty: TorchModel) -> None:
    prompts = [tokens(10, 25), tokens(11, 3), tokens(12, 1), tokens(13, 12)]
    order = [2, 0, 3, 1]
    width = max(map(len, prompts))
    padded = np.stack(
        [np.pad(prompts[row], (0, width - len(prompts[row])), constant_values=5) for row in order]
    )
    first = empty.step(order, padded, [len(prompts[row]) for row in order])
    assert all(close(first[at], alone(empty, prompts[row])) for at, row in enumerate(order))
    # Decoding goes on in another company: rows that do not lie side by side.
    following = np.array([[7], [8]])
    second = empty.step([3, 0], following, [1, 1])
    assert close(second[0], alone(empty, np.append(prompts[3], 7)))
    assert close(second[1], alone(empty, np.append(prompts[0], 8)))
    assert [empty.length(row) for row in range(4)] == [26, 3, 1, 13]


def test_a_full_row_survives_the_padding_of_its_neighbours(empty: TorchModel) -> None:
    long, short = tokens(20, CONTEXT), tokens(21, 4)
    feed(empty, 0, long[:-20])
    ids = np.stack([long[-20:], np.pad(short, (0, 16))])
    logits = empty.step([0, 1], ids, [20, 4])
    assert close(logits[0], alone(empty, long))
    # The short row's padding went nowhere: it can grow to the end as well.
    rest = tokens(22, CONTEXT - 4)
    assert close(feed(empty, 1, rest), alone(empty, np.concatenate([short, rest])))


def test_truncate_forgets(empty: TorchModel) -> None:
    ids = tokens(30, 30)
    feed(empty, 0, ids)
    empty.truncate(0, 12)
    assert empty.length(0) == 12
    other = tokens(31, 9)
    assert close(feed(empty, 0, other), alone(empty, np.concatenate([ids[:12], other])))


def test_copy_prefix(empty: TorchModel) -> None:
    ids, tail = tokens(40, 30), tokens(41, 5)
    feed(empty, 0, ids)
    feed(empty, 2, tokens(42, 9))
    empty.copy_prefix(0, 2, 20)
    assert (empty.length(0), empty.length(2)) == (30, 20)
    assert close(feed(empty, 2, tail), alone(empty, np.concatenate([ids[:20], tail])))
    assert close(feed(empty, 0, tail), alone(empty, np.concatenate([ids, tail])))
    empty.copy_prefix(0, 0, 3)
    assert empty.length(0) == 3


def test_misuse_is_refused(empty: TorchModel) -> None:
    feed(empty, 0, tokens(50, 10))
    with pytest.raises(ValueError, match="context"):
        empty.step([0], tokens(51, 55)[None], [55])
    with pytest.raises(ValueError, match="holds 10"):
        empty.truncate(0, 11)
    with pytest.raises(ValueError, match="holds 10"):
        empty.copy_prefix(0, 1, 11)
    assert empty.length(0) == 10


def test_the_context_is_no_longer_than_the_model_was_trained_for() -> None:
    assert make(LlamaConfig(**SMALL, **HEADS, max_position_embeddings=48), context=1000).context == 48


@pytest.mark.parametrize(
    "config",
    [
        MambaConfig(vocab_size=VOCAB, hidden_size=16, num_hidden_layers=2, state_size=4),
        BloomConfig(vocab_size=VOCAB, hidden_size=32, n_layer=2, n_head=4),
    ],
    ids=["mamba, another state", "bloom, positions in the mask"],
)
def test_a_model_that_does_not_fit_is_refused(config: Any) -> None:
    with pytest.raises(EngineUnavailable, match="tiny"):
        make(config)
