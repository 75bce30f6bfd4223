from __future__ import annotations

import numpy as np

from antiphon_engines.text.prefix_cache import WORTH, PrefixCache
from support.toy_model import ToyModel

LONG = list(range(60))


def read(cache: PrefixCache, model: ToyModel, ids: list[int]) -> tuple[int, int]:
    """Take a row and read the whole prompt into it, as the engine does."""
    row, common = cache.take(ids)
    rest = ids[common:]
    model.step([row], np.array([rest], np.int64), [len(rest)])
    cache.extend(row, common, rest)
    assert model.held(row) == ids
    return row, common


def test_a_grown_text_is_found_again_in_its_row() -> None:
    model = ToyModel(rows=3)
    cache = PrefixCache(model)
    row, common = read(cache, model, LONG)
    assert common == 0
    cache.release(row)
    assert read(cache, model, LONG + [9] * 5) == (row, len(LONG))
    assert model.copies == []


def test_at_least_two_tokens_are_read_anew() -> None:
    model = ToyModel(rows=2)
    cache = PrefixCache(model)
    cache.release(read(cache, model, LONG)[0])
    assert cache.take(LONG)[1] == len(LONG) - 2


def test_what_was_generated_is_not_kept() -> None:
    model = ToyModel(rows=1)
    cache = PrefixCache(model)
    row, _ = read(cache, model, LONG)
    model.step([row], np.array([[7]], np.int64), [1])
    cache.release(row)
    assert model.length(row) == len(LONG)
    assert cache.take([*LONG, 7, 8, 9])[1] == len(LONG)


def test_a_prefix_of_a_busy_row_is_copied() -> None:
    model = ToyModel(rows=2)
    cache = PrefixCache(model)
    first, _ = read(cache, model, LONG)
    second, common = read(cache, model, LONG[:40] + [99] * 10)
    assert (second != first, common) == (True, 40)
    assert model.copies == [(first, second, 40)]
    assert model.held(first) == LONG


def test_a_short_common_prefix_is_not_worth_a_copy() -> None:
    model = ToyModel(rows=2)
    cache = PrefixCache(model)
    read(cache, model, LONG)
    assert cache.take([*LONG[: WORTH - 1], 99, 99, 99])[1] == 0
    assert model.copies == []


def test_another_document_with_the_same_beginning_does_not_ruin_a_long_one() -> None:
    model = ToyModel(rows=3)
    cache = PrefixCache(model)
    first, _ = read(cache, model, LONG)
    cache.release(first)
    other, common = read(cache, model, LONG[:20] + [99] * 10)
    assert (other != first, common) == (True, 20)
    cache.release(other)
    assert read(cache, model, [*LONG, 1, 2]) == (first, len(LONG))


def test_the_row_unused_for_longest_is_given_away_first() -> None:
    model = ToyModel(rows=2)
    cache = PrefixCache(model)
    texts = [[n] * 20 for n in range(3)]
    rows = []
    for ids in texts[:2]:
        row, _ = read(cache, model, ids)
        cache.release(row)
        rows.append(row)
    assert rows[0] != rows[1]
    assert read(cache, model, texts[2])[0] == rows[0]
    assert read(cache, model, [*texts[1], 5, 6]) == (rows[1], 20)


def test_a_new_prompt_under_a_row_in_use_keeps_what_they_share() -> None:
    model = ToyModel(rows=1)
    cache = PrefixCache(model)
    row, _ = read(cache, model, LONG)
    assert cache.rewind(row, LONG[:30] + [1, 2, 3]) == 30
    assert model.held(row) == LONG[:30]
