"""Grammar and spelling of English, offline: Harper (`harper-py`), in a thread, which it leaves the interpreter to."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

from antiphon_engines.api import EngineUnavailable, QueueFull
from antiphon_proto.errors import AntiphonError, ErrorCode, PeerError

log = logging.getLogger(__name__)

_REASON = 200
"""Characters of a reason."""
_FEWEST = 8
"""Words of a text below which its language cannot be told by them."""
_FOREIGN = 0.4
"""Share of unknown words from which a text is in another language."""
_WORD = re.compile(r"\w[\w'’-]*")
_SENTENCE_END = re.compile(r"(^|[.!?…:\n][\"'”’)\]]*\s*[\"'“‘(\[]*|[\"“‘(\[])$")


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
        lints = self._linter.lint(text)
        if not _is_english(text, lints):
            raise NotEnglish("the proofreader knows English only")
        return corrections(text, lints, names)


def _is_english(text: str, lints: Sequence[Any]) -> bool:
    """By its letters, and by how many of its words the dictionary knows."""
    letters = [character for character in text if character.isalpha()]
    if 2 * sum(character < "\u0250" for character in letters) < len(letters):
        return False
    words = len(_WORD.findall(text))
    unknown = sum(lint.lint_kind == "Spelling" for lint in lints)
    return words < _FEWEST or unknown <= _FOREIGN * words


def corrections(text: str, lints: Iterable[Any], names: Collection[str]) -> list[Correction]:
    """The checker's findings that have a remedy, each place once, without names taken for misspelt words."""
    known = {name.casefold() for name in names} | _capitalised(text)
    found: list[Correction] = []
    for lint in sorted(lints, key=lambda lint: (lint.span.start, lint.lint_kind == "Spelling")):
        start, end = lint.span.start, lint.span.end
        if not lint.suggestions or (found and start < found[-1].end):
            continue
        wrong = text[start:end]
        if lint.lint_kind == "Spelling" and wrong.casefold() in known:
            continue
        remedy = lint.suggestions[0]
        kind = remedy.kind.name
        replacement = {"REMOVE": "", "INSERT_AFTER": wrong + remedy.replacement_text}.get(
            kind, remedy.replacement_text
        )
        if replacement != wrong:
            found.append(Correction(start, end, replacement, " ".join(lint.message.split())[:_REASON]))
    return found


def _capitalised(text: str) -> set[str]:
    """Words that stand capitalised where no sentence begins: names."""
    return {
        word.group().casefold()
        for word in _WORD.finditer(text)
        if word.group()[0].isupper()
        and not _SENTENCE_END.search(text[max(0, word.start() - 8) : word.start()])
    }
