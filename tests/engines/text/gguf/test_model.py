"""llama.cpp's decode as a `TokenModel`, on a random model of 100 KB."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.text.gguf.model import GgufModel
from antiphon_engines.text.model import Logits
from support import tiny_gguf


def read(model: GgufModel, row: int, ids: list[int], chunk: int = 32) -> Logits:
    """Append the ids in chunks; the logits after the last one."""
    logits = np.empty(0, np.float32)
    for at in range(0, len(ids), chunk):
        part = ids[at : at + chunk]
        logits = model.step([row], np.array([part]), [len(part)])[0]
    return logits


def near(one: Logits, other: Logits) -> bool:
    return bool(np.allclose(one, other, rtol=0, atol=1e-3 * float(np.abs(other).max())))


@settings(max_examples=25, deadline=None)
@given(
    parts=st.lists(st.lists(st.integers(3, 250), min_size=1, max_size=9), min_size=1, max_size=6),
    cut=st.integers(0, 20),
)
def test_logits_follow_from_what_a_row_holds_and_nothing_else(
    shared: GgufModel, parts: list[list[int]], cut: int
) -> None:
    """However it was read, cut back or copied, and whoever shares the steps."""
    ids = [token for part in parts for token in part]
    kept = min(cut, len(ids) - 1)
    for row in range(4):
        shared.truncate(row, 0)
    alone = read(shared, 0, ids)
    for part in parts:  # row 1 in parts, with another text in row 2
        both = np.array([part, part[::-1]])
        cut_up = shared.step([1, 2], both, [len(part)] * 2)[0]
    assert near(cut_up, alone)
    shared.copy_prefix(1, 3, kept)
    assert shared.length(3) == kept
    assert near(read(shared, 3, ids[kept:]), alone)
    shared.truncate(0, kept)
    assert near(read(shared, 0, ids[kept:]), alone)


@pytest.fixture(scope="module")
def shared(tiny_file: Path) -> GgufModel:
    return GgufModel(tiny_file, name="tiny", rows=4, context=256, threads=1, chunk=64)


def test_logits_after_every_token_are_those_of_single_steps(model: GgufModel) -> None:
    ids = [10, 20, 30, 40, 50]
    every = model.step_all(0, ids)
    singles = [read(model, 1, [token]) for token in ids]
    assert every.shape == (5, model.vocab_size)
    assert all(near(one, other) for one, other in zip(every, singles, strict=True))


def test_rows_of_one_call_may_take_different_numbers_of_tokens(model: GgufModel) -> None:
    ids = np.array([[11, 12, 13], [21, 0, 0]])
    mixed = model.step([0, 1], ids, [3, 1])
    assert near(mixed[0], read(model, 2, [11, 12, 13]))
    assert near(mixed[1], read(model, 3, [21]))
    assert [model.length(row) for row in range(4)] == [3, 1, 3, 1]


def test_no_row_passes_the_context(model: GgufModel) -> None:
    read(model, 0, [7] * 256)
    with pytest.raises(ValueError, match="pass the context"):
        read(model, 0, [7])
    assert model.length(0) == 256
    model.truncate(0, 255)
    assert np.isfinite(read(model, 0, [7])).all()


def test_lengths_that_a_row_does_not_hold_are_refused(model: GgufModel) -> None:
    read(model, 0, [7, 8])
    with pytest.raises(ValueError, match="not 3"):
        model.truncate(0, 3)
    with pytest.raises(ValueError, match="not 3"):
        model.copy_prefix(0, 1, 3)


def test_the_context_is_cut_to_what_the_model_was_trained_for(tmp_path: Path) -> None:
    path = tiny_gguf.write(tmp_path / "short.gguf", context=64)
    model = GgufModel(path, name="short", rows=1, context=256, threads=1, chunk=8)
    assert model.context == 64
    model.close()


def test_a_damaged_file_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "damaged.gguf"
    path.write_bytes(b"GGUF\x03\0\0\0" + bytes(64))
    with pytest.raises(EngineUnavailable, match="llama.cpp cannot load") as caught:
        GgufModel(path, name="damaged", rows=1, context=64, threads=1, chunk=8)
    assert "\n" not in caught.value.message
