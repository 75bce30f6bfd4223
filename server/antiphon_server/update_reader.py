"""Reads large updates in a thread before their room is asked to take them: reading is Python, so that the event loop
has its turn every few milliseconds meanwhile. One at a time; each connection waits for its own."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from antiphon_server.seat import Seat
from antiphon_server.yupdate import MalformedUpdate, TooManyItems, UpdateInfo, inspect

LARGE: Final = 8 * 1024
"""Bytes from which it pays."""


class UpdateReader:
    """`max_items` as of rooms."""

    def __init__(self, max_items: int) -> None:
        self._max_items = max_items
        self._thread = ThreadPoolExecutor(1, "updates")

    async def read(self, seat: Seat, update: bytes) -> None:
        """What was found, or what is wrong with it, is the seat's (`Seat.read`) when this returns."""
        if len(update) >= LARGE:
            found = await asyncio.get_running_loop().run_in_executor(self._thread, self._read, update)
            seat.read = (update, found)

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown)

    def _read(self, update: bytes) -> UpdateInfo | TooManyItems | MalformedUpdate:
        try:
            return inspect(update, self._max_items)
        except (TooManyItems, MalformedUpdate) as error:
            return error
