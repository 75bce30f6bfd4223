"""A small OpenAI-compatible server that answers by script, and can misbehave in every way."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any, TypeAlias

from aiohttp import web
from aiohttp.test_utils import TestServer
from msgspec import Struct

from antiphon_engines.text.streaming.loop_thread import LoopThread
from support.patience import PATIENCE

Reply: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Received(Struct, frozen=True):
    path: str
    body: dict[str, Any]
    headers: dict[str, str]


class OpenAIServer:
    """Replies in the order of `script`; the last one repeats. Requests stand in `received`."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.script: deque[Reply] = deque()
        self.abandoned = threading.Semaphore(0)
        """Released for each request that the client closed before its end."""
        self.url = ""

    def reply(self, *replies: Reply) -> None:
        self.script = deque(replies)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.received.append(Received(request.path, await request.json(), dict(request.headers)))
        reply = self.script.popleft() if len(self.script) > 1 else self.script[0]
        try:
            return await reply(request)
        except (asyncio.CancelledError, ConnectionResetError):
            self.abandoned.release()
            if request.transport is not None:
                request.transport.abort()  # a polite close would wait for a client that no longer reads
            raise


@contextmanager
def serving() -> Iterator[OpenAIServer]:
    """The server on a loopback port, in a thread of its own."""
    server = OpenAIServer()
    application = web.Application()
    application.router.add_post("/v1/{path:.*}", server.handle)
    thread = LoopThread("openai-server")
    running = TestServer(application)
    try:
        thread.run(running.start_server())
        server.url = str(running.make_url("/v1"))
        yield server
    finally:
        if server.url:
            _come_to(running)
        thread.run(running.close())
        thread.close()


def _come_to(running: TestServer) -> None:
    """Return when the server has taken every connection that was made before: it closes those that it knows, and one
    that it had not come to would be left for the garbage collector to warn about in a later test."""
    last = HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE)
    last.request("GET", "/")
    last.getresponse().read()
    last.close()


# Replies ----------------------------------------------------------------------------------------------


def status(code: int, body: object = "", headers: dict[str, str] | None = None) -> Reply:
    async def reply(request: web.Request) -> web.StreamResponse:
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=code, text=text, headers=headers)

    return reply


def raw(*parts: bytes, content_type: str = "text/event-stream") -> Reply:
    """These bytes, and the end."""

    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": content_type})
        await response.prepare(request)
        for part in parts:
            await response.write(part)
        return response

    return reply


def silent(*parts: bytes) -> Reply:
    """These bytes, and then nothing for ever."""

    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for part in parts:
            await response.write(part)
        await asyncio.Event().wait()
        return response

    return reply


def gated(gate: threading.Event, before: Sequence[bytes], after: Sequence[bytes]) -> Reply:
    """Writes `after` when the gate is opened."""

    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for part in before:
            await response.write(part)
        await asyncio.to_thread(gate.wait)
        for part in after:
            await response.write(part)
        return response

    return reply


def cut_off(*parts: bytes) -> Reply:
    """These bytes, and then the connection breaks."""

    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for part in parts:
            await response.write(part)
        assert request.transport is not None
        request.transport.abort()
        return response

    return reply


def dropped() -> Reply:
    """No answer: the connection ends, as one that was kept too long."""

    async def reply(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    return reply


def answer(*tokens: str, finish: str = "stop") -> Reply:
    """A well-formed answer in the form that was asked for; every token with logprobs when they were wanted."""

    async def reply(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        make = chat_event if request.path.endswith("/chat/completions") else completion_event
        parts = [make(token, body.get("logprobs")) for token in tokens]
        return await raw(*parts, end_event(finish), b"data: [DONE]\n\n")(request)

    return reply


def drone() -> Reply:
    """Words that depend on nothing but the request, as many as it may have."""

    async def reply(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        prompt = body.get("prompt") or body["messages"]
        key = json.dumps([prompt, body.get("seed")]).encode()
        words = [
            f" {hashlib.sha256(key + n.to_bytes(2, 'big')).hexdigest()[:3]}"
            for n in range(body["max_tokens"])
        ]
        return await answer(*words, finish="length")(request)

    return reply


def completion_event(token: str, logprobs: object) -> bytes:
    choice: dict[str, Any] = {"index": 0, "text": token, "finish_reason": None}
    if logprobs:
        tops = {token: -0.5, " or": -1.5, " and": -1.0}
        choice["logprobs"] = {
            "tokens": [token],
            "token_logprobs": [-0.5],
            "top_logprobs": [tops],
            "text_offset": [0],
        }
    return event({"choices": [choice]})


def chat_event(token: str, logprobs: object) -> bytes:
    choice: dict[str, Any] = {"index": 0, "delta": {"content": token}, "finish_reason": None}
    if logprobs:
        tops = [{"token": token, "logprob": -0.25}, {"token": " other", "logprob": -2.0}]
        choice["logprobs"] = {"content": [{"token": token, "logprob": -0.25, "top_logprobs": tops}]}
    return event({"choices": [choice]})


def end_event(finish: str) -> bytes:
    return event({"choices": [{"index": 0, "text": "", "delta": {}, "finish_reason": finish}]})


def event(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def paths(server: OpenAIServer) -> Sequence[str]:
    return [request.path.removeprefix("/v1") for request in server.received]
