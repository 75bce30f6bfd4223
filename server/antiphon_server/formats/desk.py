"""Runs conversions for the gateway: each in a process of its own, a few at a time, with bounds on all of them."""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon_proto.errors import AntiphonError, ErrorCode, PeerError, RateLimited, TooLarge
from antiphon_server.child_process import run_child
from antiphon_server.fair_queue import FairQueue
from antiphon_server.formats.jobs import Answer, Found, Job, PackedWrite, Refused, Unavailable, Written

_WAITING: Final = 8
"""Conversions that may wait for a place, half of them of one address; beyond it they are refused at once."""


class ConverterMissing(AntiphonError):
    """This server lacks the library for a format."""

    code = ErrorCode.UNAVAILABLE


class Converter:
    """`at_once` processes at a time, each with `seconds` by the clock."""

    def __init__(self, at_once: int = 2, seconds: float = 60.0) -> None:
        self._queue = FairQueue(
            at_once, _WAITING, RateLimited("too many conversions at once; try again in a moment")
        )
        self._seconds = seconds

    async def run(self, job: Job | PackedWrite, address: str = "") -> Found | Written:
        """Do a job for an address. Raises PeerError for a bad file, TooLarge, RateLimited, and ConverterMissing."""
        async with self._queue.place(address):
            answer = await self._converted(job)
        match answer:
            case Refused(code, message):
                raise TooLarge(message) if code == ErrorCode.TOO_LARGE else PeerError(message)
            case Unavailable(message):
                raise ConverterMissing(message)
        return answer

    async def _converted(self, job: Job | PackedWrite) -> Answer:
        job_bytes = msgspec.msgpack.encode(job)
        try:
            ended = await run_child(("-m", "antiphon_server.formats"), job_bytes, self._seconds)
        except TimeoutError:
            raise PeerError(f"the conversion took more than {self._seconds:g} seconds") from None
        if ended.status != 0:
            raise PeerError("the file could not be converted within the bounds of this server")
        answer: Answer = msgspec.msgpack.decode(ended.out, type=Answer)
        return answer
