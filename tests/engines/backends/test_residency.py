"""The budget of a device's memory."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.backends.plans.plan import BackendName
from antiphon_engines.backends.plans.signature import Signature
from antiphon_engines.backends.residency import Residency
from antiphon_engines.backends.runners.parked import Parked
from antiphon_engines.backends.runners.runner import Tensors

CACHES = [object() for _ in range(6)]


class Thing:
    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes
        self.here = False

    def load(self) -> None:
        assert not self.here
        self.here = True

    def unload(self) -> None:
        assert self.here
        self.here = False


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(0, 10), min_size=1, max_size=6),
    budget=st.integers(0, 20),
    uses=st.lists(
        st.tuples(st.sampled_from(["use", "use", "hold", "forget"]), st.integers(0, 5)), max_size=40
    ),
)
def test_the_budget_is_kept_and_the_longest_unused_leave_first(
    sizes: list[int], budget: int, uses: list[tuple[str, int]]
) -> None:
    """Networks of several engines, and caches that come and go, in any order."""
    things, residency = [Thing(size) for size in sizes], Residency(budget)
    recent: list[Thing] = []
    held: dict[int, int] = {}
    for what, index in uses:
        thing = things[index % len(things)]
        if what == "hold":
            held[index] = index
            residency.hold(CACHES[index], index)
        elif what == "forget":
            held.pop(index, None)
            residency.forget(CACHES[index])
        else:
            residency.use(thing)
            recent = [other for other in recent if other is not thing] + [thing]
            assert thing.here
        loaded = [other for other in recent if other.here]
        assert residency.used == sum(other.nbytes for other in loaded) + sum(held.values())
        # The most recently used ones stay, without a gap.
        assert loaded == recent[len(recent) - len(loaded) :]
        if budget:
            # Nothing more can leave: a cache stays, and so do networks in use.
            assert residency.used <= budget or loaded in ([], [thing]) or what == "forget"
        else:
            assert loaded == recent


def test_what_is_forgotten_takes_no_room() -> None:
    first, second, residency = Thing(6), Thing(6), Residency(10)
    residency.use(first)
    residency.forget(first)
    residency.use(second)
    assert first.here
    assert residency.used == 6


def test_a_cache_makes_networks_leave_and_stays() -> None:
    network, residency, cache = Thing(6), Residency(10), object()
    residency.use(network)
    residency.hold(cache, 7)
    assert not network.here
    residency.use(network)
    assert residency.used == 13, "it is needed, and the cache does not leave"
    residency.forget(cache)
    assert residency.used == 6


class Counting:
    backend: BackendName = "onnxruntime"
    signature = Signature((), (), ())
    nbytes = 5

    def __init__(self) -> None:
        self.closed = False

    def __call__(self, tensors: Tensors) -> dict[str, torch.Tensor]:
        assert not self.closed
        return dict(tensors)

    def close(self) -> None:
        self.closed = True


def test_a_parked_runner_comes_back_when_it_is_called() -> None:
    made: list[Counting] = []

    def opened() -> Counting:
        made.append(Counting())
        return made[-1]

    parked, residency = Parked(opened), Residency(8)
    assert (parked.nbytes, parked.backend) == (5, "onnxruntime")
    residency.use(parked)
    residency.use(Thing(5))
    assert made[0].closed
    given = {"x": torch.ones(1)}
    assert parked(given) == given
    assert len(made) == 2
    parked.close()
    parked.close()
    assert made[1].closed


def test_a_plan_that_went_bad_meanwhile_is_not_opened_again() -> None:
    calls = 0

    def opened() -> Counting:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise RuntimeError("damaged")
        return Counting()

    parked = Parked(opened)
    parked.unload()
    with pytest.raises(RuntimeError, match="damaged"):
        parked({})
