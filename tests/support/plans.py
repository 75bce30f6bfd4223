"""Small checkpoints to make plans of, and the plans of the embedded image model, made once per machine."""

from __future__ import annotations

from pathlib import Path

from antiphon_engines.backends.building import background
from antiphon_engines.backends.building.build_process import Said
from antiphon_engines.backends.plans import planning
from antiphon_engines.backends.plans.checkpoint import Checkpoint
from antiphon_engines.backends.plans.order import Order
from antiphon_engines.backends.plans.plan import BackendName, Part
from antiphon_engines.backends.plans.plan_store import PlanStore
from antiphon_engines.backends.plans.signatures import Bounds
from antiphon_engines.catalogue import IMAGE_WEIGHTS
from antiphon_engines.config import WorkerConfig
from support import tiny_pipelines

SMALL = Bounds(rows=4, pixels=128 * 128, tokens=64, frames=64)


def tiny_checkpoint(folder: Path) -> Checkpoint:
    """A Stable Diffusion folder whose autoencoder is a tiny one."""
    tiny_pipelines.stable_diffusion(vae="tiny").save_pretrained(folder)
    return Checkpoint(folder, "diffusers")


def order(
    checkpoint: Checkpoint, part: Part, backend: BackendName = "onnxruntime", device: str = "any"
) -> Order:
    return Order(checkpoint, part, backend, "fp32", device, SMALL)


def embedded_config(cache_dir: Path, **settings: object) -> WorkerConfig:
    """As the default settings make it."""
    return WorkerConfig(str(cache_dir), image_model="embedded", threads=1, device="cpu", **settings)  # type: ignore[arg-type]


def prepare_embedded_plans(cache_dir: Path) -> None:
    """Build the plans of a server with default settings; quick when it is there already."""
    wishes = planning.wishes(embedded_config(cache_dir), IMAGE_WEIGHTS, "")
    store = PlanStore(cache_dir / planning.PLANS)
    orders = [wishes.make(part, "onnxruntime", "fp32", "") for part in wishes.checkpoint.parts]
    missing = [each for each in orders if store.sound(each.key()) is None]
    failures: list[str] = []

    def hear(which: Order, said: Said) -> None:
        if said.event == "failed":
            failures.append(f"{which.part}: {said.message}")

    if missing:
        builder = background.Builder(store.folder, missing, hear)
        builder.wait()
        builder.close()
    assert not failures, failures
