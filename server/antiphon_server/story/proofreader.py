"""Grammar and spelling of English, offline: Harper (`harper-py`), in a thread, which it leaves the interpreter to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

from antiphon_engines.api import EngineUnavailable, QueueFull
from antiphon_proto.errors import AntiphonError, ErrorCode, PeerError
from antiphon_server.spelling.english import findings, is_english

log = logging.getLogger(__name__)


class Correction(Struct, frozen=True):
    """[start, end) of the text, in code points, should be `replacement`."""

    start: int
    end: int
    replacement: str
    reason: str


Checked: TypeAlias = Callable[[Sequence[Correction] | AntiphonError], None]


class Proofreader(Protocol):
    """The interface of a checker. Callbacks never come during the call."""

    name: str

    def check(self, text: str, names: Collection[str], done: Checked) -> None:
        """Find the faults of `text`; `names` are words that are right."""
        ...


class NotEnglish(PeerError):
    """The checker knows English only."""


class HarperProofreader:
    """At most `bound` texts wait; one more is answered `queue_full`. The dictionary is read with the first one."""

    name = "harper"

    def __init__(self, bound: int = 32) -> None:
        self._bound = bound
        self._waiting = 0
        self._thread = ThreadPoolExecutor(1, "proofreader")
        self._linter: Any = None

    def check(self, text: str, names: Collection[str], done: Checked) -> None:
        loop = asyncio.get_running_loop()
        if self._waiting >= self._bound:
            loop.call_soon(done, QueueFull("too many texts wait for the proofreader; try again in a moment"))
            return
        self._waiting += 1
        future = loop.run_in_executor(self._thread, self._check, text, frozenset(names))
        future.add_done_callback(partial(self._done, done))

    async def close(self) -> None:
        """Finish the text that is read; the others are dropped."""
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)

    def _done(self, done: Checked, future: asyncio.Future[list[Correction]]) -> None:
        self._waiting -= 1
        if future.cancelled():
            return
        error = future.exception()
        if error is None:
            done(future.result())
        elif isinstance(error, AntiphonError):
            done(error)
        else:
            log.error("the proofreader failed", exc_info=error)
            done(AntiphonError("the proofreader failed on this text", code=ErrorCode.ENGINE_FAILED))

    # In the thread ------------------------------------------------------------------------------------

    def _check(self, text: str, names: Collection[str]) -> list[Correction]:
        if self._linter is None:
            try:
                import harper
            except ImportError:
                raise EngineUnavailable("the proofreader is not installed here (harper-py)") from None
            self._linter = harper.Linter()
        lints = self._linter.lint(text, dedup=False)  # a long sentence would hide the faults in it
        if not is_english(text, lints):
            raise NotEnglish("the proofreader knows English only")
        return corrections(text, lints, names)


def corrections(text: str, lints: Iterable[Any], names: Collection[str]) -> list[Correction]:
    """The checker's findings, each with its best remedy."""
    return [
        Correction(one.start, one.end, one.replacements[0], one.message)
        for one in findings(text, lints, names)
    ]
