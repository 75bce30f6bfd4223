"""One spawned worker process: its channel, its output, its end. Knows nothing of runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from typing import Final

from antiphon_engines.ipc.channel import ChannelError, Command, Report, Shutdown, encode, report_decoder

logger = logging.getLogger(__name__)
_TAIL: Final = 8192
_CHUNK: Final = 65536


def environment() -> dict[str, str]:
    """For a process that runs torch: its OpenMP threads sleep at barriers instead of spinning. On cores that are
    shared with anything else, spinning made a denoising step of 25 ms take 600 ms and more. numpy's BLAS gets one
    thread: the music model's vectors are too small to share out, and its threads spin too. A setting of the user's own
    wins."""
    return {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1", **os.environ}


class WorkerProcess:
    """Made by :func:`spawn`; the caller must `await stop()`."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._decoder = report_decoder()
        self._tail = b""
        self._killed_for = ""
        self._output_task = asyncio.create_task(self._keep_tail())

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def unsent(self) -> int:
        """Bytes of commands that the worker has not taken yet."""
        transport: asyncio.WriteTransport = self._writer.transport
        return transport.get_write_buffer_size()

    def send(self, *commands: Command) -> None:
        """Never blocks. Raises ChannelError for an oversized command; messages that a dead worker misses are not an
        error."""
        data = b"".join(encode(command) for command in commands)
        if not self._writer.is_closing():
            self._writer.write(data)

    async def receive(self) -> list[Report]:
        """The next reports; empty when the worker closed the channel. Raises ChannelError on garbage."""
        while True:
            try:
                data = await self._reader.read(_CHUNK)
            except ConnectionError:
                return []
            if not data:
                return []
            if reports := self._decoder.feed(data):
                return reports

    def kill(self, reason: str) -> None:
        """End it at once; `reason` completes "the engine worker ..." in its account."""
        if self._process.returncode is None:
            self._killed_for = self._killed_for or reason
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def stop(self, grace: float) -> None:
        """Ask it to leave, wait `grace` seconds, then kill; returns when it is gone and its output was read."""
        try:
            with contextlib.suppress(ChannelError):
                self.send(Shutdown())
            async with asyncio.timeout(grace):
                await self._process.wait()
        except TimeoutError:
            logger.warning("the engine worker %d did not leave in %.1f s: killed", self.pid, grace)
        finally:
            self.kill("did not leave when asked to")
            self._writer.close()
            await self._process.wait()
            await self._finish_output()

    def account(self) -> str:
        """How it ended, in one line for a person: the exit status, and the last line of its output."""
        code = self._process.returncode
        said = self._last_words()
        if self._killed_for:
            how, said = self._killed_for, ""
        elif code is None:
            how = "is still there"
        elif code < 0:
            how = f"was killed by {_signal_name(-code)}"
        else:
            how = f"ended with exit code {code}"
        return f"the engine worker {how}" + (f": {said}" if said else "")

    def _last_words(self) -> str:
        """Of its output: the interpreter's own message when a signal ended it, else the last line, which is where a
        traceback names its error."""
        lines = [line.strip() for line in self._tail.decode("utf-8", "replace").splitlines() if line.strip()]
        if (self._process.returncode or 0) < 0:
            lines = [line for line in lines if line.startswith("Fatal Python error")]
        return lines[-1][:300] if lines else ""

    async def _keep_tail(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None  # asked for in spawn
        while chunk := await stdout.read(4096):
            self._tail = (self._tail + chunk)[-_TAIL:]
            logger.debug("worker %d: %s", self.pid, chunk.decode("utf-8", "replace").rstrip())

    async def _finish_output(self) -> None:
        # A grandchild may keep the pipe open: the tail is not worth waiting for.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self._output_task


async def spawn(factory: str) -> WorkerProcess:
    """Start `python -m antiphon_engines.worker`. Raises OSError when no process can be made.

    The channel is one end of a socket pair that only the two processes hold, so its end is seen when either dies. The
    worker's output goes to a pipe of its own, apart from the channel."""
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",  # a torch.py in the working directory must not shadow the real one
                *("-X", "faulthandler"),
                *("-m", "antiphon_engines.worker"),
                *("--channel", str(theirs.fileno())),
                *("--factory", factory),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                pass_fds=(theirs.fileno(),),
                env=environment(),
                start_new_session=True,  # Ctrl-C in a terminal is the gateway's to handle
            )
        reader, writer = await asyncio.open_unix_connection(sock=ours)
    except BaseException:
        ours.close()
        raise
    return WorkerProcess(process, reader, writer)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
