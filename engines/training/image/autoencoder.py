"""Stage ``autoencoder``: train the AutoencoderTiny whose latents the denoiser works in.

    python -m training.image.autoencoder --work build/image --minutes 9

A picture of 128 px becomes 16x16 latents of 4 channels, the shape that the stock pipelines expect of Stable Diffusion.
"""

import argparse
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import AutoencoderTiny
from PIL import Image, ImageDraw
from torch import Tensor, nn
from torch.nn import functional

from .data import Picture, load_pictures
from .painter import Painter
from .runtime import (
    CurveLog,
    Deadline,
    autocast,
    device_of,
    learning_rate,
    save_grid,
    set_threads,
)
from .scenes import draw_scene

LATENT_CHANNELS = 4
STAGES = 4
LATENT_LIMIT = 3.0
BATCH = 64
"""Scenes that are painted at once."""

_TO_YCC = torch.tensor([[0.299, 0.587, 0.114], [-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]])
_YCC_SCALE = torch.tensor([1.6, 4.5, 4.5])
_YCC_MEAN = torch.tensor([0.55, 0.0, 0.0])


def new_autoencoder(width: int = 48) -> AutoencoderTiny:
    """Return an untrained autoencoder that starts as an exact 8x8 colour average."""
    model = AutoencoderTiny(
        encoder_block_out_channels=(width,) * STAGES,
        decoder_block_out_channels=(width,) * STAGES,
        num_encoder_blocks=(0, 1, 2, 2),
        num_decoder_blocks=(3, 2, 1, 0),
        latent_channels=LATENT_CHANNELS,
        force_upcast=False,
        scaling_factor=1.0,
    )
    start_as_colour_average(model)
    return model


@torch.no_grad()
def start_as_colour_average(model: AutoencoderTiny) -> None:
    """Make latent channels 0 to 2 the mean luminance and chroma of each block, and the decoder their enlargement.

    The first steps then refine a picture that is already right in colour, which saves most of the training time of a
    small autoencoder. Channels 0 to 2 of every feature map carry the colour; residual blocks leave them alone at first.
    """
    identity = torch.eye(3)[:, :, None, None]
    centre = torch.zeros(3, 3)
    centre[1, 1] = 1
    average = torch.zeros(3, 3)
    average[1:, 1:] = 0.25
    row = torch.tensor([0.25, 0.5, 0.25])
    smooth = row[:, None] * row[None]

    def carry(convolution: nn.Conv2d, matrix: Tensor, kernel: Tensor, shift: Tensor | float = 0.0) -> None:
        convolution.weight[:3] = 0
        convolution.weight[:3, :3] = matrix * kernel
        if convolution.bias is not None:
            convolution.bias[:3] = shift

    for block in [*model.encoder.layers, *model.decoder.layers]:
        if type(block).__name__ == "AutoencoderTinyBlock":
            last = [layer for layer in block.conv if isinstance(layer, nn.Conv2d)][-1]
            carry(last, torch.zeros(3, 3, 1, 1), centre)
    encoder = [layer for layer in model.encoder.layers if isinstance(layer, nn.Conv2d)]
    to_latent = torch.diag(_YCC_SCALE) @ _TO_YCC
    carry(encoder[0], identity, centre)
    for convolution in encoder[1:-1]:
        carry(convolution, identity, average)
    carry(encoder[-1], to_latent[:, :, None, None], centre, -_YCC_SCALE * _YCC_MEAN)

    decoder = [layer for layer in model.decoder.layers if isinstance(layer, nn.Conv2d)]
    from_latent = torch.linalg.inv(to_latent)
    carry(decoder[0], from_latent[:, :, None, None], centre, from_latent @ (_YCC_SCALE * _YCC_MEAN))
    for convolution in decoder[1:-1]:
        carry(convolution, identity, smooth)
    decoder[-1].weight.mul_(0.2)
    carry(decoder[-1], identity, centre)


def scribble(image: np.ndarray, rng: Random) -> np.ndarray:
    """Draw a few brush strokes over a picture, so that people's own sketches survive the autoencoder."""
    sheet = Image.fromarray(image)
    pen = ImageDraw.Draw(sheet)
    side = sheet.width
    for _ in range(rng.randint(1, 5)):
        points = [(rng.randrange(side), rng.randrange(side))]
        for _ in range(rng.randint(1, 6)):
            points.append((points[-1][0] + rng.randint(-40, 40), points[-1][1] + rng.randint(-40, 40)))
        ink = tuple(rng.randrange(256) for _ in range(3))
        pen.line(points, fill=ink, width=rng.randint(2, 10), joint="curve")
    return np.asarray(sheet)


def compose_pool(pictures: list[Picture], size: int, rng: Random, device: torch.device) -> Tensor:
    """Compose ``[size, 3, 128, 128]`` uint8 random scenes on the device, one in ten scribbled on."""
    painter, parts = Painter(pictures, device), []
    for start in range(0, size, BATCH):
        chosen = [rng.choice(pictures) for _ in range(min(BATCH, size - start))]
        images = painter.paint(chosen, [draw_scene(picture, rng) for picture in chosen])
        part = ((images + 1) * 127.5).round().byte()
        for index in range(0, len(chosen), 10):
            drawn = scribble(part[index].permute(1, 2, 0).cpu().numpy(), rng)
            part[index] = torch.tensor(drawn).permute(2, 0, 1).to(device)
        parts.append(part)
    return torch.cat(parts)


def training_batch(pool: Tensor, size: int, crop: int) -> Tensor:
    """Cut ``[size, 3, crop, crop]`` in -1..1 out of random pictures of the pool."""
    device, spare = pool.device, pool.shape[-1] - crop + 1
    chosen = torch.randint(len(pool), (size, 1, 1), device=device)
    across = torch.arange(crop, device=device)
    rows = torch.randint(spare, (size, 1, 1), device=device) + across[:, None]
    columns = torch.randint(spare, (size, 1, 1), device=device) + across
    return pool[chosen, :, rows, columns].permute(0, 3, 1, 2).float().div(127.5).sub(1)


def _edges(x: Tensor) -> tuple[Tensor, Tensor]:
    return x[:, :, 1:] - x[:, :, :-1], x[:, :, :, 1:] - x[:, :, :, :-1]


def reconstruction_loss(output: Tensor, target: Tensor) -> Tensor:
    """Squared error, absolute error and the absolute error of the image gradient, which keeps edges crisp."""
    edges = sum((a - b).abs().mean() for a, b in zip(_edges(output), _edges(target), strict=True))
    return 2 * functional.mse_loss(output, target) + 0.5 * (output - target).abs().mean() + 0.5 * edges


def latent_penalty(latents: Tensor) -> Tensor:
    """Pull each latent channel to mean 0 and standard deviation 1, and outliers inside the limit."""
    mean, deviation = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    outliers = functional.relu(latents.abs() - LATENT_LIMIT).mean()
    return mean.square().mean() + (deviation - 1).square().mean() + 0.3 * outliers


def psnr(output: Tensor, target: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of pictures in -1..1."""
    return 10 * math.log10(4 / functional.mse_loss(output.clamp(-1, 1), target).item())


def train(arguments: argparse.Namespace) -> None:
    """Train, then measure on whole pictures and store the model, its scale and its latent-to-RGB matrix."""
    device = device_of(arguments.device)
    pictures = load_pictures(arguments.work, "train", "shapes")
    folder = arguments.work / "vae"
    state_file = arguments.work / "autoencoder.pt"
    model = new_autoencoder(arguments.width).to(device, memory_format=torch.channels_last)
    if arguments.decoder_only:
        model = AutoencoderTiny.from_pretrained(folder).to(device, memory_format=torch.channels_last)
        model.encoder.requires_grad_(False)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=arguments.lr, betas=(0.9, 0.98), weight_decay=1e-4)
    step, spent = 0, 0.0
    if arguments.resume and state_file.exists():
        state = torch.load(state_file, map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step, spent = state["step"], state["spent"]
    rng = Random(step + 1)
    pool = compose_pool(pictures, arguments.pool, rng, device)
    log = CurveLog(arguments.work / "autoencoder.csv", "step", "loss", "psnr_db", "latent_std")
    deadline = Deadline(arguments.minutes, arguments.steps, spent)
    save_every = max(1, arguments.save_every)
    while not deadline.passed(step):
        for group in optimizer.param_groups:
            group["lr"] = arguments.lr * learning_rate(step, deadline.fraction(step), warmup=50)
        target = training_batch(pool, arguments.batch, arguments.crop).contiguous(
            memory_format=torch.channels_last
        )
        with autocast(device, arguments.bf16):
            latents = model.encode(target).latents
            output = model.decode(latents + 0.04 * torch.randn_like(latents)).sample
        latents, output = latents.float(), output.float()
        loss = reconstruction_loss(output, target) + 0.05 * latent_penalty(latents)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        step += 1
        if step % 50 == 0 or step == 1:
            log.write(step, loss.item(), psnr(output.detach(), target), latents.std().item())
        if step % save_every == 0:
            torch.save(
                {
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "step": step,
                    "spent": deadline.spent(),
                },
                state_file,
            )
    finish(model.to(memory_format=torch.contiguous_format), pictures, arguments.work, deadline.spent())


@torch.no_grad()
def finish(model: AutoencoderTiny, pictures: list[Picture], work: Path, seconds: float) -> None:
    """Set the latents' scale, fit the preview matrix, measure on whole pictures, and store everything."""
    model.eval()
    device = next(model.parameters()).device
    rng = Random(0)
    sample = compose_pool(pictures, 256, rng, device).float().div(127.5).sub(1)
    latents = torch.cat([model.encode(part).latents for part in torch.split(sample, 32)])
    output = torch.cat([model.decode(part).sample for part in torch.split(latents, 32)])
    model.register_to_config(scaling_factor=float(1 / latents.std()))
    model.save_pretrained(work / "vae")
    colours = (
        functional.avg_pool2d(sample, sample.shape[-1] // latents.shape[-1]).movedim(1, -1).flatten(0, 2)
    )
    flat = (latents * model.config.scaling_factor).movedim(1, -1).flatten(0, 2)
    design = torch.cat([flat, torch.ones_like(flat[:, :1])], 1).double()
    solution = torch.linalg.lstsq(design.cpu(), colours.double().cpu()).solution
    preview = {"matrix": solution[:-1].tolist(), "bias": solution[-1].tolist()}
    (work / "latent_rgb.json").write_text(json.dumps(preview, indent=1))
    report = {
        "psnr_db": psnr(output, sample),
        "latent_std": latents.std((0, 2, 3)).tolist(),
        "parameters": sum(p.numel() for p in model.parameters()),
        "seconds": seconds,
    }
    (work / "autoencoder.json").write_text(json.dumps(report, indent=1))
    (work / "card").mkdir(exist_ok=True)
    save_grid(
        work / "card" / "autoencoder.jpg",
        torch.stack([sample[:24], output[:24]], 1).flatten(0, 1),
        columns=12,
    )
    print(time.strftime("%H:%M:%S"), report)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage with these arguments, or with the command line's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--steps", type=int, default=10**9)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--pool", type=int, default=6000, help="composed pictures that are kept in memory")
    parser.add_argument("--crop", type=int, default=64)
    parser.add_argument("--width", type=int, default=48)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bf16", action="store_true", help="mixed precision; always on with CUDA")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument(
        "--decoder-only", action="store_true", help="refine the decoder of a finished autoencoder"
    )
    parser.add_argument("--save-every", type=int, default=100)
    arguments = parser.parse_args(argv)
    set_threads(arguments.threads)
    torch.manual_seed(0)
    train(arguments)


if __name__ == "__main__":
    main()
