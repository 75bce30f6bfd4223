"""Pictures of a room over HTTP."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from antiphon_client.address import Address
from antiphon_client.http import call


class Asset(Struct, frozen=True):
    """A picture of the room. `size` is bytes; `width` and `height` are pixels. `scaled_from` is the size of the file
    that came, where it was made smaller; `frames` how many it had: the first one is kept."""

    sha256: str
    type: str
    size: int
    width: int
    height: int
    scaled_from: tuple[int, int] | None = None
    frames: int = 1


async def upload(address: Address, data: bytes) -> Asset:
    """Bring a PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or SVG file into the room. Raises RequestRefused or ClientError."""
    body = await call(address, "POST", "/assets", data, 201)
    return msgspec.json.decode(body, type=Asset)


async def download(address: Address, sha256: str) -> bytes:
    """The file of an asset. Raises RequestRefused or ClientError."""
    return await call(address, "GET", f"/assets/{sha256}")


async def provenance(address: Address, sha256: str) -> dict[str, Any]:
    """Where an asset comes from. Raises RequestRefused or ClientError."""
    answer: dict[str, Any] = msgspec.json.decode(await call(address, "GET", f"/assets/{sha256}/provenance"))
    return answer
