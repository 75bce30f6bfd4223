"""Memory of unfinished messages: bounded, shared between addresses, and freed at its deadline."""

from __future__ import annotations

from pathlib import Path

from antiphon_proto.errors import CloseCode
from antiphon_proto.messages import FRAGMENT_BODY, Fragment
from antiphon_server.limits import MIB, Limits
from antiphon_server.net.unfinished import Part, Unfinished
from antiphon_server.websocket import native as connection
from support.raw_client import native
from support.server import running
from support.wires import VirtualClock


class Holder:
    """A connection of an address."""

    def __init__(self, unfinished: Unfinished, address: str) -> None:
        self.dropped = ""
        self.part: Part = unfinished.part(address, self._drop)

    def _drop(self, reason: str) -> None:
        self.dropped = reason


def test_one_address_holds_a_fourth_and_no_more() -> None:
    unfinished = Unfinished(400, 10, VirtualClock())
    first, second, other = (Holder(unfinished, address) for address in "aab")
    first.part.hold(60, 20)
    second.part.hold(40, 20)
    other.part.hold(100, 20)
    assert unfinished.size == 200
    second.part.hold(41, 20)
    assert "this address" in second.dropped
    assert (first.dropped, other.dropped) == ("", "")
    assert unfinished.size == 160


def test_the_oldest_of_the_address_that_holds_most_makes_room() -> None:
    unfinished = Unfinished(400, 10, VirtualClock())
    holders = [Holder(unfinished, address) for address in "aabcde"]
    for holder, size in zip(holders, (40, 55, 90, 90, 90, 30), strict=True):
        holder.part.hold(size, 20)
    assert unfinished.size == 395
    late = Holder(unfinished, "f")
    late.part.hold(10, 20)
    assert holders[0].dropped
    assert not any(holder.dropped for holder in (*holders[1:], late))
    assert unfinished.size == 365


def test_what_is_not_whole_in_time_is_freed() -> None:
    clock = VirtualClock()
    unfinished = Unfinished(400, 10, clock)
    slow, quick = Holder(unfinished, "a"), Holder(unfinished, "b")
    slow.part.hold(50, 20)
    quick.part.hold(50, 20)
    clock.advance(19)
    quick.part.hold(0, 20)
    slow.part.hold(60, 20)  # more of it comes: that does not put the deadline off
    clock.advance(2)
    assert "too long" in slow.dropped
    assert quick.dropped == ""
    assert unfinished.size == 0


def test_the_bound_has_room_for_the_largest_messages() -> None:
    unfinished = Unfinished(MIB, 8 * MIB, VirtualClock())
    holder = Holder(unfinished, "a")
    holder.part.hold(8 * MIB, 20)
    assert holder.dropped == ""


async def test_a_connection_that_does_not_finish_is_closed_and_holds_nothing(
    tmp_path: Path, monkeypatch: object
) -> None:
    monkeypatch.setattr(connection, "FRAGMENT_DEADLINE", 0.05)  # type: ignore[attr-defined]
    async with running(tmp_path, limits=Limits()) as server:
        room = await server.new_room()
        async with native(server.ws_url) as client:
            await client.hello(room["tokens"]["viewer"])
            await client.say(Fragment(0, 3, b"x" * FRAGMENT_BODY))
            assert await client.closed() == CloseCode.RATE_LIMITED
        assert server.gateway.unfinished.size == 0
