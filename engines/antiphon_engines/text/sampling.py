"""Logits -> one token, its probability and its rivals.

Order: repetition penalty, temperature, top-k, top-p, min-p (as in transformers). The *reported* probabilities are the
model's own: natural-log probabilities of the raw logits, before penalty, temperature and filters.

The draw for token number `i` of a run is Philox(key=seed, counter=i): it depends on nothing else, so the same seed
and prompt give the same text alone, in a batch, or after other draws.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from antiphon_engines.text.model import Logits
from antiphon_proto.params import TextParams

Row = NDArray[np.float32]
_COLDEST = 1e-4
"""Below this temperature the likeliest token is taken; dividing by less would overflow."""
_HEAD = 512
"""Candidates that are sorted first when only top-p limits them; nearly always enough."""
_GROUP = 64
"""Scores of which one, the best, helps to find the bound of the best of all."""


class Choice(Struct, frozen=True):
    """`rivals` are (token, logprob), likeliest first, without `token` itself."""

    token: int
    logprob: float
    rivals: tuple[tuple[int, float], ...]


def log_totals(logits: Logits) -> NDArray[np.float64]:
    """The log of each row's sum of exponentials: `logits - log_totals` are log-probabilities."""
    top = logits.max(axis=1)
    totals: NDArray[np.float64] = np.log(np.exp(logits - top[:, None]).sum(axis=1, dtype=np.float64)) + top
    return totals


def choose(
    logits: Row,
    log_total: float,
    params: TextParams,
    *,
    seed: int,
    index: int,
    seen: Sequence[int] = (),
    allowed: NDArray[np.bool_] | None = None,
) -> Choice:
    """Sample the run's token number `index`. `seen` are the tokens that the repetition penalty is about; `allowed`,
    if given, says per id which tokens may come."""
    scores = logits.copy()
    if allowed is not None:
        scores[: len(allowed)][~allowed[: len(scores)]] = -np.inf
    if params.repetition_penalty != 1.0 and len(seen):
        ids = np.unique(np.asarray(seen, np.int64))
        picked = scores[ids]
        factor = np.float32(params.repetition_penalty)
        scores[ids] = np.where(picked > 0, picked / factor, picked * factor)
    greedy = params.temperature < _COLDEST
    token = int(scores.argmax()) if greedy else _draw(scores, params, uniform(seed, index))
    return Choice(
        token, float(logits[token] - log_total), _rivals(logits, log_total, token, params.alternatives)
    )


def uniform(seed: int, index: int) -> float:
    """In [0, 1), of 53 bits."""
    return float(int(np.random.Philox(key=seed, counter=index).random_raw()) >> 11) * 2.0**-53


def _draw(scores: Row, params: TextParams, u: float) -> int:
    ids, weights = _candidates(scores, params)
    if params.top_p < 1:
        before = np.cumsum(weights) - weights
        kept = max(1, int(np.count_nonzero(before < params.top_p * weights.sum())))
        ids, weights = ids[:kept], weights[:kept]
    if params.min_p > 0:
        kept = max(1, int(np.count_nonzero(weights >= params.min_p * weights[0])))
        ids, weights = ids[:kept], weights[:kept]
    mass = np.cumsum(weights)
    return int(ids[min(int(np.searchsorted(mass, u * mass[-1], side="right")), len(ids) - 1)])


def _candidates(scores: Row, params: TextParams) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Ids and unnormalised probabilities, likeliest first, after temperature and top-k. Sorts as little as it can."""
    size = len(scores)
    if params.top_k:
        ids = _top(scores, min(params.top_k, size))
        return ids, _weights(scores[ids], float(scores[ids[0]]), params)
    top = float(scores.max())
    if params.top_p < 1:
        total = float(_weights(scores, top, params).sum())
        ids = _top(scores, min(_HEAD, size))
        weights = _weights(scores[ids], top, params)
        if float(weights.sum()) >= params.top_p * total:
            # The tail counts towards the whole of which top-p takes its part, and is never drawn.
            rest = total - float(weights.sum())
            return np.append(ids, ids[-1]), np.append(weights, max(rest, 0.0))
    ids = np.argsort(-scores, kind="stable")
    return ids, _weights(scores[ids], top, params)


def _weights(scores: Row, top: float, params: TextParams) -> NDArray[np.float64]:
    weights: NDArray[np.float64] = np.exp((scores.astype(np.float64) - top) / params.temperature)
    return weights


def _top(scores: Row, count: int) -> NDArray[np.int64]:
    """The `count` best ids, best first; equal scores in the order of their ids."""
    near = np.arange(len(scores))
    if (groups := len(scores) // _GROUP) > count:
        # The best scores of `count` groups are that many scores: the least of them is a bound below which nobody is
        # among the best. A few ids are left, of 150,000, without sorting or parting all of them.
        bests = scores[: groups * _GROUP].reshape(_GROUP, groups).max(axis=0)
        near = np.flatnonzero(scores >= np.partition(bests, groups - count)[groups - count])
    ids: NDArray[np.int64] = near[np.argsort(-scores[near], kind="stable")[:count]]
    return ids


def _rivals(logits: Row, log_total: float, token: int, count: int) -> tuple[tuple[int, float], ...]:
    if not count:
        return ()
    best = _top(logits, min(count + 1, len(logits)))
    return tuple((int(other), float(logits[other] - log_total)) for other in best if other != token)[:count]
