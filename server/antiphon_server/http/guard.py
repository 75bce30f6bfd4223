"""Checks every HTTP request before a handler sees it: its host must be ours, its body not compressed, and, where it
changes something without a token, its origin must be a page of this site.

A web page cannot set `Authorization` on a request to another site without that site's leave, so a request with a token
was not forged by one. Programs that are no browsers send neither `Origin` nor `Sec-Fetch-Site`.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from antiphon_proto.errors import Denied, ErrorCode
from antiphon_server.gateway import GATEWAY, Gateway
from antiphon_server.http.responses import Handler, problem

PROBES: Final = frozenset({"/healthz", "/readyz"})
"""Balancers may request these under any host name; they reveal nothing about members."""
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    gateway = request.app[GATEWAY]
    if request.path not in PROBES and not gateway.hosts.allows(request):
        return problem(
            ErrorCode.DENIED, "this server does not answer to that host name (`allowed_hosts`)", 421
        )
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("identity", ""):
        # A few kilobytes of it can be hundreds of megabytes.
        return problem(ErrorCode.INVALID, "a compressed body is not accepted", 415)
    if request.method not in _SAFE and not _of_this_site(request, gateway):
        raise Denied("a page of another site may not do this")
    websocket = request.path == "/ws" or request.path.startswith("/yjs/")
    with gateway.sockets.serving(request.protocol, gateway.proxies.address(request), websocket):
        return await handler(request)


def _of_this_site(request: web.Request, gateway: Gateway) -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if request.headers.get("Authorization") or site == "same-origin":
        return True
    if "Origin" in request.headers:
        return gateway.origins.allows(request)
    return site in (None, "none")
