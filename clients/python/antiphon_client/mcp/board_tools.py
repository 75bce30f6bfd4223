"""Tools of the canvas, which the people see as the board."""

from __future__ import annotations

from typing import Any

from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from antiphon_client.mcp.guard import name_of, tool, within
from antiphon_client.paint_run import Painted
from antiphon_client.room import Room
from antiphon_proto.params import ImageParams

_MOST = 200
"""Objects in one answer."""


def add_to(server: MCPServer[Any], room: Room) -> None:
    """Register the tools of the board; those that change it only where the link's rights allow it."""

    @tool(server)
    async def read_board(start: int = 0) -> dict[str, Any]:
        """The objects of the board, 200 at once from number `start`: their kind, place and size in canvas units, words,
        prompt, picture. Strokes come without their points."""
        within(start, 0, 1_000_000, "start")
        keys = list(room.canvas)
        return {
            "total": len(keys),
            "objects": [_outline(room, key) for key in keys[start : start + _MOST] if key in room.canvas],
        }

    @tool(server)
    async def look_at_picture(asset: str) -> Image:
        """See a picture of the board by its asset (64 hexadecimal digits)."""
        data = await room.download(asset)
        kinds = {b"\x89P": "png", b"\xff\xd8": "jpeg"}
        return Image(data=data, format=kinds.get(data[:2], "webp"))

    @tool(server)
    async def picture_provenance(asset: str) -> dict[str, Any]:
        """Where a picture comes from: model, prompt, seed, asker, source pictures."""
        return await room.provenance(asset)

    if "edit" in room.rights:
        _drawing(server, room)
    if "prompt" in room.rights and "edit" in room.rights:

        @tool(server, writes=True)
        async def paint(prompt: str, width: int | None = None, height: int | None = None) -> dict[str, Any]:
            """Let the room's image model paint a picture in a new frame beside everything else. Returns its object and
            asset when it is finished."""
            run = room.paint(prompt, params=ImageParams(width=width, height=height))
            async for event in run:
                if isinstance(event, Painted):
                    return {"id": event.id, "asset": event.asset}
            raise ToolError("the painting ended without a picture: it was stopped, or its frame was removed")


def _drawing(server: MCPServer[Any], room: Room) -> None:
    @tool(server, writes=True)
    async def add_object(fields: dict[str, Any]) -> str:
        """Add an object to the board; returns its id. `fields`: `x`, `y` (canvas units, y downwards) and `type` with
        its own fields. `shape`: `shape` (rectangle, ellipse, triangle, diamond, line, arrow), `w`, `h`, `color`, `fill`
        ("#rrggbb"). `text`: `text`, `color`, `font_size`. `stroke`: `points` as x, y, pressure (0 to 1), x, y,
        pressure, ..., `color`, `size`."""
        key = room.canvas.add(fields)
        await room.durable()
        return key

    @tool(server, writes=True)
    async def change_object(id: str, fields: dict[str, Any]) -> None:
        """Change fields of an object; null takes a field away. `alt` of an `image` says what it shows, for people who
        do not see it."""
        _known(room, id)
        room.canvas.update(id, **fields)
        await room.durable()

    @tool(server, writes=True, destroys=True)
    async def delete_object(id: str) -> None:
        """Take an object away. Use it on your own, or when you were asked to."""
        _known(room, id)
        room.canvas.delete(id)
        await room.durable()


def _known(room: Room, key: str) -> None:
    if key not in room.canvas:
        raise ToolError("there is no such object on the board now")


def _outline(room: Room, key: str) -> dict[str, Any]:
    fields = room.canvas[key]
    told = {name: value for name, value in fields.items() if name not in ("points", "params", "frame", "z")}
    if "points" in fields:
        told["points"] = len(fields["points"]) // 3
    if asker := fields.get("asker"):
        told["asker"] = name_of(room, str(asker))
    return {"id": key, **told}
