"""Stage ``denoiser``: train the UNet that turns noise and a caption into latents, and assemble the pipeline.

    python -m training.image.denoiser --work build/image --minutes 60 --bf16
    python -m training.image.denoiser --work build/image --minutes 90 --bf16 --resume

v-prediction on a cosine schedule, captions dropped one time in ten for classifier-free guidance, an exponential moving
average of the weights. The text reaches the UNet as one pooled vector beside the timestep (``addition_embed_type``
``text``), and by cross-attention where asked; both are computed inside it, so the stock pipelines need nothing extra.
"""

import argparse
import copy
import json
import math
import signal
import threading
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from random import Random

import torch
from diffusers import (
    AutoencoderTiny,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from torch import Tensor
from torch.nn import functional
from transformers import BertTokenizer, CLIPTextModel

from .latents import load_latents
from .runtime import CurveLog, Deadline, autocast, device_of, learning_rate, save_grid, set_threads
from .scenes import Scene, caption
from .text import tokenize

__all__ = ["assemble", "sample"]

SCHEDULE = {"beta_schedule": "squaredcos_cap_v2", "prediction_type": "v_prediction"}
GUIDANCE = 5.0
SAMPLED_STEPS = 12
SHOWN = (
    "red apple", "cat", "purple house", "blue rocket", "skull", "green tree", "yellow sun", "dog",
    "pink heart on black background", "car", "happy face", "burger", "orange fish", "crimson kitten", "guitar",
    "umbrella", "green cat on yellow background", "two apples", "small purple robot top left", "elephant", "penguin",
    "dragon", "синяя машина", "three stars on blue background",
)  # fmt: skip
"""Captions of the sample grids that are written during training."""


def new_denoiser(
    channels: tuple[int, ...], layers: tuple[int, ...], attention: bool, text_width: int, latent_channels: int
) -> UNet2DConditionModel:
    """Return an untrained UNet for 16x16 latents.

    Without ``attention`` it is purely convolutional and hears the text through the pooled vector alone: its lowest
    level is 4x4, where a 3x3 kernel sees nearly everything. With it, the levels below the first and the middle get
    self- and cross-attention, at twice the processor time of a step and twice the parameters.
    """
    kind = "CrossAttn" if attention else ""
    below = len(channels) - 1
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=latent_channels,
        out_channels=latent_channels,
        block_out_channels=channels,
        layers_per_block=layers,
        down_block_types=("DownBlock2D", *(f"{kind}DownBlock2D",) * below),
        up_block_types=(*(f"{kind}UpBlock2D",) * below, "UpBlock2D"),
        mid_block_type="UNetMidBlock2DCrossAttn" if attention else "UNetMidBlock2D",
        cross_attention_dim=text_width,
        attention_head_dim=4,
        norm_num_groups=16,
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
        resnet_time_scale_shift="scale_shift",
    )


def assemble(work: Path, denoiser: UNet2DConditionModel) -> StableDiffusionPipeline:
    """Put the stages' results together as a stock pipeline with its few-step solver."""
    return StableDiffusionPipeline(
        vae=AutoencoderTiny.from_pretrained(work / "vae"),
        text_encoder=CLIPTextModel.from_pretrained(work / "text_encoder"),
        tokenizer=BertTokenizer.from_pretrained(work / "tokenizer"),
        unet=denoiser,
        scheduler=DPMSolverMultistepScheduler(**SCHEDULE, timestep_spacing="trailing", steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def sample(
    pipeline: StableDiffusionPipeline, prompts: list[str], seed: int, steps: int, guidance: float
) -> Tensor:
    """Draw one picture per prompt: ``[N, 3, 128, 128]`` in -1..1. Prompt ``i`` uses the seed ``seed + i``."""
    pipeline.set_progress_bar_config(disable=True)
    generators = [torch.Generator().manual_seed(seed + index) for index in range(len(prompts))]
    images = pipeline(
        prompts, num_inference_steps=steps, guidance_scale=guidance, generator=generators, output_type="pt"
    ).images
    scaled: Tensor = images * 2 - 1
    return scaled


class Trainer:
    """The denoiser's training: one object holds all state of a checkpoint."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        """Load the latents and the text encoder, and make or resume the model and its optimiser."""
        self.arguments, self.work = arguments, arguments.work
        self.device = device_of(arguments.device)
        latents, scenes = load_latents(self.work)
        self.latents = latents.to(self.device)
        self.captions = self.say(scenes, arguments.captions, Random(0)).to(self.device)
        self.text_encoder = CLIPTextModel.from_pretrained(self.work / "text_encoder").to(self.device).eval()
        self.text_encoder.requires_grad_(False)
        channels = tuple(int(width) for width in arguments.channels.split(","))
        layers = tuple(int(count) for count in arguments.layers.split(","))
        width = self.text_encoder.config.hidden_size
        model = new_denoiser(channels, layers, arguments.attention, width, self.latents.shape[1])
        self.model = model.to(self.device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), betas=(0.9, 0.98), weight_decay=0.01, fused=True
        )
        self.step, self.seen, self.spent = 0, 0, 0.0
        self.forward = torch.compile(self.model) if arguments.compile else self.model
        self.alphas = DDPMScheduler(**SCHEDULE).alphas_cumprod.to(self.device)
        if arguments.resume and self.checkpoint.exists():
            self.load()

    def say(self, scenes: list[Scene], count: int, rng: Random) -> Tensor:
        """Return ``count`` captions of each scene as token ids, ``[scenes + 1, count, tokens]``; the last is empty."""
        tokenizer = BertTokenizer.from_pretrained(self.work / "tokenizer")
        texts = [caption(scene, rng) for scene in scenes for _ in range(count)] + [""] * count
        parts = [tokenize(tokenizer, texts[start : start + 8192]) for start in range(0, len(texts), 8192)]
        return torch.cat(parts).reshape(-1, count, parts[0].shape[-1])

    @property
    def checkpoint(self) -> Path:
        """Return the file that the training resumes from."""
        work: Path = self.work
        return work / "denoiser.pt"

    def load(self) -> None:
        """Continue where the checkpoint stopped."""
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seen, self.spent = state["step"], state["seen"], state["spent"]
        torch.manual_seed(self.step)

    def save(self, spent: float) -> None:
        """Write the checkpoint, and the averaged model as a stock folder."""
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seen": self.seen,
            "spent": spent,
        }
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint)
        self.average.save_pretrained(self.work / "unet")
        report = {
            "parameters": sum(p.numel() for p in self.model.parameters()),
            "steps": self.step,
            "samples": self.seen,
            "seconds": spent,
            "device": str(self.device),
        }
        (self.work / "denoiser.json").write_text(json.dumps(report, indent=1))

    def batch(self) -> tuple[Tensor, Tensor]:
        """Return clean latents ``[B, 4, 16, 16]`` and the encoded captions ``[B, tokens, width]``."""
        size, scenes = self.arguments.batch, len(self.latents)
        chosen = torch.randint(scenes, (size,), device=self.device)
        which = torch.randint(self.captions.shape[1], (size,), device=self.device)
        dropped = torch.rand(size, device=self.device) < self.arguments.drop
        ids = self.captions[torch.where(dropped, scenes, chosen), which]
        with torch.no_grad(), autocast(self.device, self.arguments.bf16):
            words = self.text_encoder(ids)[0]
        return self.latents[chosen].float(), words.float()

    def loss(self) -> Tensor:
        """Return the v-prediction loss of one batch, with stratified timesteps."""
        clean, words = self.batch()
        size = clean.shape[0]
        uniform = (torch.arange(size, device=self.device) + torch.rand(size, device=self.device)) / size
        timesteps = (uniform * len(self.alphas)).long().clamp_max(len(self.alphas) - 1)
        signal = self.alphas[timesteps].view(-1, 1, 1, 1)
        noise = torch.randn_like(clean)
        noisy = signal.sqrt() * clean + (1 - signal).sqrt() * noise
        velocity = signal.sqrt() * noise - (1 - signal).sqrt() * clean
        with autocast(self.device, self.arguments.bf16):
            output = self.forward(
                noisy.contiguous(memory_format=torch.channels_last), timesteps, words
            ).sample
        return functional.mse_loss(output.float(), velocity)

    def update(self, rate: float) -> Tensor:
        """Take one optimisation step and return its loss, which nothing has waited for yet."""
        loss = self.loss()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.step += 1
        self.seen += self.arguments.batch
        decay = min(self.arguments.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - decay)
        return loss.detach()

    def show(self, name: str) -> None:
        """Write a grid of samples of the averaged model."""
        pipeline = assemble(self.work, self.average).to(self.device)
        images = sample(pipeline, list(SHOWN), 1, SAMPLED_STEPS, GUIDANCE)
        folder = self.work / "grids"
        folder.mkdir(exist_ok=True)
        save_grid(folder / f"{name}.png", images, columns=8)

    def run(self) -> None:
        """Train until the budget is used up, with checkpoints and grids on the way; SIGTERM saves and stops."""
        arguments = self.arguments
        deadline = Deadline(arguments.minutes, arguments.steps, self.spent)
        log = CurveLog(self.work / "denoiser.csv", "step", "samples", "seconds", "loss", "rate")
        marks = iter(chain((i / arguments.grids for i in range(1, arguments.grids)), (float("inf"),)))
        mark, saved, losses = next(marks), self.spent, []
        while mark <= deadline.fraction(self.step):
            mark = next(marks)
        stopped = threading.Event()
        before = signal.signal(signal.SIGTERM, lambda _number, _frame: stopped.set())
        while not deadline.passed(self.step) and not stopped.is_set():
            rate = arguments.lr * learning_rate(
                self.step, deadline.fraction(self.step), warmup=100, hold=arguments.hold
            )
            losses.append(self.update(rate))
            if self.step % arguments.log_every == 0:
                self.report(log, losses, deadline.spent(), rate)
                losses = []
            if deadline.spent() >= saved + arguments.save_seconds:
                saved = deadline.spent()
                self.save(saved)
            if deadline.fraction(self.step) >= mark:
                mark = next(marks)
                self.show(f"step-{self.step:06d}")
        if losses:
            self.report(log, losses, deadline.spent(), rate)
        signal.signal(signal.SIGTERM, before)
        self.save(deadline.spent())
        if not stopped.is_set():
            self.show("final")

    def report(self, log: CurveLog, losses: list[Tensor], spent: float, rate: float) -> None:
        """Write the mean loss; raises FloatingPointError where it is no number, before a checkpoint could keep that."""
        mean = torch.stack(losses).mean().item()
        if not math.isfinite(mean):
            raise FloatingPointError(f"the loss is {mean} at step {self.step}: resume with a smaller rate")
        log.write(self.step, self.seen, spent, mean, rate)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage with these arguments, or with the command line's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="processor minutes (wall-clock with CUDA)"
    )
    parser.add_argument("--steps", type=int, default=10**9)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--channels", default="32,80,192", help="widths of the UNet's levels")
    parser.add_argument(
        "--layers", default="0,1,1", help="residual blocks per level (one more on the way up)"
    )
    parser.add_argument(
        "--attention", action="store_true", help="self- and cross-attention below the first level"
    )
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--hold", type=float, default=0.6, help="share of the budget before the rate decays")
    parser.add_argument("--ema", type=float, default=0.998)
    parser.add_argument("--drop", type=float, default=0.1, help="share of captions dropped, for guidance")
    parser.add_argument("--grids", type=int, default=10, help="how many sample grids to write")
    parser.add_argument("--captions", type=int, default=8, help="captions that are written for each scene")
    parser.add_argument("--save-seconds", type=float, default=300.0, help="time between checkpoints")
    parser.add_argument("--log-every", type=int, default=50)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bf16", action="store_true", help="mixed precision on the CPU; always on with CUDA")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--resume", action="store_true")
    arguments = parser.parse_args(argv)
    set_threads(arguments.threads)
    torch.manual_seed(0)
    Trainer(arguments).run()


if __name__ == "__main__":
    main()
