"""Any OpenAI-compatible server as a text engine: vLLM, TensorRT-LLM, SGLang, llama.cpp, Ollama, or a hosted one."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from msgspec.structs import replace

from antiphon_engines.api import EngineInfo, Remark
from antiphon_engines.config import WorkerConfig
from antiphon_engines.text import story_prompts
from antiphon_engines.text.answer_filter import AnswerFilter
from antiphon_engines.text.story_prompts import Family
from antiphon_engines.text.streaming import openai_api
from antiphon_engines.text.streaming.loop_thread import LoopThread
from antiphon_engines.text.streaming.sse import BadStream, EventParser
from antiphon_engines.text.streaming.streamed import Arrival, Call, Finish, StreamedEngine, StreamFailed
from antiphon_proto.errors import ErrorCode

_ERROR_BODY = 8192
_NO_SUCH_PATH = (404, 405, 501)
_REFUSED = (400, 413, 422)
_IDLE = 4.0
"""Seconds that a connection is kept for the next request: less than servers do (uvicorn, cpp-httplib: 5)."""
_FORMS = 6
"""Requests that one call may cost: chat for completion, plain for rich, and shorter texts."""


def build(url: str, model: str, config: WorkerConfig) -> StreamedEngine:
    """An engine for `model` at `url` (ends before the API's paths). Connects at the first request."""
    host = urlsplit(url).netloc
    info = EngineInfo(
        modality="text",
        name=model,
        device=host,
        backend="remote",
        max_jobs=config.max_jobs,
        max_batch=config.max_jobs,
        note=Remark(f"served by {host}", "remote", (host,)),
    )
    source = OpenAISource(
        url,
        model,
        api_key=config.api_key,
        connect_timeout=config.connect_timeout,
        idle_timeout=config.idle_timeout,
    )
    return StreamedEngine(info, source, LoopThread("remote-text"))


class OpenAISource:
    """Streams from one server. Missing features of the server (`/completions`, the fields beyond OpenAI's own) are
    remembered, so that each costs one refused request."""

    def __init__(
        self,
        url: str,
        model: str,
        *,
        api_key: str,
        connect_timeout: float,
        idle_timeout: float,
        chats: bool = True,
        family: Family | None = None,
    ) -> None:
        """`family`: of a server of ours, whose model is asked in its own way and always in its chat template."""
        self._url = url
        self._model = model
        self._key = api_key
        self._timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=connect_timeout, sock_read=idle_timeout
        )
        self._session: aiohttp.ClientSession | None = None
        self._chats = chats
        self._family = family
        self._completes = True
        self._plain = False

    async def stream(self, call: Call) -> AsyncGenerator[Arrival, None]:
        """See TokenSource."""
        try:
            shape, space = AnswerFilter(), False
            if self._family is not None:
                call = replace(call, request=story_prompts.calmed(self._family, call.request))
                prompt = story_prompts.prompt(self._family, call.request, call.written)
                shape = AnswerFilter(opens=prompt.opens, stops=prompt.stops, before=prompt.begun, tidy=True)
                space = bool(prompt.begun) and openai_api.ends_in_space(call)
            response, completing = await self._open(call)
            async with response, aclosing(self._read(response, call.request.params.alternatives)) as arrivals:
                space = space or (completing and openai_api.owes_space(call))
                async for arrival in arrivals:
                    if isinstance(arrival, Finish):
                        for token in shape.flush():
                            yield token
                        yield arrival
                        return
                    tokens, stopped = shape.push(openai_api.without_space(arrival) if space else arrival)
                    space = space and not arrival.text
                    for token in tokens:
                        yield token
                    if stopped:
                        yield Finish("end")
                        return
            raise StreamFailed("the model's server ended its answer early", code=ErrorCode.UNAVAILABLE)
        except (TimeoutError, aiohttp.ServerTimeoutError):
            raise StreamFailed(
                "the model's server does not answer in time", code=ErrorCode.UNAVAILABLE
            ) from None
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            raise StreamFailed(
                f"cannot reach the model's server: {_one_line(error)}", code=ErrorCode.UNAVAILABLE
            ) from None
        except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            raise StreamFailed(
                "the connection to the model's server was lost", code=ErrorCode.UNAVAILABLE
            ) from None
        except (aiohttp.ClientError, BadStream, ValueError) as error:
            raise StreamFailed(f"the model's server gives an invalid answer: {_one_line(error)}") from None
        except openai_api.ServerError as error:
            raise StreamFailed(
                f"the model's server failed: {self._redact(str(error)) or 'no reason given'}"
            ) from None

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _open(self, call: Call) -> tuple[aiohttp.ClientResponse, bool]:
        """The response that streams the answer, in the richest form that the server takes; whether it is a
        completion. A text that does not fit loses its beginning."""
        completing, plain = self._may_complete(call), self._plain
        for _ in range(_FORMS):
            response = await self._post(call, completing, plain=plain)
            if response.status == 200:
                self._plain = plain
                self._completes = self._completes and completing == self._may_complete(call)
                return response, completing
            async with response:
                body = await response.content.read(_ERROR_BODY)
                refusal = self._refusal(response, body)
            if completing and self._chats and response.status in _NO_SUCH_PATH:
                completing = False
            elif response.status in _REFUSED and (shorter := openai_api.shortened(call, body)):
                call = shorter
            elif response.status in _REFUSED and not plain:
                plain = True
            else:
                break
        raise refusal

    def _may_complete(self, call: Call) -> bool:
        """Whether the text itself is the prompt, which suits most large models best where nothing is instructed."""
        if self._family is not None:
            return False
        return not self._chats or (self._completes and openai_api.is_continuation(call.request))

    async def _post(self, call: Call, completing: bool, *, plain: bool) -> aiohttp.ClientResponse:
        path, body = self._body(call, completing, plain)
        headers = {"Accept": "text/event-stream"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout, connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE)
            )
        url = self._url + path
        try:
            return await self._session.post(url, json=body, headers=headers, allow_redirects=False)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            # The server ended a connection that was kept for later, in the moment in which we took it up again.
            return await self._session.post(url, json=body, headers=headers, allow_redirects=False)

    def _body(self, call: Call, completing: bool, plain: bool) -> tuple[str, dict[str, Any]]:
        if completing:
            return "/completions", openai_api.completion_body(call, self._model, plain=plain)
        if self._family is not None:
            prompt = story_prompts.prompt(self._family, call.request, call.written)
            return "/chat/completions", openai_api.prompted_body(call, self._model, prompt)
        return "/chat/completions", openai_api.chat_body(call, self._model, plain=plain)

    async def _read(
        self, response: aiohttp.ClientResponse, alternatives: int
    ) -> AsyncGenerator[Arrival, None]:
        if response.content_type != "text/event-stream":
            raise BadStream(f"{response.content_type} instead of a stream")
        parser = EventParser()
        async for chunk in response.content.iter_any():
            for payload in parser.feed(chunk):
                if payload == b"[DONE]":
                    return
                for arrival in openai_api.arrivals(payload, alternatives):
                    yield arrival

    def _refusal(self, response: aiohttp.ClientResponse, body: bytes) -> StreamFailed:
        """A typed error for an invalid answer."""
        said = self._redact(openai_api.error_text(body))
        because = f": {said}" if said else ""
        match response.status:
            case 401 | 403:
                message, code = "the model's server refuses the API key", ErrorCode.UNAVAILABLE
            case 404 | 405 | 501:
                message, code = (
                    f"the model's server does not serve {self._model}{because}",
                    ErrorCode.UNAVAILABLE,
                )
            case 429:
                wait = response.headers.get("Retry-After", "")
                hint = f" for {wait} s" if wait.isdigit() and len(wait) < 6 else ""
                message, code = f"the model's server asks us to wait{hint}", ErrorCode.RATE_LIMITED
            case 400 | 413 | 422:
                message, code = f"the model's server refuses the request{because}", ErrorCode.INVALID
            case status if status >= 500:
                message, code = f"the model's server failed ({status}){because}", ErrorCode.UNAVAILABLE
            case status:
                message, code = f"the model's server answers {status}", ErrorCode.ENGINE_FAILED
        return StreamFailed(message, code=code)

    def _redact(self, text: str) -> str:
        """Some servers repeat the key in their message."""
        return text.replace(self._key, "***") if self._key else text


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
