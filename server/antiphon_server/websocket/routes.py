"""The WebSocket routes: who may connect, and a connection's life around its dialect."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from antiphon_proto.errors import CloseCode, Denied, PeerError, RateLimited
from antiphon_proto.messages import MAX_FRAME
from antiphon_server.gateway import GATEWAY, Gateway
from antiphon_server.http.access import bearer
from antiphon_server.net.frames import Dialect
from antiphon_server.net.outbox import Outbox
from antiphon_server.websocket.native import Connection
from antiphon_server.websocket.socket import farewell, new_socket, upgrade
from antiphon_server.websocket.yjs import YjsConnection

Run = Callable[[web.WebSocketResponse], Awaitable[None]]

_TOKEN = "antiphon.token."
_SLACK = 64 * 1024
"""A frame that is a little too large is refused with TOO_LARGE by the session; a larger one by the WebSocket parser,
with 1009, before it is in memory."""


async def native(request: web.Request) -> web.WebSocketResponse:
    gateway = request.app[GATEWAY]
    address = gateway.proxies.address(request)
    return await _serve(
        request,
        gateway,
        "native",
        MAX_FRAME + _SLACK,
        lambda outbox: (
            Connection(gateway, outbox, address, lambda: gateway.sockets.known(request.protocol)).run
        ),
    )


async def yjs(request: web.Request) -> web.WebSocketResponse:
    gateway = request.app[GATEWAY]
    room, token = request.match_info["room"], _yjs_token(request)
    ticket = not token and "token" in request.query
    token = token or request.query.get("token", "")
    address = gateway.proxies.address(request)
    name = request.query.get("name", "")[: gateway.settings.limits.max_name]
    return await _serve(
        request,
        gateway,
        "yjs",
        gateway.settings.limits.max_message + _SLACK,
        lambda outbox: (
            YjsConnection(
                gateway,
                outbox,
                room,
                token,
                ticket,
                name,
                address,
                lambda: gateway.sockets.known(request.protocol),
            ).run
        ),
    )


async def _serve(
    request: web.Request, gateway: Gateway, dialect: Dialect, max_size: int, connect: Callable[[Outbox], Run]
) -> web.WebSocketResponse:
    if not gateway.origins.allows(request):
        raise Denied("this origin may not open a socket here")
    limits = gateway.settings.limits
    ws = new_socket(limits, max_size)
    if not ws.can_prepare(request):
        raise PeerError("this address speaks WebSocket only")
    wire = await upgrade(ws, request)
    outbox = Outbox(
        dialect,
        wire,
        asyncio.get_running_loop(),
        gateway.traffic,
        gateway.settings.backlog_limits(),
        stall_timeout=limits.stall_timeout,
        close_timeout=limits.close_timeout,
    )
    try:
        with gateway.connections.admitted(outbox, gateway.proxies.address(request)):
            await connect(outbox)(ws)
    except RateLimited as error:
        outbox.close(CloseCode.RATE_LIMITED, error.message)
        await farewell(ws, outbox, limits)
    finally:
        outbox.close(CloseCode.NORMAL)  # answers a close that the client began
        outbox.ended()
        wire.end()
    return ws


def _yjs_token(request: web.Request) -> str:
    """Of a plain Yjs client: in `Authorization`, or as the subprotocol `antiphon.token.TOKEN` beside `antiphon`
    (browsers can set no header)."""
    offered = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
    named = next((one.strip() for one in offered if one.strip().startswith(_TOKEN)), "")
    return bearer(request) or named.removeprefix(_TOKEN)


ROUTES = (web.get("/ws", native), web.get("/yjs/{room}", yjs))
