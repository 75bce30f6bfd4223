"""The gateway's side of the watchdog (`supervisor`): the beats of its event loop, and which room is being served."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import faulthandler
import hashlib
import json
import logging
import mmap
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from antiphon_server.watchdog.supervisor import BEAT, ENVIRONMENT, GOODBYE, RECORD, WARN_SECONDS

log = logging.getLogger(__name__)
_DIE_WITH_PARENT: Final = 1  # PR_SET_PDEATHSIG
_LOOKED_AT: Final = 32 * 1024
"""Bytes at either end of an update that its fingerprint is made of."""


def fingerprint(update: bytes) -> str:
    """Tells one update from another; as cheap for a large one as for a small one."""
    data = update if len(update) <= 2 * _LOOKED_AT else update[:_LOOKED_AT] + update[-_LOOKED_AT:]
    return hashlib.sha256(len(update).to_bytes(8) + data).hexdigest()


class Beacon:
    """Publishes the room and message that are being served; without a supervisor it does nothing."""

    def __init__(self, record: bytearray | mmap.mmap | None = None) -> None:
        self._record = bytearray(RECORD) if record is None else record
        self._served = b""
        self._last: dict[str, str] = {}
        """Room -> fingerprint of the last update that came for it: a freeze may follow a little later."""

    @contextmanager
    def serving(self, room: str, what: str, update: bytes | None = None) -> Iterator[None]:
        """While something is done for a room, without an `await` in it."""
        if update is not None:
            if len(self._last) > 10_000:
                self._last.clear()
            self._last[room] = fingerprint(update)
        outer, self._served = (
            self._served,
            json.dumps({"room": room, "what": what, "update": self._last.get(room, "")}).encode()[
                : RECORD - 1
            ],
        )
        self._tell()
        try:
            yield
        finally:
            self._served = outer
            self._tell()

    def _tell(self) -> None:
        self._record[: len(self._served) + 1] = self._served + b"\0"


class Beats:
    """Made at the start of a process that may be supervised; `run` is a task of its event loop."""

    def __init__(self) -> None:
        self.beacon = Beacon()
        self._pipe = -1
        value = os.environ.pop(ENVIRONMENT, "")  # children of ours are not supervised
        if not value:
            return
        self._pipe, file = (int(part) for part in value.split(","))
        os.set_inheritable(self._pipe, False)
        os.set_inheritable(file, False)
        os.set_blocking(self._pipe, False)
        self.beacon = Beacon(mmap.mmap(file, RECORD))
        faulthandler.register(signal.SIGUSR2, all_threads=True)
        _die_with_parent()

    @property
    def supervised(self) -> bool:
        return self._pipe >= 0

    async def run(self, hello: Mapping[str, str | int], stop: asyncio.Event) -> None:
        """Send `hello` (`data_dir`, `log_format` and `port`, for the supervisor), then beat until cancelled;
        `stop` is set when the supervisor is gone."""
        line = json.dumps(hello).encode() + b"\n"
        try:
            await self._beat(line, stop)
        finally:
            with contextlib.suppress(OSError):
                os.write(self._pipe, GOODBYE + b"\n")

    async def _beat(self, line: bytes, stop: asyncio.Event) -> None:
        while True:
            try:
                os.write(self._pipe, line)
            except BlockingIOError:
                pass  # the supervisor is held up: it will find the beats that wait
            except OSError:
                log.error("the watchdog is gone; going down")
                stop.set()
                return
            line = b".\n"
            before = time.monotonic()
            await asyncio.sleep(BEAT)
            late = time.monotonic() - before - BEAT
            if late > WARN_SECONDS:
                log.warning("the event loop stood still for %.1f s", late)


def _die_with_parent() -> None:
    """A supervisor that is killed takes us with it at once, where the system can do that (Linux)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
