"""The worker's ear, on a real socket."""

from __future__ import annotations

import socket

from antiphon_engines.ipc.channel import Ping, Shutdown, encode
from antiphon_engines.worker.inbox import SocketInbox


def test_a_wait_ends_with_a_command_or_with_its_time() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        inbox = SocketInbox(theirs)
        inbox.start()
        try:
            assert inbox.drain(timeout=0.0) == []
            assert inbox.drain(timeout=0.001) == []
            ours.sendall(encode(Ping(1)) + encode(Ping(2)))
            taken = inbox.drain(timeout=None)
            while len(taken) < 2:
                taken += inbox.drain(timeout=None)
            assert taken == [Ping(1), Ping(2)]
            ours.sendall(encode(Shutdown()))
            assert inbox.drain(timeout=60.0) == [Shutdown()]
        finally:
            inbox.left()
