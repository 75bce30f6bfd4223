"""The report of a bench: figures, and targets that know whether they are met."""

from __future__ import annotations

import json
import operator
import os
import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from msgspec import Struct
from rich.console import Console
from rich.table import Table

Op = Literal["<=", ">="]
_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {"<=": operator.le, ">=": operator.ge}


class Target(Struct, frozen=True):
    """`value` is None when it could not be measured here; then the target is not met."""

    name: str
    value: float | None
    op: Op
    target: float

    @property
    def met(self) -> bool:
        return self.value is not None and _COMPARE[self.op](self.value, self.target)


class Report(Struct, frozen=True):
    """`load` describes the load in words; `results` is nested dicts of JSON values, units in the names."""

    bench: str
    load: str
    results: Mapping[str, Any]
    targets: tuple[Target, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "bench": self.bench,
            "machine": machine(),
            "load": self.load,
            "results": dict(self.results),
            "targets": [
                {
                    "name": target.name,
                    "value": target.value,
                    "op": target.op,
                    "target": target.target,
                    "met": target.met,
                }
                for target in self.targets
            ],
        }

    def to_json(self) -> str:
        """One JSON object on one line."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    def save(self, folder: Path) -> Path:
        """Leave a copy in `folder`, named by bench and UTC time. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.bench}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.json"
        path.write_text(json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return path

    def show(self, console: Console) -> None:
        """Tables for people: the figures, then the targets."""
        figures = Table(title=f"antiphon bench {self.bench}", title_justify="left")
        figures.add_column("what")
        figures.add_column("figure", justify="right")
        for name, value in _leaves("", self.results):
            figures.add_row(name, _text(value))
        console.print(figures)
        targets = Table(title="targets", title_justify="left")
        for heading in ("what", "figure", "target", "met"):
            targets.add_column(heading)
        for target in self.targets:
            met = "[green]yes[/]" if target.met else "[red]no[/]"
            targets.add_row(target.name, _text(target.value), f"{target.op} {target.target:g}", met)
        console.print(targets)


def machine() -> dict[str, Any]:
    """The machine as far as it explains the figures; nothing that names it."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
    }


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _leaves(prefix: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [
            leaf
            for key, part in value.items()
            for leaf in _leaves(f"{prefix} / {key}" if prefix else key, part)
        ]
    return [(prefix, value)]


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
