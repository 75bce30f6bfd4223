"""Frames per second of the image engine on a GPU, for 1, 4 and 8 people at 512 x 512, beside the stock pipeline.

    python tests/bench/gpu_image.py --save tests/bench/results

Random weights in the shapes of SD-Turbo are enough for timing, so nothing is downloaded. Three subjects in the same
run, in turns:

    ours         everybody asks again as soon as their picture is decoded; the engine batches whoever is there, previews
                 and PNG files included, which the worker's threads write meanwhile
    stock        the pipeline's own `__call__`, one request after another
    stock batch  the same, all requests in one call: its best case, if everybody asked at the same moment, for the
                 same number of steps and at the same guidance

`--small` takes a tiny model, for a machine without a GPU: it shows that the script works and says nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from antiphon_engines.api import Deferred, Done, Engine, Failed, Image, ImageRequest, Job, Preview
from antiphon_engines.backends.plans import choices
from antiphon_engines.config import WorkerConfig
from antiphon_engines.image import building
from antiphon_engines.image.previews import LatentColours
from antiphon_engines.worker.encoders import Encoders, File, threads
from antiphon_proto.params import ImageParams
from support import tiny_pipelines

PROMPT = "a red house on the sea"


def turbo(*, tiny: bool = False) -> Any:
    """Random weights in the shapes of stabilityai/sd-turbo, on the default device; `tiny` has the autoencoder of
    madebyollin/taesd, with which real-time pipelines paint."""
    from diffusers import AutoencoderKL, AutoencoderTiny, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=64,
        block_out_channels=(320, 640, 1280, 1280),
        cross_attention_dim=1024,
        attention_head_dim=(5, 10, 20, 20),
        use_linear_projection=True,
    )
    vae: Any = (
        AutoencoderTiny()
        if tiny
        else AutoencoderKL(
            block_out_channels=(128, 256, 512, 512),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=2,
            latent_channels=4,
            scaling_factor=0.18215,
        )
    )
    encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=49408,
            hidden_size=1024,
            intermediate_size=4096,
            num_hidden_layers=23,
            num_attention_heads=16,
            hidden_act="gelu",
        )
    )
    with torch.device("cpu"):
        schedule = tiny_pipelines.scheduler("EulerDiscreteScheduler", timestep_spacing="trailing")
    pipeline = StableDiffusionPipeline(
        vae=vae,
        text_encoder=encoder,
        tokenizer=tiny_pipelines.tokenizer(77),
        unet=unet,
        scheduler=schedule,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def on_device(make: Callable[[], Any], device: torch.device, dtype: torch.dtype) -> Any:
    """A pipeline whose weights are drawn where they lie: a CPU would take half a minute."""
    with torch.device(device):
        pipeline = make()
    return pipeline.to(device, dtype)


def make_engine(pipeline: Any, device: torch.device, most: int, backend: str = "auto") -> Engine:
    config = WorkerConfig("unused", max_jobs=most, max_batch=most, threads=2, image_backend=backend)
    family = building.adapt(pipeline, "random-turbo", device, choices.backends("image", backend))
    with torch.inference_mode():
        colours = LatentColours.fit(family)
    return building.finish(family, config, colours)


def ours(engine: Engine, users: int, steps: int, size: int, seconds: float) -> dict[str, float]:
    """Everybody asks again at once; jobs that are at the same unit share a batch, as in the worker."""

    def ask(seed: int) -> Job:
        params = ImageParams(steps=steps, guidance=0.0, width=size, height=size, seed=seed)
        return engine.admit(ImageRequest("text_to_image", PROMPT, params))

    jobs = [ask(seed) for seed in range(users)]
    files: deque[Future[File]] = deque()
    written: Counter[type[File]] = Counter()
    encoders = Encoders(threads(os.cpu_count() or 1), wake=lambda: None)
    asked = users
    began = time.perf_counter()
    while time.perf_counter() - began < seconds or asked == users:
        for unit in {job.unit for job in jobs}:
            group = [job for job in jobs if job.unit == unit]
            for job, outputs in zip(group, engine.step(group), strict=True):
                files += [encoders.submit(each.write) for each in outputs if isinstance(each, Deferred)]
                if outputs and isinstance(outputs[-1], Done | Failed):
                    if isinstance(outputs[-1], Failed):
                        raise SystemExit(outputs[-1].message)
                    engine.release(job)
                    jobs[jobs.index(job)] = ask(asked)
                    asked += 1
        while files and files[0].done():
            written[type(files.popleft().result())] += 1
    written.update(type(file.result()) for file in files)
    taken = time.perf_counter() - began
    encoders.close()
    for job in jobs:
        engine.release(job)
    return {"fps": written[Image] / taken, "previews_per_s": written[Preview] / taken}


def stock(
    pipeline: Any, users: int, steps: int, size: int, seconds: float, *, batch: bool
) -> dict[str, float]:
    given = {"num_inference_steps": steps, "guidance_scale": 0.0, "width": size, "height": size}
    pictures = 0
    began = time.perf_counter()
    while (taken := time.perf_counter() - began) < seconds or not pictures:
        seeds = range(users) if batch else [pictures]
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        pictures += len(pipeline([PROMPT] * len(generators), generator=generators, **given).images)
    return {"fps": pictures / taken}


def measure(options: argparse.Namespace) -> dict[str, Any]:
    device = torch.device("cuda" if torch.cuda.is_available() and not options.small else "cpu")
    if device.type != "cuda" and not options.small:
        raise SystemExit("there is no CUDA device; --small tries the script out on a CPU")
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16

    def pipeline() -> Any:
        return tiny_pipelines.stable_diffusion() if options.small else on_device(turbo, device, dtype)

    # Two of them: the engine lays its weights as its kernels like them.
    engine = make_engine(pipeline(), device, max(options.users), options.backend)
    results = compare(engine, pipeline(), options)
    engine.close()
    return {
        "bench": "gpu_image",
        "device": torch.cuda.get_device_name(0) if device.type == "cuda" else "cpu",
        "torch": torch.__version__,
        "dtype": str(dtype).removeprefix("torch."),
        "model": "tiny" if options.small else "random weights in the shapes of SD-Turbo",
        "load": f"{options.size} x {options.size}, {options.steps} steps, best of {options.rounds} rounds",
        "results": results,
    }


def compare(
    engine: Engine, pipeline: Any, options: argparse.Namespace, note: Callable[[str, Any], None] | None = None
) -> dict[str, Any]:
    """Ours and the stock pipeline, for each number of users; `note` hears each figure as soon as it is known."""
    results: dict[str, Any] = {}
    for users in options.users:
        subjects: dict[str, Callable[[float], dict[str, float]]] = {
            "ours": partial(ours, engine, users, options.steps, options.size),
            "stock": partial(stock, pipeline, users, options.steps, options.size, batch=False),
            "stock_batch": partial(stock, pipeline, users, options.steps, options.size, batch=True),
        }
        for subject in subjects.values():
            subject(options.seconds / 10)  # warms up kernels and caches of this batch size
        rounds = [
            {name: subject(options.seconds) for name, subject in subjects.items()}
            for _ in range(options.rounds)
        ]
        best = {name: max((each[name] for each in rounds), key=lambda r: r["fps"]) for name in subjects}
        results[f"{users} users"] = {
            **{
                name: {key: round(value, 2) for key, value in figures.items()}
                for name, figures in best.items()
            },
            "ours by stock": round(best["ours"]["fps"] / best["stock"]["fps"], 3),
            "ours by stock batch": round(best["ours"]["fps"] / best["stock_batch"]["fps"], 3),
        }
        if note is not None:
            note(f"{users} users", results[f"{users} users"])
    return results


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--users", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--size", type=int, default=512, help="pixels of a side")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--backend", default="auto", help="as the setting image_backend")
    parser.add_argument("--small", action="store_true", help="a tiny model on the CPU")
    parser.add_argument("--save", type=Path, help="folder to leave the figures in")
    options = parser.parse_args(arguments)
    report = measure(options)
    if options.save is not None:
        options.save.mkdir(parents=True, exist_ok=True)
        (options.save / "gpu_image.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=1))
    return report


if __name__ == "__main__":
    main()
