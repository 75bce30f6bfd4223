"""Detects the kind of a picture by its first bytes: names and media types may be wrong."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF", "SVG"]

_STARTS: Final[tuple[tuple[bytes, Kind], ...]] = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
)
_HEIF_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_SVG: Final = re.compile(
    rb"\s*(<\?xml[^>]*>\s*|<!--.*?-->\s*|<!DOCTYPE\s+svg[^\[>]*(\[.*?\]\s*)?>\s*)*<svg[\s>]", re.S
)
_LOOKED_AT: Final = 16 * 1024


def kind_of(data: bytes) -> Kind | None:
    """None: no kind that is taken here."""
    for start, kind in _STARTS:
        if data.startswith(start):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        size = min(int.from_bytes(data[:4]), 512)
        brands = {data[8:12]} | {data[at : at + 4] for at in range(16, size, 4)}
        if brands & {b"avif", b"avis"}:
            return "AVIF"
        return "HEIF" if brands & _HEIF_BRANDS else None
    return "SVG" if _SVG.match(data[:_LOOKED_AT].removeprefix(b"\xef\xbb\xbf")) else None
