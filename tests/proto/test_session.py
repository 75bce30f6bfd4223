"""The connection's rules: hello first, fragments in order, bounds, closed for good after a violation."""

from __future__ import annotations

import pytest

from antiphon_proto.codec import encode
from antiphon_proto.errors import CloseCode, ProtocolViolation
from antiphon_proto.messages import Edit, Fragment, Hello, Ping, Redo
from antiphon_proto.session import FRAGMENT_DEADLINE, ServerSession, SessionState

HELLO = Hello(1, "token", "Ada", 7)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session(clock: Clock) -> ServerSession:
    return ServerSession(max_message=1_000_000, clock=clock)


def opened(session: ServerSession) -> ServerSession:
    assert session.receive(encode(HELLO)) == HELLO
    return session


def violation(session: ServerSession, data: bytes) -> CloseCode:
    with pytest.raises(ProtocolViolation) as caught:
        session.receive(data)
    assert session.state is SessionState.CLOSED
    return caught.value.close_code


def test_hello_opens(session: ServerSession) -> None:
    assert session.state is SessionState.NEW
    opened(session)
    assert session.state is SessionState.OPEN
    assert session.receive(encode(Redo())) == Redo()


def test_anything_else_first_is_a_violation(session: ServerSession) -> None:
    assert violation(session, encode(Redo())) is CloseCode.MALFORMED


def test_an_unknown_tag_is_ignored_once_open_but_not_first(session: ServerSession) -> None:
    unknown = b"\x91\xa4sing"
    opened(session)
    assert session.receive(unknown) is None
    assert violation(ServerSession(max_message=1, clock=Clock()), unknown) is CloseCode.MALFORMED


def test_another_version_has_its_own_close_code(session: ServerSession) -> None:
    assert violation(session, encode(Hello(2, "token", "Ada", 7))) is CloseCode.VERSION


def test_a_second_hello_is_a_violation(session: ServerSession) -> None:
    assert violation(opened(session), encode(HELLO)) is CloseCode.MALFORMED


def fragments(payload: bytes, size: int) -> list[bytes]:
    pieces = [payload[i : i + size] for i in range(0, len(payload), size)]
    return [encode(Fragment(index, len(pieces), piece)) for index, piece in enumerate(pieces)]


def test_fragments_become_one_message_and_others_may_come_between(session: ServerSession) -> None:
    opened(session)
    edit = Edit(1, bytes(500_000))
    *head, last = fragments(encode(edit), 190_000)
    for piece in head:
        assert session.receive(piece) is None
        assert session.receive(encode(Ping(1.0))) == Ping(1.0)
    assert session.receive(last) == edit


def test_fragments_out_of_order_are_a_violation(session: ServerSession) -> None:
    first, second, third = fragments(encode(Edit(1, bytes(250))), 100)
    opened(session).receive(first)
    assert violation(session, third) is CloseCode.MALFORMED
    assert second


def test_a_fragment_group_over_the_bound_is_too_large(clock: Clock) -> None:
    session = opened(ServerSession(max_message=1_000, clock=clock))
    pieces = fragments(encode(Edit(1, bytes(3_000))), 600)
    session.receive(pieces[0])
    assert violation(session, pieces[1]) is CloseCode.TOO_LARGE


def test_a_slow_fragment_group_ends(session: ServerSession, clock: Clock) -> None:
    first, second, *_ = fragments(encode(Edit(1, bytes(250))), 100)
    opened(session).receive(first)
    clock.now += FRAGMENT_DEADLINE + 1
    assert violation(session, second) is CloseCode.RATE_LIMITED


def test_a_fragment_inside_fragments_is_a_violation(session: ServerSession) -> None:
    opened(session)
    first, second = fragments(encode(Fragment(0, 2, b"x")), 8)
    session.receive(first)
    assert violation(session, second) is CloseCode.MALFORMED


def test_after_close_nothing_is_taken(session: ServerSession) -> None:
    opened(session).close()
    with pytest.raises(ProtocolViolation):
        session.receive(encode(Redo()))
