"""How a request ends: taken, refused, lost with its connection, or without an answer."""

from __future__ import annotations

import asyncio

import pytest

from antiphon_client.errors import NoAnswer, RequestRefused
from antiphon_client.session.exchanges import Exchange, Exchanges, answered_within
from antiphon_proto.messages import Error, Message, Revoke, SetPresence


def refusal(of: Exchange, message: str = "no") -> Error:
    tag, ref = of.key
    return Error("denied", message, tag, ref)


def test_the_answer_to_the_ping_behind_it_means_that_it_was_taken() -> None:
    exchanges = Exchanges()
    first, second = exchanges.begin(Revoke("a"), "a"), exchanges.begin(Revoke("b"), "b")
    assert first.ping != second.ping
    assert not exchanges.on_pong(1234.5)  # the clock's
    assert exchanges.on_pong(first.ping.sent_ms)
    assert (first.taken, second.over) == (True, False)


def test_of_requests_of_one_name_the_oldest_is_refused() -> None:
    exchanges = Exchanges()
    first, second = (exchanges.begin(SetPresence("{}"), "") for _ in range(2))
    assert exchanges.on_pong(first.ping.sent_ms)
    assert exchanges.on_error(refusal(second))
    assert (first.refusal, str(second.refusal)) == (None, "no")
    assert not exchanges.on_error(refusal(second))
    assert exchanges.on_pong(second.ping.sent_ms)
    assert not second.taken


def test_what_was_sent_over_a_lost_connection_is_refused_and_what_was_not_goes_on() -> None:
    exchanges = Exchanges()
    sent, queued = exchanges.begin(Revoke("a"), "a"), exchanges.begin(Revoke("a"), "a")

    def waits(message: Message) -> bool:
        return message is queued.message

    exchanges.on_reconnect(waits)
    assert sent.refusal is not None
    assert sent.refusal.error_code == "unavailable"
    assert not queued.over
    exchanges.end(sent)
    exchanges.end(queued)
    assert not exchanges.on_error(refusal(queued))


async def test_a_wait_without_an_answer_ends_with_a_typed_error() -> None:
    with pytest.raises(NoAnswer, match="within 0.01 s"):
        async with answered_within(0.01):
            await asyncio.Event().wait()
    with pytest.raises(TimeoutError):  # somebody else's
        async with answered_within(5.0):
            raise TimeoutError
    with pytest.raises(RequestRefused):
        async with answered_within(None):
            raise RequestRefused("denied", "no")
