"""Reads large updates in a thread before their room is asked to take them, and cuts them into parts: that is Python, so
that the event loop has its turn every few milliseconds meanwhile. One at a time; each connection waits for its own."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from msgspec.structs import replace

from antiphon_server.core.seat import ReadUpdate, Seat
from antiphon_server.document.document import Document
from antiphon_server.document.updates.overlap import Overlap, differing
from antiphon_server.document.updates.parser import MalformedUpdate, TooManyItems, UpdateInfo, inspect
from antiphon_server.document.updates.parts import parts

LARGE: Final = 8 * 1024
"""Bytes from which it pays."""


class UpdateReader:
    """`max_items` as of rooms."""

    def __init__(self, max_items: int) -> None:
        self._max_items = max_items
        self._thread = ThreadPoolExecutor(1, "updates")

    async def read(self, seat: Seat, update: bytes, document: Document) -> None:
        """The result, or the error, is in `Seat.read` when this returns."""
        if len(update) < LARGE:
            return
        loop = asyncio.get_running_loop()
        found: ReadUpdate = await loop.run_in_executor(self._thread, self._read, update)
        if isinstance(found.found, UpdateInfo) and (again := document.repeated(found.found)):
            known = {client: document.clocks[client] for client in again}
            stored = document.known_from(again)
            foreign = await loop.run_in_executor(self._thread, differing, update, stored, again)
            found = replace(found, overlap=Overlap(known, foreign))
        seat.read = found

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown)

    def _read(self, update: bytes) -> ReadUpdate:
        try:
            info = inspect(update, self._max_items)
        except (TooManyItems, MalformedUpdate) as error:
            return ReadUpdate(update, error)
        try:
            return ReadUpdate(update, info, parts(update, info))
        except ValueError as error:
            return ReadUpdate(update, MalformedUpdate(str(error)))
