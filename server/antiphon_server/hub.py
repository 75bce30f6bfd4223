"""All rooms of a gateway, by id. (Signatures; the body follows.)"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from antiphon_proto.messages import ModelInfo, Role
from antiphon_server.clock import Clock
from antiphon_server.room import Room
from antiphon_server.room_limits import RoomLimits
from antiphon_server.store.api import RoomRecord, RoomStore

Mint: TypeAlias = Callable[[str, Role, str], str]
"""(room, role, link id) -> path with a join token, for `links`."""


class Hub:
    def __init__(
        self,
        store: RoomStore,
        engine: object,
        *,
        mint: Mint,
        models: Callable[[], tuple[ModelInfo, ...]],
        limits: RoomLimits | None = None,
        max_rooms: int = 1000,
        clock: Clock | None = None,
    ) -> None:
        raise NotImplementedError

    async def run(self) -> None:
        """Tick the rooms until cancelled; run it as a task of the composition root."""
        raise NotImplementedError

    async def create(self) -> RoomRecord:
        """A new durable room. Raises QueueFull (too many rooms in memory) or StorageUnavailable."""
        raise NotImplementedError

    async def get(self, room: str) -> Room:
        """The room, loaded if need be (once, whoever asks). Raises NotFound, QueueFull or StorageUnavailable.

        Join it before the next `await`: an idle room may be unloaded."""
        raise NotImplementedError

    def loaded(self) -> tuple[Room, ...]:
        """Rooms in memory."""
        raise NotImplementedError

    def announce_models(self, models: tuple[ModelInfo, ...]) -> None:
        raise NotImplementedError

    async def drain(self, reason: str = "the server restarts", retry_ms: int = 1000) -> None:
        """`go_away` to all, flush, close every room. Afterwards `get` and `create` are refused."""
        raise NotImplementedError
