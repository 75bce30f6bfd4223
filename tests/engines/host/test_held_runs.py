"""The runs that the host holds, without a process."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from antiphon_engines.api import QueueFull, Token
from antiphon_engines.host.held_runs import HeldRun, HeldRuns
from antiphon_engines.ipc.channel import SteerRun, Submit
from antiphon_engines.ipc.events import Done, Failed, Queued, RunEvent, Started
from antiphon_engines.settings import QueueBounds
from antiphon_proto.errors import ErrorCode
from antiphon_proto.messages import TokenInfo
from antiphon_proto.params import TextSteer
from support.fake_band import band_request
from support.fake_engine import request

TOKEN = Token(TokenInfo(0, "a", 1, -0.1))


def add(runs: HeldRuns, run: str, heard: list[RunEvent], share: str = "ann") -> HeldRun:
    return runs.add(run, 0, share, 1.0, request(), heard.append)


def test_a_new_worker_is_told_of_those_who_wait_in_their_order_with_their_steers() -> None:
    runs = HeldRuns(QueueBounds())
    first, second, third = (add(runs, name, []) for name in ("r1", "r2", "r3"))
    change = TextSteer(temperature=0.5)
    runs.steer("r3", change, 2)
    runs.deliver(first.ticket, (Started(),))
    runs.worker_died("it died", max_deaths=3)
    commands = runs.commands()
    assert [command.ticket for command in commands if isinstance(command, Submit)] == [
        second.ticket,
        third.ticket,
    ]
    assert commands[-1] == SteerRun(third.ticket, change, 2)


def test_a_steer_of_a_started_run_is_not_kept() -> None:
    runs = HeldRuns(QueueBounds())
    held = add(runs, "r1", [])
    runs.steer("r1", TextSteer(temperature=0.5), 2)
    runs.deliver(held.ticket, (Started(),))
    for _ in range(100):
        runs.steer("r1", TextSteer(temperature=0.5), 2)
    assert held.steers == []


def test_a_death_fails_the_started_and_counts_for_the_waiting() -> None:
    runs = HeldRuns(QueueBounds())
    started: list[RunEvent] = []
    waiting: list[RunEvent] = []
    runs.deliver(add(runs, "r1", started).ticket, (Started(), TOKEN))
    add(runs, "r2", waiting)
    runs.worker_died("it died", max_deaths=2)
    assert started == [Started(), TOKEN, Failed(ErrorCode.WORKER_LOST, "it died")]
    assert waiting == []
    runs.worker_died("it died again", max_deaths=2)
    [end] = waiting
    assert isinstance(end, Failed)
    assert end.message == "the engine died 2 times while this run waited; last: it died again"
    assert len(runs) == 0


def test_a_sink_may_submit_the_same_run_again_from_its_end() -> None:
    runs = HeldRuns(QueueBounds(1, 1))
    again: list[RunEvent] = []

    def sink(event: RunEvent) -> None:
        add(runs, "r1", again)

    held = runs.add("r1", 0, "ann", 1.0, request(), sink)
    runs.deliver(held.ticket, (Done("end"), TOKEN))
    assert len(runs) == 1
    assert again == []


def test_a_sink_that_cancels_its_run_hears_no_more_of_the_same_report() -> None:
    runs = HeldRuns(QueueBounds())
    heard: list[RunEvent] = []

    def sink(event: RunEvent) -> None:
        heard.append(event)
        runs.drop("r1")

    held = runs.add("r1", 0, "ann", 1.0, request(), sink)
    runs.deliver(held.ticket, (TOKEN, TOKEN, Done("end")))
    assert heard == [TOKEN]


class HeldMachine(RuleBasedStateMachine):
    """Counts agree with the runs held; a sink hears nothing after its run's end or its cancellation."""

    def __init__(self) -> None:
        super().__init__()
        self.runs = HeldRuns(QueueBounds(total=4, per_share=2))
        self.held: dict[str, tuple[HeldRun, list[RunEvent]]] = {}
        self.gone: list[tuple[HeldRun, list[RunEvent], int]] = []
        self.number = 0

    @rule(share=st.sampled_from("ab"))
    def add(self, share: str) -> None:
        self.number += 1
        waiting = [held for held, _ in self.held.values() if not held.started]
        full = len(waiting) >= 4 or sum(held.share == share for held in waiting) >= 2
        heard: list[RunEvent] = []
        name = f"r{self.number}"
        if full:
            with pytest.raises(QueueFull):
                add(self.runs, name, heard, share)
        else:
            self.held[name] = (add(self.runs, name, heard, share), heard)

    @rule(
        data=st.data(),
        event=st.sampled_from([Queued(1, 0), Started(), TOKEN, Done("end"), Failed("invalid", "why")]),
    )
    def deliver(self, data: st.DataObject, event: RunEvent) -> None:
        if self.held:
            name = data.draw(st.sampled_from(sorted(self.held)))
            held, heard = self.held[name]
            before = len(heard)
            self.runs.deliver(held.ticket, (event,))
            assert heard[before:] == [event]
            if isinstance(event, Done | Failed):
                self._left(name)

    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        if self.held:
            name = data.draw(st.sampled_from(sorted(self.held)))
            assert self.runs.drop(name) is self.held[name][0]
            assert self.runs.drop(name) is None
            self._left(name)

    @rule()
    def die(self) -> None:
        self.runs.worker_died("it died", max_deaths=2)
        for name, (held, heard) in list(self.held.items()):
            if held.started or held.deaths == 2:
                assert isinstance(heard[-1], Failed)
                self._left(name)

    @rule()
    def events_of_the_gone_go_nowhere(self) -> None:
        for held, heard, count in self.gone:
            self.runs.deliver(held.ticket, (TOKEN, Done("end")))
            assert len(heard) == count

    @invariant()
    def counts_agree(self) -> None:
        assert len(self.runs) == len(self.held)
        assert self.runs.waiting == sum(not held.started for held, _ in self.held.values())

    def _left(self, name: str) -> None:
        held, heard = self.held.pop(name)
        self.gone.append((held, heard, len(heard)))


TestHeldMachine = HeldMachine.TestCase
TestHeldMachine.settings = settings(derandomize=True, deadline=None, max_examples=50, stateful_step_count=30)


def test_a_full_queue_of_writers_keeps_no_band_out() -> None:
    runs = HeldRuns(QueueBounds(total=2, per_share=1))
    add(runs, "r1", [])
    with pytest.raises(QueueFull, match="1 of your runs"):
        add(runs, "r2", [])
    add(runs, "r3", [], share="bob")
    with pytest.raises(QueueFull, match="2 runs are waiting"):
        add(runs, "r4", [], share="eve")
    band = runs.add("band", 0, "ann", 1.0, band_request(10.0), [].append)
    assert runs.waiting == 3
    runs.deliver(band.ticket, (Started(),))
    assert runs.waiting == 2
