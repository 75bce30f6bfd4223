"""Who is at the other end: the peer's address, or what a trusted proxy says about it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from aiohttp import web


class Proxies:
    """Reads `X-Forwarded-*` only from peers in `trusted` networks; anybody else could write there what they like."""

    def __init__(self, trusted: Iterable[str]) -> None:
        self._networks = tuple(ipaddress.ip_network(network) for network in trusted)

    def address(self, request: web.Request) -> str:
        """The client's address: the last one in the forwarding chain that is not a trusted proxy's."""
        peer = request.remote or ""
        if not self._trusted(peer):
            return peer
        chain = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
        return next((part for part in reversed(chain) if part and not self._trusted(part)), peer)

    def base_url(self, request: web.Request) -> str:
        """Scheme and host as the client's browser knows them."""
        scheme, host = request.scheme, request.host
        if self._trusted(request.remote or ""):
            forwarded = request.headers.get("X-Forwarded-Proto", "").lower()
            scheme = forwarded if forwarded in ("http", "https") else scheme
            host = request.headers.get("X-Forwarded-Host", host)
        return f"{scheme}://{host}"

    def _trusted(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)


class Origins:
    """Which web pages may open a socket: the server's own, and those of the setting `allowed_origins`.

    A page of another site would act with whatever token it got hold of (cross-site WebSocket hijacking). Clients
    that are no browsers send no Origin.
    """

    def __init__(self, allowed: Iterable[str], proxies: Proxies) -> None:
        self._allowed = frozenset(allowed)
        self._proxies = proxies

    def allows(self, request: web.Request) -> bool:
        origin = request.headers.get("Origin")
        if origin is None or "*" in self._allowed or origin.lower() in self._allowed:
            return True
        return (
            urlsplit(origin).netloc.lower() == urlsplit(self._proxies.base_url(request)).netloc.lower() != ""
        )
