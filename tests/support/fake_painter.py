"""An image engine without a model: `steps` steps of nothing, a preview at each, and a picture of one byte."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from antiphon_engines.api import (
    Deferred,
    Done,
    EngineInfo,
    Image,
    ImageFacts,
    ImageRequest,
    Job,
    Made,
    Piece,
    Preview,
    Request,
    Step,
    Window,
)

INFO = EngineInfo("image", "painter", "cpu", "fake", 2, 2, image=ImageFacts(64, 64, 3, 0.0, 4096, ("euler",)))


@dataclass(eq=False)
class Sheet:
    request: ImageRequest
    unit: str = "encode"
    window: Window | None = None
    piece: Piece | None = None
    done: int = 0


class FakePainter:
    """`steered` are the changes that came; `on_step` is called with the unit and the size of each batch."""

    kind: ClassVar[str] = "image"

    def __init__(self, on_step: Callable[[str, int], None]) -> None:
        self.info = INFO
        self.steered: list[Any] = []
        self.sheets: list[Sheet] = []
        self._on_step = on_step

    def admit(self, request: Request) -> Sheet:
        assert isinstance(request, ImageRequest)
        self.sheets.append(Sheet(request))
        return self.sheets[-1]

    def step(self, jobs: Sequence[Job]) -> list[list[Made]]:
        self._on_step(jobs[0].unit, len(jobs))
        return [self._advance(job) for job in jobs if isinstance(job, Sheet)]

    def steer(self, job: Job, change: Any) -> None:
        self.steered.append(change)

    def release(self, job: Job) -> None:
        if job in self.sheets:
            self.sheets.remove(job)

    def close(self) -> None:
        self.sheets.clear()

    def _advance(self, sheet: Sheet) -> list[Made]:
        of = sheet.request.params.steps or 3
        if sheet.unit == "encode":
            sheet.unit = "denoise:64x64"
            return [Step(0, of)]
        if sheet.done == of:
            return [Deferred(lambda: Image(b"p", 64, 64, 1)), Done("end")]
        sheet.done += 1
        return [Step(sheet.done, of), Deferred(partial(Preview, sheet.done, of, b"j", 8, 8))]
