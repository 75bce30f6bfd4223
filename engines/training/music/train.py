"""Stage 3, train: tokens -> a checkpoint. The same command runs on a CPU and on CUDA, in bf16 on both.

    python -m training.music.train --data build/music --out build/music/run --minutes 80 --threads 1
    python -m training.music.train --data build/music --out build/music/run --minutes 9 --size large --rows 48 --compile

The learning rate follows the share of ``--minutes`` (or of ``--steps``) that is spent. Minutes are processor time on a
CPU, so a run that shares its core keeps its schedule, and wall-clock time on CUDA. SIGTERM saves and ends; the same
command continues from ``OUT/checkpoint.pt`` with the remaining time. ``OUT/curves.jsonl`` gets the training loss each
20 steps and the held-out loss of each kind of token at every checkpoint.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch.nn.functional import cross_entropy, embedding, linear
from torch.utils.data import DataLoader
from transformers import LlamaConfig, LlamaForCausalLM

from antiphon_engines.audio.symbolic.tokens import BOS, EOS, KINDS, PAD, PADDED_SIZE

from .batches import KIND, Batch, Batches, Corpus, make_batch
from .build_tokens import read_tunes
from .embedding import SharedEmbedding

SIZES: Final = {
    "tiny": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64},
    "small": {"hidden_size": 160, "num_hidden_layers": 5, "num_attention_heads": 5, "intermediate_size": 432},
    "medium": {
        "hidden_size": 224,
        "num_hidden_layers": 6,
        "num_attention_heads": 7,
        "intermediate_size": 608,
    },
    "large": {"hidden_size": 288, "num_hidden_layers": 8, "num_attention_heads": 6, "intermediate_size": 768},
}
"""Shapes of the model: for tests, 1.6, 3.8 and 8.1 M parameters (16.4 MB in fp16)."""
_MATRIX_RATE: Final = 0.02
_OTHER_RATE: Final = 3e-3
_WARM_UP_STEPS: Final = 60
_HOLD: Final = 0.35


def configuration(size: str, context: int) -> LlamaConfig:
    """The transformers configuration of a size in SIZES."""
    return LlamaConfig(
        vocab_size=PADDED_SIZE, max_position_embeddings=max(2048, context), tie_word_embeddings=True,
        pad_token_id=PAD, bos_token_id=BOS, eos_token_id=EOS, rms_norm_eps=1e-5, rope_theta=10_000.0,
        num_key_value_heads=SIZES[size]["num_attention_heads"], **SIZES[size],
    )  # fmt: skip


@dataclass
class Progress:
    """How far a run has come; ``seconds`` (of --minutes) and ``tokens`` count over all its starts."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0


class Run:
    """A training run: model, optimisers and progress, saved and resumed as one."""

    def __init__(self, out: Path, size: str, context: int, device: str) -> None:
        self.out, self.device, self.context = out, device, context
        self.progress = Progress()
        torch.manual_seed(0)
        self.model = LlamaForCausalLM(configuration(size, context)).to(device)
        self.embedding = SharedEmbedding(self.model.config.hidden_size).to(device)
        self._trained: Any = self.model.model
        named = [(name, p) for name, p in self.model.named_parameters() if "embed" not in name]
        matrices = [p for _, p in named if p.ndim == 2]
        others = [p for _, p in named if p.ndim != 2] + list(self.embedding.parameters())
        self.optimisers: list[tuple[torch.optim.Optimizer, float]] = [
            (torch.optim.Muon(matrices, lr=_MATRIX_RATE, weight_decay=0.01, momentum=0.95), _MATRIX_RATE),
            (torch.optim.AdamW(others, lr=_OTHER_RATE, betas=(0.9, 0.98), weight_decay=0.0), _OTHER_RATE),
        ]
        out.mkdir(parents=True, exist_ok=True)

    def compile(self, batch: Batch) -> None:
        """Compile the blocks, and try them on ``batch``: if the compiler fails, training continues without it."""
        started = time.monotonic()
        self._trained = torch.compile(self.model.model, dynamic=False)
        try:
            self.losses(batch)[0].mean().backward()  # type: ignore[no-untyped-call]
            print(f"compiled in {time.monotonic() - started:.0f} s", flush=True)
        except Exception as error:  # the compiler's own errors, and those of the C compiler that it calls
            self._trained = self.model.model
            print(f"not compiled: {type(error).__name__}: {str(error)[:500]}", flush=True)
        for parameters in (self.model.parameters(), self.embedding.parameters()):
            for parameter in parameters:
                parameter.grad = None

    @property
    def _checkpoint(self) -> Path:
        return self.out / "checkpoint.pt"

    def resume(self) -> bool:
        """Go on from the checkpoint, if there is one."""
        if not self._checkpoint.exists():
            return False
        state = torch.load(self._checkpoint, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.embedding.load_state_dict(state["embedding"])
        for (optimiser, _), saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.progress = Progress(**state["progress"])
        return True

    def save(self) -> None:
        """Write the checkpoint; a crash while writing leaves the one before."""
        state = {
            "model": self.exported().state_dict(),
            "embedding": self.embedding.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser, _ in self.optimisers],
            "progress": vars(self.progress),
        }
        partial = self._checkpoint.with_suffix(".part")
        torch.save(state, partial)
        os.replace(partial, self._checkpoint)
        self.model.config.save_pretrained(self.out)

    @torch.no_grad()
    def exported(self) -> LlamaForCausalLM:
        """The model as the stock class sees it: the shared embedding is written into its (tied) embedding matrix."""
        self.model.get_input_embeddings().weight.copy_(self.embedding())
        return self.model

    def log(self, **fields: Any) -> None:
        """Append a line to curves.jsonl and print it."""
        line = json.dumps({**vars(self.progress), **fields}, default=float)
        with (self.out / "curves.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        print(line, flush=True)

    def losses(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Loss of each target, (n,) float32, its weight and its token id; only targets reach the output layer."""
        asked = batch.weights > 0
        with torch.autocast(self.device, torch.bfloat16):
            matrix = self.embedding()
            vectors = embedding(batch.inputs, matrix)
            # Without gradients it would be compiled once more.
            backbone = self._trained if torch.is_grad_enabled() else self.model.model
            hidden = backbone(inputs_embeds=vectors, use_cache=False).last_hidden_state
            logits = linear(hidden[asked], matrix)
        targets = batch.targets[asked]
        return cross_entropy(logits.float(), targets, reduction="none"), batch.weights[asked], targets

    def step(self, batch: Batch, rate: float) -> torch.Tensor:
        """One update with every learning rate scaled by ``rate``; returns the weighted loss, ()."""
        loss, weights, _ = self.losses(batch)
        mean = (loss * weights).sum() / weights.sum()
        mean.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([*self.model.parameters(), *self.embedding.parameters()], 1.0)
        for optimiser, base in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = base * rate
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.progress.step += 1
        self.progress.tokens += batch.inputs.numel()
        return mean.detach()

    @torch.no_grad()
    def validate(self, corpus: Corpus, rows: int, batches: int = 6) -> dict[str, float]:
        """Mean loss in nats of each kind of token on fixed held-out crops, and over all targets, unweighted."""
        rng = np.random.default_rng(1)
        total, count = np.zeros(len(KINDS)), np.zeros(len(KINDS))
        for _ in range(batches):
            batch = make_batch(corpus, rng, rows, self.context, augment=False)
            loss, _, targets = self.losses(batch.to(self.device))
            kinds = KIND[targets.cpu().numpy()]
            total += np.bincount(kinds, loss.cpu().double().numpy(), len(KINDS))
            count += np.bincount(kinds, minlength=len(KINDS))
        report = {k: round(t / c, 4) for k, t, c in zip(KINDS, total, count, strict=True) if c}
        return report | {"all": round(float(total.sum() / count.sum()), 4)}


def rate_at(step: int, spent: float) -> float:
    """Learning-rate factor: warm-up, a plateau, then a straight line to almost nothing at ``spent`` = 1."""
    warm = min(1.0, (step + 1) / _WARM_UP_STEPS)
    return warm * min(1.0, max(0.02, (1 - spent) / (1 - _HOLD)))


def _endless(corpus: Corpus, options: argparse.Namespace, seed: int, device: str) -> Iterator[Batch]:
    tunes = read_tunes(options.data / "tunes.jsonl") if options.fresh else []
    data = Batches(corpus, options.rows, options.context, seed, options.fresh, tunes)
    loader: DataLoader[Batch] = DataLoader(
        data, batch_size=None, num_workers=options.loaders, pin_memory=device == "cuda",
        prefetch_factor=8 if options.loaders else None,
    )  # fmt: skip
    return iter(loader)


def train(options: argparse.Namespace) -> None:
    """Train until the minutes or the steps are spent."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if options.threads:
        torch.set_num_threads(options.threads)
    training = Corpus(options.data / "tokens.npz", held_out=False)
    validation = Corpus(options.data / "tokens.npz", held_out=True)
    run = Run(options.out, options.size, options.context, device)
    resumed = run.resume()
    parameters = sum(p.numel() for p in run.model.parameters())
    run.log(device=device, parameters=parameters, training_tokens=training.tokens, resumed=resumed)
    batches = _endless(training, options, 1_000 + run.progress.step, device)
    if options.compile:
        run.compile(next(batches).to(device))
    clock = time.monotonic if device == "cuda" else time.process_time
    before = run.progress.seconds
    started = last_save = clock()
    recent: list[torch.Tensor] = []
    asked_to_stop: list[int] = []
    handler = signal.signal(signal.SIGTERM, lambda number, _: asked_to_stop.append(number))
    while not asked_to_stop:
        run.progress.seconds = before + clock() - started
        minutes_spent = run.progress.seconds / (options.minutes * 60)
        spent = run.progress.step / options.steps if options.steps else minutes_spent
        if spent >= 1:
            break
        recent.append(run.step(next(batches).to(device), rate_at(run.progress.step, spent)))
        if run.progress.step % 20 == 0:
            run.log(loss=round(float(torch.stack(recent).mean()), 4), rate=rate_at(run.progress.step, spent))
            recent.clear()
        if clock() - last_save > options.save_every:
            last_save = clock()
            run.log(held_out=run.validate(validation, options.rows))
            run.save()
    signal.signal(signal.SIGTERM, handler)
    run.save()
    if not asked_to_stop:
        run.log(held_out=run.validate(validation, options.rows, batches=16), finished=True)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description="tokens.npz -> checkpoint")
    parser.add_argument("--data", type=Path, default=Path("build/music"))
    parser.add_argument("--out", type=Path, default=Path("build/music/run"))
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--minutes", type=float, default=80.0)
    parser.add_argument(
        "--steps", type=int, default=0, help="end after so many steps instead of after --minutes"
    )
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--context", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 leaves the choice to torch")
    parser.add_argument("--loaders", type=int, default=0, help="processes that prepare batches")
    parser.add_argument(
        "--fresh", type=float, default=0.0, help="pieces arranged anew for each batch, beside tokens.npz"
    )
    parser.add_argument("--save-every", type=float, default=300.0, help="seconds between checkpoints")
    parser.add_argument("--compile", action="store_true")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Run stage 3."""
    train(parser().parse_args(argv))


if __name__ == "__main__":
    main()
