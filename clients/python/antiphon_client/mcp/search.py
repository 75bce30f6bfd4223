"""Search by words over a room's contents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from mcp.server.mcpserver.exceptions import ToolError

from antiphon_client.mcp.guard import name_of
from antiphon_client.room import Room

_AROUND: Final = 80
"""Characters of context on each side of a hit."""
_LONGEST_QUERY: Final = 200


def search(room: Room, query: str, limit: int) -> list[dict[str, Any]]:
    """Up to `limit` places that hold `query`, case ignored: the story first, then chat, comments and pictures' prompts.
    Raises ToolError for an empty or very long query."""
    if not query.strip() or len(query) > _LONGEST_QUERY:
        raise ToolError(f"the query must have from 1 to {_LONGEST_QUERY} characters")
    # Escaped: an agent's pattern is not run.
    pattern = re.compile(re.escape(query.strip()), re.IGNORECASE)
    return list(islice(_hits(room, pattern), limit))


def _hits(room: Room, pattern: re.Pattern[str]) -> Iterator[dict[str, Any]]:
    text = room.text
    for found in pattern.finditer(text):
        around = text[max(0, found.start() - _AROUND) : found.end() + _AROUND]
        yield {"where": "text", "start": found.start(), "end": found.end(), "around": around}
    for entry in room.chat.entries:
        if pattern.search(entry.text):
            yield {
                "where": "chat",
                "id": entry.id,
                "by": name_of(room, entry.participant),
                "around": entry.text,
            }
    for key, comment in room.comments.items():
        said = "\n".join([comment.text, *(reply.text for reply in comment.replies)])
        if pattern.search(said):
            yield {"where": "comment", "id": key, "by": name_of(room, comment.author), "around": said}
    for key, fields in room.canvas.items():
        words = str(fields.get("prompt") or fields.get("text") or "")
        if pattern.search(words):
            yield {"where": "board", "id": key, "type": fields.get("type"), "around": words}
