"""All rooms of a gateway, by id: loaded once for all callers, ticked while they have output, unloaded when idle."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from antiphon_engines.api import Modality, QueueFull
from antiphon_proto.errors import CloseCode, NotFound, RateLimited
from antiphon_proto.messages import ModelInfo
from antiphon_server.assets.loader import AssetLoader
from antiphon_server.clock import Clock, SystemClock
from antiphon_server.core.seat import Mint
from antiphon_server.document import jam
from antiphon_server.document.document import index_of
from antiphon_server.document.recount import Recounts
from antiphon_server.document.state import SERVER
from antiphon_server.document.story_pieces import StoryPieces
from antiphon_server.film.voices.room_voices import LineReader
from antiphon_server.jam.audio_stats import Sound
from antiphon_server.room_limits import RoomLimits
from antiphon_server.rooms.pace import Pace
from antiphon_server.rooms.quarantine import UNREADABLE, without_snapshot
from antiphon_server.rooms.room import Room
from antiphon_server.rooms.services import Services
from antiphon_server.runs.engine import Engine
from antiphon_server.store.api import (
    Change,
    Entry,
    PerformerRecord,
    RoomRecord,
    RoomStore,
    StorageUnavailable,
    StoredRoom,
)
from antiphon_server.story.proofreader import Proofreader
from antiphon_server.token_bucket import Buckets
from antiphon_server.trust.notes import Signer
from antiphon_server.watchdog.beacon import Beacon
from antiphon_server.watchdog.suspects import Suspects
from antiphon_server.work.jobs import Cut, Pieced
from antiphon_server.work.pool import CannotWork, Pool
from antiphon_server.work.story_reading import StoryReader
from antiphon_server.work.style_reading import StyleReader

log = logging.getLogger(__name__)

TICK = 0.015
"""Seconds between a change and the frame that carries it: changes in between are merged (FACTS, "CRDT")."""
SWEEP = 1.0
_IDLE = 2.0
"""Seconds for which a room must have been empty to make place for another."""
_LARGE = 64 * 1024
"""Bytes of a state from which its story is cut in a helper process."""
_RUNS = 5000
"""Runs of items of a document that count as one room more where rooms are opened at a rate."""
_SEED = jam.seed()
ROLES = ("owner", "editor", "viewer")


class Hub:
    """`engine` None: rooms without an AI; `assets` None: rooms that keep no pictures; `proofreader` None: rooms
    whose texts nobody corrects.
    At most `max_rooms` in memory, `max_rooms_per_address` of them loaded for one address; `mint` makes invite links;
    `on_tick` hears how many seconds each tick of all rooms took."""

    def __init__(
        self,
        store: RoomStore,
        engine: Engine | None,
        *,
        mint: Mint,
        models: Callable[[], tuple[ModelInfo, ...]],
        limits: RoomLimits | None = None,
        max_rooms: int = 1000,
        max_rooms_per_address: int = 500,
        loads_per_minute: float = 300.0,
        load_burst: int = 600,
        clock: Clock | None = None,
        assets: AssetLoader | None = None,
        proofreader: Proofreader | None = None,
        style: StyleReader | None = None,
        codex: StoryReader | None = None,
        beacon: Beacon | None = None,
        suspects: Suspects | None = None,
        on_tick: Callable[[float], None] | None = None,
        use_model: Callable[[Modality, str], None] | None = None,
        signer: Signer | None = None,
        documents: Pool | None = None,
        lines: LineReader | None = None,
    ) -> None:
        self._on_tick = on_tick
        self.sound = Sound()
        self.recounts = Recounts()
        self._services = Services(
            store,
            engine,
            limits or RoomLimits(),
            clock or SystemClock(),
            mint,
            models,
            assets,
            self.sound,
            proofreader,
            beacon or Beacon(),
            suspects or Suspects(),
            style,
            codex,
            use_model,
            self.recounts,
            signer or Signer.generate(),
            documents,
            lines,
        )
        self._store = store
        self._max_rooms = max_rooms
        self._max_rooms_per_address = max_rooms_per_address
        self._loads = Buckets(loads_per_minute / 60, load_burst, self.clock.monotonic)
        self.unloaded = 0
        """Rooms that left the memory so far."""
        self._openers: dict[str, str] = {}
        """Room in memory -> the address that had it loaded."""
        self._rooms: dict[str, Room] = {}
        self._loading: dict[str, asyncio.Task[Room]] = {}
        self._dirty: set[Room] = set()
        self._wake = asyncio.Event()
        self._draining = False

    @property
    def clock(self) -> Clock:
        return self._services.clock

    async def run(self) -> None:
        """Tick the rooms until cancelled; run it as a task of the composition root."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tick_forever(), name="rooms-tick")
            tasks.create_task(self._sweep_forever(), name="rooms-sweep")

    async def create(
        self,
        *,
        origin: tuple[str, int] | None = None,
        contents: Sequence[Change] = (),
        performers: tuple[PerformerRecord, ...] = (),
    ) -> RoomRecord:
        """A new durable room, empty or with the contents of a fork. Raises QueueFull (too many rooms in memory) or
        StorageUnavailable."""
        await self._make_place("")
        links = {role: secrets.token_hex(8) for role in ROLES}
        now = self._services.clock.unix_ms()
        record = RoomRecord(
            secrets.token_urlsafe(9), secrets.token_hex(8), now, links, origin=origin, performers=performers
        )
        await self._store.create(record, contents or [Entry(1, SERVER.author, _SEED, now)])
        return record

    async def get(self, room: str, address: str = "") -> Room:
        """The room, loaded if needed (once for all callers), for a client at `address`. Raises NotFound, QueueFull,
        RateLimited or StorageUnavailable.

        Join it before the next `await`: an idle room may be unloaded."""
        if (known := self._rooms.get(room)) is not None:
            return known
        if (loading := self._loading.get(room)) is None:
            if address and not self._loads.allow(address):
                raise RateLimited("too many rooms are opened from this address; wait a little")
            loading = self._loading[room] = asyncio.create_task(self._load(room, address), name="room-load")
        # One asker who goes away must not take the room from the others who wait for it.
        return await asyncio.shield(loading)

    def loaded(self) -> tuple[Room, ...]:
        """Rooms in memory."""
        return tuple(self._rooms.values())

    def updates(self, room: str) -> tuple[bytes, ...]:
        """The document of a room that is in memory, as updates that are to be applied in order."""
        known = self._rooms.get(room)
        return known.shared.document.updates() if known is not None else ()

    def announce_models(self, models: tuple[ModelInfo, ...]) -> None:
        for room in self._rooms.values():
            room.announce_models(models)

    async def drain(self, reason: str = "the server restarts", retry_ms: int = 1000) -> None:
        """`go_away` to all, flush, close every room. Afterwards `get` and `create` are refused."""
        self._draining = True
        await asyncio.gather(*self._loading.values(), return_exceptions=True)
        for room in self._rooms.values():
            room.go_away(reason, retry_ms)
        for room in list(self._rooms.values()):
            try:
                await room.close(CloseCode.DRAINING, reason)
            except StorageUnavailable as error:
                log.error("room %s could not be saved: %s", room.id, error)
        self._rooms.clear()
        self._dirty.clear()

    def tick(self) -> None:
        """Tick every room that has something to do."""
        for _ in self._ticks():
            pass

    def _ticks(self) -> Iterator[None]:
        """The same, with a stop after each room."""
        spent = 0.0
        dirty, self._dirty = self._dirty, set()
        for room in dirty:
            started = time.perf_counter()
            try:
                if not room.closed and room.tick():
                    self._woken(room)
            except Exception:
                log.exception("room %s failed", room.id)
            spent += time.perf_counter() - started
            yield
        if self._on_tick is not None:
            self._on_tick(spent)

    async def sweep(self) -> None:
        """Tend every room, and let go of those that are idle."""
        pace = Pace()
        for room in list(self._rooms.values()):
            await pace.rest()
            if room.closed:
                continue
            try:
                room.sweep()
                await room.tidy()
                if room.idle_for() >= self._services.limits.empty_timeout and room.settled:
                    await self._unload(room)
            except StorageUnavailable as error:
                log.warning("room %s stays in memory: %s", room.id, error)
            except Exception:
                log.exception("room %s failed", room.id)

    async def _unload(self, room: Room) -> None:
        await room.compact()
        room.snapshot()
        await room.seal()
        if room.settled and not room.online():
            self._rooms.pop(room.id, None)
            self._openers.pop(room.id, None)
            self.unloaded += 1
            self._dirty.discard(room)
            await room.close(CloseCode.GOING_AWAY)

    async def _load(self, room_id: str, address: str) -> Room:
        try:
            await self._make_place(address)
            if (held := self._services.suspects.held_back(room_id)) > 0:
                raise StorageUnavailable(
                    f"this room stopped the server more than once; it is held back for {held / 60:.0f} minutes"
                )
            stored = await self._store.load(room_id)
            if stored is None:
                raise NotFound("there is no such room")
            room = await self._open(stored)
            if address and (more := room.shared.document.runs // _RUNS):
                self._loads.of(address).charge(more)  # it cost as much as so many small ones
            self._rooms[room_id] = room
            self._openers[room_id] = address
            return room
        except UNREADABLE as error:
            log.exception("room %s cannot be read", room_id)
            raise StorageUnavailable(f"room {room_id} cannot be read: {error}") from error
        finally:
            del self._loading[room_id]

    async def _open(self, stored: StoredRoom) -> Room:
        """The room; a snapshot that cannot be read is kept aside, and its entries are replayed. Raises one of
        UNREADABLE, or StorageUnavailable."""
        room_id = stored.record.id
        while True:
            snapshot = stored.snapshot
            try:
                # It grows with the document; the rest of a large room is for Yrs, which is fast.
                state = snapshot.state if snapshot else None
                cutting = asyncio.create_task(self._pieces(room_id, state))
                try:
                    index = await asyncio.to_thread(index_of, state)
                finally:
                    pieces = await cutting
                with self._services.beacon.serving(room_id, "loading"):
                    room = Room(stored, self._services, self._woken, index, pieces=pieces, at_once=False)
                return await room.opened()
            except UNREADABLE as error:
                if snapshot is None:
                    raise
                stored = await without_snapshot(
                    self._store, stored, str(error), self._services.clock.unix_ms()
                )

    async def _pieces(self, room_id: str, state: bytes | None) -> StoryPieces | None:
        """The pieces of a large document's story, where a helper process can make them now: Yrs makes them in one call,
        which takes 300 ms for 100,000 of them."""
        documents = self._services.documents
        if documents is None or state is None or len(state) < _LARGE:
            return None
        try:
            answer = await documents.run(Cut(state), room_id)
        except (QueueFull, CannotWork) as error:
            log.warning("room %s: its story is cut on the event loop: %s", room_id, error)
            return None
        assert isinstance(answer, Pieced)
        return await asyncio.to_thread(StoryPieces.unpacked, answer.packed)

    async def _make_place(self, address: str) -> None:
        """For one more room: those that have been empty longest leave the memory for it, first those that `address`
        opened. Raises QueueFull when too many are in use, in all or of this address, or StorageUnavailable."""
        if self._draining:
            raise StorageUnavailable("the server is going down")
        tried = set[Room]()
        while True:
            own = [room for room in self._rooms.values() if address and self._openers[room.id] == address]
            if crowded := len(own) >= self._max_rooms_per_address:
                candidates: Iterable[Room] = own
            elif len(self._rooms) + max(0, len(self._loading) - 1) >= self._max_rooms:
                candidates = self._rooms.values()
            else:
                return
            idle = [
                room for room in candidates if room.settled and room.idle_for() >= _IDLE and room not in tried
            ]
            if not idle:
                raise QueueFull(
                    "too many rooms are open from this address; leave one of them"
                    if crowded
                    else "the server holds as many rooms as it can; try again later"
                )
            longest = max(idle, key=Room.idle_for)
            tried.add(longest)
            await self._unload(longest)

    def _woken(self, room: Room) -> None:
        self._dirty.add(room)
        self._wake.set()

    async def _tick_forever(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(TICK)
            self._wake.clear()
            pace = Pace()
            for _ in self._ticks():
                await pace.rest()

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            await self.sweep()
