"""What the server says finds its way to the run that was asked for here."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from antiphon_client import Address, ClientError, RequestRefused
from antiphon_client.session.run import AnyRun, Run
from antiphon_client.session.session import Membership
from antiphon_proto.messages import RunInfo, TokenInfo, Tokens

INFO = RunInfo("run-1", 0, "ada", "ai", "continue", "write", "streaming", "fake")


async def _nothing(_: AnyRun) -> None:
    return None


def token(index: int) -> TokenInfo:
    return TokenInfo(index, f"word{index}", index, -0.5)


@pytest.fixture
async def member() -> Membership:
    return Membership(Address("http://localhost", "room", "token"), name="Ada", agent="test")


def asked_for(member: Membership) -> Run:
    run = Run(member, member.asked.next_number(), _nothing)
    member.asked.expect(run)
    return run


def announce(member: Membership, info: RunInfo, number: int = 0) -> None:
    member.runs[info.id] = info
    if number:
        member.asked.answered(number, info)
    member.asked.changed(info)


async def test_tokens_that_come_before_their_run_is_announced_are_not_lost(member: Membership) -> None:
    first, second = asked_for(member), asked_for(member)
    member.asked.tokens_came(Tokens("run-1", 0, (token(0),)))
    announce(member, INFO, second.number)
    member.asked.tokens_came(Tokens("run-1", 0, (token(1),)))
    announce(member, replace(INFO, state="done"))
    assert [one.index async for one in second] == [0, 1]
    assert first.info is None


async def test_tokens_of_others_are_kept_by_nobody(member: Membership) -> None:
    announce(member, INFO)
    run = asked_for(member)
    member.asked.tokens_came(Tokens("run-1", 0, (token(0),)))
    announce(member, replace(INFO, id="run-2", state="done"), run.number)
    assert [one async for one in run] == []


async def test_recalled_tokens_come_by_their_index_and_not_twice_to_the_reader(member: Membership) -> None:
    run = asked_for(member)
    announce(member, INFO, run.number)
    member.asked.tokens_came(Tokens("run-1", 0, (token(0), token(1))))
    with member.asked.recalling("run-1") as recalled:
        member.asked.tokens_came(Tokens("run-1", 0, (token(0), token(1))))
        assert sorted(recalled) == [0, 1]
    announce(member, replace(INFO, state="done"))
    assert [one.index async for one in run] == [0, 1]


async def test_a_request_without_an_answer_ends_with_the_connection_and_one_with_an_answer_goes_on(
    member: Membership,
) -> None:
    waiting, running = asked_for(member), asked_for(member)
    announce(member, INFO, running.number)
    member.asked.reconnected()
    with pytest.raises(RequestRefused, match="connection was lost"):
        await waiting.start()
    announce(member, replace(INFO, state="done"))
    assert (await running.finished()).state == "done"


async def test_a_refusal_goes_to_the_request_that_it_names(member: Membership) -> None:
    one, other = asked_for(member), asked_for(member)
    assert member.asked.refuse(one.number, RequestRefused("overloaded", "too many"))
    assert not member.asked.refuse(one.number, RequestRefused("overloaded", "too many"))
    with pytest.raises(RequestRefused, match="too many"):
        await one.start()
    member.asked.fail(ClientError("gone"))
    with pytest.raises(ClientError, match="gone"):
        await other.start()
