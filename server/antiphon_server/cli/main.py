"""The `antiphon` command. Importing it is cheap: the imports of a command come when it runs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from antiphon_proto.errors import AntiphonError
from antiphon_server.cli import (
    assets,
    backup,
    bench,
    doctor,
    engines,
    evaluate,
    join,
    log,
    mcp,
    models,
    rooms,
    trace,
    trust,
)

if TYPE_CHECKING:
    from antiphon_server.app import Serving
    from antiphon_server.config import Settings
    from antiphon_server.watchdog.beacon import Beats

_ONE_SIGNAL = 1.0
"""Seconds in which two signals are one: systemd signals every process of a service, and the watchdog passes it on."""

app = typer.Typer(
    name="antiphon",
    help="A real-time server for co-creation between people and generative models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(models.app, name="models")
app.add_typer(engines.app, name="engines")
app.add_typer(assets.app, name="assets")
app.add_typer(evaluate.app, name="eval")
app.add_typer(rooms.app, name="rooms")
app.add_typer(log.app, name="log")
app.add_typer(trust.app, name="trust")
app.command()(doctor.doctor)
app.command()(backup.backup)
app.command()(backup.restore)
app.command()(bench.bench)
app.command()(join.join)
app.command()(mcp.mcp)
app.command()(trace.trace)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (default: 127.0.0.1)")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one (default: 8080)")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the rooms and the signing key")] = None,
    cache_dir: Annotated[Path | None, typer.Option(help="Folder of prepared models")] = None,
    text_model: Annotated[
        str | None,
        typer.Option(
            help="auto (default: the best that fits this machine), a name of `models list`, a GGUF file, a model "
            "folder, or http://host/v1#model"
        ),
    ] = None,
    image_model: Annotated[
        str | None,
        typer.Option(help="embedded, a diffusers folder, a hub id such as stabilityai/sd-turbo, or none"),
    ] = None,
    music_model: Annotated[
        str | None,
        typer.Option(help="The band: embedded, a MusicGen folder or hub id, magenta-rt, or none"),
    ] = None,
    speech_model: Annotated[
        str | None,
        typer.Option(
            help="Voices of films: auto (those that are prepared), kokoro-82m, espeak-ng, http://host/v1#model, or none"
        ),
    ] = None,
    log_format: Annotated[
        Literal["text", "json"] | None, typer.Option(help="Log lines for people or machines")
    ] = None,
    log_level: Annotated[Literal["debug", "info", "warning", "error"] | None, typer.Option()] = None,
    config: Annotated[
        Path | None, typer.Option(help="Settings file (TOML); every setting can stand there")
    ] = None,
    watchdog: Annotated[
        float,
        typer.Option(
            min=0,
            envvar="ANTIPHON_WATCHDOG",
            help="Start the gateway again when it stands still for so many seconds; 0: no watchdog",
        ),
    ] = 10.0,
    open_room: Annotated[
        bool, typer.Option("--open-room", help="Make a room and print its owner's link")
    ] = False,
) -> None:
    """Serve rooms until SIGTERM or Ctrl-C, then drain. Settings also come from ANTIPHON_* variables."""
    from antiphon_server.watchdog.supervisor import ENVIRONMENT

    if watchdog and sys.platform != "win32" and ENVIRONMENT not in os.environ:
        command = [
            sys.executable,
            "-P",
            "-m",
            "antiphon_server.watchdog.supervisor",
            str(watchdog),
            *sys.argv[1:],
        ]
        os.execv(command[0], command)  # this process becomes the watchdog
    from antiphon_server import logs, process_memory
    from antiphon_server.config import load
    from antiphon_server.watchdog.beacon import Beats

    settings = load(
        config,
        {
            "host": host,
            "port": port,
            "data_dir": data_dir,
            "cache_dir": cache_dir,
            "text_model": text_model,
            "image_model": image_model,
            "music_model": music_model,
            "speech_model": speech_model,
            "log_format": log_format,
            "log_level": log_level,
        },
    )
    process_memory.tune()
    logs.configure(settings.log_format, settings.log_level)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings, open_room, Beats()))


async def _serve(settings: Settings, open_room: bool, beats: Beats) -> None:
    from antiphon_server import app as server
    from antiphon_server.garbage import Collector

    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    first = 0.0

    def asked() -> None:
        nonlocal first
        if not stop.is_set():
            first = loop.time()
            stop.set()
        elif not beats.supervised or loop.time() - first > _ONE_SIGNAL:
            os._exit(130)  # a second signal: somebody does not want to wait

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)

    def ready(serving: Serving) -> None:
        print(ready_line(serving.url, serving.room, serving.link, settings.log_format), flush=True)

    collecting = asyncio.create_task(Collector().run(), name="garbage")
    try:
        await server.serve(settings, stop, ready, open_room=open_room, beats=beats)
    finally:
        collecting.cancel()


def ready_line(url: str, room: str, link: str, style: str) -> str:
    """The output of `serve` when it is ready."""
    if style == "json":
        made = {"room": room, "link": link} if room else {}
        return json.dumps({"event": "ready", "url": url, **made})
    return f"Antiphon is ready at {url}" + (f"\nA fresh room to write in: {link}" if room else "")


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it exists; it does not on Windows."""
    if sys.platform == "win32":
        return None
    import uvloop

    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def main() -> None:
    """The console script: an expected error is one line on stderr and exit status 1."""
    try:
        app()
    except AntiphonError as error:
        print(f"antiphon: {error.message}", file=sys.stderr)
        sys.exit(1)
