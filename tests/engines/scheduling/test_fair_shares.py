"""The clocks of fair sharing."""

from __future__ import annotations

import pytest

from antiphon_engines.scheduling.fair_shares import Shares
from antiphon_engines.scheduling.ticket import State, Ticket
from support.fake_engine import request


def ticket(number: int, share: str, weight: float = 1.0) -> Ticket:
    return Ticket(number, f"run{number}", 0, share, weight, "text", request(), 0.0)


def active(shares: Shares, number: int, share: str, weight: float = 1.0) -> Ticket:
    made = ticket(number, share, weight)
    shares.enqueue(made)
    made.move(State.ACTIVE)
    shares.activate(made)
    return made


def test_a_charge_counts_by_weight_on_both_clocks() -> None:
    shares = Shares(credit=0.1)
    heavy, light = active(shares, 1, "heavy", 4.0), active(shares, 2, "light", 1.0)
    shares.charge(heavy, 8.0)
    shares.charge(light, 8.0)
    assert (shares["heavy"].turns, shares["heavy"].places) == (2.0, 2.0)
    assert (shares["light"].turns, shares["light"].places) == (8.0, 8.0)
    shares.advance()
    assert shares.turns == shares.places == pytest.approx((4 * 2 + 1 * 8) / 5)


def test_the_common_time_never_runs_backwards() -> None:
    shares = Shares(credit=0.1)
    first, second = active(shares, 1, "ann"), active(shares, 2, "bob")
    shares.charge(first, 10.0)
    shares.advance()
    shares.remove(first)
    shares.advance()
    assert shares.turns == 5.0
    assert second.share in {share.name for share in shares}


def test_who_is_ahead_stays_remembered_until_the_others_have_caught_up() -> None:
    shares = Shares(credit=0.1)
    ahead, other = active(shares, 1, "ann"), active(shares, 2, "bob")
    shares.charge(ahead, 10.0)
    shares.advance()
    shares.remove(ahead)
    again = ticket(3, "ann")
    shares.enqueue(again)
    assert shares["ann"].places == 10.0
    shares.remove(again)
    shares.charge(other, 30.0)
    shares.advance()
    late = ticket(4, "ann")
    shares.enqueue(late)
    assert shares["ann"].places == 30.0


def test_who_waited_keeps_the_claim_to_a_place_and_not_the_one_to_turns() -> None:
    shares = Shares(credit=0.5)
    busy = active(shares, 1, "ann")
    waiting = ticket(2, "bob")
    shares.enqueue(waiting)
    shares.charge(busy, 100.0)
    shares.advance()
    waiting.move(State.ACTIVE)
    shares.activate(waiting)
    assert shares["bob"].turns == 99.5
    assert shares["bob"].places == 0.0


def test_nobody_is_remembered_when_nobody_is_left() -> None:
    shares = Shares(credit=0.1)
    first, second = active(shares, 1, "ann"), active(shares, 2, "bob")
    shares.charge(first, 10.0)
    shares.advance()
    shares.remove(first)
    shares.remove(second)
    assert len(shares) == 0
