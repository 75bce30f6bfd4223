"""The networks of `gpu_all` under `torch.compile`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import gpu_engines
import torch
from gpu_subjects import Subject, subjects

from antiphon_engines.backends.plans.choices import TorchMode
from antiphon_engines.backends.runners.torch_runner import TorchRunner

COMPILED: dict[tuple[str, str], tuple[str, ...]] = {
    ("image", "denoiser"): ("1 users", "8 users"),
    ("image", "decoder"): ("1 users", "8 users"),
    ("image", "tiny_decoder"): ("8 users",),
    ("audio", "codec_decoder"): (),
    ("audio", "music_decoder"): ("1 band",),
    ("text", "language_decoder"): ("batch 1",),
}
"""Calls that are compiled: each costs a minute. The codec's LSTM is not followed by the compiler."""


def measure(bench: Any) -> None:
    """Warm the compiler's cache for all networks at once, then measure one after another."""
    wanted = [
        (subject, name)
        for subject in bench.subjects
        for name in COMPILED[subject.modality, subject.part]
        if bench.time_left(f"{subject.part}, {name}, torch compile")
    ]
    began = time.monotonic()
    script = [sys.executable, str(Path(__file__).with_name("gpu_all.py")), "--warm"]
    warming = [
        subprocess.Popen([*script, f"{subject.modality}:{subject.part}:{name}"], stdout=subprocess.DEVNULL)
        for subject, name in wanted
    ]
    for each in warming:
        try:
            each.wait(max(1.0, bench.left() - 20))
        except subprocess.TimeoutExpired:
            each.kill()
            each.wait()
    bench.note(("seconds",), "to compile all at once", round(time.monotonic() - began, 1))
    modes: tuple[TorchMode, ...] = ("compile_graphs", "compile")
    for subject, name in wanted:
        for mode in modes:
            what = f"{subject.part}, {name}, torch {mode}"
            if bench.time_left(what):
                bench.attempt(
                    what,
                    lambda subject=subject, name=name, mode=mode: _compiled(bench, subject, name, mode),
                )
    if "image" in bench.options.only and bench.time_left("engine image, compiled"):
        bench.attempt("engine image, compiled", lambda: gpu_engines.compiled_image(bench))


def _compiled(bench: Any, subject: Subject, name: str, mode: TorchMode) -> None:
    network = subject.network()
    runner = TorchRunner(network, mode)
    bench.figures(subject, f"torch {mode}", runner, {name: network.example(subject.calls[name])})
    runner.close()


def warm(what: str) -> None:
    """Compile one network for one call; the compiler keeps its output on disk."""
    modality, part, name = what.split(":")
    with tempfile.TemporaryDirectory() as folder:
        for subject in subjects(False, "cuda", Path(folder)):
            if (subject.modality, subject.part) == (modality, part):
                network = subject.network()
                TorchRunner(network, "compile")(network.example(subject.calls[name]))
                torch.cuda.synchronize()
