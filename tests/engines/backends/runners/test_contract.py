"""The contract of every backend, for each one that runs here. The others are built (test_tensorrt_build)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import onnxruntime
import pytest
import torch
from msgspec.structs import replace

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.building import build
from antiphon_engines.backends.networks import Network, loading
from antiphon_engines.backends.plans import runtimes
from antiphon_engines.backends.plans.checkpoint import Checkpoint
from antiphon_engines.backends.plans.order import Order
from antiphon_engines.backends.plans.plan import BackendName
from antiphon_engines.backends.plans.plan_store import PlanStore
from antiphon_engines.backends.plans.signature import ShapeRefused
from antiphon_engines.backends.runners import opening
from antiphon_engines.backends.runners.runner import Runner
from antiphon_engines.backends.runners.torch_runner import TorchRunner
from antiphon_engines.backends.slot import TOLERANCE, compare, error
from support import plans

pytestmark = pytest.mark.filterwarnings("ignore")
CUDA = torch.cuda.is_available()
ONNX_CUDA = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
ARCHITECTURE = "sm{}{}".format(*torch.cuda.get_device_capability()) if CUDA else ""


@pytest.fixture(scope="module")
def network(tiny: Checkpoint) -> Network:
    return loading.load(plans.order(tiny, "tiny_decoder"), "cuda" if CUDA else "cpu")


@pytest.fixture(scope="module", params=get_args(BackendName))
def runner(
    request: pytest.FixtureRequest, tiny: Checkpoint, store: PlanStore, network: Network
) -> Iterator[Runner]:
    backend: BackendName = request.param
    found = runtimes.availability(backend, ARCHITECTURE)
    if not (found.runs and found.builds):
        pytest.skip(f"{backend}: {found.reason}")
    if backend == "onnxruntime" and CUDA and not ONNX_CUDA:
        pytest.skip("this ONNX Runtime has no CUDA provider")
    runner: Runner
    if backend == "torch":
        runner = TorchRunner(network)
    else:
        device = "any" if backend == "onnxruntime" else ARCHITECTURE
        order: Order = plans.order(tiny, "tiny_decoder", backend, device)
        runner = opening.open_plan(build.build(store, order), order.signature, cuda=CUDA, threads=1)
    yield runner
    runner.close()
    runner.close()  # once more changes nothing


def sizes(**given: int) -> dict[str, int]:
    return {"rows": 2, "height": 8, "width": 8} | given


@pytest.mark.parametrize(
    "call", [sizes(), sizes(rows=1, height=1, width=3), sizes(rows=4, height=17, width=5)]
)
def test_the_answers_are_those_of_torch_at_every_size(
    runner: Runner, network: Network, call: dict[str, int]
) -> None:
    given = network.example(call, seed=call["height"])
    with torch.inference_mode():
        expected = {"pixels": network.module(*given.values())}
    found = runner(given)
    assert found.keys() == expected.keys()
    assert found["pixels"].shape == expected["pixels"].shape
    assert compare(found, expected) < 1e-4


def test_other_types_and_strides_of_numbers_are_taken(runner: Runner, network: Network) -> None:
    [latents] = network.example(sizes()).values()
    plain = runner({"latents": latents})
    assert compare(runner({"latents": latents.double()}), plain) < 1e-6
    strided = latents.transpose(2, 3).contiguous().transpose(2, 3)
    assert not strided.is_contiguous()
    assert compare(runner({"latents": strided}), plain) < 1e-6


def test_the_answers_belong_to_the_caller(runner: Runner, network: Network) -> None:
    first, second = (network.example(sizes(), seed) for seed in (1, 2))
    kept = runner(first)
    copy = {name: tensor.clone() for name, tensor in kept.items()}
    other = runner(second)
    assert compare(kept, copy) == 0
    assert compare(other, copy) > 1e-3
    assert compare(runner(first), copy) == 0


REFUSED: list[dict[str, Any]] = [sizes(rows=5), sizes(height=25), sizes(width=1000)]


@pytest.mark.parametrize("call", REFUSED)
def test_sizes_outside_the_plan_are_refused_and_torch_takes_them(
    runner: Runner, network: Network, call: dict[str, int]
) -> None:
    given = network.example(call)
    if runner.backend == "torch":
        assert runner(given)["pixels"].shape[0] == call["rows"]
    else:
        with pytest.raises(ShapeRefused):
            runner(given)


def test_a_call_without_an_input_is_refused(runner: Runner) -> None:
    with pytest.raises((ShapeRefused, KeyError), match="latents"):
        runner({"latent": torch.zeros(1)})


def test_it_says_what_it_holds(runner: Runner, network: Network) -> None:
    weights = sum(each.nbytes for each in network.module.vae.decoder.state_dict().values())
    assert runner.nbytes >= weights


def test_half_precision_is_as_good_as_torchs_own(tiny: Checkpoint, store: PlanStore) -> None:
    order = replace(plans.order(tiny, "text_encoder"), precision="fp16")
    runner = opening.open_plan(build.build(store, order), order.signature, cuda=False, threads=1)
    reference = TorchRunner(loading.load(order))
    assert runner(reference.network.example({"rows": 1}))["states"].dtype == torch.float16
    assert error(runner, reference) <= TOLERANCE["fp16"]
    runner.close()


def test_what_onnxruntime_has_no_kernels_for_is_refused(tiny: Checkpoint, store: PlanStore) -> None:
    order = replace(plans.order(tiny, "text_encoder"), precision="bf16")
    plan = build.build(store, order)
    with pytest.raises(EngineUnavailable, match="few bfloat16 kernels"):
        opening.open_plan(plan, order.signature, cuda=False, threads=1)
