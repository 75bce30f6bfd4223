"""Shared by all tools: errors that the agent can read, and bounds on results."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any, Final, ParamSpec, TypeVar

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

from antiphon_client.errors import ClientError
from antiphon_client.room import Room

P = ParamSpec("P")
R = TypeVar("R")

LONGEST: Final = 20_000
"""Characters of a text in one answer: more would fill the agent's context."""
_PATIENCE: Final = 120.0
"""Seconds that a tool waits for the room."""


def tool(
    server: MCPServer[Any], *, writes: bool = False, destroys: bool = False
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Register a coroutine function as a tool. A ClientError becomes an error that the model reads; a wait of more than
    120 s ends with one too. The hints tell the agent's user how the tool changes the room."""

    def register(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        @functools.wraps(function)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                async with asyncio.timeout(_PATIENCE):
                    return await function(*args, **kwargs)
            except ClientError as error:
                raise ToolError(error.message) from None
            except TimeoutError:
                raise ToolError(f"the room did not answer within {_PATIENCE:.0f} s") from None

        hints = ToolAnnotations(read_only_hint=not writes, destructive_hint=destroys, open_world_hint=False)
        server.add_tool(guarded, annotations=hints)
        return guarded

    return register


def within(number: int, low: int, high: int, name: str) -> int:
    """`number`, if it lies in [low, high]. Raises ToolError."""
    if not low <= number <= high:
        raise ToolError(f"{name} is {number}; it must be from {low} to {high}")
    return number


def name_of(room: Room, participant: str) -> str:
    """Whose id that is, as it reads in a room."""
    known = room.participants.get(participant)
    return known.name if known else participant
