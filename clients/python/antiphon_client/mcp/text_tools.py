"""Tools of the story: read, search, write, comment."""

from __future__ import annotations

from typing import Any, Final

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from antiphon_client.mcp.guard import LONGEST, name_of, tool, within
from antiphon_client.mcp.places import insertion, only
from antiphon_client.room import Room

_LONGEST_QUERY: Final = 200


def add_to(server: MCPServer[Any], room: Room) -> None:
    """Register the tools of the story; those that change it only where the link's rights allow it."""
    _reading(server, room)
    if "edit" in room.rights:
        _writing(server, room)
    if "comment" in room.rights:
        _commenting(server, room)


def _reading(server: MCPServer[Any], room: Room) -> None:
    @tool(server)
    async def read_text(start: int = 0, length: int = LONGEST) -> dict[str, Any]:
        """Read the story, in characters from `start`. `total` says how long it is; at most 20,000 come at once."""
        within(length, 1, LONGEST, "length")
        text = room.text
        within(start, 0, len(text), "start")
        return {"text": text[start : start + length], "start": start, "total": len(text)}

    @tool(server)
    async def search_room(query: str, limit: int = 20) -> list[dict[str, Any]]:
        """Find passages of the story, the chat, the comments and the board: by words in any form, a phrase in quotation
        marks, or by what they are about. Each hit has `where`, its `text`, `found_by`, and the id or the character at
        which it stands."""
        if not 1 <= len(query.strip()) <= _LONGEST_QUERY:
            raise ToolError(f"the query must have from 1 to {_LONGEST_QUERY} characters")
        found = await room.search(query, limit=within(limit, 1, 50, "limit"))
        return [
            {
                "where": hit.kind,
                "text": hit.text,
                "found_by": hit.by,
                **({"start": hit.start} if hit.kind == "text" else {"id": hit.id}),
                **({"by": name_of(room, hit.author)} if hit.author else {}),
            }
            for hit in found.hits
        ]

    @tool(server)
    async def people() -> list[dict[str, Any]]:
        """Who is or was in the room: people, agents and the server's models, with their rights and whether they are
        here."""
        return [
            {"id": one.id, "name": one.name, "kind": one.kind, "role": one.role, "online": one.online}
            for one in room.participants.values()
        ]

    @tool(server)
    async def read_comments(resolved: bool = False) -> list[dict[str, Any]]:
        """Comments on passages, with their replies; those that are settled only with `resolved`."""
        return [
            {
                "id": key,
                "by": name_of(room, one.author),
                "passage": room.comments.passage(key) or one.quote,
                "text": one.text,
                "resolved": one.resolved,
                "replies": [
                    {"id": reply.id, "by": name_of(room, reply.author), "text": reply.text}
                    for reply in one.replies
                ],
            }
            for key, one in room.comments.items()
            if resolved or not one.resolved
        ]


def _writing(server: MCPServer[Any], room: Room) -> None:
    @tool(server, writes=True)
    async def write_text(text: str, after: str | None = None, before: str | None = None) -> dict[str, Any]:
        """Insert `text` into the story: right after or right before words that stand there exactly once, else at the
        end. Line breaks and blanks are yours to give. Returns the characters that it takes."""
        at = insertion(room.text, after, before)
        room.insert(at, text)
        await room.durable()
        return {"start": at, "end": at + len(text)}

    @tool(server, writes=True, destroys=True)
    async def replace_text(old: str, new: str) -> dict[str, Any]:
        """Put `new` in place of `old`, which must stand in the story exactly once. An empty `new` deletes. Use it on
        your own words, or when you were asked to; else suggest."""
        start, end = only(room.text, old)
        with room.one_edit():
            room.delete(start, end)
            if new:
                room.insert(start, new)
        await room.durable()
        return {"start": start, "end": start + len(new)}

    @tool(server, writes=True)
    async def suggest_text(old: str, new: str, reason: str = "") -> str:
        """Suggest `new` in place of `old`, which must stand in the story exactly once; an empty `new` suggests to take
        it out. People accept or reject it. Returns the suggestion's run id."""
        return (await room.writing.suggest(*only(room.text, old), new, reason)).id

    @tool(server, writes=True)
    async def suggest_insertion(
        text: str, after: str | None = None, before: str | None = None, reason: str = ""
    ) -> str:
        """Suggest words to insert after or before words that stand in the story exactly once, else at its end. Returns
        the suggestion's run id."""
        at = insertion(room.text, after, before)
        return (await room.writing.suggest(at, at, text, reason)).id


def _commenting(server: MCPServer[Any], room: Room) -> None:
    @tool(server, writes=True)
    async def add_comment(passage: str, text: str) -> str:
        """Comment on words that stand in the story exactly once. Returns the comment's id."""
        return await room.comments.add(*only(room.text, passage), text)

    @tool(server, writes=True)
    async def reply_to_comment(comment: str, text: str) -> None:
        """Answer a comment by its id."""
        await room.comments.reply(comment, text)

    @tool(server, writes=True)
    async def resolve_comment(comment: str) -> None:
        """Say that a comment is settled."""
        await room.comments.resolve(comment)
