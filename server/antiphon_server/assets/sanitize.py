"""Makes a stranger's picture ours: decoded under bounds and encoded again, so that no hostile file reaches a browser.

Only pixels survive (the first frame, turned as EXIF says, its colours brought to sRGB): metadata, profiles, trailing
bytes and everything that a decoder elsewhere could stumble over are gone. Sizes are read from the header: a picture
larger than a board needs is scaled down, one that would fill the memory is refused before it is decoded.
"""

from __future__ import annotations

import hashlib
import io
import math
from typing import Any, Final

from msgspec import Struct
from PIL import Image, ImageOps, JpegImagePlugin

from antiphon_proto.errors import PeerError, TooLarge
from antiphon_server.assets.colours import from_gamma, to_srgb
from antiphon_server.assets.picture_kinds import Kind, kind_of
from antiphon_server.assets.store import AssetInfo, MediaType
from antiphon_server.assets.svg_raster import rasterise

TYPES: Final[dict[str, MediaType]] = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
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
    RuntimeError,
    TypeError,
    Warning,  # where they are errors
)
"""Errors of decoders on damaged or mislabelled files."""
TAKEN: Final = "PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF, SVG"
_LIGHT: Final = frozenset({"PNG", "JPEG", "WEBP", "GIF", "BMP"})
_LOSSLESS: Final = 2_000_000
"""Pixels of a TIFF, above which it is a photograph and kept as one."""
_SMALLER: Final = 0.8
"""A file that comes out too large is made smaller by this, again and again."""


class BadPicture(PeerError):
    """Not a whole picture of a kind that is taken here."""


class PictureLimits(Struct, frozen=True):
    """`bytes` bounds the file that is made, `file_bytes` the one that comes; `pixels` and `side` the kept picture,
    `source_pixels` one that is decoded to be scaled down."""

    bytes: int = 16 * 1024 * 1024
    pixels: int = 16 * 1024 * 1024
    side: int = 8192
    file_bytes: int = 64 * 1024 * 1024
    source_pixels: int = 160_000_000
    seconds: float = 40.0
    """Of a process that reads one picture."""
    workers: int = 2
    waiting: int = 16
    """Pictures that may wait for a worker."""


class Picture(Struct, frozen=True):
    """A picture whose bytes this server made."""

    info: AssetInfo
    data: bytes
    scaled_from: tuple[int, int] | None = None
    """Width and height of the original file, where it was larger than the kept one."""
    frames: int = 1
    """Of the file that came; the first one is kept."""


def is_light(data: bytes, limits: PictureLimits) -> bool:
    """Whether the file can be read beside the event loop: a usual kind, in a size that is kept as it is. Raises
    BadPicture."""
    kind = _kind(data)
    if kind not in _LIGHT:
        return False
    try:
        with Image.open(io.BytesIO(data), formats=(kind,)) as opened:
            return _factor(opened.size, limits) == 1.0
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return False
    except _DECODE_ERRORS as error:
        raise _bad() from error


def clean(data: bytes, limits: PictureLimits) -> Picture:
    """Decode and encode again. Raises BadPicture or TooLarge."""
    if len(data) > limits.file_bytes:
        raise TooLarge(f"a picture of {len(data)} bytes; the bound is {limits.file_bytes}")
    kind = _kind(data)
    try:
        if kind == "SVG":
            image, _ = rasterise(data, min(4096, limits.side, math.isqrt(limits.pixels)))
            return _encoded(image, "PNG", -1, limits, image.size, 1)
        with _opened(data, kind) as opened:
            _check(opened.size, limits)
            size = opened.size
            frames = getattr(opened, "n_frames", 1)
            opened.seek(0)
            sampling = JpegImagePlugin.get_sampling(opened) if kind == "JPEG" else -1
            image, size = _decoded(opened, data, kind, limits)
    except TooLarge:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooLarge("the picture has too many pixels") from error
    except _DECODE_ERRORS as error:
        raise _bad() from error
    if kind == "JPEG":
        frames = 1  # others inside a JPEG are previews of the same picture
    return _encoded(image, _target(kind, image), sampling, limits, size, frames)


def enlarge(data: bytes, factor: int, limits: PictureLimits) -> Picture:
    """Interpolated by Lanczos' kernel, as a PNG. Raises TooLarge."""
    with Image.open(io.BytesIO(data), formats=tuple(TYPES)) as opened:
        size = opened.width * factor, opened.height * factor
        if _factor(size, limits) < 1:
            raise TooLarge(
                f"a picture of {size[0]} x {size[1]} pixels; the bound is {limits.pixels} in all and"
                f" {limits.side} a side"
            )
        image = opened.resize(size, Image.Resampling.LANCZOS)
    made = _written(image, "PNG", -1)
    if len(made) > limits.bytes:
        raise TooLarge(f"the enlarged picture is {len(made)} bytes; the bound is {limits.bytes}")
    return picture(made, "image/png", *size)


def picture(data: bytes, media_type: MediaType, width: int, height: int) -> Picture:
    """A picture that one of our own made."""
    return Picture(AssetInfo(hashlib.sha256(data).hexdigest(), media_type, len(data), width, height), data)


def _kind(data: bytes) -> Kind:
    kind = kind_of(data)
    if kind is None:
        raise _bad()
    if kind == "HEIF":
        try:
            import pi_heif
        except ImportError:
            raise BadPicture(f"HEIF pictures are not read by this server; it takes {TAKEN}") from None
        pi_heif.register_heif_opener(thumbnails=False)
    return kind


def _bad() -> BadPicture:
    return BadPicture(f"not a whole picture of a kind that is taken here ({TAKEN})")


def _opened(data: bytes, kind: Kind) -> Image.Image:
    # A JPEG of several pictures calls itself MPO.
    return Image.open(io.BytesIO(data), formats=("JPEG", "MPO") if kind == "JPEG" else (kind,))


def _check(size: tuple[int, int], limits: PictureLimits) -> None:
    width, height = size
    if width * height > limits.source_pixels:
        raise TooLarge(
            f"a picture of {width} x {height} pixels; the bound is {limits.source_pixels} pixels in all"
        )


def _factor(size: tuple[int, int], limits: PictureLimits) -> float:
    """How much smaller a picture of that size has to be."""
    width, height = size
    return min(1.0, limits.side / max(size), math.sqrt(limits.pixels / (width * height)))


def _decoded(
    opened: Image.Image, data: bytes, kind: Kind, limits: PictureLimits
) -> tuple[Image.Image, tuple[int, int]]:
    """The pixels in a mode that can be scaled, scaled and upright, in sRGB; and the size of the file's picture."""
    size = opened.size
    factor = _factor(size, limits)
    if factor < 1 and kind == "JPEG":
        opened.draft(opened.mode, (int(size[0] * factor), int(size[1] * factor)))
    icc, gamma = opened.info.get("icc_profile"), opened.info.get("gamma")
    srgb = "srgb" in opened.info
    image = _plain(opened, _grey_bits(data) if kind == "PNG" else 8)
    if factor < 1:
        image = _scaled(image, factor * size[0] / image.width)
    # Turned last: then little is turned. The orientation stands in the opened file.
    orientation = opened.getexif().get(0x0112, 1)
    turned = ImageOps.exif_transpose(_oriented(image, orientation))
    image = to_srgb(turned, icc)
    if kind == "PNG" and not icc and not srgb and isinstance(gamma, float):
        image = from_gamma(image, gamma)
    return image, size if orientation < 5 else size[::-1]


def _oriented(image: Image.Image, orientation: int) -> Image.Image:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.info = {"exif": exif.tobytes()}
    return image


def _grey_bits(data: bytes) -> int:
    """Bits of a pixel of a grey PNG; 8 of every other."""
    return data[24] if data[25:26] == b"\0" and data[24] < 8 else 8


def _plain(image: Image.Image, bits: int) -> Image.Image:
    """L, RGB, RGBA or CMYK, 8 bits each."""
    clear: Any = image.info.get("transparency")
    if image.mode.startswith(("I", "F")):  # grey of 16 bits; one of 65,536 greys that is clear is none of 256
        deep = image.convert("F")
        if image.mode != "F":
            return deep.point(lambda value: value / 256).convert("L")
        # Floating greys are parts of 1, unless they are larger.
        extrema: Any = deep.getextrema()
        return (deep.point(lambda value: value * 255) if extrema[1] <= 1 else deep).convert("L")
    if image.mode in ("1", "L"):
        grey = image.convert("L")
        if not isinstance(clear, int):
            return grey
        # The header names the clear grey in its own bits; of black and white Pillow has made it one of ours already.
        level = clear if image.mode == "1" else clear * 255 // ((1 << bits) - 1)
        alpha = grey.point([0 if value == level else 255 for value in range(256)])
        return Image.merge("RGBA", (grey, grey, grey, alpha))
    if image.mode == "RGB" and isinstance(clear, tuple) and max(clear) > 255:
        clear = None  # a colour of 16 bits a channel
        image.info.pop("transparency")
    if image.mode == "CMYK":
        return image
    has_alpha = image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or clear is not None
    return image.convert("RGBA" if has_alpha else "RGB")


def _scaled(image: Image.Image, factor: float) -> Image.Image:
    size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _target(kind: Kind, image: Image.Image) -> str:
    """The format of the kept file."""
    if kind in TYPES:
        return kind
    if kind in ("GIF", "BMP"):
        return "PNG"
    clear = image.mode == "RGBA"
    if kind == "TIFF" and (clear or image.width * image.height <= _LOSSLESS):
        return "PNG"
    return "WEBP" if clear else "JPEG"


def _encoded(
    image: Image.Image, kind: str, sampling: int, limits: PictureLimits, size: tuple[int, int], frames: int
) -> Picture:
    if kind == "JPEG" and image.mode == "RGBA":
        image = image.convert("RGB")
    plain = Image.new(image.mode, image.size)
    plain.paste(image)
    while True:
        made = _written(plain, kind, sampling)
        if len(made) <= limits.bytes:
            break
        if max(plain.size) == 1:
            raise TooLarge(f"the picture is {len(made)} bytes; the bound is {limits.bytes}")
        plain = _scaled(plain, _SMALLER)
    ours = picture(made, TYPES[kind], *plain.size)
    smaller = size if plain.size[0] * plain.size[1] < size[0] * size[1] else None
    return Picture(ours.info, ours.data, smaller, frames)


def _written(image: Image.Image, kind: str, sampling: int) -> bytes:
    options: dict[str, Any] = dict(_OPTIONS[kind])
    if kind == "JPEG":
        # A lossless original stays lossless; so do scaled and converted ones.
        options["subsampling"] = max(0, sampling)
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()
