"""A picture traced to an SVG file of filled outlines, by vtracer.

It runs in a process of its own: a noisy picture of a million pixels keeps it busy for half a minute, and only a process
can be ended. The picture goes in by the standard input, the file comes out by the standard output.
"""

from __future__ import annotations

import io
import re
import sys
from typing import Final

from msgspec import Struct

from antiphon_engines.api import QueueFull
from antiphon_proto.errors import PeerError, TooLarge
from antiphon_server.child_process import run_child
from antiphon_server.fair_queue import FairQueue

_LEAST: Final = 512
"""Pixels of the longer side below which a picture is enlarged first: the outlines of a few pixels are steps."""
_HEADER: Final = re.compile(r'<svg [^>]*width="(\d+)" height="(\d+)"[^>]*>')


class TraceLimits(Struct, frozen=True):
    pixels: int = 1024 * 1024
    """Larger pictures are traced from a copy of so many."""
    bytes: int = 8 * 1024 * 1024
    """Of the file that comes out."""
    seconds: float = 20.0
    workers: int = 1
    waiting: int = 4


class CannotTrace(PeerError):
    """The tracing failed, or took too long; the message says which."""


class Tracer:
    """At most `limits.workers` processes at once, `limits.waiting` pictures waiting; one more is answered
    `queue_full`."""

    def __init__(self, limits: TraceLimits) -> None:
        self._limits = limits
        full = QueueFull("too many pictures wait to be traced; try again in a moment")
        self._queue = FairQueue(limits.workers, limits.waiting, full)

    async def trace(self, data: bytes, address: str = "") -> str:
        """The SVG file of a picture of this server, for an address. Raises QueueFull, TooLarge or CannotTrace."""
        async with self._queue.place(address):
            return await self._run(data)

    async def _run(self, data: bytes) -> str:
        try:
            ended = await run_child(("-m", __name__, str(self._limits.pixels)), data, self._limits.seconds)
        except TimeoutError:
            raise CannotTrace(
                f"the picture is too detailed to be traced in {self._limits.seconds:g} s"
            ) from None
        if ended.status != 0:
            raise CannotTrace("the picture could not be traced")
        made = ended.out
        if len(made) > self._limits.bytes:
            raise TooLarge(f"the traced file has {len(made)} bytes; the bound is {self._limits.bytes}")
        return made.decode()


def trace(data: bytes, pixels: int) -> str:
    """The SVG file of a picture, in its own size; larger ones are traced from a copy of `pixels` pixels."""
    import vtracer
    from PIL import Image

    with Image.open(io.BytesIO(data)) as opened:
        image = opened.convert("RGBA" if "A" in opened.getbands() else "RGB")
    width, height = image.size
    fitting = min(max(1.0, _LEAST / max(image.size)), (pixels / (width * height)) ** 0.5)
    if fitting != 1.0:
        size = max(1, int(width * fitting)), max(1, int(height * fitting))
        image = image.resize(size, Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    made: str = vtracer.convert_raw_image_to_svg(file.getvalue(), img_format="png", path_precision=2)
    return _HEADER.sub(
        lambda found: (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {found[1]} {found[2]}">'
        ),
        made,
        count=1,
    )


if __name__ == "__main__":
    sys.stdout.write(trace(sys.stdin.buffer.read(), int(sys.argv[1])))
