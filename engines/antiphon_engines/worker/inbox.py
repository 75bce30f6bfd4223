"""The worker's ear: a thread that turns the channel's bytes into commands for the loop."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import socket
import threading
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from antiphon_engines.api import Absent, Engine
from antiphon_engines.ipc.channel import ChannelError, Command, Shutdown, command_decoder

logger = logging.getLogger(__name__)
BOUND: Final = 1024
"""Commands that may wait for the loop; beyond it the socket is not read, and the gateway's own bound holds."""
PATIENCE: Final = 120.0
"""Seconds that a full inbox may stay full: a loop that takes nothing for so long will not come back."""
GRACE: Final = 4.0
"""Seconds that the loop has to leave after the channel's end or a Shutdown; below the host's own grace."""


@dataclass(frozen=True, slots=True)
class Joined:
    """An engine that was loaded beside the loop is ready to be stepped by it."""

    engine: Engine
    spec: str = ""
    """The model that `UseModel` named; empty for a model that the worker was started with."""


@dataclass(frozen=True, slots=True)
class Missing:
    """It could not be loaded."""

    absent: Absent
    spec: str = ""


@dataclass(frozen=True, slots=True)
class Retold:
    """An engine's account of itself may have changed: another backend runs it, a plan is further."""


@dataclass(frozen=True, slots=True)
class Written:
    """A picture's or preview's file is there."""


News: TypeAlias = Command | Joined | Missing | Retold | Written


class Inbox(Protocol):
    """Where the loop takes its commands from."""

    def drain(self, timeout: float | None) -> list[News]:
        """The messages that have come, in order. While nothing has, wait at most `timeout` seconds; None: until
        something comes."""
        ...


class SocketInbox:
    """Reads `channel` on a daemon thread.

    The channel's end, and garbage on it, become a Shutdown: a worker without its gateway has nobody to work for.
    When the loop does not leave in time (a stuck kernel, a load that takes minutes) the process is ended from here.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._queue: queue.Queue[News] = queue.Queue(BOUND)
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._read, name="inbox", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, news: Joined | Missing | Retold) -> None:
        """From another thread of this process."""
        self._queue.put(news)

    def wake(self) -> None:
        """A file has been written, says another thread of this process. It never waits: a loop whose inbox is full
        will look anyway."""
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(Written())

    def drain(self, timeout: float | None) -> list[News]:
        commands: list[News] = []
        try:
            commands.append(self._queue.get(block=timeout != 0, timeout=timeout))
            while True:
                commands.append(self._queue.get_nowait())
        except queue.Empty:
            return commands

    def left(self) -> None:
        """The loop has ended: nothing more is to be enforced."""
        self._left.set()

    def _read(self) -> None:
        decoder = command_decoder()
        try:
            while data := self._channel.recv(65536):
                for command in decoder.feed(data):
                    self._queue.put(command, timeout=PATIENCE)
                    if isinstance(command, Shutdown):
                        return self._insist()
            decoder.finish()
        except ChannelError as error:
            logger.error("the gateway's channel is broken: %s", error)
        except OSError as error:
            logger.error("the gateway's channel failed: %s", error)
        except queue.Full:
            logger.error("the loop took no command for %.0f s", PATIENCE)
            os._exit(1)
        self._queue.put(Shutdown())
        return self._insist()

    def _insist(self) -> None:
        if not self._left.wait(GRACE):
            logger.error("the loop did not end within %.0f s of being told", GRACE)
            os._exit(1)
