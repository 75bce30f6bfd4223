"""State that all requests and connections of one server share. Made by `app`; handlers find it under `GATEWAY`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

from aiohttp import web

from antiphon_engines.api import Modality
from antiphon_engines.host.host import HostState
from antiphon_engines.ipc.channel import Stats, Traced
from antiphon_proto.errors import RateLimited
from antiphon_proto.messages import ModelInfo
from antiphon_server.assets.picture_reader import Pictures
from antiphon_server.assets.store import AssetStore
from antiphon_server.assets.vectorize import Tracer
from antiphon_server.config import Settings
from antiphon_server.core.join_tokens import Tokens
from antiphon_server.core.seat import JoinRequest
from antiphon_server.file_exports import FileExports
from antiphon_server.formats.desk import Converter
from antiphon_server.metrics import GatewayCollector, Metrics
from antiphon_server.model_switcher import ModelSwitcher
from antiphon_server.net.connections import Connections
from antiphon_server.net.outbox import Traffic
from antiphon_server.net.peers import Hosts, Origins, Proxies
from antiphon_server.net.sockets import Sockets, fitting, open_files
from antiphon_server.net.turns import Turns
from antiphon_server.net.unfinished import Unfinished
from antiphon_server.rooms.hub import Hub
from antiphon_server.rooms.replay import Archive
from antiphon_server.rooms.room import Room
from antiphon_server.rooms.update_reader import UpdateReader
from antiphon_server.runs.engine import Engine as RunEngine
from antiphon_server.store.api import RoomStore
from antiphon_server.token_bucket import Buckets
from antiphon_server.work.pool import WorkPool
from antiphon_server.work.room_search import RoomSearch
from antiphon_server.work.text_checker import TextChecker

_TEXTS = 2
_FILM_SECONDS = 3600.0
"""Files without sound that are made of jams at the same time."""
_REJOIN_PATIENCE = 5.0
"""Seconds that a member who reconnects too often waits before the connection is closed."""


class Engine(RunEngine, Protocol):
    """An engine host: the interface of runs, and its life cycle. `EngineHost`, or a scripted one in tests."""

    @property
    def state(self) -> HostState:
        """As in `EngineHost`."""
        ...

    @property
    def held(self) -> int:
        """As in `EngineHost`."""
        ...

    @property
    def waiting(self) -> int:
        """As in `EngineHost`."""
        ...

    @property
    def stats(self) -> Stats:
        """As in `EngineHost`."""
        ...

    @property
    def models(self) -> Mapping[Modality, str]:
        """As in `EngineHost`."""
        ...

    def use(self, modality: Modality, model: str) -> None:
        """As in `EngineHost`."""
        ...

    async def start(self) -> None:
        """As in `EngineHost`."""
        ...

    async def wait_ready(self) -> None:
        """As in `EngineHost`."""
        ...

    async def trace(self) -> Traced:
        """As in `EngineHost`."""
        ...

    async def close(self) -> None:
        """As in `EngineHost`."""
        ...


class Gateway:
    """The parts, each with one owner: `app` opens and closes them."""

    def __init__(
        self,
        settings: Settings,
        tokens: Tokens,
        store: RoomStore,
        assets: AssetStore,
        pictures: Pictures,
        engine: Engine,
        model_desk: ModelSwitcher,
        hub: Hub,
        archive: Archive,
        metrics: Metrics,
        pool: WorkPool,
        text_checker: TextChecker,
        room_search: RoomSearch,
    ) -> None:
        limits = settings.limits
        self.settings = settings
        self.tokens = tokens
        self.store = store
        self.assets = assets
        self.pictures = pictures
        self.engine = engine
        self.model_desk = model_desk
        self.hub = hub
        self.archive = archive
        self.metrics = metrics
        self.pool = pool
        self.text_checker = text_checker
        self.room_search = room_search
        self.proxies = Proxies(settings.trusted_proxies)
        self.hosts = Hosts(settings.allowed_hosts, settings.public_url, settings.host, self.proxies)
        self.origins = Origins(settings.allowed_origins, self.proxies)
        self.traffic = Traffic()
        self.sockets = Sockets(
            fitting(limits.max_sockets, open_files()),
            limits.max_connections_per_address + limits.max_strangers_per_address,
            strangers=limits.max_strangers_per_address,
            requests=limits.max_requests_per_address,
            proxy=self.proxies.trusts,
        )
        self.connections = Connections(
            min(limits.max_connections, self.sockets.members), limits.max_connections_per_address
        )
        loop = asyncio.get_running_loop()
        clock = loop.time
        self.turns = Turns(loop)
        self.reader = UpdateReader(limits.max_items)
        self.unfinished = Unfinished(limits.unfinished_bytes, limits.max_message, loop)
        self.room_rate = Buckets(limits.rooms_per_minute / 60, limits.room_burst, clock)
        self.join_rate = Buckets(limits.joins_per_minute / 60, limits.join_burst, clock)
        self.rejoin_rate = Buckets(limits.rejoins_per_minute / 60, limits.rejoin_burst, clock)
        self.step_rate = Buckets(limits.steps_per_minute / 60, limits.step_burst, clock)
        self.upload_rate = Buckets(limits.uploads_per_minute / 60, limits.upload_burst, clock)
        self.lookup_rate = Buckets(limits.lookups_per_minute / 60, limits.lookup_burst, clock)
        self.history_rate = Buckets(limits.history_per_minute / 60, limits.history_burst, clock)
        self.check_rate = Buckets(limits.checked_per_minute / 60, limits.checked_burst, clock)
        self.search_rate = Buckets(limits.searches_per_minute / 60, limits.search_burst, clock)
        self.reading_rate = Buckets(limits.reading_bytes_per_second, limits.reading_burst, clock)
        self.restore_rate = Buckets(limits.restores_per_minute / 60, limits.restore_burst, clock)
        self.tracer = Tracer(settings.trace_limits())
        self.convert_rate = Buckets(limits.conversions_per_minute / 60, limits.conversion_burst, clock)
        self.converter = Converter(limits.conversions)
        self.film_exports = FileExports(1, _FILM_SECONDS)
        self.jam_exports = FileExports(settings.jam.exports, settings.jam.export_timeout)
        self.jam_texts = FileExports(_TEXTS, settings.jam.export_timeout)
        """Of a jam's record without its sound: seconds at most."""
        metrics.registry.register(
            GatewayCollector(
                self.traffic,
                self.connections,
                self.sockets,
                hub,
                lambda: (self.engine.held, self.engine.waiting),
                lambda: self.engine.stats,
            )
        )

    async def check_join(self, room: Room, request: JoinRequest, address: str) -> None:
        """Newcomers come at a rate of their address; who is known to the room comes back at a rate of their own, and
        is let in later when that was too often. Raises RateLimited."""
        if not room.members.knows(request):
            if not self.join_rate.allow(address):
                raise RateLimited("too many newcomers from this address; wait a little")
            return
        who = request.session or f"{request.grant.link} {request.name}"
        wait = self.rejoin_rate.charge(f"{room.id} {who}")
        if wait > _REJOIN_PATIENCE:
            raise RateLimited("you reconnect too often; wait a little")
        if wait:
            await asyncio.sleep(wait)

    def models(self) -> tuple[ModelInfo, ...]:
        """The models as clients are told of them."""
        return self.model_desk.infos()


GATEWAY = web.AppKey("gateway", Gateway)
