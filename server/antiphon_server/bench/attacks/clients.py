"""Clients that send any message: members of a room over `/ws`, and the set-up around a server under attack."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from antiphon_proto.codec import encode, server_decoder
from antiphon_proto.errors import ProtocolViolation
from antiphon_proto.messages import VERSION, Fragment, Hello, Welcome
from antiphon_server.bench.relay_clients import DrainClient


class Member:
    """A native client in a room. It ignores most messages."""

    def __init__(self, client: DrainClient, welcome: Welcome, client_id: int) -> None:
        self.client = client
        self.welcome = welcome
        self.client_id = client_id

    @classmethod
    async def join(
        cls,
        url: str,
        token: str,
        name: str,
        *,
        session: str | None = None,
        on_data: Callable[[bytes], None] | None = None,
    ) -> Member:
        """Raises ConnectionError when it is not let in."""
        welcomed: asyncio.Future[Welcome] = asyncio.get_running_loop().create_future()
        decoder = server_decoder()

        def heard(data: bytes) -> None:
            if welcomed.done():
                if on_data is not None:
                    on_data(data)
                return
            try:
                message = decoder.decode(data)
            except ProtocolViolation:
                return
            if isinstance(message, Welcome):
                welcomed.set_result(message)

        client = await DrainClient.open(f"{url}/ws", heard)
        client_id = random.randrange(1, 2**31)
        client.send(encode(Hello(VERSION, token, name, client_id, session, None)))
        first: set[asyncio.Future[Any]] = {welcomed, client.closed}
        await asyncio.wait(first, timeout=60, return_when=asyncio.FIRST_COMPLETED)
        if not welcomed.done():
            client.close()
            raise ConnectionError("not let in")
        return cls(client, welcomed.result(), getattr(welcomed.result(), "client_id", 0) or client_id)

    @property
    def closed(self) -> bool:
        return self.client.closed.done()

    def send(self, data: bytes) -> None:
        self.client.send(data)

    def send_fragments(self, message: bytes, piece: int, count: int | None = None) -> None:
        """A message in fragments, where it is longer than one, or only the first `count` of them."""
        if len(message) <= piece:
            self.send(message)
            return
        parts = [message[at : at + piece] for at in range(0, len(message), piece)]
        for index, part in enumerate(parts[:count]):
            self.send(encode(Fragment(index, len(parts), part)))

    def close(self) -> None:
        self.client.close()


class Log:
    """The log of a server on standard error, with `--log-format json`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def faults(self) -> list[str]:
        """Lines of tracebacks and panics, and errors."""
        found: list[str] = []
        for line in self._path.read_text(errors="replace").splitlines():
            try:
                said = json.loads(line)
            except ValueError:
                found.append(line[:300])
                continue
            if said.get("level") in ("error", "critical") or "exception" in said:
                found.append(f"{said.get('message', '')[:200]} {said.get('exception', '')[-300:]}".strip())
        return found


class Site:
    """A server under attack, as a client sees it."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.ws = f"ws{url.removeprefix('http')}"
        self._http = http

    async def new_room(self) -> dict[str, Any]:
        """Raises ConnectionError when the server refuses."""
        async with self._http.post(f"{self.url}/api/rooms") as answer:
            if answer.status != 201:
                raise ConnectionError(f"no room: {answer.status}")
            room: dict[str, Any] = await answer.json()
            return room

    async def call(self, method: str, path: str, token: str, body: bytes = b"", **headers: str) -> int:
        """The status, with the whole answer read; 0 when there was none."""
        fields = {"Authorization": f"Bearer {token}", **headers}
        try:
            async with self._http.request(method, self.url + path, data=body, headers=fields) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    async def read(self, path: str, token: str) -> bytes:
        """The body of an answer. Raises aiohttp.ClientError when its status is not 200."""
        fields = {"Authorization": f"Bearer {token}"}
        async with self._http.get(self.url + path, headers=fields) as answer:
            answer.raise_for_status()
            return await answer.read()
