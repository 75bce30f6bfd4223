"""Resources of the room, and the news that they changed."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from typing import Any, Final

from mcp.server.mcpserver import MCPServer
from mcp.server.subscriptions import InMemorySubscriptionBus, ResourceUpdated, ServerEvent

from antiphon_client.mcp.film_tools import shots_of
from antiphon_client.mcp.guard import name_of
from antiphon_client.mcp.jam_tools import transport_of
from antiphon_client.room import Room

_TOGETHER: Final = 0.5
"""Seconds in which changes are told as one: an agent cannot follow keystrokes."""


def add_to(server: MCPServer[Any], room: Room) -> None:
    """Register the resources: the story as text, everything else as JSON."""

    @server.resource("antiphon://room/text", title="The story", mime_type="text/plain")
    def text() -> str:
        """The story as plain text."""
        return room.text

    for uri, (title, read) in _readers(room).items():
        _add(server, uri, title, read)


def _add(server: MCPServer[Any], uri: str, title: str, read: Callable[[], object]) -> None:
    @server.resource(uri, name=uri.rpartition("/")[2], title=title, mime_type="application/json")
    def as_json() -> str:
        return json.dumps(read(), ensure_ascii=False)


class ChangeBus(InMemorySubscriptionBus):
    """Carries the news that resources changed; `listened` says whether anybody wants it."""

    def __init__(self) -> None:
        super().__init__()
        self._listeners_now = 0

    @property
    def listened(self) -> bool:
        """Whether anybody is subscribed."""
        return self._listeners_now > 0

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        """Subscribe; returns a function that ends the subscription."""
        end = super().subscribe(listener)
        self._listeners_now += 1

        def unsubscribe() -> None:
            self._listeners_now -= 1
            end()

        return unsubscribe


async def publish_changes(room: Room, bus: ChangeBus) -> None:
    """Tell subscribers which resources changed, at most twice a second, until the room ends. Raises ClientError."""
    readers: dict[str, Callable[[], object]] = {"antiphon://room/text": lambda: room.text}
    readers |= {uri: read for uri, (_, read) in _readers(room).items()}
    known = {uri: _digest(read()) for uri, read in readers.items()}
    while True:
        await room.changed()
        await asyncio.sleep(_TOGETHER)
        if not bus.listened:
            continue
        for uri, read in readers.items():
            now = _digest(read())
            if known[uri] != now:
                known[uri] = now
                await bus.publish(ResourceUpdated(uri))


def _readers(room: Room) -> dict[str, tuple[str, Callable[[], object]]]:
    return {
        "antiphon://room/chat": ("The chat", lambda: [_entry(room, one) for one in room.chat.entries]),
        "antiphon://room/comments": (
            "Comments on the story",
            lambda: {
                key: {"by": name_of(room, one.author), "text": one.text} for key, one in room.comments.items()
            },
        ),
        "antiphon://room/board": (
            "The board's objects",
            lambda: {key: room.canvas[key] for key in room.canvas},
        ),
        "antiphon://room/film": ("The shots of the film", lambda: shots_of(room)),
        "antiphon://room/jam": ("How the jam goes", lambda: transport_of(room)),
        "antiphon://room/people": (
            "Who is here",
            lambda: [
                [one.id, one.name, one.kind, one.role, one.online] for one in room.participants.values()
            ],
        ),
        "antiphon://room/runs": (
            "What the models make",
            lambda: [[run.id, run.state, run.task, run.model] for run in room.runs.values()],
        ),
    }


def _entry(room: Room, entry: Any) -> dict[str, Any]:
    return {"id": entry.id, "by": name_of(room, entry.participant), "text": entry.text}


def _digest(value: object) -> bytes:
    return hashlib.blake2b(
        json.dumps(value, ensure_ascii=False, sort_keys=True).encode(), digest_size=16
    ).digest()
