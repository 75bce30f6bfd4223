"""A picture that the AI paints, as the one who asked sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from antiphon_client.assets import upload
from antiphon_client.canvas import Canvas
from antiphon_client.session.run import AnyRun
from antiphon_client.session.session import Session
from antiphon_proto.messages import Paint, Preview, Steered
from antiphon_proto.params import ImageSteer

Source: TypeAlias = str | bytes | None
"""A picture to start from: the SHA-256 of an asset of the room, or a file's bytes (uploaded first)."""


class Painted(Struct, frozen=True):
    """The finished picture: its object on the canvas (the frame itself, when that is live)."""

    id: str
    fields: dict[str, Any]

    @property
    def asset(self) -> str:
        """SHA-256 of the picture; `room.download` brings it."""
        return str(self.fields["asset"])


class Painting(AnyRun):
    """The result of `room.paint()`: iterate it for previews and the picture, or await `finished()`.

    A reader that is slow gets the newest preview only.
    """

    def __init__(
        self, session: Session, canvas: Canvas, request: Paint, source: Source, mask: Source
    ) -> None:
        super().__init__(session, request.paint)
        self.request = request
        self._canvas = canvas
        self._sources = (source, mask)
        self._preview: Preview | None = None

    async def __aiter__(self) -> AsyncIterator[Preview | Painted]:
        """Previews as they come, then the picture. Raises RequestRefused, RunFailed, or ClientError for a source that
        cannot be uploaded. A run that was stopped ends without a picture."""
        await self.start()
        while True:
            preview, self._preview = self._preview, None
            if preview is not None:
                yield preview
            elif self.ended:
                self._raise_failure()
                if (painted := self.painted) is not None:
                    yield painted
                return
            else:
                await self._wait()

    @property
    def painted(self) -> Painted | None:
        """The picture, once it stands on the canvas (and while it does)."""
        if self.info is None or self.info.state != "done":
            return None
        for key, fields in self._canvas.items():
            if fields.get("run") == self.info.id and "asset" in fields:
                return Painted(key, fields)
        return None

    async def steer(self, change: ImageSteer) -> Steered:
        """Change its prompt, guidance or previews while it is painted. Returns when the change is in force: `made`
        steps were taken before it, and previews that come from now on show it. Raises RequestRefused."""
        return await self._steer(change)

    async def _send(self) -> None:
        source, mask = [
            (await upload(self._session.address, one)).sha256 if isinstance(one, bytes) else one
            for one in self._sources
        ]
        self.request = replace(self.request, source=source, mask=mask)
        await self._session.submit(self, self.request)

    def on_preview(self, preview: Preview) -> None:
        """Keep the newest preview of the current epoch for the reader."""
        if self.info is not None and preview.epoch == self.info.epoch:
            self._preview = preview
            self._changed.set()
