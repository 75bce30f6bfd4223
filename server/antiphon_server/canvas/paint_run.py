"""A live run that paints: its sources come, the engine works, previews go out, and the picture takes its place.

The stages of one, each reached once:

    loading -> held back -> given (to the engine) -> painted -> keeping -> kept -> placed

`held back`: an older picture of the same asker for the same frame is still painted (`coalesce`).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from antiphon_engines.api import Image, ImageRequest, Output, Preview
from antiphon_engines.ipc.events import Done, Failed, Progressed, RunEvent
from antiphon_proto.errors import AntiphonError, ErrorCode, PeerError
from antiphon_proto.messages import Paint, Steer, Thinned
from antiphon_proto.messages import Preview as PreviewMessage
from antiphon_proto.params import ImageSteer
from antiphon_server.assets.loader import AssetLoader
from antiphon_server.assets.sanitize import Picture, picture
from antiphon_server.canvas.preview_rate import Show
from antiphon_server.core.context import RoomContext
from antiphon_server.core.run_registry import RunEntry
from antiphon_server.document.canvas import Canvas
from antiphon_server.document.state import AI_ORIGIN
from antiphon_server.runs.live_run import LiveRun
from antiphon_server.runs.supervisor import RunSupervisor

_PLACE: Final = ("x", "y", "w", "h", "z", "rotation", "opacity", "layer", "name", "hidden", "locked")
"""Fields that a picture inherits from its frame."""
_KEPT_STEERS: Final = 50
_OBJECT_BYTES: Final = 64 * 1024
"""More than a picture's object needs in the document."""


class PaintRun(LiveRun):
    def __init__(
        self,
        run: RunEntry,
        room: RoomContext,
        supervisor: RunSupervisor,
        assets: AssetLoader,
        paint: Paint,
        show: Show,
    ) -> None:
        super().__init__(run)
        self.paint = paint
        self.next: PaintRun | None = None
        """Waits until this one has ended."""
        self.given = False
        self._room = room
        self._supervisor = supervisor
        self._assets = assets
        self._shown = show
        """Of previews, as the viewers can use them."""
        self._most = Show()
        """Bounds of previews that the last steer set."""
        self._request = ImageRequest(
            paint.task, paint.prompt, paint.params, previews=show.previews, preview_side=show.side
        )
        self._loading = bool(paint.source or paint.mask)
        self._held_back = False
        self._steers: list[dict[str, Any]] = []
        """The latest steers, each with the step after which it came."""
        self._started_at: float | None = None
        self._remaining: float | None = None
        self._picture: Picture | None = None
        self._keeping = False
        self._kept = False

    @property
    def begun(self) -> bool:
        return self._started_at is not None

    @property
    def elapsed(self) -> float:
        """Seconds since the engine began with it."""
        return 0.0 if self._started_at is None else self._room.monotonic() - self._started_at

    @property
    def remaining(self) -> float | None:
        """Seconds that it needs still, as far as the engine knows."""
        return self._remaining

    # Its beginning ------------------------------------------------------------------------------------

    def begin(self, held_back: bool) -> None:
        """Fetch the sources, and submit the run when it may start. Raises AntiphonError."""
        self._held_back = held_back
        if self._loading:
            names = [name for name in (self.paint.source, self.paint.mask) if name]
            self._assets.fetch(self._room.id, names, self._on_fetched)
        else:
            self._give()

    def release(self) -> None:
        """The run that it waited for has ended."""
        self._held_back = False
        try:
            self._give()
        except AntiphonError as error:
            self._supervisor.fail(self, error)

    def _on_fetched(self, found: Sequence[Picture] | AntiphonError) -> None:
        if not self._supervisor.holds(self):
            return
        try:
            if isinstance(found, AntiphonError):
                raise found
            self._load(dict(zip(filter(None, (self.paint.source, self.paint.mask)), found, strict=True)))
            self._loading = False
            self._give()
        except AntiphonError as error:
            self._supervisor.fail(self, error)

    def _load(self, found: Mapping[str, Picture]) -> None:
        source, mask = found.get(self.paint.source or ""), found.get(self.paint.mask or "")
        if source and mask and _size(source) != _size(mask):
            raise PeerError(
                f"the mask is {_size(mask)} pixels and the source {_size(source)}; they must be equal"
            )
        self._request = replace(self._request, source=source and source.data, mask=mask and mask.data)

    def _give(self) -> None:
        if not self._loading and not self._held_back and not self.given:
            self.given = True
            self._supervisor.submit(self, self._request)

    # Its life -----------------------------------------------------------------------------------------

    def on_started(self) -> None:
        self._started_at = self._room.monotonic()

    def on_output(self, output: Output | RunEvent) -> None:
        match output:
            case Progressed(step, of, remaining_ms, thinned):
                self._remaining = remaining_ms / 1000 if remaining_ms else None
                self.run.update(progress=step, length=of, thinned=self._thinned(thinned))
            case Preview(step, of, jpeg, width, height):
                info = self.run.info
                if self.epoch == info.epoch:  # else a steer is under way, and this shows the state before it
                    self._room.tell_all(PreviewMessage(info.id, info.epoch, step, of, width, height, jpeg))
            case Image(png, width, height, seed):
                self._picture = picture(png, "image/png", width, height)
                self.run.update(seed=seed)

    def _thinned(self, loaded: bool) -> Thinned:
        """Why fewer previews are made than its asker wants."""
        wanted, shown = self._most.previews, self._shown.previews
        return "load" if loaded else "viewers" if 0 < wanted < shown else ""

    @property
    def made(self) -> int:
        return self.run.info.progress

    def steer(self, steer: Steer, epoch: int) -> bool:
        change = steer.image
        if change is None:
            raise PeerError("this run paints a picture; it is steered by `image`")
        most = Show(
            self._most.previews if change.previews is msgspec.UNSET else change.previews,
            self._most.side if change.preview_side is msgspec.UNSET else change.preview_side,
        )
        if self.given:
            if most != self._most:
                change = _showing(change, self._shown.within(most))
            self._supervisor.engine.steer(self.run.info.id, change, epoch)
        self._most = most
        return self.given

    def show(self, show: Show) -> None:
        """The viewers can use previews so often, and so large. A busy engine is told the next time."""
        wanted = show.within(self._most)
        if wanted != self._shown.within(self._most):
            if self.given:
                try:
                    self._supervisor.engine.steer(self.run.info.id, _showing(ImageSteer(), wanted))
                except AntiphonError:
                    return
            self._request = replace(self._request, previews=wanted.previews, preview_side=wanted.side)
        self._shown = show

    def on_steered(self, steer: Steer) -> dict[str, object]:
        assert steer.image is not None
        self._steers = [
            *self._steers[1 - _KEPT_STEERS :],
            {"step": self.made, "change": msgspec.to_builtins(steer.image)},
        ]
        change = _showing(steer.image, self._shown.within(self._most))
        known = {name: value for name, value in _changes(change).items() if value is not msgspec.UNSET}
        inside = {name: known.pop(name) for name in ("negative_prompt", "guidance") if name in known}
        self._request = replace(self._request, params=replace(self._request.params, **inside), **known)
        return {"instruction": change.prompt} if isinstance(change.prompt, str) else {}

    def settle(self) -> bool:
        if self._picture is None:
            if isinstance(self.ended, Done):
                self.ended = Failed(ErrorCode.ENGINE_FAILED, "the engine ended without a picture")
            return True
        if isinstance(self.ended, Failed):
            return True
        if not self._keeping:
            self._keeping = True
            self._assets.keep(self._room.id, self._picture, self._on_stored)
        if not self._kept or self.ended is None or not self._room.writable():
            return False
        self._place(self._picture)
        return True

    def on_closed(self) -> None:
        self._picture = None
        following, self.next = self.next, None
        if following is not None and self._supervisor.holds(following):
            following.release()

    # Its end ------------------------------------------------------------------------------------------

    def _on_stored(self, problem: AntiphonError | None) -> None:
        if not self._supervisor.holds(self):
            return
        if problem is not None:
            self._supervisor.fail(self, problem)
            return
        self._kept = True
        self._room.wake()

    def _place(self, picture: Picture) -> None:
        """In one transaction: a picture where the frame was, or in the frame."""
        document = self._room.shared.document
        frame = document.canvas.get(self.paint.frame)
        if frame is None or frame.get("type") != "frame":
            self.ended = Failed(ErrorCode.CONFLICT, "its frame was taken away while it was painted")
        elif not document.fits(_OBJECT_BYTES):
            self.ended = Failed(ErrorCode.TOO_LARGE, "the document is at its bound")
        else:

            def work(canvas: Canvas) -> None:
                if self.paint.live:
                    asset = picture.info.sha256
                    canvas.set(self.paint.frame, {"asset": asset, "run": self.run.info.id})
                else:
                    canvas.put(f"i{secrets.token_hex(8)}", self._object(picture, frame))
                    canvas.remove(self.paint.frame)

            self._room.commit(document.draw(work, AI_ORIGIN), self.owner)
            self._note(picture)

    def _note(self, picture: Picture) -> None:
        """For the picture's provenance: its final parameters."""
        params = msgspec.json.encode(replace(self._request.params, seed=self.run.info.seed)).decode()
        asked = json.loads(self.run.record.prompt)
        if self._steers:
            asked["steers"] = self._steers
        prompt = json.dumps(asked, ensure_ascii=False)
        self.run.made(picture.info.sha256, params, prompt, self._room.unix_ms())

    def _object(self, picture: Picture, frame: Mapping[str, Any]) -> dict[str, Any]:
        """The picture's fields, with where it came from. `frame` brings the frame back when the run is undone."""
        info, paint, request = self.run.info, self.paint, self._request
        settings = msgspec.json.encode(replace(request.params, negative_prompt="", seed=info.seed)).decode()
        known = {name: frame[name] for name in _PLACE if name in frame}
        made: dict[str, Any] = {
            "type": "image",
            "asset": picture.info.sha256,
            "run": info.id,
            "asker": info.participant,
            "model": info.model[:200],
            "task": info.task,
            "prompt": info.instruction[:2000],
            "negative_prompt": request.params.negative_prompt,
            "seed": info.seed,
            "params": settings,
            "style": frame.get("style"),
            "source": paint.source,
            "mask": paint.mask,
            "frame": json.dumps({"id": paint.frame, "fields": frame}, ensure_ascii=False),
        }
        return known | {name: value for name, value in made.items() if value not in (None, "")}


def _showing(change: ImageSteer, show: Show) -> ImageSteer:
    return replace(change, previews=show.previews, preview_side=show.side)


def _changes(change: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(change, name) for name in change.__struct_fields__}


def _size(picture: Picture) -> str:
    return f"{picture.info.width} x {picture.info.height}"
