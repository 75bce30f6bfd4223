"""Candidates, trying again, other tokens: a run's own words are changed, and nobody else's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.api import EngineUnavailable, TextRequest
from antiphon_engines.ipc.events import Token
from antiphon_proto.messages import (
    Alternative,
    Ask,
    Choose,
    Error,
    Recall,
    ReplaceToken,
    Retry,
    Run,
    RunInfo,
    TokenInfo,
    Tokens,
    Undo,
)
from antiphon_proto.params import TextParams
from antiphon_server.document.authorship import Owner
from antiphon_server.room_limits import RoomLimits
from support.replica import NativeReplica
from support.rooms import House


@pytest.fixture
def house() -> House:
    return House(RoomLimits(max_runs=8, max_runs_per_member=6))


@pytest.fixture
def ann(house: House) -> NativeReplica:
    return house.join(NativeReplica("Ann", "owner", 11))


@pytest.fixture
def bo(house: House, ann: NativeReplica) -> NativeReplica:
    return house.join(NativeReplica("Bo", "editor", 12))


def write(house: House, who: NativeReplica, text: str, at: int = 0) -> None:
    who.edit(house.room, at, insert=text)
    house.tick(1)
    who.receive()


def ask(
    house: House, who: NativeReplica, task: str, start: int, end: int, mode: str = "write", **more: object
) -> list[str]:
    """Returns the runs that it started."""
    known = set(house.host.requests)
    who.receive()
    assert who.resume is not None
    place = who.index(start), who.index(end)
    who.send(house.room, Ask(1, task, mode, who.resume.offset, *place, **more))
    return [run for run in house.host.requests if run not in known]


def say(house: House, run: str, *texts: str) -> None:
    house.host.start(run)
    house.host.say(run, *texts)
    house.tick()


def end(house: House, run: str) -> None:
    house.host.finish(run)
    house.tick()


def info(house: House, run: str) -> RunInfo:
    return house.room.runs.get(run).info


def request(house: House, run: str) -> TextRequest:
    found = house.host.requests[run]
    assert isinstance(found, TextRequest)
    return found


def errors(who: NativeReplica) -> list[tuple[str, str, str]]:
    who.receive()
    return [(error.code, error.re, error.ref) for error in who.of(Error)]


def written(house: House, run: str) -> str:
    data = house.room.text().encode()
    return b"".join(data[a:b] for a, b in house.room.shared.authorship.ranges(run)).decode()


# Brainstorm -------------------------------------------------------------------------------------------


def test_three_candidates_stream_to_all_and_one_is_chosen(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    write(house, ann, "Жил-был кот.")
    runs = ask(house, ann, "brainstorm", 12, 12, params=TextParams(seed=5))
    assert len(runs) == 3
    assert [request(house, run).params.seed for run in runs] == [5, 6, 7]
    assert len({info(house, run).group for run in runs}) == 1
    for run in runs:
        say(house, run, " Он", f" {run}")
    assert house.room.text() == "Жил-был кот."
    bo.receive()
    assert {m.run for m in bo.of(Tokens)} == set(runs)
    assert {m.ask for m in ann.of(Run) if m.ask} | {m.ask for m in bo.of(Run)} <= {0, 1}
    bo.edit(house.room, 0, insert="😀 ")
    end(house, runs[0])
    bo.send(house.room, Choose(runs[0]))  # an editor may choose; the asker's other candidates are dropped
    house.tick()
    assert house.room.text() == f"😀 Жил-был кот. Он {runs[0]}"
    assert written(house, runs[0]) == f" Он {runs[0]}"
    assert set(house.host.cancelled) == set(runs[1:])
    assert [info(house, run).undone for run in runs] == [False, True, True]
    ann.send(house.room, Undo(runs[0]))
    assert house.room.text() == "😀 Жил-был кот."


def test_private_candidates_are_the_askers_alone(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    write(house, ann, "one two three")
    runs = ask(house, ann, "brainstorm", 4, 7, "private", instruction="other words")
    assert request(house, runs[0]).task == "instruct"
    for run in runs:
        say(house, run, "2")
        end(house, run)
    bo.receive()
    assert not bo.of(Tokens)
    assert not bo.of(Run)
    bo.send(house.room, Choose(runs[1]))
    assert errors(bo) == [("not_found", "choose", runs[1])]
    assert [run.text for run in house.room.runs.visible_to(ann.participant)] == ["2", "2", "2"]
    ann.send(house.room, Choose(runs[1], "suggest"))
    house.tick()
    assert house.formatted() == [
        ("one ", None),
        ("two", {"suggest_del": runs[1]}),
        ("2", {"ai": runs[1], "suggest": runs[1]}),
        (" three", None),
    ]
    bo.receive()
    assert [m.run.id for m in bo.of(Run)] == [runs[1]]


def test_candidates_need_room_and_none_is_left_of_a_refused_brainstorm(
    house: House, ann: NativeReplica
) -> None:
    write(house, ann, "one")
    ask(house, ann, "brainstorm", 3, 3)
    ask(house, ann, "continue", 3, 3)
    assert not ask(house, ann, "brainstorm", 3, 3)
    assert errors(ann) == [("queue_full", "ask", "1")]
    assert len(house.room.runs.live()) == 4


def test_a_private_run_can_be_put_into_the_story(house: House, ann: NativeReplica) -> None:
    write(house, ann, "one")
    [run] = ask(house, ann, "continue", 3, 3, "private")
    ann.send(house.room, Choose(run))
    assert errors(ann) == [("conflict", "choose", run)]
    say(house, run, " two")
    ann.send(house.room, Choose(run))  # still writing: it is stopped and keeps its words
    assert (house.room.text(), info(house, run).state) == ("one two", "stopped")
    ann.send(house.room, Choose(run))
    assert errors(ann)[1:] == [("conflict", "choose", run)]


# Rewrite and retry ------------------------------------------------------------------------------------


def test_rewriting_needs_a_selection_and_replaces_it(house: House, ann: NativeReplica) -> None:
    write(house, ann, "one two three")
    assert not ask(house, ann, "rewrite", 4, 4)
    assert errors(ann) == [("invalid", "ask", "1")]
    [run] = ask(house, ann, "rewrite", 4, 7)
    assert (request(house, run).task, request(house, run).selection) == ("rewrite", "two")
    say(house, run, "2")
    assert house.room.text() == "one 2 three"


@pytest.mark.parametrize("mode", ["write", "suggest"])
def test_a_retry_begins_where_the_old_run_did(
    house: House, ann: NativeReplica, bo: NativeReplica, mode: str
) -> None:
    write(house, ann, "раз два три")
    [old] = ask(house, ann, "rewrite", 4, 7, mode, instruction="по-английски", params=TextParams(seed=1))
    say(house, old, "two")
    bo.receive()
    bo.edit(house.room, 0, insert="字 ")
    ann.send(house.room, Retry(9, old))
    house.tick()
    new = house.host.last
    assert new != old
    assert house.host.cancelled == [old]
    assert house.room.text() == "字 раз два три"
    assert (info(house, old).undone, info(house, new).origin) == (True, old)
    assert (request(house, new).selection, request(house, new).instruction) == ("два", "по-английски")
    assert request(house, new).params.seed != 1
    assert [m.ask for m in ann.receive() if isinstance(m, Run) and m.run.id == new] == [9]
    say(house, new, "TWO")
    assert written(house, new) == "TWO"
    assert house.room.text() == ("字 раз TWO три" if mode == "write" else "字 раз дваTWO три")


def test_a_continuation_is_tried_again_at_its_place(house: House, ann: NativeReplica) -> None:
    write(house, ann, "one three")
    [old] = ask(house, ann, "continue", 3, 3)
    say(house, old, " 2")
    end(house, old)
    ann.receive()
    ann.edit(house.room, 5, insert="!")  # right behind the run's text
    ann.send(house.room, Retry(2, old))
    assert house.room.text() == "one! three"
    assert request(house, house.host.last).before == "one"


def test_the_run_that_makes_way_is_told_first_and_the_new_one_before_its_first_tokens(
    house: House, ann: NativeReplica
) -> None:
    write(house, ann, "Once")
    (old,) = ask(house, ann, "continue", 4, 4)
    say(house, old, " a storm")
    ann.receive()
    known = len(ann.heard)
    ann.send(house.room, Retry(2, old))
    (new,) = set(house.host.requests) - {old}
    say(house, new, " a calm")
    ann.receive()
    told = [each for each in ann.heard[known:] if isinstance(each, Run | Tokens)]
    assert [each.run if isinstance(each, Tokens) else each.run.id for each in told] == [old, new, new]
    assert isinstance(told[0], Run)
    assert told[0].run.undone
    assert isinstance(told[2], Tokens)


def test_a_retry_finds_its_place_after_a_restart(house: House, ann: NativeReplica) -> None:
    write(house, ann, "one three")
    [old] = ask(house, ann, "continue", 3, 3)
    say(house, old, " 2")
    end(house, old)
    house.restart()
    ann.connect(house.room)
    ann.send(house.room, Retry(2, old))
    assert request(house, house.host.last).before == "one"
    assert house.room.text() == "one three"


def test_a_retry_is_refused_while_there_is_no_engine_and_loses_nothing(
    house: House, ann: NativeReplica
) -> None:
    write(house, ann, "one")
    [old] = ask(house, ann, "continue", 3, 3)
    say(house, old, " two")
    end(house, old)
    for _ in range(6):
        ask(house, ann, "continue", 0, 0)
    ann.send(house.room, Retry(2, old))
    assert errors(ann) == [("queue_full", "retry", "2")]
    assert house.room.text() == "one two"


def test_a_candidate_is_tried_again_within_its_group(house: House, ann: NativeReplica) -> None:
    write(house, ann, "one")
    runs = ask(house, ann, "brainstorm", 3, 3)
    say(house, runs[1], " two")
    ann.send(house.room, Retry(2, runs[1]))
    new = house.host.last
    assert len(house.host.requests) == 4
    assert info(house, new).group == info(house, runs[0]).group
    assert info(house, runs[1]).undone


# Alternatives -----------------------------------------------------------------------------------------


def tell(house: House, run: str, index: int, text: str, *others: str) -> None:
    alternatives = tuple(Alternative(other, -2.0) for other in others)
    house.host.tell(run, Token(TokenInfo(index, text, index, -0.5, alternatives)))
    house.tick()


def swap(
    house: House, who: NativeReplica, run: str, token: int, number: int, start: int, end: int, **more: object
) -> None:
    who.receive()
    assert who.resume is not None
    place = who.index(start), who.index(end)
    who.send(
        house.room,
        ReplaceToken(7, run, token, number, who.resume.offset, *place, **more),
    )
    house.tick()


@pytest.fixture
def old(house: House, ann: NativeReplica) -> str:
    """A run that wrote " кошка спит тут" into "Вот.", its tokens with alternatives."""
    write(house, ann, "Вот.")
    [run] = ask(house, ann, "continue", 3, 3)
    house.host.start(run)
    tell(house, run, 0, " кошка", " собака", " птица 🐦")
    tell(house, run, 1, " спит", " ест")
    tell(house, run, 2, " тут")
    end(house, run)
    assert house.room.text() == "Вот кошка спит тут."
    return run


def test_a_token_gives_way_to_its_alternative(
    house: House, ann: NativeReplica, bo: NativeReplica, old: str
) -> None:
    swap(house, bo, old, 0, 1, 3, 9)
    assert house.room.text() == "Вот птица 🐦 спит тут."
    new = house.room.run_infos()[-1]
    assert (new.task, new.participant, new.author, new.state, new.origin) == (
        "alternative",
        bo.participant,
        "ai",
        "done",
        old,
    )
    assert written(house, new.id) == " птица 🐦"
    assert written(house, old) == " спит тут"
    assert [m.ask for m in bo.receive() if isinstance(m, Run)] == [7]
    ann.send(house.room, Undo(new.id))
    assert house.room.text() == "Вот кошка спит тут."
    assert written(house, old) == " кошка спит тут"


def test_and_the_run_goes_on_from_there(house: House, ann: NativeReplica, old: str) -> None:
    ann.receive()
    ann.edit(house.room, 10, insert="(да)")
    swap(house, ann, old, 0, 0, 3, 9, go_on=True, params=TextParams(max_tokens=9))
    assert house.room.text() == "Вот собака(да)."
    new = house.host.last
    assert (request(house, new).before, request(house, new).params.max_tokens) == ("Вот собака", 9)
    say(house, new, " лает")
    end(house, new)
    assert house.room.text() == "Вот собака лает(да)."
    assert [span.owner for span in house.room.shared.authorship.spans()][:2] == [
        Owner(ann.participant),
        Owner("ai", new),
    ]
    ann.send(house.room, Undo(new))
    assert house.room.text().replace("(да)", "") == "Вот кошка спит тут."


@pytest.mark.parametrize(
    ("token", "number", "start", "end", "code"),
    [
        (0, 0, 3, 11, "conflict"),  # more than the token
        (0, 0, 1, 4, "conflict"),  # a person's letters among it
        (0, 5, 3, 9, "invalid"),
        (9, 0, 3, 9, "conflict"),
        (2, 0, 14, 18, "invalid"),
        (0, 0, 4, 4, "conflict"),
    ],
)
def test_only_what_is_left_of_the_token_is_replaced(
    house: House, ann: NativeReplica, old: str, token: int, number: int, start: int, end: int, code: str
) -> None:
    swap(house, ann, old, token, number, start, end)
    assert errors(ann) == [(code, "replace_token", "7")]
    assert house.room.text() == "Вот кошка спит тут."


def test_an_alternative_stands_also_when_the_engine_cannot_go_on(
    house: House, ann: NativeReplica, old: str
) -> None:
    house.host.refusal = EngineUnavailable("it loads")
    swap(house, ann, old, 1, 0, 9, 14, go_on=True)
    new = house.room.run_infos()[-1]
    assert (new.state, new.error) == ("failed", "it loads")
    assert house.room.text() == "Вот кошка ест."
    ann.send(house.room, Undo(new.id))
    assert house.room.text() == "Вот кошка спит тут."


# After a restart --------------------------------------------------------------------------------------


def recalled(house: House, who: NativeReplica, run: str) -> list[TokenInfo]:
    who.receive()
    told = len(who.of(Tokens))
    who.send(house.room, Recall(run))
    who.receive()
    return [token for message in who.of(Tokens)[told:] for token in message.tokens]


def test_tokens_are_told_again_to_whoever_comes_later(house: House, ann: NativeReplica, old: str) -> None:
    late = house.join(NativeReplica("Cy", "viewer", 13))
    assert [token.text for token in recalled(house, late, old)] == [" кошка", " спит", " тут"]
    house.restart()
    late.connect(house.room)
    [cat, *_] = recalled(house, late, old)
    assert cat == TokenInfo(
        0, " кошка", 0, -0.5, (Alternative(" собака", -2.0), Alternative(" птица 🐦", -2.0))
    )


def test_alternatives_are_chosen_after_a_restart(house: House, ann: NativeReplica, old: str) -> None:
    house.restart()
    ann.connect(house.room)
    swap(house, ann, old, 1, 0, 9, 14)
    assert house.room.text() == "Вот кошка ест тут."


def test_what_a_live_run_has_written_can_be_recalled(house: House, ann: NativeReplica) -> None:
    [run] = ask(house, ann, "continue", 0, 0)
    late = house.join(NativeReplica("Cy", "viewer", 13))
    late.send(house.room, Recall(run))
    assert errors(late) == [("conflict", "recall", run)]
    say(house, run, "one")
    assert [token.text for token in recalled(house, late, run)] == ["one"]


def test_a_private_runs_tokens_are_nobody_elses(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    [run] = ask(house, ann, "continue", 0, 0, "private")
    say(house, run, "one")
    bo.send(house.room, Recall(run))
    assert errors(bo) == [("not_found", "recall", run)]
    assert len(recalled(house, ann, run)) == 1


def test_the_oldest_runs_tokens_make_room() -> None:
    house = House(RoomLimits(max_tokens_kept=400))
    ann = house.join(NativeReplica("Ann", "owner", 11))
    runs = []
    for number in range(12):
        [run] = ask(house, ann, "continue", 0, 0)
        say(house, run, f"one {number} two")
        end(house, run)
        runs.append(run)
    assert not recalled(house, ann, runs[0])
    assert recalled(house, ann, runs[-1])
    house.restart()
    ann.connect(house.room)
    assert not recalled(house, ann, runs[0])
    assert recalled(house, ann, runs[-1])
    stored = house.store.stored("room")
    assert stored is not None
    assert 0 < sum(len(one.body) for one in stored.tokens) <= 400


def test_candidates_are_chosen_after_a_restart(house: House, ann: NativeReplica) -> None:
    write(house, ann, "one three")
    runs = ask(house, ann, "brainstorm", 3, 3)
    for run in runs:
        say(house, run, " two")
        end(house, run)
    write(house, ann, "字 ")
    house.restart()
    ann.connect(house.room)
    ann.send(house.room, Choose(runs[0]))
    house.tick()
    assert house.room.text() == "字 one two three"


@settings(max_examples=60, deadline=None)
@given(
    edits=st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 4), st.text("aя字😀", max_size=3)), max_size=12
    ),
    selected=st.booleans(),
    snapshots=st.sets(st.integers(0, 12)),
)
def test_places_of_runs_are_the_same_after_a_restart(
    edits: list[tuple[int, int, str]], selected: bool, snapshots: set[int]
) -> None:
    house = House(RoomLimits(max_runs=8, max_runs_per_member=6))
    ann = house.join(NativeReplica("Ann", "owner", 11))
    write(house, ann, "раз два три 😀 vier")
    [drafted] = ask(house, ann, "instruct", 4, 7 if selected else 4, "private", instruction="x")
    [written] = ask(house, ann, "instruct", 8, 11 if selected else 8, instruction="x")
    for number, (at, delete, text) in enumerate(edits):
        if number in snapshots:
            house.room.snapshot()
        if number % 3 == 0:
            say(house, written, "字x")
        ann.receive()
        ann.edit(house.room, min(at, len(ann.text)), delete, text)
    house.tick(1)
    before = [house.room.context.places.of(run) for run in (drafted, written)]
    house.restart()
    after = [house.room.context.places.of(run) for run in (drafted, written)]
    for live, back in zip(before, after, strict=True):
        assert (back.at.at, back.selection.ranges) == (live.at.at, live.selection.ranges)
