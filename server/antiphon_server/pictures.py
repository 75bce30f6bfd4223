"""Makes a stranger's picture ours: decoded under bounds and encoded again, so that no hostile file reaches a browser.

Only pixels survive (the first frame, turned as EXIF says, its colours brought to sRGB): metadata, profiles, trailing
bytes and everything that a decoder elsewhere could stumble over are gone. Sizes are read from the header and refused
before anything is decoded.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from msgspec import Struct
from PIL import Image, ImageOps

from antiphon_engines.api import QueueFull
from antiphon_proto.errors import PeerError, TooLarge
from antiphon_server.colours import to_srgb
from antiphon_server.store.assets import AssetInfo, MediaType

FORMATS: Final[dict[str, MediaType]] = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
_OPTIONS: Final[dict[str, dict[str, int]]] = {
    "PNG": {"compress_level": 4},
    "JPEG": {"quality": 92},
    "WEBP": {"quality": 92, "method": 2},
}
_DECODE_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    KeyError,
    OverflowError,
    MemoryError,
)
"""What Pillow's decoders raise on files that are not what they say."""


class BadPicture(PeerError):
    """Not a whole picture of a kind that is taken here."""


class PictureLimits(Struct, frozen=True):
    """`bytes` bounds the file that comes and the one that is made of it."""

    bytes: int = 16 * 1024 * 1024
    pixels: int = 16 * 1024 * 1024
    side: int = 8192
    workers: int = 2
    waiting: int = 16
    """Pictures that may wait for a worker."""


class Picture(Struct, frozen=True):
    """A picture whose bytes this server made."""

    info: AssetInfo
    data: bytes


class Pictures:
    """Decodes and encodes in threads (Pillow lets go of the interpreter), never on the event loop."""

    def __init__(self, limits: PictureLimits) -> None:
        self.limits = limits
        self._threads = ThreadPoolExecutor(limits.workers, "pictures")
        self._busy = 0

    async def clean(self, data: bytes) -> Picture:
        """The picture of `data`. Raises BadPicture, TooLarge, or QueueFull when too many wait."""
        return await self._work(lambda: clean(data, self.limits))

    async def enlarge(self, data: bytes, factor: int) -> Picture:
        """A picture of ours, `factor` times as wide and high. Raises TooLarge, or QueueFull when too many wait."""
        return await self._work(lambda: enlarge(data, factor, self.limits))

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)

    async def _work(self, work: Callable[[], Picture]) -> Picture:
        if self._busy >= self.limits.workers + self.limits.waiting:
            raise QueueFull("too many pictures wait to be read; try again in a moment")
        self._busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._busy -= 1


def clean(data: bytes, limits: PictureLimits) -> Picture:
    """Decode and encode again. Raises BadPicture or TooLarge."""
    if len(data) > limits.bytes:
        raise TooLarge(f"a picture of {len(data)} bytes; the bound is {limits.bytes}")
    try:
        with Image.open(io.BytesIO(data), formats=tuple(FORMATS)) as opened:
            kind = opened.format or ""
            _check(opened.size, limits)
            opened.seek(0)
            image = _plain(ImageOps.exif_transpose(opened), kind)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooLarge(f"the picture has too many pixels; the bound is {limits.pixels}") from error
    except _DECODE_ERRORS as error:
        raise BadPicture(f"not a whole PNG, JPEG or WebP picture: {_words(error)}") from error
    kind = kind if kind in FORMATS else "JPEG"  # a JPEG of several pictures calls itself MPO
    target = io.BytesIO()
    image.save(target, kind, **_OPTIONS[kind])
    made = target.getvalue()
    if len(made) > limits.bytes:
        raise TooLarge(
            f"the picture is {len(made)} bytes when written as {kind}; the bound is {limits.bytes}"
        )
    return picture(made, FORMATS[kind], *image.size)


def enlarge(data: bytes, factor: int, limits: PictureLimits) -> Picture:
    """Interpolated by Lanczos' kernel, as a PNG. Raises TooLarge."""
    with Image.open(io.BytesIO(data), formats=tuple(FORMATS)) as opened:
        size = opened.width * factor, opened.height * factor
        _check(size, limits)
        image = opened.resize(size, Image.Resampling.LANCZOS)
    target = io.BytesIO()
    image.save(target, "PNG", **_OPTIONS["PNG"])
    made = target.getvalue()
    if len(made) > limits.bytes:
        raise TooLarge(f"the enlarged picture is {len(made)} bytes; the bound is {limits.bytes}")
    return picture(made, "image/png", *size)


def picture(data: bytes, media_type: MediaType, width: int, height: int) -> Picture:
    """A picture that one of our own made."""
    return Picture(AssetInfo(hashlib.sha256(data).hexdigest(), media_type, len(data), width, height), data)


def _check(size: tuple[int, int], limits: PictureLimits) -> None:
    width, height = size
    if max(size) > limits.side or width * height > limits.pixels:
        raise TooLarge(
            f"a picture of {width} x {height} pixels; the bound is {limits.pixels} in all and {limits.side} a side"
        )


def _plain(image: Image.Image, kind: str) -> Image.Image:
    """The pixels alone, in sRGB and a mode that every reader knows: L, RGB or RGBA, 8 bits each."""
    icc = image.info.get("icc_profile")
    if image.mode.startswith(("I", "F")):  # grey of 16 bits
        image = image.convert("F").point(lambda value: value / 256).convert("L")
        image.info.pop("transparency", None)  # one of 65,536 greys: no colour of a picture of 8 bits means it
    clear = image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info
    mode = "RGBA" if clear and kind != "JPEG" else "L" if image.mode in ("L", "1") else "RGB"
    image = to_srgb(image if image.mode == "CMYK" else image.convert(mode), icc)
    plain = Image.new(mode, image.size)
    plain.paste(image)
    return plain


def _words(error: BaseException) -> str:
    return (str(error) or type(error).__name__)[:200]
