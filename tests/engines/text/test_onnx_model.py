"""The embedded model itself: its results depend on nothing but their inputs, to the bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.text.model import Logits
from antiphon_engines.text.onnx_model import OnnxModel
from antiphon_engines.text.tokenizer import SMOLLM, FolderTokenizer

ROWS, CONTEXT = 9, 96
TEXT = "Once upon a time there was a small hedgehog who lived in the fog near a quiet river, and every evening he"


@pytest.fixture(scope="module")
def loaded(embedded_text_model: Path) -> Iterator[OnnxModel]:
    model = OnnxModel(embedded_text_model, name="embedded", rows=ROWS, context=CONTEXT, threads=2)
    yield model
    model.close()


@pytest.fixture
def model(loaded: OnnxModel) -> OnnxModel:
    for row in range(ROWS):
        loaded.truncate(row, 0)
    return loaded


@pytest.fixture(scope="module")
def tokenizer(embedded_text_model: Path) -> FolderTokenizer:
    return FolderTokenizer(embedded_text_model, chat=SMOLLM, starts=("<|endoftext|>",))


@pytest.fixture(scope="module")
def ids(tokenizer: FolderTokenizer) -> list[int]:
    return tokenizer.encode(TEXT)


def read(model: OnnxModel, row: int, ids: Sequence[int], chunks: Sequence[int] | None = None) -> Logits:
    """The logits after `ids`, read into the row in chunks."""
    logits: Logits = np.empty(0, np.float32)
    at = 0
    for size in chunks or [len(ids)]:
        logits = model.step([row], np.array([ids[at : at + size]], np.int64), [size])[0]
        at += size
    assert at == len(ids)
    return logits


def decode(model: OnnxModel, rows: Sequence[int], tokens: Sequence[int]) -> Logits:
    return model.step(list(rows), np.array(tokens, np.int64)[:, None], [1] * len(rows))


def test_it_knows_the_capital_of_france(model: OnnxModel, tokenizer: FolderTokenizer) -> None:
    logits = read(model, 0, tokenizer.encode("The capital of France is"))
    assert tokenizer.decode([int(logits.argmax())]) == " Paris"


@pytest.mark.parametrize("chunks", [[2], [5, 2], [2, 2, 3], [7, 5, 4]], ids=str)
def test_a_prompt_gives_the_same_bits_however_it_is_cut(
    model: OnnxModel, ids: list[int], chunks: list[int]
) -> None:
    whole = read(model, 0, ids)
    assert np.array_equal(read(model, 1, ids, [*chunks, len(ids) - sum(chunks)]), whole)


@pytest.mark.parametrize("count", [2, 3, 8, 9])
def test_decoding_gives_the_same_bits_in_any_company(model: OnnxModel, ids: list[int], count: int) -> None:
    prompts = [ids[: 4 + 2 * row] for row in range(count)]
    alone = []
    for row, prompt in enumerate(prompts):
        read(model, row, prompt)
        alone.append([decode(model, [row], [100 + row])[0], decode(model, [row], [200 + row])[0]])
        model.truncate(row, len(prompt))
    for step in range(2):
        together = decode(model, range(count), [100 * (step + 1) + row for row in range(count)])
        for row in range(count):
            assert np.array_equal(together[row], alone[row][step])


def test_rows_far_apart_and_out_of_order_keep_their_content(model: OnnxModel, ids: list[int]) -> None:
    prompts = {row: ids[: 3 + row] for row in range(ROWS)}
    alone = {}
    for row, prompt in prompts.items():
        read(model, row, prompt)
        alone[row] = decode(model, [row], [50 + row])[0]
        model.truncate(row, len(prompt))
    for company in ([8, 0, 4], [1, 7], [5, 3, 8, 2], list(range(ROWS))):
        together = decode(model, company, [50 + row for row in company])
        for index, row in enumerate(company):
            assert np.array_equal(together[index], alone[row])
            model.truncate(row, len(prompts[row]))


def test_a_call_may_mix_chunks_and_single_tokens(model: OnnxModel, ids: list[int]) -> None:
    expected = [read(model, 0, ids[:6]), read(model, 1, ids[:5], [4, 1])]
    for row in (0, 1):
        model.truncate(row, 0)
    read(model, 1, ids[:4])
    padded = np.zeros((2, 6), np.int64)
    padded[0], padded[1, 0] = ids[:6], ids[4]
    mixed = model.step([0, 1], padded, [6, 1])
    assert np.array_equal(mixed[0], expected[0])
    assert np.array_equal(mixed[1], expected[1])
    assert (model.length(0), model.length(1)) == (6, 5)


def test_truncating_forgets(model: OnnxModel, ids: list[int]) -> None:
    expected = read(model, 0, ids[:12])
    read(model, 1, ids)
    model.truncate(1, 6)
    assert np.array_equal(read(model, 1, ids[6:12]), expected)


def test_a_copied_prefix_is_as_good_as_a_read_one(model: OnnxModel, ids: list[int]) -> None:
    expected = read(model, 0, ids)
    read(model, 5, ids[:3])
    model.copy_prefix(0, 5, 10)
    assert model.length(5) == 10
    assert np.array_equal(read(model, 5, ids[10:]), expected)


def test_bounds_are_kept(model: OnnxModel, ids: list[int]) -> None:
    read(model, 0, ids[:4])
    with pytest.raises(ValueError, match="context"):
        model.step([0], np.zeros((1, CONTEXT), np.int64), [CONTEXT])
    with pytest.raises(ValueError, match="holds 4"):
        model.truncate(0, 5)
    with pytest.raises(ValueError, match="holds 4"):
        model.copy_prefix(0, 1, 5)
    assert model.length(0) == 4


def test_a_row_can_be_filled_to_the_last_place(model: OnnxModel, ids: list[int]) -> None:
    read(model, 0, (ids * 5)[: CONTEXT - 1])
    assert np.isfinite(decode(model, [0], [7])).all()
    assert model.length(0) == CONTEXT


def test_text_cannot_forge_markup(tokenizer: FolderTokenizer) -> None:
    forged = tokenizer.encode("<|im_end|>")
    assert not tokenizer.end_ids.intersection(forged)
    assert tokenizer.decode(forged) == "<|im_end|>"
    assert len(tokenizer.encode("<|im_end|>", special=True)) == 1


@pytest.mark.parametrize("text", ["Ёжик  в тумане", "漢字かな\n\n", "🦔👩‍👩‍👧", "  two spaces, 1234"])
def test_the_rebuilt_tokeniser_round_trips(tokenizer: FolderTokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_a_folder_without_a_model_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="cannot read the model folder"):
        OnnxModel(tmp_path, name="x", rows=1, context=16, threads=1)
    with pytest.raises(EngineUnavailable, match="cannot read the tokenizer"):
        FolderTokenizer(tmp_path, chat=None)


def test_a_damaged_graph_is_one_clear_line(tmp_path: Path, embedded_text_model: Path) -> None:
    (tmp_path / "config.json").write_bytes((embedded_text_model / "config.json").read_bytes())
    (tmp_path / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(EngineUnavailable, match="cannot load"):
        OnnxModel(tmp_path, name="x", rows=1, context=16, threads=1)
