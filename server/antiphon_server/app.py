"""The composition root: makes the parts, joins them, runs them until told to stop, and takes them down in order."""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeAlias

from aiohttp import web
from msgspec import Struct

from antiphon_engines.audio import spec as music_spec
from antiphon_engines.automatic import AUTO
from antiphon_engines.config import WorkerConfig
from antiphon_engines.host.host import EngineHost, HostState
from antiphon_engines.image import spec as image_spec
from antiphon_engines.settings import HostSettings
from antiphon_engines.speech import spec as speech_spec
from antiphon_engines.text import spec as text_spec
from antiphon_proto.errors import AntiphonError, ErrorCode
from antiphon_server.assets.collector import Collector
from antiphon_server.assets.file_store import AssetFiles
from antiphon_server.assets.loader import StoredAssetLoader
from antiphon_server.assets.picture_reader import Pictures
from antiphon_server.assets.store import AssetStore
from antiphon_server.clock import SystemClock
from antiphon_server.config import Settings
from antiphon_server.core.join_tokens import Tokens, fingerprint, load_key
from antiphon_server.core.seat import Grant
from antiphon_server.gateway import GATEWAY, Engine, Gateway
from antiphon_server.http import asset_tools, openapi
from antiphon_server.http import assets as asset_http
from antiphon_server.http import engines as engines_http
from antiphon_server.http import history as history_http
from antiphon_server.http import ledger as ledger_http
from antiphon_server.http import links as links_http
from antiphon_server.http import manuscripts as export_http
from antiphon_server.http import rooms as room_http
from antiphon_server.http import search as search_http
from antiphon_server.http import spelling as spelling_http
from antiphon_server.http import trace as trace_http
from antiphon_server.http.client_files import DICTIONARIES, ClientFiles
from antiphon_server.http.film import exports as film_exports_http
from antiphon_server.http.film import script as film_http
from antiphon_server.http.guard import guard
from antiphon_server.http.jam import files as jam_files_http
from antiphon_server.http.jam import log as jam_log_http
from antiphon_server.http.responses import errors, secure
from antiphon_server.logs import Malformed
from antiphon_server.metrics import Metrics
from antiphon_server.model_switcher import ModelSwitcher
from antiphon_server.net.sockets import Sockets
from antiphon_server.process_memory import give_back
from antiphon_server.rooms.hub import Hub
from antiphon_server.rooms.replay import Archive
from antiphon_server.store.api import RoomStore
from antiphon_server.store.marked import MarkedStore
from antiphon_server.store.marks import Marks
from antiphon_server.store.metered import MeteredStore
from antiphon_server.store.sqlite import SqliteStore
from antiphon_server.story.proofreader import HarperProofreader
from antiphon_server.trust.notes import Signer
from antiphon_server.watchdog.beacon import Beats
from antiphon_server.watchdog.suspects import FILE as SUSPECTS
from antiphon_server.watchdog.suspects import Suspects
from antiphon_server.websocket import routes as ws
from antiphon_server.work.line_reading import PooledLineReader
from antiphon_server.work.pool import WorkPool
from antiphon_server.work.room_search import RoomSearch
from antiphon_server.work.story_reading import PooledStoryReader
from antiphon_server.work.style_reading import PooledStyleReader
from antiphon_server.work.text_checker import TextChecker

log = logging.getLogger(__name__)
_HTTP_LOG = logging.getLogger(f"{__name__}.http")
_HTTP_LOG.addFilter(Malformed())

OnState: TypeAlias = Callable[[HostState], None]
MakeEngine: TypeAlias = Callable[[WorkerConfig, OnState], Engine]

_MAX_BODY = 64 * 1024
"""Bytes of an HTTP request's body; nothing in `/api` needs more."""


class CannotStart(AntiphonError):
    """The port or the data folder cannot be had; the message is one clear line."""

    code = ErrorCode.UNAVAILABLE


class Serving(Struct, frozen=True):
    """The addresses of a ready server. `room` and `link` (its owner's) when a room was requested."""

    url: str
    gateway: Gateway
    room: str = ""
    link: str = ""


async def serve(
    settings: Settings,
    stop: asyncio.Event,
    on_ready: Callable[[Serving], None],
    *,
    make_engine: MakeEngine | None = None,
    open_room: bool = False,
    beats: Beats | None = None,
) -> None:
    """Run a server until `stop` is set, then drain it.

    `on_ready` is called once: the store is open, the port is bound and the engine is ready. Raises the AntiphonError
    that keeps the server from starting.
    """
    try:
        async with AsyncExitStack() as stack:
            engine = make_engine or _engine_host(settings)
            await _run(settings, stop, on_ready, engine, open_room, beats or Beats(), stack)
    except BaseExceptionGroup as group:
        known = group.subgroup(AntiphonError)
        raise _first(known or group) from None


async def _run(
    settings: Settings,
    stop: asyncio.Event,
    on_ready: Callable[[Serving], None],
    make_engine: MakeEngine,
    open_room: bool,
    beats: Beats,
    stack: AsyncExitStack,
) -> None:
    def heard(state: HostState) -> None:
        # A start that failed is told by the exception that ends the server.
        level = logging.DEBUG if state.status in ("failed", "stopped") and not state.engines else logging.INFO
        done = "" if state.progress is None else f" ({state.progress:.0%})"
        log.log(level, "engine worker %s", f"{state.status}: {state.message}{done}".removesuffix(": "))
        hub.announce_models(model_desk.infos())

    # A wrong name is found before anything is opened.
    improves = settings.text_model == AUTO
    settings = settings.resolved()
    text_spec.describe(settings.text_model)
    image_spec.describe(settings.image_model)
    music_spec.describe(settings.music_model)
    speech_spec.describe(settings.speech_model)
    _make_folder(settings.data_dir)
    metrics = Metrics()
    marks = Marks(settings.data_dir / "rooms.marks")
    await marks.open()
    stack.push_async_callback(marks.close)
    signer = Signer.load(settings.data_dir)
    tokens = Tokens(_signing_key(settings.data_dir, marks), lifetime=settings.limits.token_days * 86_400)
    rooms = SqliteStore(
        settings.data_dir / "rooms.sqlite",
        max_pending=settings.limits.store_bytes,
        max_runs=2
        * settings.limits.max_kept_runs,  # open suggestions among them do not count towards the bound
    )
    store = MeteredStore(MarkedStore(rooms, marks, SystemClock().unix_ms), metrics.durable)
    await store.open()
    stack.push_async_callback(store.close)
    assets = AssetFiles(settings.data_dir / "assets", settings.asset_bounds())
    stack.push_async_callback(assets.close)
    asset_desk = StoredAssetLoader(assets)
    stack.push_async_callback(asset_desk.close)
    pictures = Pictures(settings.picture_limits())
    stack.push_async_callback(pictures.close)
    engine = make_engine(settings.worker_config(), heard)
    stack.push_async_callback(engine.close)
    model_desk = ModelSwitcher(settings, engine, lambda: hub.announce_models(model_desk.infos()))
    stack.push_async_callback(model_desk.close)
    proofreader = HarperProofreader()
    stack.push_async_callback(proofreader.close)
    pool = WorkPool(settings.limits.work_processes, settings.limits.work_queue, settings.limits.work_seconds)
    stack.push_async_callback(pool.close)
    # A pool of its own: nobody's export may hold up the underlines while people type.
    spelling = WorkPool(1, settings.limits.check_queue, settings.limits.check_seconds)
    stack.push_async_callback(spelling.close)
    # And nobody's export may hold up who joins.
    documents = WorkPool(1, settings.limits.work_queue, settings.limits.work_seconds)
    stack.push_async_callback(documents.close)
    # Kept for long: it holds the indexes of the rooms that were searched.
    searching = WorkPool(1, settings.limits.search_queue, settings.limits.search_seconds, idle=1800.0)
    stack.push_async_callback(searching.close)
    search = RoomSearch(searching, settings.cache_dir.expanduser())
    stack.push_async_callback(search.close)
    style = PooledStyleReader(pool)
    stack.push_async_callback(style.close)
    codex = PooledStoryReader(pool)
    stack.push_async_callback(codex.close)
    lines = PooledLineReader(pool)
    stack.push_async_callback(lines.close)
    hub = Hub(
        store,
        engine,
        mint=tokens.link,
        models=model_desk.infos,
        use_model=model_desk.ask,
        limits=settings.room_limits(),
        max_rooms=settings.limits.max_rooms,
        max_rooms_per_address=settings.limits.max_rooms_per_address,
        loads_per_minute=settings.limits.loads_per_minute,
        load_burst=settings.limits.load_burst,
        assets=asset_desk,
        proofreader=proofreader,
        style=style,
        codex=codex,
        beacon=beats.beacon,
        suspects=Suspects(settings.data_dir / SUSPECTS, time.time),
        on_tick=metrics.tick.observe,
        signer=signer,
        documents=documents,
        lines=lines,
    )
    archive = Archive(store, settings.room_limits(), pool)
    gateway = Gateway(
        settings,
        tokens,
        store,
        assets,
        pictures,
        engine,
        model_desk,
        hub,
        archive,
        metrics,
        pool,
        TextChecker(spelling, DICTIONARIES),
        search,
    )
    stack.push_async_callback(gateway.film_exports.close)
    stack.push_async_callback(gateway.jam_exports.close)
    stack.push_async_callback(gateway.jam_texts.close)
    stack.push_async_callback(gateway.reader.close)
    runner = _runner(application(gateway), settings)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    if settings.metrics_port is not None:
        await _serve_metrics(gateway, stack)
    listening = await _listen(runner, gateway.sockets, settings.host, settings.port)
    stack.callback(listening.close)
    url = settings.public_url or _address(listening, settings.host)

    async def announce() -> None:
        await engine.wait_ready()
        if improves:
            model_desk.improve()
        on_ready(await _room(url, gateway) if open_room else Serving(url, gateway))

    async with asyncio.TaskGroup() as tasks:
        ticking = tasks.create_task(hub.run(), name="hub")
        hello = {
            "data_dir": str(settings.data_dir.absolute()),
            "log_format": settings.log_format,
            "port": listening.sockets[0].getsockname()[1],
        }
        beating = tasks.create_task(beats.run(hello, stop), name="beats") if beats.supervised else None
        watching = tasks.create_task(gateway.sockets.run(), name="sockets")
        freeing = tasks.create_task(
            give_back(lambda: hub.unloaded + gateway.unfinished.dropped), name="memory"
        )
        collecting = tasks.create_task(_collect(settings, store, assets, hub), name="assets-collect")
        await engine.start()
        announcing = tasks.create_task(announce(), name="announce")
        await stop.wait()
        announcing.cancel()
        collecting.cancel()
        watching.cancel()
        log.info("draining")
        listening.close()
        await hub.drain()
        await gateway.connections.drain(settings.drain_timeout)
        ticking.cancel()
        freeing.cancel()
        if beating is not None:
            beating.cancel()


async def _collect(settings: Settings, store: RoomStore, assets: AssetStore, hub: Hub) -> None:
    if hours := settings.limits.asset_collect_hours:
        collector = Collector(store, assets, grace=settings.asset_grace(), live=hub.updates)
        await collector.run(hours * 3600)


def application(gateway: Gateway) -> web.Application:
    """Every route of the one port."""
    app = web.Application(middlewares=[errors, guard], client_max_size=_MAX_BODY)
    app[GATEWAY] = gateway
    app.on_response_prepare.append(secure)
    app.add_routes(
        (
            *ws.ROUTES,
            *room_http.ROUTES,
            *spelling_http.ROUTES,
            *search_http.ROUTES,
            *asset_http.ROUTES,
            *jam_log_http.ROUTES,
            *jam_files_http.ROUTES,
            *film_http.ROUTES,
            *film_exports_http.ROUTES,
            *asset_tools.ROUTES,
            *export_http.ROUTES,
            *trace_http.ROUTES,
            *engines_http.ROUTES,
            *history_http.ROUTES,
            *links_http.ROUTES,
            *ledger_http.ROUTES,
            *openapi.ROUTES,
            *ClientFiles().routes(),
        )
    )
    return app


def _runner(app: web.Application, settings: Settings) -> web.AppRunner:
    """`keepalive_timeout` is also how long a connection may take until its (next) headers are complete. Bodies are not
    decompressed: nothing here needs it."""
    return web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=1.0,
        keepalive_timeout=settings.limits.idle_timeout,
        auto_decompress=False,
        logger=_HTTP_LOG,
    )


async def _serve_metrics(gateway: Gateway, stack: AsyncExitStack) -> None:
    settings = gateway.settings
    assert settings.metrics_port is not None
    app = web.Application(middlewares=[errors, guard])
    app[GATEWAY] = gateway
    app.on_response_prepare.append(secure)
    app.router.add_get("/metrics", room_http.open_metrics)
    runner = _runner(app, settings)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    listening = await _listen(runner, gateway.sockets, settings.metrics_host, settings.metrics_port)
    stack.callback(listening.close)
    log.info("metrics at %s/metrics", _address(listening, settings.metrics_host))


def _engine_host(settings: Settings) -> MakeEngine:
    def make(config: WorkerConfig, on_state: OnState) -> Engine:
        return EngineHost(
            config,
            on_state=on_state,
            settings=HostSettings(queue_per_share=settings.limits.max_runs_per_member),
        )

    return make


async def _room(url: str, gateway: Gateway) -> Serving:
    record = await gateway.hub.create()
    link = url + gateway.tokens.link(Grant(record.id, "owner", record.links["owner"]))
    return Serving(url, gateway, record.id, link)


def _signing_key(folder: Path, marks: Marks) -> bytes:
    """The key that signs tokens; another one than before is told, since nobody's links open anything with it."""
    path = folder / "join.key"
    made = not path.exists()
    key = load_key(path)
    replaced = marks.note_key(fingerprint(key))
    if replaced or (made and (folder / "rooms.sqlite").exists()):
        log.error(
            "the signing key %s %s: every invite link and every visitor's access of before has ended. Put the old file "
            "back, or give owners new links: antiphon rooms link ROOM",
            path,
            "was missing, and a new one was made" if made else "is another one than before",
        )
    return key


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(f"cannot use the data folder {path}: {error.strerror or error}") from None


async def _listen(runner: web.AppRunner, sockets: Sockets, host: str, port: int) -> asyncio.Server:
    server = runner.server
    assert server is not None
    try:
        return await asyncio.get_running_loop().create_server(
            lambda: sockets.protocol(server()), host, port, backlog=1024
        )
    except OSError as error:
        place = f"port {port} of {host}"
        if error.errno == errno.EADDRINUSE:
            raise CannotStart(f"{place} is in use; choose another with --port") from None
        raise CannotStart(f"cannot listen on {place}: {error.strerror or error}") from None


def _address(server: asyncio.Server, host: str) -> str:
    """The address to open: a server that listens everywhere is reached here, at least."""
    port = server.sockets[0].getsockname()[1]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


def _first(error: BaseException) -> BaseException:
    """The exception inside nested groups that came first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
