"""A room with a virtual clock, a store in memory and a scripted engine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from antiphon_proto.messages import AudioModel, ModelInfo
from antiphon_server.room_limits import RoomLimits
from antiphon_server.rooms.room import Room
from antiphon_server.rooms.services import Services
from antiphon_server.store.api import RoomRecord, StoredRoom
from antiphon_server.watchdog.suspects import Suspects
from antiphon_server.work.story_reading import StoryReader
from antiphon_server.work.style_reading import StyleReader
from support.memory_store import MemoryStore
from support.replica import NativeReplica
from support.run_host import ScriptedHost
from support.scripted_assets import ScriptedAssets
from support.scripted_proofreader import ScriptedProofreader
from support.virtual_clock import VirtualClock

MODELS = (
    ModelInfo("text", "scripted", "cpu", True),
    ModelInfo("image", "brush", "cpu", True),
    ModelInfo("audio", "combo", "cpu", True, audio=AudioModel("notes", ("prompts",), ("bass",), 200.0, 312)),
)


class House:
    """One room that can crash and come back."""

    def __init__(
        self,
        limits: RoomLimits | None = None,
        *,
        auto: bool = True,
        style: StyleReader | None = None,
        codex: StoryReader | None = None,
    ) -> None:
        self.clock = VirtualClock()
        self.store = MemoryStore(auto=auto)
        self.host = ScriptedHost()
        self.models: tuple[ModelInfo, ...] = MODELS
        self.assets = ScriptedAssets()
        self.proofreader = ScriptedProofreader()
        self.services = Services(
            self.store,
            self.host,
            limits or RoomLimits(),
            self.clock,
            lambda grant: f"/r/{grant.room}?{grant.role}={grant.link}",
            lambda: self.models,
            self.assets,
            proofreader=self.proofreader,
            style=style,
            codex=codex,
        )
        links = {"owner": "lo", "editor": "le", "viewer": "lv"}
        self.store._rooms["room"] = StoredRoom(RoomRecord("room", "lineage", 0, links), None, (), (), ())
        self.woken = 0
        self.open()

    def open(self) -> None:
        stored = self.store.stored("room")
        assert stored is not None
        self.room = Room(stored, self.services, self._wake)

    def suspect(self, suspects: Suspects) -> None:
        """From the next life on these are known."""
        self.services = replace(self.services, suspects=suspects)

    def restart(self) -> None:
        """The process dies; uncommitted writes are lost."""
        self.store.crash()
        self.open()

    def tick(self, seconds: float = 0.05) -> None:
        self.clock.advance(seconds)
        self.room.tick()

    def formatted(self) -> list[tuple[str, dict[str, Any] | None]]:
        """The story in pieces of equal attributes."""
        document = self.room.shared.document
        return joined(document.chunks(0, document.length))

    def join(self, replica: NativeReplica) -> NativeReplica:
        replica.connect(self.room)
        return replica

    def _wake(self, _room: Room) -> None:
        self.woken += 1


def joined(pieces: Iterable[tuple[str, Any]]) -> list[tuple[str, dict[str, Any] | None]]:
    """Pieces of a text (`Text.diff`), with neighbours of equal attributes as one."""
    found: list[tuple[str, dict[str, Any] | None]] = []
    for text, attributes in pieces:
        attributes = dict(attributes) if attributes else None
        if found and found[-1][1] == attributes:
            text = found.pop()[0] + text
        found.append((text, attributes))
    return found
