"""Tools of the chat."""

from __future__ import annotations

from typing import Any

from mcp.server.mcpserver import MCPServer

from antiphon_client.mcp.guard import name_of, tool, within
from antiphon_client.room import Room


def add_to(server: MCPServer[Any], room: Room) -> None:
    """Register the tools of the chat."""

    @tool(server)
    async def read_chat(last: int = 50) -> list[dict[str, Any]]:
        """The last entries of the chat, oldest first."""
        within(last, 1, 500, "last")
        return [
            {"id": one.id, "by": name_of(room, one.participant), "text": one.text, "ms": one.ms}
            for one in room.chat.entries[-last:]
        ]

    if "chat" in room.rights:

        @tool(server, writes=True)
        async def say(text: str, to_ai: bool = False) -> None:
            """Say something to everybody in the room; with `to_ai` the room's language model answers there."""
            await room.chat.say(text, to_ai=to_ai)
