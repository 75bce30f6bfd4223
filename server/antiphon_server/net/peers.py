"""The address of a peer, or the one that a trusted proxy gives."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from aiohttp import web

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/@\[\]?#]{1,255}))(?::[0-9]{1,5})?")


class Proxies:
    """Reads `X-Forwarded-*` only from peers in `trusted` networks; anybody else could forge them."""

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
        scheme = request.scheme
        if self._trusted(request.remote or ""):
            forwarded = request.headers.get("X-Forwarded-Proto", "").lower()
            scheme = forwarded if forwarded in ("http", "https") else scheme
        return f"{scheme}://{self.host(request)}"

    def host(self, request: web.Request) -> str:
        """The host (and port) that the client's browser asked for; empty when the request names none. Of several names
        in the header the last one is the nearest proxy's."""
        host = request.headers.get("Host", "")
        if self._trusted(request.remote or ""):
            host = request.headers.get("X-Forwarded-Host", host).rpartition(",")[2]
        return host.strip()

    def trusts(self, address: str) -> bool:
        """Whether the peer at this address is one of the proxies."""
        return self._trusted(address)

    def _trusted(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)


class Hosts:
    """Under which names the server may be asked: those of `allowed`, the public URL's, the loopback names, and the
    address that it is bound to.

    A page of another site can have its own name point to this machine (DNS rebinding), and would then be of "the same
    origin"; it cannot change the name that the browser sends. An address instead of a name cannot be re-bound, so a
    server that is bound to every address answers to any address, and to the machine's own name.
    """

    def __init__(self, allowed: Iterable[str], public_url: str, bound: str, proxies: Proxies) -> None:
        self._proxies = proxies
        self._everywhere = bound in ("", "0.0.0.0", "::", "*")
        machine = socket.gethostname().lower()
        names = {"localhost", bound.lower(), urlsplit(public_url).hostname or "localhost"}
        if self._everywhere:
            names |= {machine, f"{machine}.local"}
        given = {name.lower() for name in allowed}
        self._any = "*" in given
        self._names = names | {name.strip("[]") for name in given}

    def allows(self, request: web.Request) -> bool:
        return self._any or self.known(self._proxies.host(request))

    def known(self, host: str) -> bool:
        """`host` is a name or an address, with or without a port."""
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = (found[1] or found[2]).lower().removesuffix(".")
        if name in self._names or name.endswith(".localhost"):
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or self._everywhere


class Origins:
    """Which web pages may open a socket: the server's own, and those of the setting `allowed_origins`.

    A page of another site could act with a stolen token (cross-site WebSocket hijacking). Clients other than browsers
    send no Origin.
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
