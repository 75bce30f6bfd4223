"""For `antiphon doctor`: every backend, and every network of the models: whether it can run here, on which device, and
the packages that are missing. Imports no runtime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.plans import choices, planning, runtimes
from antiphon_engines.backends.plans.choices import Family, TorchMode
from antiphon_engines.backends.plans.plan import Part
from antiphon_engines.backends.plans.plan_store import PlanRefused, PlanStore
from antiphon_engines.backends.plans.planning import CannotRun, Wishes
from antiphon_engines.backends.plans.runtimes import Availability
from antiphon_engines.config import WorkerConfig
from antiphon_engines.registry import model_folder
from antiphon_server.cli.installation import Check

_FAMILIES: Final[Mapping[str, Family]] = {"pictures": "image", "text": "text", "music": "music"}


_TORCH: Final[Mapping[TorchMode, str]] = {
    "eager": "torch",
    "graphs": "torch as CUDA graphs",
    "compile": "compiled torch",
    "compile_graphs": "compiled torch as CUDA graphs",
}


def examine(config: WorkerConfig) -> list[Check]:
    """All findings. Starts at most one child process (nvidia-smi)."""
    architecture = runtimes.architecture() if config.device != "cpu" else ""
    checks = [_backend(found) for found in runtimes.examine(architecture)]
    lacking = runtimes.missing_exporter()
    checks.append(
        Check("export", "absent", f"lacks {lacking}", "pip install 'antiphon[export]'")
        if lacking
        else Check("export", "ok", f"makes ONNX files: {runtimes.exporter_version()}")
    )
    return checks + [
        check for what, family in _FAMILIES.items() for check in _networks(what, family, config, architecture)
    ]


def _backend(found: Availability) -> Check:
    name = f"runs {found.backend}"
    if found.runs:
        return Check(name, "ok", f"{found.version} {found.reason}", found.remedy)
    version = f"{found.version} " if found.version else ""
    return Check(name, "absent", version + found.reason, found.remedy)


def _networks(what: str, family: Family, config: WorkerConfig, architecture: str) -> list[Check]:
    """A line for each network of a model. Nothing here is missing: torch runs the rest."""
    try:
        folder = model_folder(family, config)
        if folder is None:
            return []
        wishes = planning.wishes(config, folder, architecture)
        store = PlanStore(Path(config.cache_dir) / planning.PLANS)
        return [_path(what, wishes, part, store) for part in wishes.checkpoint.parts]
    except EngineUnavailable as error:
        return [Check(what, "absent", error.message)]


def _path(what: str, wishes: Wishes, part: Part, store: PlanStore) -> Check:
    name = f"{what}: {part}"
    precision = wishes.precision(part)
    torch = _TORCH[choices.torch_mode(wishes.backends[part], cuda=bool(wishes.architecture))]
    try:
        order = wishes.order(part, precision)
        if order is None:
            return Check(name, "ok", f"{torch}, {precision}")
        ready = store.find(order.key()) is not None
    except (CannotRun, PlanRefused) as error:
        return Check(name, "absent", f"{torch}, {precision}, because {error.message}")
    if ready:
        return Check(name, "ok", f"{order.backend}, {precision}; its plan is ready")
    detail = f"{torch}, {precision}, until the plan for {order.backend} is built (in the background, by the server)"
    return Check(name, "absent", detail, "antiphon engines build")
