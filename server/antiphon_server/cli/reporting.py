"""Progress of a long command: bars on a terminal, a line per stage elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from antiphon_engines.model_files.prepare import Progress as Report


@contextmanager
def reporting() -> Iterator[Report]:
    """Progress for people: bars on a terminal, a line per stage elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines(console)
        return
    columns = (TextColumn("{task.description:>24}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        yield Bars(bars)


class Bars:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, fraction: float) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=1.0)
        self._bars.update(self._tasks[stage], completed=fraction)


class Lines:
    """A log shows that something happens without growing with every percent."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: tuple[str, int] | None = None

    def __call__(self, stage: str, fraction: float) -> None:
        quarter = (stage, int(fraction * 4))
        if quarter != self._shown:
            self._shown = quarter
            self._console.print(f"{stage} {fraction:.0%}", highlight=False)
