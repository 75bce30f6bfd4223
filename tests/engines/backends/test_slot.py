"""Who sits, who takes over, and who takes over again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.networks import Network
from antiphon_engines.backends.plans.plan import BackendName
from antiphon_engines.backends.plans.signature import Dim, Port, Signature
from antiphon_engines.backends.runners.runner import Tensors, shapes
from antiphon_engines.backends.runners.torch_runner import TorchRunner
from antiphon_engines.backends.slot import Disagrees, Slot

SIGNATURE = Signature((Port("x", ("rows", "width")),), ("y",), (Dim("rows", 1, 2, 3), Dim("width", 1, 4, 8)))


class Double(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(2.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight


class Scripted:
    """A runner that returns `answer`'s result."""

    backend: BackendName = "onnxruntime"
    signature = SIGNATURE
    nbytes = 0

    def __init__(self, answer: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self.answer = answer
        self.rows: list[int] = []
        self.closed = False

    def __call__(self, tensors: Tensors) -> dict[str, torch.Tensor]:
        self.signature.sizes(shapes(tensors))
        self.rows.append(len(tensors["x"]))
        return {"y": self.answer(tensors["x"])}

    def load(self) -> None:
        assert not self.closed

    def unload(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def slot() -> Slot:
    return Slot(TorchRunner(Network("denoiser", Double(), SIGNATURE, "fp32")))


def double(x: torch.Tensor) -> torch.Tensor:
    return x * 2


def test_a_runner_that_agrees_takes_over(slot: Slot) -> None:
    assert slot.backend == "torch"
    runner = Scripted(double)
    assert slot.offer(runner) == 0
    assert slot.backend == "onnxruntime"
    runner.rows.clear()
    assert slot({"x": torch.ones(2, 4)})["y"].sum() == 16
    assert runner.rows == [2]


@pytest.mark.parametrize("wrong", [lambda x: x * 2.01, lambda x: x * float("nan"), lambda x: -x])
def test_one_that_disagrees_never_does(slot: Slot, wrong: Callable[[torch.Tensor], torch.Tensor]) -> None:
    runner = Scripted(wrong)
    with pytest.raises(Disagrees, match="off from torch"):
        slot.offer(runner)
    assert runner.closed
    assert slot.backend == "torch"


def test_nor_does_one_that_fails(slot: Slot) -> None:
    def broken(x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no kernel")

    runner = Scripted(broken)
    with pytest.raises(EngineUnavailable, match="no kernel"):
        slot.offer(runner)
    assert runner.closed


def test_too_many_rows_go_in_parts_and_too_wide_a_call_to_torch(slot: Slot) -> None:
    runner = Scripted(double)
    slot.offer(runner)
    runner.rows.clear()
    x = torch.arange(28.0).reshape(7, 4)
    assert torch.equal(slot({"x": x})["y"], x * 2)
    assert runner.rows == [3, 3, 1]
    wide = torch.ones(2, 9)
    assert torch.equal(slot({"x": wide})["y"], wide * 2)
    assert runner.rows == [3, 3, 1]
    assert slot.backend == "onnxruntime"


def test_after_a_failure_torch_serves_for_good_and_no_call_is_lost(slot: Slot) -> None:
    runner = Scripted(double)
    slot.offer(runner)

    def broken(x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("the card fell off")

    runner.answer = broken
    for _ in range(2):
        assert slot({"x": torch.ones(1, 1)})["y"].item() == 2
    assert runner.closed
    assert slot.backend == "torch"
