"""The scheduler on a simulated device: shares, places, queue, estimate. All time is virtual."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from antiphon_engines.api import InvalidRequest, QueueFull
from antiphon_engines.scheduling.batching import Fairness
from antiphon_engines.scheduling.scheduler import Scheduler
from antiphon_engines.scheduling.ticket import State, Ticket
from antiphon_engines.scheduling.unit_choice import Batch
from antiphon_engines.settings import Policy, QueueBounds
from support.fake_engine import fake_info, request
from support.simulation import Simulation, affine, flat

CHECKED = settings(derandomize=True, deadline=None, max_examples=40)
PLACES = st.sampled_from([(1, 1), (2, 2), (4, 2), (8, 8), (8, 4)])
COSTS = st.sampled_from([affine(0.02, 0.01), affine(0.005, 0.02), affine(0.03, 0.006, prefill=0.1)])


# Shares -------------------------------------------------------------------------------------------------


@given(
    weights=st.lists(st.sampled_from([0.5, 1.0, 2.0, 3.0]), min_size=2, max_size=5),
    places=PLACES,
    cost=COSTS,
    lengths=st.lists(st.integers(1, 12), min_size=5, max_size=5),
    prefill=st.integers(0, 3),
)
@settings(CHECKED, max_examples=12)
def test_shares_that_always_want_more_converge_to_their_weights(
    weights, places, cost, lengths, prefill
) -> None:
    simulation = Simulation(cost, *places)
    end = simulation.now + 25.0 * len(weights)
    while simulation.now < end:
        waiting = Counter(t.share for t in simulation.tickets() if t.state is State.WAITING)
        for index, weight in enumerate(weights):
            for turn in range(places[0] + 1 - waiting[str(index)]):
                tokens = lengths[(index + turn) % len(lengths)]
                simulation.submit(str(index), tokens=tokens, prefill=prefill, weight=weight)
        simulation.step()
    for index, weight in enumerate(weights):
        due = weight / sum(weights)
        got = simulation.charged[str(index)] / sum(simulation.charged.values())
        assert got == pytest.approx(due, rel=0.05)


@given(
    flood=st.integers(1, 40),
    places=st.sampled_from([(2, 2), (4, 4), (8, 8), (8, 4)]),
    cost=COSTS,
    tokens=st.integers(20, 120),
    prefill=st.integers(0, 10),
)
@CHECKED
def test_a_flood_does_not_slow_another_below_its_share(flood, places, cost, tokens, prefill) -> None:
    alone = Simulation(cost, *places)
    own = alone.submit("ann", tokens=tokens, prefill=prefill)
    alone.drain()
    time_alone = alone.ended[own.number] - alone.started[own.number]

    shared = Simulation(cost, *places)
    for _ in range(flood):
        shared.submit("bob", tokens=400, prefill=5)
    for _ in range(200):
        shared.step()
    places_left = places[0] - len(shared.scheduler.active)
    own = shared.submit("ann", tokens=tokens, prefill=prefill)
    asked_at = shared.now
    while own.number not in shared.ended:
        shared.step()
    if places_left:
        assert shared.started[own.number] == asked_at
    taken = shared.ended[own.number] - shared.started[own.number]
    # Half the time is hers. On top comes bob's lead (`slack`), and one step of his that was under way
    # for each of her units' kinds, and the exploration of batch sizes.
    fairness = Fairness()
    slop = fairness.slack + fairness.credit + 10 * cost("prefill", places[1])
    assert taken <= 2 * time_alone + slop


@pytest.mark.parametrize("places", [2, 4, 8])
def test_a_flood_leaves_a_place_to_a_newcomer(places: int) -> None:
    simulation = Simulation(affine(), places, places)
    for _ in range(50):
        simulation.submit("bob", tokens=50)
    simulation.step()
    ann = simulation.submit("ann")
    simulation.admit()
    assert (ann.state is State.ACTIVE) == (places > 2)
    assert len(simulation.scheduler.active) <= places


@given(
    fixed=st.floats(0.0, 0.3),
    each=st.floats(0.001, 0.3),
    people=st.integers(1, 8),
    most=st.sampled_from([0.05, 0.1, 0.25]),
)
@CHECKED
def test_no_batch_is_much_longer_than_the_policy_says_also_before_anything_is_known(
    fixed: float, each: float, people: int, most: float
) -> None:
    """A unit that cannot be made smaller begins with one run; then at most twice a size known to be short enough is
    tried, once in the life of a measurement."""
    simulation = Simulation(lambda unit, size: fixed + each * size, policy=Policy(max_unit=most))
    for number in range(people):
        simulation.submit(f"p{number}", tokens=20)
    simulation.drain()
    longest = max(most, 1.25 * (fixed + each))
    assert len(simulation.history[0][1].tickets) == 1
    assert all(seconds <= 2 * longest + 1e-9 for _, seconds in simulation.spent)
    sizes = [len(batch.tickets) for _, batch in simulation.history]
    tried = {size for size in sizes if fixed + each * size > longest}
    fresh = simulation.now - 100.0 < 30.0
    assert not fresh or all(sizes.count(size) == 1 for size in tried)


def test_on_a_device_where_batching_is_free_everybody_rides() -> None:
    simulation = Simulation(flat(), 8, 8)
    for _ in range(5):
        simulation.submit("bob", tokens=400)
    simulation.submit("ann", tokens=400)
    for _ in range(200):
        simulation.step()
    sizes = [len(batch.tickets) for _, batch in simulation.history[-100:]]
    assert sizes == [6] * 100
    assert simulation.charged["ann"] == pytest.approx(simulation.charged["bob"], rel=0.15)


def test_on_a_device_where_batching_costs_the_flood_takes_turns() -> None:
    simulation = Simulation(affine(0.0, 0.02), 8, 8)
    for _ in range(5):
        simulation.submit("bob", tokens=4000)
    simulation.submit("ann", tokens=4000)
    for _ in range(400):
        simulation.step()
    recent = [batch for _, batch in simulation.history[-200:]]
    units = Counter(ticket.share for batch in recent for ticket in batch.tickets[: batch.paying])
    assert units["ann"] == pytest.approx(units["bob"], rel=0.05)
    bobs = Counter(ticket.number for batch in recent for ticket in batch.tickets if ticket.share == "bob")
    assert max(bobs.values()) - min(bobs.values()) <= 2


def test_a_long_prompt_does_not_stall_those_who_decode() -> None:
    cost = affine(0.02, 0.01, prefill=0.3)
    simulation = Simulation(cost)
    ann = simulation.submit("ann", tokens=2000)
    for _ in range(50):
        simulation.step()
    simulation.submit("bob", tokens=10, prefill=60)
    before = len(simulation.history)
    while any(ticket.share == "bob" for ticket in simulation.tickets()):
        simulation.step()
    times = [end for end, batch in simulation.history[before:] if ann in batch.tickets]
    gaps = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    assert max(gaps) <= 2 * cost("prefill", 1) + cost("decode", 2)
    assert simulation.charged["ann"] / simulation.charged["bob"] > 0.9


def test_one_persons_prompt_does_not_stall_the_same_persons_other_run() -> None:
    cost = affine(0.02, 0.01, prefill=0.3)
    simulation = Simulation(cost)
    first = simulation.submit("ann", tokens=2000)
    for _ in range(50):
        simulation.step()
    second = simulation.submit("ann", tokens=1, prefill=40)
    before = len(simulation.history)
    while second.number not in simulation.ended:
        simulation.step()
    recent = simulation.history[before:]
    decoding = sum(first in batch.tickets for _, batch in recent)
    assert decoding * cost("decode", 1) == pytest.approx(40 * cost("prefill", 1), rel=0.1)


def test_nobody_saves_up_time_by_being_idle() -> None:
    simulation = Simulation(affine(0.0, 0.02))
    simulation.submit("ann", tokens=1)
    simulation.submit("bob", tokens=20_000)
    while simulation.now < 200:
        simulation.step()
    ann = simulation.submit("ann", tokens=2000)
    before = len(simulation.history)
    for _ in range(100):
        simulation.step()
    served = Counter(t.share for _, batch in simulation.history[before:] for t in batch.tickets)
    assert ann.state is State.ACTIVE
    assert served["bob"] >= 0.8 * served["ann"]


def test_a_long_wait_for_a_place_is_not_made_up_by_stalling_the_others() -> None:
    simulation = Simulation(affine(0.0, 0.02), 2, 2)
    bob = simulation.submit("bob", tokens=100_000)
    simulation.submit("eve", tokens=1000)
    simulation.step()
    ann = simulation.submit("ann", tokens=1000)
    while ann.state is State.WAITING:
        simulation.step()
    waited = simulation.started[ann.number] - ann.submitted_at
    before = len(simulation.history)
    for _ in range(200):
        simulation.step()
    times = [end for end, batch in simulation.history[before:] if bob in batch.tickets]
    gaps = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    assert waited > 30
    assert max([times[0] - simulation.started[ann.number], *gaps]) < 0.5


def test_a_pause_of_the_machine_is_charged_to_nobody_in_full() -> None:
    simulation = Simulation(affine(0.0, 0.02))
    simulation.submit("ann", tokens=1000)
    for _ in range(20):
        simulation.step()
    batch = simulation.scheduler.pick(simulation.now)
    assert isinstance(batch, Batch)
    before = batch.tickets[0].cost
    simulation.scheduler.account(batch, 30.0, [1], simulation.now + 30.0)
    assert batch.tickets[0].cost - before == pytest.approx(Fairness().outlier * 0.02)


@given(
    arrivals=st.lists(
        st.tuples(
            st.sampled_from("abcdef"),
            st.integers(1, 30),
            st.integers(0, 5),
            st.sampled_from([0.1, 1.0, 10.0]),
            st.integers(0, 10),
        ),
        max_size=60,
    ),
    places=PLACES,
    cost=st.one_of(COSTS, st.just(flat())),
)
@CHECKED
def test_no_run_starves(arrivals, places, cost) -> None:
    """Runs that keep coming, of whatever weight: each is done in the end, and the wait between two of its turns is
    bounded by the weights and by the number of places."""
    simulation = Simulation(cost, *places)
    tickets: list[Ticket] = []
    for share, tokens, prefill, weight, steps in arrivals:
        tickets.append(simulation.submit(share, tokens=tokens, prefill=prefill, weight=weight))
        for _ in range(steps):
            simulation.step()
    simulation.drain()
    assert all(ticket.state is State.DONE for ticket in tickets)
    dearest = max((cost("prefill", places[1]), cost("decode", places[1])))
    # weights span a factor of 100; the others may have `slack` and one unit each before its turn comes
    bound = (Fairness().slack + dearest) * places[0] * 100
    last: dict[int, float] = dict(simulation.started)
    for now, batch in simulation.history:
        for ticket in batch.tickets:
            assert now - last[ticket.number] <= bound
            last[ticket.number] = now


# Queue --------------------------------------------------------------------------------------------------


def test_the_queue_has_two_bounds() -> None:
    simulation = Simulation(affine(), 1, 1, QueueBounds(total=5, per_share=3))
    for _ in range(3):
        simulation.submit("bob")
    with pytest.raises(QueueFull, match="3 of your runs"):
        simulation.submit("bob")
    simulation.submit("ann")
    simulation.submit("ann")
    with pytest.raises(QueueFull, match="5 runs are waiting"):
        simulation.submit("eve")
    simulation.admit()
    simulation.submit("eve")


def test_a_request_of_another_kind_is_refused() -> None:
    scheduler = Scheduler({"image": fake_info()}, QueueBounds())
    with pytest.raises(InvalidRequest, match="no text engine"):
        scheduler.submit(Ticket(1, "run", 0, "ann", 1.0, "text", request(), 0.0))


def test_two_engines_share_the_device() -> None:
    scheduler = Scheduler({"text": fake_info(2, 2), "image": fake_info(1, 1)}, QueueBounds())
    kinds = ["text", "text", "text", "image", "image"]
    for number, kind in enumerate(kinds):
        scheduler.submit(Ticket(number, str(number), 0, f"p{number}", 1.0, kind, request(), 0.0))
    admitted = []
    while ticket := scheduler.admit(0.0):
        admitted.append(ticket.engine)

        class Job:
            unit = "decode"
            window = None
            piece = None

        ticket.job = Job()
    assert sorted(admitted) == ["image", "text", "text"]
    seen: Counter[str] = Counter()
    now = 0.0
    for _ in range(600):
        batch = scheduler.pick(now)
        assert isinstance(batch, Batch)
        assert {ticket.engine for ticket in batch.tickets} == {batch.engine}
        seconds = 0.03 if batch.engine == "image" else 0.01
        now += seconds
        scheduler.account(batch, seconds, [1] * len(batch.tickets), now)
        seen[batch.engine] += 1
    # Three shares want equal parts of the time; the text runs, of 5 ms a unit in a batch of two, get two of them.
    assert seen["text"] / seen["image"] == pytest.approx(6, rel=0.1)


def test_outlook_counts_from_one_and_lets_the_light_user_pass() -> None:
    simulation = Simulation(affine(), 1, 1)
    first = simulation.submit("bob", tokens=20)
    simulation.step()
    second = simulation.submit("bob", tokens=20)
    third = simulation.submit("bob", tokens=20)
    newcomer = simulation.submit("ann", tokens=20)
    places = {t.number: estimate for t, estimate in simulation.scheduler.estimates(simulation.now)}
    assert first.number not in places
    assert {number: estimate.position for number, estimate in places.items()} == {
        newcomer.number: 1,
        second.number: 2,
        third.number: 3,
    }


@pytest.mark.parametrize("cost", [affine(), flat()])
def test_expected_starts_come_true(cost) -> None:
    """Runs that use all their tokens, costs that do not change, and so many places that the load stays the same."""
    simulation = Simulation(cost, 4, 4)
    simulation.submit("before", tokens=2, prefill=1)  # measured alone, so that the others go in step
    simulation.drain()
    for turn in range(40):
        simulation.submit(f"p{turn % 8}", tokens=30, prefill=2)
    for _ in range(100):
        simulation.step()
    asked_at = simulation.now
    estimates = simulation.scheduler.estimates(asked_at)
    assert [estimate.position for _, estimate in estimates] == list(range(1, len(estimates) + 1))
    expected = {ticket.number: estimate.seconds for ticket, estimate in estimates}
    assert len(expected) > 8
    simulation.drain()
    for number, seconds in expected.items():
        actual = simulation.started[number] - asked_at
        assert seconds == pytest.approx(actual, rel=0.1, abs=0.2)


def test_before_anything_is_measured_the_expected_start_is_now() -> None:
    simulation = Simulation(affine(), 1, 1)
    simulation.submit("ann")
    simulation.submit("bob")
    simulation.admit()
    [(_, estimate)] = simulation.scheduler.estimates(simulation.now)
    assert (estimate.position, estimate.seconds) == (1, 0.0)


# Everything at once -------------------------------------------------------------------------------------

BOUNDS = QueueBounds(total=10, per_share=4)


class SchedulerMachine(RuleBasedStateMachine):
    """Whatever comes in whatever order: bounds hold, the ended stay ended, batches are as engines want them."""

    runs = Bundle("runs")

    def __init__(self) -> None:
        super().__init__()
        self.simulation = Simulation(affine(), 3, 2, BOUNDS)
        self.cancelled: set[int] = set()

    @rule(
        target=runs,
        share=st.sampled_from("abc"),
        tokens=st.integers(1, 6),
        prefill=st.integers(0, 3),
        weight=st.sampled_from([0.2, 1.0, 5.0]),
    )
    def submit(self, share: str, tokens: int, prefill: int, weight: float) -> Ticket | None:
        waiting = [t for t in self.simulation.tickets() if t.state is State.WAITING]
        full = len(waiting) >= BOUNDS.total or sum(t.share == share for t in waiting) >= BOUNDS.per_share
        try:
            ticket = self.simulation.submit(share, tokens=tokens, prefill=prefill, weight=weight)
        except QueueFull:
            assert full
            return None
        assert not full
        return ticket

    @rule(ticket=consumes(runs))
    def cancel(self, ticket: Ticket | None) -> None:
        if ticket is None:
            return
        was = ticket.state
        found = self.simulation.scheduler.cancel(ticket.number)
        assert (found is ticket) == (not was.final)
        assert self.simulation.scheduler.cancel(ticket.number) is None
        if not was.final:
            assert ticket.state is State.CANCELLED
            self.cancelled.add(ticket.number)

    @rule()
    def step(self) -> None:
        before = {ticket.number for ticket in self.simulation.tickets()}
        batch = self.simulation.step()
        assert (batch is None) == (not before)
        if batch is not None:
            numbers = [ticket.number for ticket in batch.tickets]
            assert 1 <= batch.paying <= len(numbers) <= 2
            assert len(set(numbers)) == len(numbers)
            assert set(numbers) <= before
            assert not set(numbers) & self.cancelled

    @rule()
    def admit(self) -> None:
        self.simulation.admit()

    @invariant()
    def bounds_hold(self) -> None:
        scheduler = self.simulation.scheduler
        assert len(scheduler.active) <= 3
        assert scheduler.waiting <= BOUNDS.total
        waiting = Counter(t.share for t in self.simulation.tickets() if t.state is State.WAITING)
        assert max(waiting.values(), default=0) <= BOUNDS.per_share
        assert all(t.state is State.ACTIVE for t in scheduler.active)
        estimates = scheduler.estimates(self.simulation.now)
        assert sorted(t.number for t, _ in estimates) == sorted(
            t.number for t in self.simulation.tickets() if t.state is State.WAITING
        )
        assert all(estimate.seconds >= 0 for _, estimate in estimates)

    def teardown(self) -> None:
        self.simulation.drain()
        assert self.simulation.scheduler.shares == 0


TestSchedulerMachine = SchedulerMachine.TestCase
TestSchedulerMachine.settings = settings(
    derandomize=True, deadline=None, max_examples=60, stateful_step_count=40
)
