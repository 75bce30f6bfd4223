"""Restores a past state of a room without delaying other rooms: a helper process finds the differences.

First while the room goes on; when somebody wrote meanwhile, once more while messages to this room wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from antiphon_server.core.members import Member
from antiphon_server.rooms.replay import Past
from antiphon_server.rooms.room import Room
from antiphon_server.store.api import StorageUnavailable
from antiphon_server.work.jobs import Differ, Differed
from antiphon_server.work.pool import CannotWork, Pool

_PAUSE: Final = 10.0
"""Seconds for which a room may stand still for this, at most."""


async def bring_back(room: Room, member: Callable[[], Member], past: Past, pool: Pool) -> int:
    """Returns the entry that did it. `member` is asked again after every wait. Raises QueueFull, CannotWork,
    StorageUnavailable, TooLarge, and the errors of `member`."""
    member()
    seq, found = await _differed(room, past, pool)
    await room.pause.over()
    if room.context.seq == seq:
        return _restored(room, member(), past, found)
    with room.paused():
        try:
            async with asyncio.timeout(_PAUSE):
                _, found = await _differed(room, past, pool)
        except TimeoutError:
            raise CannotWork("the two texts differ too much to be compared in time") from None
        return _restored(room, member(), past, found)


def _restored(room: Room, member: Member, past: Past, found: Differed) -> int:
    if room.closed:
        raise StorageUnavailable("the room was let go in the meantime; try again")
    return room.timeline.restore(member, past.moment(), found.now, found.differences)


async def _differed(room: Room, past: Past, pool: Pool) -> tuple[int, Differed]:
    """The number of the story's last entry, and the differences from that story."""
    room.context.flush()
    seq = room.context.seq
    answer = await pool.run(Differ(room.copy(), past.packed), past.address)
    assert isinstance(answer, Differed)
    return seq, answer
