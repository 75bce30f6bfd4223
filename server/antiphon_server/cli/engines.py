"""`antiphon engines`: the plans that a model's networks run from: listing, building and trusting them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.building import background
from antiphon_engines.backends.building.build_process import Said
from antiphon_engines.backends.plans import choices, planning, runtimes
from antiphon_engines.backends.plans.choices import FAMILIES, BackendChoice, PrecisionChoice
from antiphon_engines.backends.plans.order import Order
from antiphon_engines.backends.plans.plan import BackendName, Part
from antiphon_engines.backends.plans.plan_store import Entry, PlanStore
from antiphon_engines.backends.plans.planning import Wishes
from antiphon_engines.backends.plans.signature import Precision
from antiphon_engines.backends.plans.tensorrt_module import RTX_ARCHITECTURES
from antiphon_engines.registry import model_folder
from antiphon_server.cli.models import CacheDir, ConfigFile
from antiphon_server.cli.reporting import reporting

if TYPE_CHECKING:
    from antiphon_server.config import Settings

app = typer.Typer(no_args_is_help=True, help="The plans that ONNX Runtime and TensorRT run a model from.")

Model = Annotated[
    str | None,
    typer.Option(
        help="embedded, a model folder, or a hub repository fetched before (default: the models set)"
    ),
]
Parts = Annotated[
    list[str] | None, typer.Option("--part", help="Only this part; may be given again (default: all)")
]
Backend = Annotated[
    str | None,
    typer.Option(help="onnxruntime, tensorrt or tensorrt_rtx (default: what the settings come to)"),
]
PrecisionOption = Annotated[str | None, typer.Option(help="fp32, fp16 or bf16 (default: as the settings)")]
Device = Annotated[
    str | None,
    typer.Option(
        help="Architecture to build for, such as sm89 (default: this machine's GPU; tensorrt_rtx takes any)"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]


class PlansFailed(EngineUnavailable):
    """Some plans could not be built, or differ from torch."""


@app.command("build")
def build_plans(
    model: Model = None,
    part: Parts = None,
    backend: Backend = None,
    precision: PrecisionOption = None,
    device: Device = None,
    cache_dir: CacheDir = None,
    config: ConfigFile = None,
) -> None:
    """Build the plans that the settings ask for, or those that are named here. Quick when they are there already."""
    from antiphon_server.config import load

    settings = load(config, {"cache_dir": cache_dir})
    store, orders = _store(settings), _orders(settings, model, part, backend, precision, device)
    if not orders:
        typer.echo("nothing to build: torch runs every part")
        return
    missing = [order for order in orders if store.sound(order.key()) is None]
    failures: list[str] = []
    with reporting() as report:

        def on_event(order: Order, said: Said) -> None:
            if said.event == "failed":
                failures.append(f"{order.part}: {said.message}")
            elif said.event == "progress":
                report(f"{order.part} {said.message}", said.fraction)

        if missing:
            threads = settings.worker_config().threads
            builder = background.Builder(store.folder, missing, on_event, threads=threads)
            try:
                builder.wait()
            finally:
                builder.close()
    if failures:
        raise PlansFailed("; ".join(failures))
    for order in orders:
        typer.echo(f"{order.part} is ready for {order.backend}: {store.folder / order.key().name}")


@app.command("list")
def list_plans(cache_dir: CacheDir = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List the plans, and those that are being built now."""
    from antiphon_server.config import load

    store = _store(load(config, {"cache_dir": cache_dir}))
    entries, under_way = store.entries(), store.under_way()
    if as_json:
        typer.echo(json.dumps(msgspec.to_builtins({"plans": entries, "under_way": under_way}), indent=1))
        return
    table = Table("plan", "backend", "precision", "device", "size", "")
    for entry in entries:
        table.add_row(*_row(entry))
    for build in under_way:
        table.add_row(build.name, "", "", "", "", f"{build.stage} {build.fraction:.0%}")
    Console().print(table if entries or under_way else f"there are no plans in {store.folder}")


@app.command("verify")
def verify_plans(
    model: Model = None,
    part: Parts = None,
    backend: Backend = None,
    precision: PrecisionOption = None,
    device: Device = None,
    cache_dir: CacheDir = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Run every plan beside torch and print the error. Exit status 1 when one is missing, damaged or too far off."""
    from antiphon_engines.backends.building import verify
    from antiphon_server.config import load

    settings = load(config, {"cache_dir": cache_dir})
    orders = _orders(settings, model, part, backend, precision, device)
    verdicts: list[verify.Verdict] = []
    good = verify.verify(
        _store(settings),
        orders,
        runtimes.architecture() if settings.engine.device != "cpu" else "",
        settings.worker_config().threads,
        verdicts.append,
    )
    if as_json:
        typer.echo(json.dumps(msgspec.to_builtins(verdicts), indent=1))
    else:
        table = Table("part", "backend", "ran on", "error against torch", "allowed", "")
        for each in verdicts:
            found = "-" if each.error is None else f"{each.error:.1e}"
            mark = "[green]good[/]" if each.good else "[red]bad[/]"
            note = f"{mark} {escape(each.note)}"
            table.add_row(each.part, each.backend, each.ran, found, f"{each.allowed:g}", note)
        Console().print(table if verdicts else "nothing to verify: torch runs every part")
    raise typer.Exit(0 if good else 1)


def _store(settings: Settings) -> PlanStore:
    return PlanStore(settings.cache_dir.expanduser() / planning.PLANS)


def _orders(
    settings: Settings,
    model: str | None,
    parts: Sequence[str] | None,
    backend: str | None,
    precision: str | None,
    device: str | None,
) -> list[Order]:
    """The named plans. Raises EngineUnavailable."""
    config = settings.worker_config()
    folders = (
        [planning.folder_of(model, Path(config.cache_dir) / planning.HUB)]
        if model
        else [found for each in FAMILIES if (found := model_folder(each, config)) is not None]
    )
    architecture = runtimes.architecture() if settings.engine.device != "cpu" else ""
    every = [planning.wishes(config, folder, architecture) for folder in folders]
    known = [part for wishes in every for part in wishes.checkpoint.parts]
    if unknown := [part for part in parts or () if part not in known]:
        name = model or "what is set"
        raise EngineUnavailable(f"{name} has no part {unknown[0]}; it has {', '.join(known) or 'none'}")
    named = _named(backend, choices.BACKEND_CHOICES) if backend else None
    exact = _named(precision, choices.PRECISION_CHOICES) if precision else None
    made = []
    for wishes in every:
        for part in wishes.checkpoint.parts:
            if parts and part not in parts:
                continue
            kind = (
                choices.precise(cast(PrecisionChoice, exact), cuda=bool(architecture))
                if exact
                else wishes.precision(part)
            )
            made.append(_order(wishes, part, kind, cast(BackendChoice | None, named), device or architecture))
    return [order for order in made if order is not None]


def _order(
    wishes: Wishes, part: Part, precision: Precision, backend: BackendChoice | None, architecture: str
) -> Order | None:
    wanted = cast(BackendName, backend) if backend not in (None, "auto") else wishes.backend(part)
    if wanted not in ("onnxruntime", "tensorrt", "tensorrt_rtx"):
        return None
    found = runtimes.availability(wanted, wishes.architecture)
    if not found.builds:
        raise EngineUnavailable(f"{wanted} {found.reason}" + (f"; {found.remedy}" if found.remedy else ""))
    if wanted == "tensorrt_rtx" and architecture not in RTX_ARCHITECTURES:
        raise EngineUnavailable(f"tensorrt_rtx needs --device, one of {', '.join(RTX_ARCHITECTURES)}")
    return wishes.make(part, wanted, precision, architecture)


def _named(word: str, words: Sequence[str]) -> str:
    if word not in words:
        raise EngineUnavailable(f"{word!r} is not one of {', '.join(words)}")
    return word


def _row(entry: Entry) -> tuple[str, ...]:
    size = f"{entry.bytes / 1e6:.1f} MB"
    if entry.key is None:
        return entry.name, "", "", "", size, f"[red]{escape(entry.problem)}[/]"
    return entry.name, entry.key.backend, entry.key.precision, entry.key.device, size, ""
