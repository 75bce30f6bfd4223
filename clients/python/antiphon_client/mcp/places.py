"""Places in the story, named by their words. Offsets that an agent read a moment ago are wrong as soon as another
participant types; words are still found.
"""

from __future__ import annotations

from mcp.server.mcpserver.exceptions import ToolError


def only(text: str, wanted: str) -> tuple[int, int]:
    """Characters [start, end) of the one place where `wanted` stands. Raises ToolError: it stands nowhere, or more
    than once."""
    if not wanted:
        raise ToolError("the words to look for are empty")
    start = text.find(wanted)
    if start < 0:
        raise ToolError(
            "these words are not in the text now; read it again, another participant may have changed them"
        )
    if text.find(wanted, start + 1) >= 0:
        count = text.count(wanted)
        raise ToolError(f"these words occur {count} times or more; quote more of the text around them")
    return start, start + len(wanted)


def insertion(text: str, after: str | None, before: str | None) -> int:
    """The character where something is to be inserted: after or before words that stand there, else at the end.
    Raises ToolError."""
    if after is not None and before is not None:
        raise ToolError("give `after` or `before`, not both")
    if after is not None:
        return only(text, after)[1]
    if before is not None:
        return only(text, before)[0]
    return len(text.removesuffix("\n")) if text.strip() else 0
