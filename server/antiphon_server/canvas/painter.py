"""The AI as painter: takes requests to paint a frame, and coalesces those for the same frame."""

from __future__ import annotations

import math
import secrets
from typing import Any

import msgspec
from msgspec.structs import replace

from antiphon_engines.api import EngineUnavailable
from antiphon_proto.errors import AntiphonError, Denied, NotFound, PeerError
from antiphon_proto.messages import ModelInfo, Paint
from antiphon_proto.params import ImageParams
from antiphon_server.assets.loader import AssetLoader
from antiphon_server.canvas.coalesce import verdict
from antiphon_server.canvas.paint_run import PaintRun
from antiphon_server.canvas.preview_rate import PreviewPace, Show
from antiphon_server.canvas.source_authors import source_authors
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import Member
from antiphon_server.core.rights import Right, may
from antiphon_server.core.run_registry import SEED_BITS, Order
from antiphon_server.runs.supervisor import RunSupervisor

_NEEDS = {"text_to_image": (False, False), "image_to_image": (True, False), "inpaint": (True, True)}
"""Task -> whether it takes a source and a mask."""
_LONGEST = 3.0
"""Of a picture that takes its shape from a frame: the longer side by the shorter, at most."""
_STEP = 16
"""Pixels that its sides are multiples of."""


class Painter:
    """`assets` None: pictures cannot be kept here, and every request is answered so."""

    def __init__(self, room: RoomContext, supervisor: RunSupervisor, assets: AssetLoader | None) -> None:
        self._room = room
        self._supervisor = supervisor
        self._assets = assets
        self._pace = PreviewPace()

    def paint(self, member: Member, paint: Paint) -> None:
        """Start a run. Raises PeerError or EngineUnavailable; then there is no run."""
        room = self._room
        model = room.model("image")
        if self._assets is None or model is None:
            raise EngineUnavailable("this server has no image engine")
        if not may(member.role, Right.EDIT):
            raise Denied("painting on the canvas needs the right to edit it")
        frame = self._check(paint)
        older = self._supersede(member, paint)
        room.runs.check_room_for(member.id)
        params = paint.params if paint.source else shaped(paint.params, frame["w"], frame["h"], model)
        params = replace(
            params,
            seed=secrets.randbits(SEED_BITS) if params.seed is None else params.seed,
            strength=_strength(paint, model),
        )
        paint = replace(paint, params=params)
        sources: dict[str, Any] = {
            "prompt": paint.prompt,
            "frame": paint.frame,
            "source": paint.source,
            "mask": paint.mask,
        }
        if paint.source:
            shared = room.shared
            drawn = source_authors(frame, shared.document.canvas.outlines.all(), shared.objects.items())
            sources["drawn"] = drawn
        order = Order(
            ask=paint.paint,
            participant=member.id,
            task=paint.task,
            mode="write",
            instruction=paint.prompt,
            length=params.steps or 0,
            seed=params.seed or 0,
            model=model.name,
            params=msgspec.json.encode(params).decode(),
            prompt=msgspec.json.encode(sources).decode(),
            target=paint.frame,
        )
        painting = PaintRun(
            room.runs.start(order, room.unix_ms()), room, self._supervisor, self._assets, paint, self._show()
        )
        self._supervisor.hold(painting)
        try:
            painting.begin(held_back=older is not None)
        except AntiphonError:
            self._supervisor.refuse(painting)
            raise
        if older is not None:
            older.next = painting

    def tick(self) -> None:
        """Stop runs that a newer request waits for once they have run long enough."""
        for work in self._supervisor.live():
            if isinstance(work, PaintRun) and work.next is not None and self._verdict(work) == "stop":
                self._supervisor.halt(work.run)

    def sweep(self) -> None:
        """Once a second: adapt rate and size of previews to the viewers."""
        paintings = [work for work in self._supervisor.live() if isinstance(work, PaintRun)]
        if paintings:
            self._pace.observe(seat.outlet.shown.take() for seat in self._room.viewers())
        for painting in paintings:
            painting.show(self._show())

    def _show(self) -> Show:
        return self._pace.show(seat.shows for seat in self._room.viewers())

    def _check(self, paint: Paint) -> dict[str, Any]:
        """The frame's fields. Raises PeerError."""
        needs = _NEEDS[paint.task]
        given = (paint.source is not None, paint.mask is not None)
        if given != needs:
            words = [
                f"{'a' if need else 'no'} {name}"
                for need, name in zip(needs, ("source", "mask"), strict=True)
            ]
            raise PeerError(f"{paint.task} takes {' and '.join(words)}")
        frame = self._room.shared.document.canvas.get(paint.frame)
        if frame is None or frame.get("type") != "frame":
            raise NotFound("there is no such frame on the canvas")
        return frame

    def _supersede(self, member: Member, paint: Paint) -> PaintRun | None:
        """End runs that the new request makes stale; returns the one that it must wait for, if any."""
        for work in self._supervisor.live():
            if not isinstance(work, PaintRun) or not self._supervisor.holds(work):
                continue
            if (work.run.info.participant, work.paint.frame) != (member.id, paint.frame):
                continue
            if work.next is not None:
                self._supervisor.halt(work.next.run)
                work.next = None
            if self._verdict(work) == "finish":
                return work
            self._supervisor.halt(work.run)
        return None

    @staticmethod
    def _verdict(work: PaintRun) -> str:
        return verdict(work.begun, work.elapsed, work.remaining)


def _strength(paint: Paint, model: ModelInfo) -> float | None:
    """Stated here, so that a picture's provenance says it; the engine would choose the same."""
    if paint.source is None or paint.params.strength is not None or model.image is None:
        return paint.params.strength
    return model.image.strength if paint.mask is None else 1.0


def shaped(params: ImageParams, width: float, height: float, model: ModelInfo) -> ImageParams:
    """`params` with as many pixels as the model paints by itself, in the shape of a frame of that size, when they say
    nothing of their own."""
    if params.width is not None or params.height is not None or model.image is None:
        return params
    ratio = min(_LONGEST, max(1 / _LONGEST, width / height)) if width > 0 and height > 0 else 1.0
    pixels = model.image.width * model.image.height
    across, down = (
        max(_STEP, _STEP * round(math.sqrt(pixels * part) / _STEP)) for part in (ratio, 1 / ratio)
    )
    return replace(params, width=across, height=down)
