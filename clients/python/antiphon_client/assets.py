"""Pictures of a room over HTTP."""

from __future__ import annotations

from typing import Any

import aiohttp
import msgspec
from msgspec import Struct

from antiphon_client.address import Address
from antiphon_client.errors import ClientError, RequestRefused


class Asset(Struct, frozen=True):
    """A picture of the room. `size` is bytes; `width` and `height` are pixels."""

    sha256: str
    type: str
    size: int
    width: int
    height: int


async def upload(address: Address, data: bytes) -> Asset:
    """Bring a PNG, JPEG or WebP file into the room. Raises RequestRefused or ClientError."""
    body = await _call(address, "POST", "", data, 201)
    return msgspec.json.decode(body, type=Asset)


async def download(address: Address, sha256: str) -> bytes:
    """The file of an asset. Raises RequestRefused or ClientError."""
    return await _call(address, "GET", f"/{sha256}", None, 200)


async def provenance(address: Address, sha256: str) -> dict[str, Any]:
    """Where an asset comes from. Raises RequestRefused or ClientError."""
    answer: dict[str, Any] = msgspec.json.decode(
        await _call(address, "GET", f"/{sha256}/provenance", None, 200)
    )
    return answer


async def _call(address: Address, method: str, path: str, data: bytes | None, expected: int) -> bytes:
    url = f"{address.base}/api/rooms/{address.room}/assets{path}"
    headers = {"Authorization": f"Bearer {address.token}"}
    try:
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.request(method, url, data=data) as answer,
        ):
            body = await answer.read()
    except aiohttp.ClientError as error:
        raise ClientError(f"{address.base} cannot be asked for pictures: {error}") from error
    if answer.status != expected:
        try:
            problem = msgspec.json.decode(body)["error"]
            code, message = str(problem["code"]), str(problem["message"])
        except (msgspec.MsgspecError, LookupError, TypeError):
            code, message = "internal", f"status {answer.status}"
        raise RequestRefused(code, message)
    return body
