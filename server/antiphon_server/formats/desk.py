"""Runs conversions for the gateway: each in a process of its own, a few at a time, with bounds on all of them."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from antiphon_proto.errors import AntiphonError, ErrorCode, PeerError, RateLimited, TooLarge
from antiphon_server.child import run_child
from antiphon_server.formats.jobs import Answer, Found, Job, Refused, Unavailable, Written

_WAITING: Final = 8
"""Conversions that may wait for a place; beyond it they are refused at once."""


class ConverterMissing(AntiphonError):
    """This server lacks the library for a format."""

    code = ErrorCode.UNAVAILABLE


class Converter:
    """`at_once` processes at a time, each with `seconds` by the clock."""

    def __init__(self, at_once: int = 2, seconds: float = 60.0) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._seconds = seconds
        self._waiting = 0

    async def run(self, job: Job) -> Found | Written:
        """Raises PeerError for a bad file, TooLarge, RateLimited, and ConverterMissing."""
        if self._waiting >= _WAITING:
            raise RateLimited("too many conversions at once; try again in a moment")
        self._waiting += 1
        try:
            async with self._places:
                answer = await self._converted(job)
        finally:
            self._waiting -= 1
        match answer:
            case Refused(code, message):
                raise TooLarge(message) if code == ErrorCode.TOO_LARGE else PeerError(message)
            case Unavailable(message):
                raise ConverterMissing(message)
        return answer

    async def _converted(self, job: Job) -> Answer:
        job_bytes = msgspec.msgpack.encode(job)
        try:
            ended = await run_child(("-m", "antiphon_server.formats"), job_bytes, self._seconds)
        except TimeoutError:
            raise PeerError(f"the conversion took more than {self._seconds:g} seconds") from None
        if ended.status != 0:
            raise PeerError("the file could not be converted within the bounds of this server")
        answer: Answer = msgspec.msgpack.decode(ended.out, type=Answer)
        return answer
