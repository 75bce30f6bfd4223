"""Torch's own ways of running a network: the decisions on the CPU, and equal answers of all on CUDA."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from msgspec.structs import replace

from antiphon_engines.backends.kernels import cuda_graphs
from antiphon_engines.backends.kernels.cuda_graphs import CudaGraphs
from antiphon_engines.backends.networks import Network, loading
from antiphon_engines.backends.plans.checkpoint import Checkpoint
from antiphon_engines.backends.plans.choices import BackendChoice, TorchMode
from antiphon_engines.backends.plans.plan import Part
from antiphon_engines.backends.plans.signature import Dim, Port, Precision, Signature
from antiphon_engines.backends.runners.torch_runner import TorchRunner, torch_mode
from antiphon_engines.backends.slot import TOLERANCE, compare
from support import plans

pytestmark = pytest.mark.filterwarnings("ignore")
on_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
SIGNATURE = Signature((Port("x", ("rows", "width")),), ("y",), (Dim("rows", 1, 2, 3), Dim("width", 1, 4, 8)))


class Scaled(torch.nn.Module):
    """Counts its calls from Python."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(2.0))
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return x * self.weight


class Peeking(Scaled):
    """Reads a number back from the device, which no recording can follow."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) + float(x.sum())


def network(module: torch.nn.Module) -> Network:
    return Network("denoiser", module.eval(), SIGNATURE, "fp32")


def test_on_a_cpu_nothing_is_recorded_and_only_what_was_asked_for_compiled() -> None:
    found = {
        choice: torch_mode(choice, network(Scaled()))
        for choice in ("auto", "torch", "torch_graphs", "torch_compile", "torch_compile_graphs", "tensorrt")
    }
    assert found == {
        "auto": "eager",
        "torch": "eager",
        "torch_graphs": "eager",
        "torch_compile": "compile",
        "torch_compile_graphs": "compile",
        "tensorrt": "eager",
    }


def test_a_closed_runner_is_not_called() -> None:
    runner = TorchRunner(network(Scaled()))
    assert runner({"x": torch.ones(1, 2)}, variant="other")["y"].sum() == 4
    runner.close()
    with pytest.raises(RuntimeError, match="closed"):
        runner({"x": torch.ones(1, 2)})


def test_what_cannot_be_recorded_is_tried_again_only_when_it_was_long_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[int] = []

    def refuse(call: object, given: tuple[torch.Tensor, ...], pool: object) -> None:
        tried.append(len(given[0]))
        raise RuntimeError("it waits for the device")

    monkeypatch.setattr(cuda_graphs, "_Recording", refuse)
    monkeypatch.setattr(cuda_graphs, "_heal", lambda: None)
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: (0, 1))
    graphs = CudaGraphs(most=2, after=1)

    def call(size: int) -> None:
        assert graphs(lambda x: x + 1, (torch.zeros(size),)).sum() == size

    most = cuda_graphs._REMEMBERED
    for size in [*range(1, most + 1), 1, most + 1]:
        call(size)
    assert len(graphs._refused) == most
    call(1)  # came again since, so another was forgotten
    assert tried == list(range(1, most + 2))
    call(2)
    assert tried[-1] == 2


@on_cuda
@pytest.mark.cuda
class TestOnCuda:
    @pytest.fixture(autouse=True)
    def exact(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Ten bits of a product are not float32."""
        monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)

    @pytest.mark.parametrize("choice", ["auto", "tensorrt"])
    def test_recordings_are_the_rule(self, choice: BackendChoice) -> None:
        assert torch_mode(choice, network(Scaled().cuda())) == "graphs"

    @pytest.mark.parametrize("part", ["denoiser", "tiny_decoder", "text_encoder"])
    @pytest.mark.parametrize("precision", ["fp32", "bf16"])
    def test_a_recording_gives_what_eager_gives(
        self, tiny: Checkpoint, part: Part, precision: Precision
    ) -> None:
        self._same(tiny, part, precision, "graphs")

    @pytest.mark.slow
    @pytest.mark.parametrize("mode", ["compile", "compile_graphs"])
    def test_so_does_what_was_compiled(self, tiny: Checkpoint, mode: TorchMode) -> None:
        self._same(tiny, "denoiser", "bf16", mode)

    def _same(self, tiny: Checkpoint, part: Part, precision: Precision, mode: TorchMode) -> None:
        order = replace(plans.order(tiny, part), precision=precision)
        loaded = loading.load(order, "cuda")
        calls = [
            loaded.example(
                {dim.name: size for dim in loaded.signature.dims for size in [_some(dim, rows)]}, seed=rows
            )
            for rows in (1, 2)
        ]
        expected = [TorchRunner(loaded)(call) for call in calls]
        runner = TorchRunner(loaded, mode)
        for _ in range(4):
            for call, wanted in zip(calls, expected, strict=True):
                assert compare(runner(call), wanted) <= TOLERANCE[precision]
        kept = runner(calls[0])
        before = {name: each.clone() for name, each in kept.items()}
        runner({name: each + 1 if each.is_floating_point() else each for name, each in calls[0].items()})
        assert compare(kept, before) == 0, "answers belong to the caller"
        runner.unload()
        assert next(loaded.module.parameters()).device.type == "cpu"
        runner.load()
        for _ in range(3):
            assert compare(runner(calls[0]), expected[0]) <= TOLERANCE[precision]

    def test_the_second_call_of_a_shape_records_and_later_ones_need_no_python(self) -> None:
        module = Scaled().cuda()
        graphs = CudaGraphs(most=2)
        x = torch.ones(2, 2, device="cuda")
        assert graphs(module, (x,)).sum() == 8
        assert (len(graphs), module.calls) == (0, 1)
        graphs(module, (x,))
        assert len(graphs) == 1
        calls = module.calls
        assert graphs(module, (3 * x,)).sum() == 24
        assert module.calls == calls
        for width in (3, 4):
            for _ in range(2):
                graphs(module, (torch.ones(1, width, device="cuda"),))
        assert len(graphs) == 2, "the oldest is forgotten"

    def test_variants_are_recorded_apart(self) -> None:
        module = Scaled().cuda()
        runner = TorchRunner(network(module), "graphs")
        x = torch.ones(1, 2, device="cuda")
        for _ in range(3):
            assert runner({"x": x})["y"].sum() == 4
        with torch.no_grad():
            module.weight.fill_(5)
        for _ in range(3):
            assert runner({"x": x}, variant=("loud", 1.0))["y"].sum() == 10

    def test_what_cannot_be_recorded_is_called_plainly(self) -> None:
        module = Peeking().cuda()
        graphs = CudaGraphs(most=2, after=1)
        for size in (1.0, 2.0, 3.0):
            x = torch.full((1, 2), size, device="cuda")
            assert graphs(module, (x,)).sum().item() == 8 * size
        assert len(graphs) == 0
        assert torch.randn(3, device="cuda").isfinite().all(), "the device is none the worse"

    def test_nor_is_the_device_worse_for_a_capture_that_fails(self, monkeypatch: pytest.MonkeyPatch) -> None:
        @contextmanager
        def deaf() -> Iterator[list[Any]]:
            yield []

        monkeypatch.setattr(cuda_graphs, "_hearing", deaf)
        graphs = CudaGraphs(most=2, after=1)
        x = torch.ones(1, 2, device="cuda")
        assert graphs(Peeking().cuda(), (x,)).sum().item() == 8
        assert torch.randn(3, device="cuda").isfinite().all()
        for _ in range(2):
            assert graphs(Scaled().cuda(), (x,), "other").sum().item() == 4
        assert len(graphs) == 1

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
    @pytest.mark.parametrize("size", [(1, 320, 64, 64), (3, 960, 7, 5), (8, 1280, 8, 8), (1, 128, 256, 256)])
    def test_the_fused_norm_is_torchs(self, dtype: torch.dtype, size: tuple[int, ...]) -> None:
        group_norm = pytest.importorskip("antiphon_engines.backends.kernels.group_norm")
        torch.manual_seed(0)
        norm = torch.nn.GroupNorm(32, size[1]).to("cuda", dtype)
        torch.nn.init.normal_(norm.weight)
        torch.nn.init.normal_(norm.bias)
        x = torch.randn(size, device="cuda", dtype=dtype) * 3 + 1
        add = torch.randn(size[:2], device="cuda", dtype=dtype)
        exact = torch.nn.functional.group_norm(
            x.double() + add.double()[:, :, None, None],
            32,
            norm.weight.double(),
            norm.bias.double(),
            norm.eps,
        )
        exact = torch.nn.functional.silu(exact)
        with torch.inference_mode():
            found = group_norm.group_norm(x, norm, silu=True, add=add)
            again = group_norm.group_norm(x, norm, silu=True, add=add)
            joined = group_norm.join(x, found, norm.bias)
        assert torch.equal(found, again)
        allowed = 1e-5 if dtype is torch.float32 else 8e-3
        assert (found - exact).abs().max() <= allowed * exact.abs().max()
        summed = x.double() + found.double() + norm.bias.double()[:, None, None]
        assert (joined - summed).abs().max() <= allowed * summed.abs().max()


def _some(dim: Dim, rows: int) -> int:
    return rows if dim.name == "rows" else dim.best
