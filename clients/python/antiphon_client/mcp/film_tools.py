"""Tools of the film: read it."""

from __future__ import annotations

from typing import Any, Final

from mcp.server.mcpserver import MCPServer

from antiphon_client.mcp.guard import tool, within
from antiphon_client.room import Room

_AT_ONCE: Final = 100
"""Shots in one answer."""


def add_to(server: MCPServer[Any], room: Room) -> None:
    """Register the tools of the film."""

    @tool(server)
    async def read_film(start: int = 0) -> dict[str, Any]:
        """Read the shots of the film in their order, 100 at a time from number `start`: what is seen, for how many
        seconds, and what is said. `total` says how many there are."""
        shots = shots_of(room)
        within(start, 0, len(shots), "start")
        return {"shots": shots[start : start + _AT_ONCE], "start": start, "total": len(shots)}


def shots_of(room: Room) -> list[dict[str, Any]]:
    """The shots in their order, each with its id."""
    return [{"id": key, **room.film[key]} for key in room.film]
