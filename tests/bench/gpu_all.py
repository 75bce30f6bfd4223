"""Every way of running a network on one GPU: does it give torch's answers, and how fast is it beside torch eager.

    python tests/bench/gpu_all.py --save tests/bench/results [--only image text audio] [--deadline 460]

Random weights in the shapes of SD-Turbo (512 x 512 for 1, 4 and 8 users), SmolLM2-135M (batch 1, 8 and 32) and
MusicGen-small are enough for timing, so nothing is downloaded. Errors are against the same weights in float32, as a
part of the largest value. Figures without preparation come first (eager, CUDA graphs, the engines as they are served),
then the backends with plans, then compiled networks: `torch.compile` is warmed up for all networks at once, in
processes of their own, before the card is measured again. TensorRT-RTX is asked first whether it takes the card: that
costs seconds. The file is written anew after every figure: a run that is cut off keeps them. `--small` takes
tiny shapes on the CPU and shows only that the script works.
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import gpu_compile
import gpu_engines
from gpu_subjects import Subject, subjects

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.building import build
from antiphon_engines.backends.networks import Network
from antiphon_engines.backends.plans import runtimes
from antiphon_engines.backends.plans.checkpoint import recognise
from antiphon_engines.backends.plans.order import Order
from antiphon_engines.backends.plans.plan import BackendName
from antiphon_engines.backends.plans.plan_store import PlanStore
from antiphon_engines.backends.plans.signature import Precision
from antiphon_engines.backends.plans.signatures import Bounds
from antiphon_engines.backends.runners import opening
from antiphon_engines.backends.runners.runner import Runner
from antiphon_engines.backends.runners.torch_runner import TorchRunner
from antiphon_engines.backends.slot import compare, parted

WARM_UP = 3


def median_ms(call: Callable[[], Any], seconds: float) -> float:
    """Of one call, the device waited for."""

    def timed() -> float:
        began = time.perf_counter()
        call()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter() - began

    for _ in range(WARM_UP):
        timed()
    times, end = [timed()], time.perf_counter() + seconds
    while time.perf_counter() < end:
        times.append(timed())
    return 1000 * statistics.median(times)


class Bench:
    """One run over one device; `report` is always complete as far as it goes."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options = options
        self.cuda = torch.cuda.is_available() and not options.small
        self.device = "cuda" if self.cuda else "cpu"
        self.architecture = "sm{}{}".format(*torch.cuda.get_device_capability()) if self.cuda else ""
        self.precision: Precision = "bf16" if self.cuda else "fp32"
        self.folder = folder
        self._store = PlanStore(folder / "plans")
        self._began = time.monotonic()
        self._expected: dict[tuple[str, str], dict[str, torch.Tensor]] = {}
        self.report: dict[str, Any] = {
            "bench": "gpu_all",
            "device": torch.cuda.get_device_name(0) if self.cuda else "cpu",
            "architecture": self.architecture,
            "torch": torch.__version__,
            "precision": self.precision,
            "weights": "tiny"
            if options.small
            else "random, in the shapes of SD-Turbo, TAESD, SmolLM2-135M, MusicGen-small",
            "backends": {},
            "results": {},
            "engines": {},
            "summary": {},
            "problems": [],
            "seconds": {},
        }
        wanted = subjects(options.small, self.device, folder)
        self.subjects = [each for each in wanted if each.modality in options.only]

    def run(self) -> dict[str, Any]:
        self._ask_backends()
        for subject in self.subjects:
            self.attempt(f"{subject.name}, torch", partial(self._measure_torch, subject))
        self._summarise()
        for name, measure in gpu_engines.MEASURES.items():
            if name.split()[0].strip(",") in self.options.only and self.time_left(f"engine {name}"):
                self.attempt(f"engine {name}", partial(measure, self, name))
        # Large networks take minutes to export: they wait until all else is known.
        large = [each for each in self.subjects if self.cuda and each.modality == "image"]
        self._plans([each for each in self.subjects if each not in large])
        if self.cuda:
            gpu_compile.measure(self)
        self._plans(large)
        self._summarise()
        return self.report

    # Asked by the measures ----------------------------------------------------------------------------

    def note(self, section: Sequence[str], name: str, value: Any) -> None:
        """Put a figure into the report, and the report onto the disk."""
        place = self.report
        for each in section:
            place = place.setdefault(each, {})
        place[name] = value
        print(f"{time.monotonic() - self._began:6.1f} s  {' '.join(section)} {name}: {value}", flush=True)
        self._save()

    def median(self, call: Callable[[], Any]) -> float:
        return round(median_ms(call, self.options.seconds), 3)

    # Steps --------------------------------------------------------------------------------------------

    def _measure_torch(self, subject: Subject) -> None:
        """Torch eager first: everything else is compared with it."""
        network = subject.network()
        calls = {name: network.example(sizes) for name, sizes in subject.calls.items()}
        self._reference(subject, network, calls)
        self.figures(subject, "torch eager", TorchRunner(network), calls)
        if self.cuda:
            runner = TorchRunner(network, "graphs")
            self.figures(subject, "torch graphs", runner, calls)
            runner.close()

    def _reference(self, subject: Subject, network: Network, calls: dict[str, Any]) -> None:
        """The result of the same weights in float32."""
        module = copy.deepcopy(network.module).float()
        exact = TorchRunner(Network(network.part, module, network.signature, "fp32"))
        before = torch.backends.cudnn.allow_tf32
        torch.backends.cudnn.allow_tf32 = False
        for name, given in calls.items():
            self._expected[subject.name, name] = exact(given)
        torch.backends.cudnn.allow_tf32 = before

    def figures(self, subject: Subject, title: str, runner: Runner, calls: dict[str, Any]) -> None:
        """A runner's time and error at every call."""
        for name, given in calls.items():
            began = time.perf_counter()
            off = compare(parted(runner, given), self._expected[subject.name, name])
            parted(runner, given)  # the second call of a shape records it
            first = time.perf_counter() - began
            taken = self.median(partial(parted, runner, given))
            place = ("results", subject.modality, subject.part, name)
            eager = self.report["results"].get(subject.modality, {}).get(subject.part, {}).get(name, {})
            figures = {"ms": taken, "error": float(f"{off:.2g}")}
            if "torch eager" in eager:
                figures["times eager"] = round(eager["torch eager"]["ms"] / taken, 3)
            if title.startswith("torch ") and title != "torch eager":
                figures["s until ready"] = round(first, 2)
            self.note(place, title, figures)

    def _plans(self, wanted: Sequence[Subject]) -> None:
        """Speed and error of the exported networks in every runtime that runs here."""
        for found in runtimes.examine(self.architecture):
            if not self._usable(found):
                continue
            for subject in wanted:
                what = f"{subject.part}, {found.backend}"
                if self.time_left(what):
                    self.attempt(what, partial(self._measure_plan, subject, found.backend))

    def _measure_plan(self, subject: Subject, backend: BackendName) -> None:
        # ONNX Runtime has few bfloat16 kernels.
        half: Precision = "fp16" if backend == "onnxruntime" and self.cuda else self.precision
        device = self.architecture if backend.startswith("tensorrt") else "any"
        order = subject.model.order(subject.part, backend, half, device)
        began = time.perf_counter()
        plan = build.build(self._store, order)
        built = round(time.perf_counter() - began, 1)
        self.note(("seconds to build", subject.part), backend, built)
        runner = opening.open_plan(plan, order.signature, cuda=self.cuda, threads=self.options.threads)
        network = subject.network()
        calls = {name: network.example(sizes) for name, sizes in subject.calls.items()}
        self.figures(subject, backend, runner, calls)
        runner.close()

    # Small parts --------------------------------------------------------------------------------------

    def _ask_backends(self) -> None:
        for found in runtimes.examine(self.architecture):
            self.report["backends"][found.backend] = f"{found.version} {found.reason}".strip()
        if self.cuda and runtimes.version("tensorrt_rtx"):
            self.note(("backends",), "tensorrt_rtx", self._probe_rtx())
        self._save()

    def _probe_rtx(self) -> str:
        """Whether TensorRT-RTX builds for this card and loads its own plan, tried on the smallest part."""
        from support import tiny_pipelines

        began = time.perf_counter()
        place = self.folder / "probe"
        try:
            tiny_pipelines.stable_diffusion().save_pretrained(place)
            order = Order(
                recognise(place), "text_encoder", "tensorrt_rtx", "fp32", self.architecture, Bounds(rows=2)
            )
            plan = build.build(self._store, order)
            opening.open_plan(plan, order.signature, cuda=True, threads=1).close()
        except EngineUnavailable as error:
            return f"refuses this card after {time.perf_counter() - began:.0f} s: {error.message}"
        return f"takes this card; asked for {time.perf_counter() - began:.0f} s"

    def _usable(self, found: runtimes.Availability) -> bool:
        if found.backend == "torch" or not (found.runs and found.builds):
            return False
        if found.backend == "onnxruntime" and self.cuda and not found.reason.startswith("on CUDA"):
            return False
        return "refuses" not in self.report["backends"][found.backend]

    def attempt(self, what: str, step: Callable[[], None]) -> None:
        """One step's failure must not cost the others' figures."""
        began = time.monotonic()
        try:
            step()
        except Exception as error:
            traceback.print_exc()
            reason = " ".join(str(error).split())[:300]
            self.report["problems"].append(f"{what}: {type(error).__name__}: {reason}")
        self.report["seconds"][what] = round(time.monotonic() - began, 1)
        self._save()

    def left(self) -> float:
        return float(self.options.deadline) - (time.monotonic() - self._began)

    def time_left(self, what: str) -> bool:
        if self.left() > 0:
            return True
        self.report["problems"].append(f"{what}: left out, the time was up")
        return False

    def _summarise(self) -> None:
        """Images a second in one step, and the gain of eight users who share a batch, for the best of each part."""
        image = self.report["results"].get("image", {})
        for decoder in ("decoder", "tiny_decoder"):
            if not {"denoiser", decoder} <= image.keys():
                continue
            rates = {}
            for name in image["denoiser"]:
                parts = [image[part].get(name, {}).values() for part in ("denoiser", decoder)]
                if all(parts):
                    best = sum(min(each["ms"] for each in part) for part in parts)
                    rates[name] = round(1000 * int(name.split()[0]) / best, 2)
            if len(rates) > 1:
                first, *_, last = rates
                self.report["summary"][f"images/s in one step, {decoder}"] = rates
                self.report["summary"][f"{last} by sequential, {decoder}"] = round(
                    rates[last] / rates[first], 3
                )
        self._save()

    def _save(self) -> None:
        if self.options.save is not None:
            self.options.save.mkdir(parents=True, exist_ok=True)
            path = self.options.save / "gpu_all.json"
            path.write_text(json.dumps(self.report, indent=1) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--only", nargs="+", default=["image", "text", "audio"], choices=["image", "text", "audio"]
    )
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument(
        "--deadline", type=float, default=460.0, help="seconds after which nothing new is begun"
    )
    parser.add_argument("--threads", type=int, default=2, help="of ONNX Runtime on the CPU")
    parser.add_argument("--small", action="store_true", help="tiny models on the CPU")
    parser.add_argument("--save", type=Path, help="folder to leave the figures in")
    parser.add_argument("--warm", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available() and not options.small:
        raise SystemExit("there is no CUDA device; --small tries the script out on a CPU")
    if options.warm:
        gpu_compile.warm(options.warm)
        return {}
    with tempfile.TemporaryDirectory() as folder:
        report = Bench(options, Path(folder)).run()
    print(json.dumps(report, indent=1))
    return report


if __name__ == "__main__":
    main()
