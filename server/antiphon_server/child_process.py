"""One short-lived process of ours: bytes in, bytes out, gone by then. For work that may not run in the gateway: parsers
of strangers' files, and long computation."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import Final, NamedTuple

_NICE: Final = 5
"""Who types and plays comes first: two conversions would else take both of two cores."""


class Ended(NamedTuple):
    """The exit status and the output of a child process."""

    status: int
    out: bytes
    err: bytes


async def run_child(arguments: tuple[str, ...], data: bytes, seconds: float) -> Ended:
    """Run this Python with `arguments`, `data` on its standard input. Raises TimeoutError after `seconds` by the clock.
    In every case the process has ended when this returns."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # a module in the working directory must not shadow ours
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    with contextlib.suppress(OSError):  # it may have ended
        os.setpriority(os.PRIO_PROCESS, process.pid, os.getpriority(os.PRIO_PROCESS, 0) + _NICE)
    try:
        async with asyncio.timeout(seconds):
            out, err = await process.communicate(data)
    finally:
        if process.returncode is None:
            process.kill()
            # Reads the rest, so that the transport ends with the process.
            await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out, err)
