"""The worker process: `python -m antiphon_engines.worker --channel FD`. Started by `process.spawn` only.

Standard output and error go to the gateway's log; the channel is a socket of its own, which nothing that prints can
reach. Exit codes: 0 told to leave, 1 the channel broke, 3 the engine cannot be built, 4 the engine keeps failing.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import cast

from antiphon_engines.api import LOADING, Absent, Engines, EngineUnavailable, Modality
from antiphon_engines.config import WorkerConfig
from antiphon_engines.ipc.channel import Configure, Fatal, Progress, Ready, Report, encode
from antiphon_engines.scheduling.scheduler import Scheduler
from antiphon_engines.worker.encoders import Encoders, threads
from antiphon_engines.worker.inbox import SocketInbox
from antiphon_engines.worker.loader import Loader
from antiphon_engines.worker.loop import EngineBroken, WorkerLoop

logger = logging.getLogger(__name__)
Factory = Callable[[WorkerConfig], Engines]


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve one gateway until it says or goes; returns the exit code."""
    parser = argparse.ArgumentParser(prog="antiphon_engines.worker", description="An engine worker process.")
    parser.add_argument("--channel", type=int, required=True, help="inherited file descriptor of the socket")
    parser.add_argument("--factory", required=True, help="module:function that builds the engines")
    options = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # Ctrl-C is the gateway's: it drains first and then tells us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=options.channel) as channel:
        inbox = SocketInbox(channel)
        inbox.start()
        try:
            return _serve(channel, inbox, options.factory)
        except OSError as error:
            logger.error("the gateway is gone: %s", error)
            return 1
        finally:
            inbox.left()


def _serve(channel: socket.socket, inbox: SocketInbox, factory: str) -> int:
    def send(reports: Sequence[Report]) -> None:
        channel.sendall(b"".join(encode(report) for report in reports))

    first, *early = inbox.drain(timeout=None)
    if not isinstance(first, Configure):
        return 1
    if early:
        return 0  # the only thing said before Ready is Shutdown
    send([Progress(f"loading {first.config.text_model}")])
    try:
        engines = _factory(factory)(first.config)
    except EngineUnavailable as error:
        send([Fatal(error.message, final=True)])
        return 3
    # Objects of the loading live as long as the process: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    absent = (
        *engines.absent,
        *(Absent(each.modality, each.name, LOADING, loading=True) for each in engines.later),
    )
    by_kind = {engine.kind: engine for engine in engines.ready}
    loader = Loader(inbox, engines.other)
    for engine in engines.ready:
        loader.follow(engine)
    config = first.config
    models: dict[Modality, str] = {
        "text": config.text_model,
        "image": config.image_model,
        "audio": config.music_model,
        "speech": config.speech_model,
    }
    infos = {kind: engine.info for kind, engine in by_kind.items()}
    scheduler = Scheduler(infos, first.queue, policy=first.config.scheduling)
    encoders = Encoders(threads(os.cpu_count() or 1), inbox.wake)
    loop = WorkerLoop(
        by_kind,
        scheduler,
        inbox,
        send,
        time.monotonic,
        absent,
        models,
        loader.load,
        encoder=encoders,
        beside=engines.beside,
    )
    try:
        send([Ready(tuple(engine.info for engine in engines.ready), absent)])
        loader.start(engines.later)
        loop.run()
    except EngineBroken as error:
        send([Fatal(error.message, final=False)])
        return 4
    finally:
        for succession in loop.engines.values():
            succession.close()
        encoders.close()
    return 0


def _factory(name: str) -> Factory:
    """The callable that "module:function" names."""
    module, _, attribute = name.partition(":")
    return cast(Factory, getattr(importlib.import_module(module), attribute))


if __name__ == "__main__":
    sys.exit(main())
