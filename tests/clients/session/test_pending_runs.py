"""The server's answers reach the run that asked for them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from antiphon_client import Address, ClientError, RequestRefused
from antiphon_client.session.run import AnyRun, Run
from antiphon_client.session.session import Session
from antiphon_proto.messages import RunInfo, TokenInfo, Tokens

INFO = RunInfo("run-1", 0, "ada", "ai", "continue", "write", "running", "fake")


async def _nothing(_: AnyRun) -> None:
    return None


def token(index: int) -> TokenInfo:
    return TokenInfo(index, f"word{index}", index, -0.5)


@pytest.fixture
async def session() -> Session:
    return Session(Address("http://localhost", "room", "token"), name="Ada", agent="test")


def asked_for(session: Session) -> Run:
    run = Run(session, session.pending.next_number(), _nothing)
    session.pending.expect(run)
    return run


def announce(session: Session, info: RunInfo, number: int = 0) -> None:
    session.runs[info.id] = info
    if number:
        session.pending.on_answer(number, info)
    session.pending.on_info(info)


async def test_tokens_that_come_before_their_run_is_announced_are_not_lost(session: Session) -> None:
    first, second = asked_for(session), asked_for(session)
    session.pending.on_tokens(Tokens("run-1", 0, (token(0),)))
    announce(session, INFO, second.number)
    session.pending.on_tokens(Tokens("run-1", 0, (token(1),)))
    announce(session, replace(INFO, state="done"))
    assert [one.index async for one in second] == [0, 1]
    assert first.info is None


async def test_tokens_of_others_are_kept_by_nobody(session: Session) -> None:
    announce(session, INFO)
    run = asked_for(session)
    session.pending.on_tokens(Tokens("run-1", 0, (token(0),)))
    announce(session, replace(INFO, id="run-2", state="done"), run.number)
    assert [one async for one in run] == []


async def test_recalled_tokens_come_by_their_index_and_not_twice_to_the_reader(session: Session) -> None:
    run = asked_for(session)
    announce(session, INFO, run.number)
    session.pending.on_tokens(Tokens("run-1", 0, (token(0), token(1))))
    with session.pending.recalling("run-1") as recalled:
        session.pending.on_tokens(Tokens("run-1", 0, (token(0), token(1))))
        assert sorted(recalled) == [0, 1]
    announce(session, replace(INFO, state="done"))
    assert [one.index async for one in run] == [0, 1]


async def test_a_request_without_an_answer_ends_with_the_connection_and_one_with_an_answer_goes_on(
    session: Session,
) -> None:
    waiting, running = asked_for(session), asked_for(session)
    announce(session, INFO, running.number)
    session.pending.on_reconnect()
    with pytest.raises(RequestRefused, match="connection was lost"):
        await waiting.start()
    announce(session, replace(INFO, state="done"))
    assert (await running.finished()).state == "done"


async def test_a_run_in_trouble_that_goes_on_tells_whoever_asked_for_it(session: Session) -> None:
    run = asked_for(session)
    announce(session, INFO, run.number)
    trouble = RequestRefused("worker_lost", "the band lost its engine and starts again")
    assert session.pending.on_notice(INFO.id, trouble)
    assert not session.pending.on_notice("another", trouble)
    assert (run.notice, run.ended) == (trouble, False)


async def test_a_refusal_goes_to_the_request_that_it_names(session: Session) -> None:
    one, other = asked_for(session), asked_for(session)
    assert session.pending.on_refusal(one.number, RequestRefused("overloaded", "too many"))
    assert not session.pending.on_refusal(one.number, RequestRefused("overloaded", "too many"))
    with pytest.raises(RequestRefused, match="too many"):
        await one.start()
    session.pending.on_failure(ClientError("gone"))
    with pytest.raises(ClientError, match="gone"):
        await other.start()
