"""Large HTTP answers, sent in pieces as the client takes them, so that none of them stands whole in a buffer beside the
original, nor holds up the loop while it is copied."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from aiohttp import web

_PIECE: Final = 256 * 1024


async def large(
    request: web.Request, data: bytes, content_type: str, *, headers: Mapping[str, str]
) -> web.StreamResponse:
    """Answer 200 with `data`; text and JSON are UTF-8."""
    text = content_type.startswith("text/") or content_type == "application/json"
    fields = {**headers, "Content-Type": f"{content_type}; charset=utf-8" if text else content_type}
    if len(data) <= _PIECE:
        return web.Response(body=data, headers=fields)
    response = web.StreamResponse(headers=fields)
    response.content_length = len(data)
    await response.prepare(request)
    view = memoryview(data)
    for start in range(0, len(data), _PIECE):
        await response.write(view[start : start + _PIECE])
        await asyncio.sleep(0)
    await response.write_eof()
    return response
