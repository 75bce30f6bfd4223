"""Returns free memory to the system. The C library (glibc) keeps memory that was once in use: after a large room or
a burst of large messages the process would stay as large as it was at its worst."""

from __future__ import annotations

import asyncio
import ctypes
import logging
from collections.abc import Callable
from typing import Any, Final

log = logging.getLogger(__name__)
_ARENA_MAX: Final = -8
_MMAP_THRESHOLD: Final = -3
_LARGE: Final = 256 * 1024
"""Bytes from which a block is mapped by itself, and unmapped as soon as it is free. Left to itself glibc raises this to
32 MB after the first such block, and then keeps them all."""
_ARENAS: Final = 2
"""Heaps that threads share: each keeps its own free memory."""
_EVERY: Final = 30.0


def _library() -> Any:
    """glibc, or None elsewhere."""
    try:
        library = ctypes.CDLL(None)
        return library if hasattr(library, "malloc_trim") else None
    except (OSError, TypeError):
        return None


def tune() -> bool:
    """At the start of the process; whether there was something to set."""
    library = _library()
    if library is None:
        return False
    return bool(library.mallopt(_MMAP_THRESHOLD, _LARGE)) and bool(library.mallopt(_ARENA_MAX, _ARENAS))


def trim() -> None:
    """Give free memory back; takes some milliseconds per 100 MB."""
    if (library := _library()) is not None:
        library.malloc_trim(0)


async def give_back(freed: Callable[[], int]) -> None:
    """Until cancelled: trim when something large was let go since the last time. `freed` counts that."""
    known = freed()
    while True:
        await asyncio.sleep(_EVERY)
        if (now := freed()) != known:
            known = now
            await asyncio.to_thread(trim)
