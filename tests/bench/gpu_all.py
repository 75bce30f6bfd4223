"""Every backend on one GPU: does it give torch's answers, and how fast is it beside torch eager.

    python tests/bench/gpu_all.py --save tests/bench/results [--only image text audio] [--deadline 540]

Random weights in the shapes of SD-Turbo (512 x 512 for 1, 4 and 8 users), SmolLM2-135M (batch 1, 8 and 32) and
MusicGen-small are enough for timing, so nothing is downloaded. TensorRT-RTX is asked first whether it takes the card:
that costs seconds and decides whether its larger engines are built. The file is written anew after every figure: a run
that is cut off keeps what it has. `--small` takes tiny shapes on the CPU and shows only that the script works.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends import build, opening, runtimes
from antiphon_engines.backends.checkpoint import recognise
from antiphon_engines.backends.networks import loading
from antiphon_engines.backends.order import Order
from antiphon_engines.backends.plan import BackendName, Part
from antiphon_engines.backends.runner import Runner
from antiphon_engines.backends.seat import compare, parted
from antiphon_engines.backends.signature import Precision
from antiphon_engines.backends.signatures import Bounds
from antiphon_engines.backends.store import PlanStore
from antiphon_engines.backends.torch_runner import TORCH_MODES, TorchRunner

Sizes = dict[str, int]
WARM_UP = 3


class Subject(NamedTuple):
    """A network and the calls that are timed; a call's name stands in the report."""

    modality: str
    part: Part
    make: Callable[[Path], None]
    bounds: Bounds
    calls: dict[str, Sizes]


def subjects(small: bool) -> list[Subject]:
    from support import tiny_models, tiny_pipelines

    side = 8 if small else 64
    pictures = {
        f"{rows} users": {"rows": rows, "height": side, "width": side}
        for rows in ((1, 2) if small else (1, 4, 8))
    }
    bounds = Bounds(rows=32, pixels=512 * 512, tokens=1024, frames=500)
    if small:
        bounds = Bounds(rows=2, pixels=64 * 64, tokens=64, frames=64)
    texts = {
        f"batch {rows}": {"rows": rows, "new": 1, "past": 16 if small else 512}
        for rows in ((1, 2) if small else (1, 8, 32))
    }
    # Guidance takes two rows; a second of audio is fifty frames.
    music = {"1 band": {"rows": 2, "words": 8, "past": 16 if small else 250}}
    codec = {"1 second": {"rows": 1, "frames": 50}}

    def turbo(folder: Path) -> None:
        if small:
            tiny_pipelines.stable_diffusion().save_pretrained(folder)
            return
        from gpu_image import turbo_pipeline

        turbo_pipeline(torch.device("cpu"), torch.bfloat16).save_pretrained(folder)

    language = tiny_models.language if small else smollm
    band = tiny_models.musicgen if small else musicgen_small
    return [
        Subject("image", "denoiser", turbo, bounds, pictures),
        Subject("image", "decoder", turbo, bounds, pictures),
        Subject("text", "language_decoder", language, bounds, texts),
        Subject("audio", "music_decoder", band, bounds, music),
        Subject("audio", "codec_decoder", band, bounds, codec),
    ]


def smollm(folder: Path) -> None:
    """Random weights in the shapes of HuggingFaceTB/SmolLM2-135M."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=49152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=8192,
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)


def musicgen_small(folder: Path) -> None:
    """Random weights in the shapes of facebook/musicgen-small."""
    from transformers import MusicgenConfig, MusicgenForConditionalGeneration, T5Config
    from transformers.models.encodec import EncodecConfig
    from transformers.models.musicgen import MusicgenDecoderConfig

    torch.manual_seed(0)
    codec = EncodecConfig(
        target_bandwidths=[2.2],
        sampling_rate=32000,
        audio_channels=1,
        num_filters=64,
        upsampling_ratios=[8, 5, 4, 4],
        norm_type="weight_norm",
        hidden_size=128,
        codebook_size=2048,
        codebook_dim=128,
        num_lstm_layers=2,
        use_causal_conv=False,
    )
    decoder = MusicgenDecoderConfig(
        num_hidden_layers=24, ffn_dim=4096, num_attention_heads=16, hidden_size=1024, num_codebooks=4
    )
    text = T5Config(vocab_size=32128, d_model=64, d_ff=64, num_layers=1, num_heads=2)  # it is not timed
    config = MusicgenConfig(
        text_encoder=text.to_dict(), audio_encoder=codec.to_dict(), decoder=decoder.to_dict()
    )
    MusicgenForConditionalGeneration(config).to(torch.bfloat16).save_pretrained(folder)


def median_ms(runner: Runner, given: dict[str, torch.Tensor], seconds: float) -> float:
    """Of one call, the device waited for."""

    def call() -> float:
        began = time.perf_counter()
        parted(runner, given)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter() - began

    for _ in range(WARM_UP):
        call()
    times, end = [call()], time.perf_counter() + seconds
    while time.perf_counter() < end:
        times.append(call())
    return 1000 * statistics.median(times)


class Bench:
    """One run over one device; `report` is always complete as far as it goes."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options = options
        self.cuda = torch.cuda.is_available() and not options.small
        self.architecture = "sm{}{}".format(*torch.cuda.get_device_capability()) if self.cuda else ""
        self.precision: Precision = "bf16" if self.cuda else "fp32"
        self._folder = folder
        self._store = PlanStore(folder / "plans")
        self._end = time.monotonic() + options.deadline
        self.report: dict[str, Any] = {
            "bench": "gpu_all",
            "device": torch.cuda.get_device_name(0) if self.cuda else "cpu",
            "architecture": self.architecture,
            "torch": torch.__version__,
            "precision": self.precision,
            "weights": "tiny"
            if options.small
            else "random, in the shapes of SD-Turbo, SmolLM2-135M, MusicGen-small",
            "backends": {},
            "results": {},
            "problems": [],
        }

    def run(self) -> dict[str, Any]:
        self._ask_backends()
        for subject in subjects(self.options.small):
            if subject.modality in self.options.only:
                self._measure(subject)
        self._summarise()
        self._save()
        return self.report

    def _ask_backends(self) -> None:
        for found in runtimes.examine(self.architecture):
            self.report["backends"][found.backend] = f"{found.version} {found.reason}".strip()
        if self.cuda and runtimes.version("tensorrt_rtx"):
            self.report["backends"]["tensorrt_rtx"] = self._probe_rtx()
        self._save()

    def _probe_rtx(self) -> str:
        """Whether TensorRT-RTX builds for this card and takes what it built, tried on the smallest part."""
        from support import tiny_pipelines

        began = time.perf_counter()
        place = self._folder / "probe"
        try:
            tiny_pipelines.stable_diffusion().save_pretrained(place)
            part: Part = "text_encoder"
            order = Order(recognise(place), part, "tensorrt_rtx", "fp32", self.architecture, Bounds(rows=2))
            plan = build.build(self._store, order)
            opening.open_plan(plan, order.signature, cuda=True, threads=1).close()
        except EngineUnavailable as error:
            return f"refuses this card after {time.perf_counter() - began:.0f} s: {error.message}"
        return f"takes this card; asked for {time.perf_counter() - began:.0f} s"

    def _measure(self, subject: Subject) -> None:
        """Torch eager first: everything else is compared with it."""
        place = self._folder / subject.make.__name__
        if not place.exists():
            subject.make(place)
        order = self._order(subject, place, "torch")
        network = loading.load(order, "cuda" if self.cuda else "cpu")
        reference = TorchRunner(network)
        results = self.report["results"].setdefault(subject.modality, {}).setdefault(subject.part, {})
        calls = {name: network.example(sizes) for name, sizes in subject.calls.items()}
        expected = {name: reference(given) for name, given in calls.items()}
        for name, given in calls.items():
            taken = median_ms(reference, given, self.options.seconds)
            results.setdefault(name, {})["torch eager"] = {"ms": round(taken, 3)}
            self._save()
        for title, opened in self._others(subject, place, reference):
            try:
                runner = opened()
                for name, given in calls.items():
                    eager = results[name]["torch eager"]["ms"]
                    off = compare(parted(runner, given), expected[name])
                    taken = median_ms(runner, given, self.options.seconds)
                    results[name][title] = {
                        "ms": round(taken, 3),
                        "times eager": round(eager / taken, 3),
                        "error": float(f"{off:.2g}"),
                    }
                    self._save()
                runner.close()
            except Exception as error:  # one backend's failure must not cost the others' figures
                reason = " ".join(str(error).split())[:300]
                self.report["problems"].append(f"{subject.part}, {title}: {type(error).__name__}: {reason}")
                self._save()

    def _others(
        self, subject: Subject, place: Path, reference: TorchRunner
    ) -> Iterator[tuple[str, Callable[[], Runner]]]:
        for mode in TORCH_MODES[1:]:
            if self.cuda and self._time_left(f"{subject.part}, torch {mode}"):
                yield f"torch {mode}", lambda mode=mode: TorchRunner(reference.network, mode)
        for found in runtimes.examine(self.architecture):
            backend = found.backend
            refused = "refuses" in self.report["backends"][backend]
            ready = found.runs and found.builds and backend != "torch" and not refused
            if ready and self._time_left(f"{subject.part}, {backend}"):
                yield backend, lambda backend=backend: self._open(subject, place, backend)

    def _open(self, subject: Subject, place: Path, backend: BackendName) -> Runner:
        order = self._order(subject, place, backend)
        began = time.perf_counter()
        plan = build.build(self._store, order)
        seconds = self.report.setdefault("seconds to build", {}).setdefault(subject.part, {})
        seconds[backend] = round(time.perf_counter() - began, 1)
        return opening.open_plan(plan, order.signature, cuda=self.cuda, threads=self.options.threads)

    def _order(self, subject: Subject, place: Path, backend: BackendName) -> Order:
        # ONNX Runtime has few bfloat16 kernels.
        half: Precision = "fp16" if backend == "onnxruntime" and self.cuda else self.precision
        device = self.architecture if backend.startswith("tensorrt") else "any"
        return Order(recognise(place), subject.part, backend, half, device, subject.bounds)

    def _time_left(self, what: str) -> bool:
        if time.monotonic() < self._end:
            return True
        self.report["problems"].append(f"{what}: left out, the time was up")
        return False

    def _summarise(self) -> None:
        """Images a second in one step, and what eight users gain by sharing a batch, for the best of each part."""
        image = self.report["results"].get("image", {})
        if {"denoiser", "decoder"} <= image.keys():
            rates = {}
            for name in image["denoiser"]:
                best = [
                    min(each["ms"] for each in image[part][name].values()) for part in ("denoiser", "decoder")
                ]
                rates[name] = round(1000 * int(name.split()[0]) / sum(best), 2)
            first, *_, last = rates
            self.report["summary"] = {
                "images/s in one step": rates,
                f"{last} by sequential": round(rates[last] / rates[first], 3),
            }

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
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument(
        "--deadline", type=float, default=540.0, help="seconds after which nothing new is begun"
    )
    parser.add_argument("--threads", type=int, default=2, help="of ONNX Runtime on the CPU")
    parser.add_argument("--small", action="store_true", help="tiny models on the CPU")
    parser.add_argument("--save", type=Path, help="folder to leave the figures in")
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available() and not options.small:
        raise SystemExit("there is no CUDA device; --small tries the script out on a CPU")
    with tempfile.TemporaryDirectory() as folder:
        report = Bench(options, Path(folder)).run()
    print(json.dumps(report, indent=1))
    return report


if __name__ == "__main__":
    main()
