"""Restores a past state of a room without delaying other rooms: a helper process finds the steps.

First while the room continues; if there were edits meanwhile, once more while messages to this room wait. The steps are
taken in parts, by turns with everybody else's messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from antiphon_server.core.members import Member
from antiphon_server.history.restore import Restoration
from antiphon_server.net.turns import Turns
from antiphon_server.rooms.replay import Past
from antiphon_server.rooms.room import Room
from antiphon_server.store.api import StorageUnavailable
from antiphon_server.trust.acts import with_leaf
from antiphon_server.work.jobs import Found, Restore
from antiphon_server.work.pool import CannotWork, Pool

_PAUSE: Final = 10.0
"""Seconds for which a room may stand still until the steps are found, at most."""


async def bring_back(room: Room, member: Callable[[], Member], past: Past, pool: Pool, turns: Turns) -> int:
    """Returns the last entry that did it. `member` is asked again after every wait. Raises QueueFull, CannotWork,
    StorageUnavailable, TooLarge, and the errors of `member`."""
    member()
    seq, found = await _steps(room, past, pool)
    await room.pause.over()
    if room.context.seq == seq:
        return await _restored(room, member(), past, found, turns)
    with room.paused():
        try:
            async with asyncio.timeout(_PAUSE):
                _, found = await _steps(room, past, pool)
        except TimeoutError:
            raise CannotWork("the two texts differ too much to be compared in time") from None
        return await _restored(room, member(), past, found, turns)


async def _restored(room: Room, member: Member, past: Past, found: Restoration, turns: Turns) -> int:
    if room.closed:
        raise StorageUnavailable("the room was unloaded meanwhile; try again")
    claim = turns.claim(past.address)
    turns.enter(claim, room.id)
    steps = with_leaf(
        room.timeline.restore(member, found),
        room.context,
        lambda: room.ledger.enter("restore", member.id, "", past.seq),
    )
    await room.long_work.run(steps, turns, claim)
    return room.context.seq


async def _steps(room: Room, past: Past, pool: Pool) -> tuple[int, Restoration]:
    """The number of the story's last entry, and the steps from that story."""
    room.context.flush()
    seq = room.context.seq
    answer = await pool.run(Restore(room.copy(), past.packed, *room.timeline.standing()), past.address)
    assert isinstance(answer, Found)
    return seq, answer.restoration
