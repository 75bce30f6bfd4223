"""The engines of `gpu_all`, as they are served: the latency of whole requests, not only of networks."""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import gpu_image
import numpy as np
import torch
from gpu_subjects import musicgen_small, smollm

from antiphon_engines.audio.musicgen import band as musicgen
from antiphon_engines.audio.musicgen.networks import MusicgenNetworks
from antiphon_engines.text.torch_model import TorchModel
from antiphon_proto.document.jam import BandControls, Prompt, Transport
from support import tiny_models, tiny_musicgen, tiny_pipelines


def image(bench: Any, name: str) -> None:
    """1, 4 and 8 people who ask again as soon as their picture is there, beside the stock pipeline."""
    _paint(bench, name, "auto", [1, 2] if bench.options.small else [1, 8, 4], tiny="tiny" in name)


def compiled_image(bench: Any) -> None:
    _paint(bench, "image, compiled", "torch_compile_graphs", [8], tiny=False)


def _paint(bench: Any, name: str, backend: str, users: list[int], *, tiny: bool) -> None:
    small = bench.options.small
    options = argparse.Namespace(
        users=users, steps=1, size=64 if small else 512, seconds=2 * bench.options.seconds, rounds=2
    )
    device = torch.device(bench.device)

    def pipeline() -> Any:
        if small:
            return tiny_pipelines.stable_diffusion(vae="tiny" if tiny else "kl")
        return gpu_image.on_device(lambda: gpu_image.turbo(tiny=tiny), device, torch.bfloat16)

    # Two of them: the engine lays its weights as its kernels like them.
    engine = gpu_image.make_engine(pipeline(), device, max(users), backend)
    gpu_image.compare(
        engine, pipeline(), options, lambda group, found: bench.note(("engines", name), group, found)
    )
    engine.close()


@torch.inference_mode()
def text(bench: Any, name: str) -> None:
    """Tokens a second of the text engine's model, logits on the host included, at 300 to 500 tokens of context."""
    with torch.device(bench.device):
        network = tiny_models.llama() if bench.options.small else smollm()
    network = network.to(torch.bfloat16 if bench.cuda else torch.float32)
    first, most = (20, 40) if bench.options.small else (300, 500)
    model = TorchModel(network, name="random", rows=33, context=2 * most)
    graphs = model._graphs
    for rows in (1, 2) if bench.options.small else (1, 8, 32):
        who = list(range(rows))

        def step(who: list[int] = who) -> None:
            if model.length(0) >= most:
                for row in who:
                    model.truncate(row, first)
            model.step(who, np.ones((len(who), 1), np.int64), [1] * len(who))

        model.step(who, np.ones((rows, most), np.int64), [most] * rows)
        rates = {}
        for title, used in (("eager", None), ("graphs", graphs)):
            model._graphs = used
            if title == "eager" or used is not None:
                rates[title] = round(1000 * rows / bench.median(step), 1)
        figures = {f"tokens/s, {title}": rate for title, rate in rates.items()}
        if "graphs" in rates:
            figures["graphs by eager"] = round(rates["graphs"] / rates["eager"], 2)
        bench.note(("engines", name), f"{rows} writers", figures)
        for row in who:
            model.truncate(row, 0)
    model.close()


def audio(bench: Any, name: str) -> None:
    """Seconds of sound for a second of work, of one band: the decoder twice for guidance, EnCodec, the sampling."""
    if bench.options.small:
        made = tiny_musicgen.model()
    else:
        with torch.device(bench.device):
            made = musicgen_small()
        made = made.to(torch.float16).eval()
    resampled = importlib.util.find_spec("av") is not None
    before = musicgen._Resampler
    if not resampled:
        musicgen._Resampler = _not_resampled  # type: ignore[assignment, misc]
    try:
        for title, in_place in (("eager", False), ("graphs", True)):
            if in_place and not bench.cuda:
                continue
            networks = MusicgenNetworks(made)
            networks.in_place = in_place
            source = musicgen.MusicgenSource(made, networks, tiny_musicgen.tokenizer(), 1)
            controls = BandControls(prompts=(Prompt("rock"),), temperature=1.0)
            source.direct(controls, Transport())
            for _ in range(4):
                source.more()
            began, blocks, slowest = time.perf_counter(), 0, 0.0
            while time.perf_counter() - began < 3 * bench.options.seconds:
                start = time.perf_counter()
                source.more()
                slowest = max(slowest, time.perf_counter() - start)
                blocks += 1
            taken = time.perf_counter() - began
            figures = {
                "real-time factor": round(taken / (0.2 * blocks), 4),
                "times real time": round(0.2 * blocks / taken, 2),
                "slowest block of 0.2 s, ms": round(1000 * slowest, 1),
                "resampled": resampled,
            }
            bench.note(("engines", name), f"1 band, {title}", figures)
            source.close()
            networks.close()
    finally:
        musicgen._Resampler = before  # type: ignore[misc]


def linears(bench: Any, name: str) -> None:
    """Whether float8 would pay: every linear layer of the denoiser for 8 users, in bfloat16 and as float8 products by
    row and column scales, with the activations' own rounding to float8 and without it."""
    if not bench.cuda or torch.cuda.get_device_capability() < (8, 9):
        return
    [subject] = [each for each in bench.subjects if each.part == "denoiser"]
    network = subject.network()
    shapes: dict[tuple[int, int, int], int] = {}

    def hear(layer: Any, given: Any) -> None:
        key = (given[0].numel() // given[0].shape[-1], layer.in_features, layer.out_features)
        shapes[key] = shapes.get(key, 0) + 1

    layers = [each for each in network.module.modules() if isinstance(each, torch.nn.Linear)]
    hooks = [each.register_forward_pre_hook(hear) for each in layers]
    with torch.inference_mode():
        network.module(*network.example(subject.calls["8 users"]).values())
    for hook in hooks:
        hook.remove()
    totals, worst = {"bf16": 0.0, "fp8": 0.0, "fp8, rounding not counted": 0.0}, 0.0
    for (rows, wide, out), count in shapes.items():
        if rows % 16 or wide % 16 or out % 16:
            continue
        x = torch.randn(rows, wide, device="cuda", dtype=torch.bfloat16)
        weight = torch.randn(out, wide, device="cuda", dtype=torch.bfloat16) / wide**0.5
        held, scale = _rounded(weight)
        ready = _rounded(x)
        times = {
            "bf16": _replayed(partial(torch.nn.functional.linear, x, weight)),
            "fp8": _replayed(partial(_product_of, x, held, scale)),
            "fp8, rounding not counted": _replayed(partial(_product, *ready, held, scale)),
        }
        exact = x.float() @ weight.float().T
        off = float((_product(*ready, held, scale).float() - exact).abs().max() / exact.abs().max())
        worst = max(worst, off)
        for title, taken in times.items():
            totals[title] += count * taken
    figures: dict[str, Any] = {f"ms, {title}": round(taken, 3) for title, taken in totals.items()}
    bench.note(("engines",), name, {**figures, "largest error of a layer": round(worst, 4)})


def _rounded(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Float8 and the scale of each row."""
    scale = x.abs().amax(-1, keepdim=True).float().clamp(min=1e-6) / 448.0
    return (x / scale.to(x.dtype)).to(torch.float8_e4m3fn), scale


def _product(
    x: torch.Tensor, scale: torch.Tensor, weight: torch.Tensor, weight_scale: torch.Tensor
) -> torch.Tensor:
    return torch._scaled_mm(
        x, weight.T, scale_a=scale, scale_b=weight_scale.T, out_dtype=torch.bfloat16, use_fast_accum=True
    )


def _product_of(x: torch.Tensor, weight: torch.Tensor, weight_scale: torch.Tensor) -> torch.Tensor:
    return _product(*_rounded(x), weight, weight_scale)


def _not_resampled(rate: int) -> Callable[[Any], Any]:
    return lambda pcm: pcm


def _replayed(call: Callable[[], Any]) -> float:
    """Milliseconds of a call without its Python: ten of it in a recording, ten times."""
    with torch.inference_mode():
        for _ in range(3):
            call()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for _ in range(10):
                call()
        graph.replay()
        torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(10):
            graph.replay()
        torch.cuda.synchronize()
    return (time.perf_counter() - began) * 10


MEASURES: dict[str, Callable[[Any, str], None]] = {
    "image": image,
    "image, tiny decoder": image,
    "text": text,
    "audio": audio,
    "image linear layers of the denoiser, 8 users": linears,
}
"""By name; the first word is the modality."""
