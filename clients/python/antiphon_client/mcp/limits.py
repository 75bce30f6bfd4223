"""Rate limits of an agent's requests to a room."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError

_RATE: Final = 10.0
"""Requests a second, in the long run."""
_BURST: Final = 30.0
_AT_ONCE: Final = 8
"""Requests that may be under way; a run of a model is one for as long as it is awaited."""
_TOO_MANY: Final = -32005
_COUNTED: Final = frozenset({"tools/call", "resources/read"})


class RequestLimits:
    """Middleware that refuses tool calls and reads beyond the bounds with an error that says when to try again. Refused
    calls are not queued: an agent that floods is answered at once and costs nothing."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._allowance = _BURST
        self._at = monotonic()
        self._under_way = 0

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Raises MCPError."""
        if ctx.method not in _COUNTED:
            return await call_next(ctx)
        self._take()
        self._under_way += 1
        try:
            return await call_next(ctx)
        finally:
            self._under_way -= 1

    def _take(self) -> None:
        now = self._monotonic()
        self._allowance = min(_BURST, self._allowance + (now - self._at) * _RATE)
        self._at = now
        if self._under_way >= _AT_ONCE:
            raise MCPError(_TOO_MANY, f"{_AT_ONCE} requests are under way: wait for one of them to end")
        if self._allowance < 1:
            wait = (1 - self._allowance) / _RATE
            raise MCPError(
                _TOO_MANY, f"too many requests: at most {_RATE:.0f} a second; try again in {wait:.1f} s"
            )
        self._allowance -= 1
