"""The AI writes with people: places, modes, stop and steer, ends of every kind, undo and suggestions."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from antiphon_engines.api import EngineUnavailable, QueueFull
from antiphon_engines.ipc.events import Queued
from antiphon_engines.ipc.events import Steered as EngineSteered
from antiphon_proto.messages import (
    Accept,
    Ask,
    Choose,
    Edit,
    Error,
    Presence,
    Recall,
    Reject,
    ReplaceToken,
    Retry,
    Revoke,
    Run,
    RunInfo,
    Steer,
    Steered,
    Stop,
    Tokens,
    Undo,
    Welcome,
)
from antiphon_proto.params import TextParams, TextSteer
from antiphon_proto.sync import SyncUpdate
from antiphon_server.room_limits import RoomLimits
from antiphon_server.runs.supervisor import MAX_STEERS
from antiphon_server.store.api import StorageUnavailable
from support.replica import NativeReplica, PlainReplica
from support.rooms import House


@pytest.fixture
def house() -> House:
    return House(RoomLimits(max_runs=3, max_runs_per_member=2, empty_timeout=30))


@pytest.fixture
def ann(house: House) -> NativeReplica:
    return house.join(NativeReplica("Ann", "owner", 11))


@pytest.fixture
def bo(house: House, ann: NativeReplica) -> NativeReplica:
    return house.join(NativeReplica("Bo", "editor", 12))


def _write(house: House, who: NativeReplica, text: str) -> None:
    who.edit(house.room, 0, insert=text)
    house.tick(1)
    who.receive()


def _ask(
    house: House, who: NativeReplica, start: int, end: int | None = None, ask: int = 1, **more: object
) -> str:
    """Ask at a place counted in characters; returns the run."""
    who.receive()
    assert who.resume is not None
    more = {"task": "continue" if end is None else "instruct", "mode": "write"} | more
    place = who.index(start), who.index(start if end is None else end)
    who.send(house.room, Ask(ask=ask, offset=who.resume.offset, start=place[0], end=place[1], **more))
    return house.host.last


def _say(house: House, run: str, *texts: str) -> None:
    house.host.start(run)
    house.host.say(run, *texts)
    house.tick()


def _info(house: House, run: str) -> RunInfo:
    return house.room.runs.get(run).info


def _sync(*replicas: NativeReplica) -> str:
    for replica in replicas:
        replica.receive()
    texts = {replica.text for replica in replicas}
    assert len(texts) == 1
    return texts.pop()


def test_continues_at_the_cursor_while_people_type_everywhere(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    _write(house, ann, "Привет мир")
    run = _ask(house, ann, 6)
    _say(house, run, ", доб", "рый")
    for replica in (ann, bo):
        replica.receive()
    bo.edit(house.room, 0, insert="[до]")
    bo.edit(house.room, 12, insert="字")
    bo.edit(house.room, len(bo.text), insert="😀")
    ann.edit(house.room, 14, insert="|")  # exactly at the place: goes after it
    house.host.say(run, " старый")
    house.tick()
    house.host.finish(run)
    house.tick()
    assert _sync(ann, bo) == "[до]Привет, 字добрый старый| мир😀"
    written = b"".join(
        house.room.text().encode()[start:end] for start, end in house.room.shared.authorship.ranges(run)
    )
    assert written.decode() == ", добрый старый"
    assert _info(house, run).state == "done"
    assert [m.run.state for m in bo.of(Run)] == ["running", "done"]
    assert [t.text for m in ann.of(Tokens) for t in m.tokens] == [", доб", "рый", " старый"]
    assert ann.of(Tokens)[0].tokens[0].alternatives[0].text == "x"


def test_what_people_type_inside_is_not_marked_as_the_ais(house: House, ann: NativeReplica) -> None:
    plain = PlainReplica()
    plain.connect(house.room)
    run = _ask(house, ann, 0)
    _say(house, run, "abcd")
    plain.receive(house.room)
    before = plain.doc.get_state()
    plain.story.insert(2, "XX")  # without attributes, as an editor would that knows nothing of ours
    plain.send(house.room, SyncUpdate(plain.doc.get_update(before)))
    house.tick()
    assert house.formatted() == [("ab", {"ai": run}), ("XX", None), ("cd", {"ai": run})]


def test_the_first_announcement_echoes_the_request(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    run = _ask(house, ann, 0, ask=7, params=TextParams(seed=5, max_tokens=9))
    house.host.tell(run, Queued(2, 1500))
    house.tick()
    house.host.start(run)
    house.tick()
    ann.receive()
    bo.receive()
    assert [m.ask for m in ann.of(Run)] == [7, 0]
    assert [m.ask for m in bo.of(Run)] == [0, 0]
    queued = ann.of(Run)[0].run
    assert (queued.position, queued.expected_start_ms, queued.seed, queued.length) == (2, 1500, 5, 9)
    assert queued.model == "scripted"
    assert house.host.requests[run].params.seed == 5


def test_a_seed_is_drawn_and_reported(house: House, ann: NativeReplica) -> None:
    run = _ask(house, ann, 0)
    assert _info(house, run).seed == house.host.requests[run].params.seed


def test_stop_takes_effect_at_once(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    run = _ask(house, ann, 0)
    _say(house, run, "kept")
    house.host.say(run, " in the air")
    bo.send(house.room, Stop(run))
    bo.receive()
    assert [e.code for e in bo.of(Error)] == ["denied"]
    epoch = _info(house, run).epoch
    ann.send(house.room, Stop(run))
    assert _info(house, run).epoch > epoch
    assert house.host.cancelled == [run]
    house.host.say(run, " late")
    house.host.finish(run)
    house.tick()
    ann.send(house.room, Stop(run))
    assert _sync(ann, bo) == "kept"
    assert _info(house, run).state == "stopped"
    assert [e.code for e in ann.of(Error)] == ["conflict"]


def test_an_owner_may_stop_anybodys_run(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    run = _ask(house, bo, 0)
    ann.send(house.room, Stop(run))
    assert _info(house, run).state == "stopped"


def test_steer_reaches_the_engine_and_rejections_come_back(house: House, ann: NativeReplica) -> None:
    run = _ask(house, ann, 0)
    _say(house, run, "a")
    epoch = _info(house, run).epoch
    change = TextSteer(instruction="calmer", temperature=0.1)
    ann.send(house.room, Steer(run, change))
    house.host.refuse(run, "too late")
    house.host.say(run, "b")
    house.tick()
    ann.receive()
    assert house.host.steered == [(run, change)]
    assert _info(house, run).epoch == epoch + 1
    assert _info(house, run).instruction == ""
    assert ann.of(Error) == [Error("invalid", "too late", "steer", run)]
    assert house.room.text() == "ab"


def test_whoever_steers_is_told_from_which_token_on(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    run = _ask(house, bo, 0)
    _say(house, run, "a", "b")
    ann.send(house.room, Steer(run, TextSteer(instruction="calmer", max_tokens=7)))
    house.host.say(run, "c")
    house.tick()
    assert _info(house, run).instruction == ""
    house.host.say(run, "d")
    house.host.obey(run)
    house.host.say(run, "e")
    house.tick()
    ann.receive()
    bo.receive()
    info = _info(house, run)
    assert (info.instruction, info.length, info.progress) == ("calmer", 7, 5)
    assert ann.of(Steered) == [Steered(run, info.epoch, 4)]
    assert bo.of(Steered) == []
    assert house.room.text() == "abcde"


def test_only_so_many_steers_wait_for_their_answers(house: House, ann: NativeReplica) -> None:
    run = _ask(house, ann, 0)
    _say(house, run, "a")
    for _ in range(MAX_STEERS + 1):
        ann.send(house.room, Steer(run, TextSteer(temperature=0.5)))
    ann.receive()
    assert [error.code for error in ann.of(Error)] == ["queue_full"]
    house.host.obey(run)  # the last of them; the others' answers were lost with it
    for epoch in range(2, _info(house, run).epoch):
        house.host.tell(run, EngineSteered(epoch))
    ann.receive()
    assert len(ann.of(Steered)) == MAX_STEERS
    ann.send(house.room, Steer(run, TextSteer(temperature=0.5)))
    ann.receive()
    assert len(ann.of(Error)) == 1


def test_a_rejection_goes_to_whoever_steered(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    run = _ask(house, bo, 0)
    _say(house, run, "a")
    bo.receive()
    ann.send(house.room, Steer(run, TextSteer(instruction="calmer")))
    house.host.refuse(run, "too late")
    house.tick()
    ann.receive()
    bo.receive()
    assert ann.of(Error) == [Error("invalid", "too late", "steer", run)]
    assert bo.of(Error) == []


def test_an_instruction_replaces_its_selection_with_the_first_token(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    _write(house, ann, "один два три")
    run = _ask(house, ann, 5, 8, instruction="in English")
    assert house.host.requests[run].selection == "два"
    house.tick()
    assert house.room.text() == "один два три"
    bo.receive()
    bo.edit(house.room, 6, insert="XX")  # typed inside while it waits: not part of the question
    house.tick()
    _say(house, run, "two")
    assert _sync(ann, bo) == "один twoXX три"
    house.host.finish(run)
    ann.send(house.room, Undo(run))
    house.tick()
    assert set(_sync(ann, bo)) == set("один дваXX три")
    assert "XX" in bo.text
    assert _info(house, run).undone
    shares = house.room.shared.authorship.shares()
    assert "ai" not in shares
    assert shares[bo.participant] == 2


def test_undo_of_a_run_after_a_restart_restores_formatting_and_owners() -> None:
    house = House(RoomLimits(snapshot_entries=1))
    ann = house.join(NativeReplica("Ann", "owner", 11))
    bo = house.join(NativeReplica("Bo", "editor", 12))
    _write(house, ann, "keep THIS")
    bo.receive()
    before = bo.doc.get_state()
    bo.story.format(5, 9, {"bold": True})
    bo.send_update(house.room, bo.doc.get_update(before))
    house.tick()
    run = _ask(house, bo, 5, 9, instruction="rewrite")
    _say(house, run, "that")
    house.room.sweep()
    house.restart()
    assert _info(house, run).state == "failed"
    assert "restarted" in _info(house, run).error
    bo.connect(house.room)
    bo.send(house.room, Undo(run))
    house.tick()
    assert house.formatted() == [("keep ", None), ("THIS", {"bold": True})]
    assert house.room.shared.authorship.shares() == {ann.participant: 9}
    house.restart()
    assert house.room.text() == "keep THIS"
    bo.connect(house.room)
    bo.send(house.room, Undo(run))
    bo.receive()
    assert bo.of(Error)[-1].code == "conflict"


def _suggest(house: House, ann: NativeReplica, *texts: str) -> str:
    _write(house, ann, "один два три")
    run = _ask(house, ann, 5, 8, mode="suggest", instruction="x")
    _say(house, run, *texts)
    house.host.finish(run)
    house.tick()
    ann.receive()
    return run


def test_a_suggestion_waits_for_everybody_to_see(house: House, ann: NativeReplica) -> None:
    run = _suggest(house, ann, "TWO")
    marks = {"ai": run, "suggest": run}
    assert house.formatted() == [
        ("один ", None),
        ("два", {"suggest_del": run}),
        ("TWO", marks),
        (" три", None),
    ]
    assert _info(house, run).suggestion == "open"


def test_accepting_keeps_the_new_and_drops_the_old(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    run = _suggest(house, ann, "TWO")
    bo.send(house.room, Accept(run))
    house.tick()
    assert house.formatted() == [("один ", None), ("TWO", {"ai": run}), (" три", None)]
    assert _info(house, run).suggestion == "accepted"
    bo.send(house.room, Accept(run))
    bo.receive()
    assert bo.of(Error)[-1].code == "conflict"
    ann.send(house.room, Undo(run))
    house.tick()
    assert house.formatted() == [("один два три", None)]
    assert house.room.shared.authorship.shares() == {ann.participant: 22}


def test_rejecting_keeps_the_old_and_what_people_typed_inside(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    run = _suggest(house, ann, "TWO")
    bo.receive()
    bo.edit(house.room, 9, insert="я")
    bo.send(house.room, Reject(run))
    house.tick()
    assert house.formatted() == [("один двая три", None)]
    assert _info(house, run).suggestion == "rejected"


def test_a_part_can_be_judged_alone(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    run = _suggest(house, ann, "TWO and MORE")
    assert ann.resume is not None
    offset = ann.resume.offset
    bo.receive()
    bo.edit(house.room, 0, insert="сперва ")  # positions stated at an older offset are carried over
    house.tick()
    start, end = ann.index(11), ann.index(20)
    ann.send(house.room, Reject(run, offset, start, end))
    house.tick()
    assert house.room.text() == "сперва один дваTWO три"
    assert _info(house, run).suggestion == "open"
    ann.send(house.room, Reject(run, offset, 0, 2))
    ann.send(house.room, Accept(run))
    house.tick()
    ann.receive()
    assert ann.of(Error)[-1].code == "conflict"
    assert _sync(ann) == "сперва один TWO три"
    assert _info(house, run).suggestion == "accepted"


def test_a_stopped_suggestion_can_be_accepted_and_a_live_one_not(house: House, ann: NativeReplica) -> None:
    run = _ask(house, ann, 0, mode="suggest")
    _say(house, run, "half")
    ann.send(house.room, Accept(run))
    ann.send(house.room, Stop(run))
    ann.send(house.room, Accept(run))
    house.tick()
    ann.receive()
    assert [e.code for e in ann.of(Error)] == ["conflict"]
    assert house.formatted() == [("half", {"ai": run})]


def test_private_streams_to_the_asker_only(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    run = _ask(house, ann, 0, mode="private", instruction="secret")
    _say(house, run, "for you")
    house.host.finish(run)
    house.tick()
    ann.receive()
    bo.receive()
    late = house.join(NativeReplica("Late", "editor", 13))
    assert house.room.text() == ""
    assert [t.text for m in ann.of(Tokens) for t in m.tokens] == ["for you"]
    assert ann.of(Run)[-1].run.state == "done"
    assert not bo.of(Tokens)
    assert not bo.of(Run)
    assert not bo.of(Presence)
    assert late.of(Welcome)[0].runs == ()


@pytest.mark.parametrize("mode", ["write", "private"])
def test_a_run_is_told_of_before_its_first_tokens(house: House, ann: NativeReplica, mode: str) -> None:
    """Also when the first ones come at once: of a run that it does not know a page has no place for them."""
    run = _ask(house, ann, 0, mode=mode)
    _say(house, run, "at once")
    ann.receive()
    assert [type(each) for each in ann.heard if isinstance(each, Run | Tokens)] == [Run, Tokens]


def test_its_cursor_is_seen_after_its_last_character(house: House, ann: NativeReplica) -> None:
    run = _ask(house, ann, 0)
    _say(house, run, "я😀")
    ann.receive()
    shown = ann.of(Presence)[-1]
    assert shown.participant == "ai"
    assert run in shown.state
    # Clock 0 is the formatting mark, 1 the first letter, 2 and 3 the halves of the emoji.
    client = house.room.shared.document.client_id
    assert f'"item":{{"client":{client},"clock":3}}' in shown.state.replace(" ", "")
    house.host.finish(run)
    house.tick()
    house.tick()
    ann.receive()
    assert ann.of(Presence)[-1].state == "null"


def test_bounds_on_runs(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    for number in range(3):
        _ask(house, ann, 0, ask=number)
    for number in range(3, 5):
        _ask(house, bo, 0, ask=number)
    house.tick()
    for replica in (ann, bo):
        replica.receive()
    assert [(e.code, e.re, e.ref) for e in ann.of(Error)] == [("queue_full", "ask", "2")]
    assert [(e.code, e.re, e.ref) for e in bo.of(Error)] == [("queue_full", "ask", "4")]
    assert len(house.room.runs.live()) == 3


@pytest.mark.parametrize("refusal", [EngineUnavailable("no model"), QueueFull("full")])
def test_an_engine_that_refuses_leaves_no_run(
    house: House, ann: NativeReplica, refusal: EngineUnavailable | QueueFull
) -> None:
    house.host.refusal = refusal
    ann.send(house.room, Ask(3, "continue", "write", 0, 0, 0))
    house.tick()
    ann.receive()
    assert ann.of(Error) == [Error(refusal.code, refusal.message, "ask", "3")]
    assert not list(house.room.runs)


def test_a_failed_run_says_why_and_keeps_what_it_wrote(house: House, ann: NativeReplica) -> None:
    run = _ask(house, ann, 0)
    _say(house, run, "so far")
    house.host.say(run, " so good")
    house.host.fail(run, "out of memory")
    house.tick()
    info = _info(house, run)
    assert (info.state, info.error_code, info.error) == ("failed", "engine_failed", "out of memory")
    assert house.room.text() == "so far so good"


def test_nobody_there_stops_the_runs_in_the_end(house: House, ann: NativeReplica) -> None:
    run = _ask(house, ann, 0)
    _say(house, run, "a")
    ann.drop(house.room)
    house.clock.advance(10)
    house.room.sweep()
    assert _info(house, run).state == "running", "to disconnect is not to cancel"
    house.clock.advance(25)
    house.room.sweep()
    assert _info(house, run).state == "stopped"


def test_tokens_wait_for_a_disk_that_refuses(house: House, ann: NativeReplica) -> None:
    run = _ask(house, ann, 0)
    _say(house, run, "a")
    house.store.problem = StorageUnavailable("gone")
    house.host.say(run, "b")
    house.host.finish(run)
    house.tick()
    assert house.room.text() == "a"
    assert _info(house, run).state == "running"
    house.store.problem = None
    house.tick(10)
    house.tick()
    assert house.room.text() == "ab"
    assert _info(house, run).state == "done"


def test_a_full_document_ends_the_run() -> None:
    house = House(RoomLimits(max_document=300))
    ann = house.join(NativeReplica("Ann", "owner", 11))
    run = _ask(house, ann, 0)
    _say(house, run, "x" * 400)
    house.tick()
    assert _info(house, run).error_code == "too_large"
    assert house.room.text() == ""


@pytest.mark.parametrize(("start", "end", "offset"), [(5, 1, 0), (0, 99, 0), (99, 99, 0), (0, 0, 9)], ids=str)
def test_places_that_are_none(house: House, ann: NativeReplica, start: int, end: int, offset: int) -> None:
    ann.send(house.room, Ask(1, "instruct", "write", offset, start, end))
    ann.receive()
    assert ann.of(Error)[0].code == "invalid"
    assert not house.host.requests


def test_a_place_inside_a_character_is_moved_to_its_beginning(house: House, ann: NativeReplica) -> None:
    _write(house, ann, "я😀я")
    ann.send(house.room, Ask(1, "continue", "write", ann.resume.offset if ann.resume else 0, 4, 4))
    _say(house, house.host.last, "!")
    assert house.room.text() == "я!😀я"


def test_a_place_from_before_the_kept_history_is_refused() -> None:
    house = House(RoomLimits(history_ticks=2))
    ann = house.join(NativeReplica("Ann", "owner", 11))
    for _ in range(5):
        _write(house, ann, "x")
    ann.send(house.room, Ask(1, "continue", "write", 1, 0, 0))
    ann.receive()
    assert ann.of(Error)[0].code == "conflict"


@pytest.mark.parametrize("mode", ["write", "private"])
def test_undo_stops_nobody_elses_run(house: House, ann: NativeReplica, bo: NativeReplica, mode: str) -> None:
    run = _ask(house, ann, 0, mode=mode)
    _say(house, run, "abc")
    bo.send(house.room, Undo(run))
    house.tick()
    bo.receive()
    code = "denied" if mode == "write" else "not_found"
    assert [(error.code, error.ref) for error in bo.of(Error)] == [(code, run)]
    assert _info(house, run).state == "running"
    assert house.room.text() == ("abc" if mode == "write" else "")


def test_undo_of_a_run_that_still_writes_stops_it(house: House, ann: NativeReplica) -> None:
    run = _ask(house, ann, 0)
    _say(house, run, "abc")
    ann.send(house.room, Undo(run))
    house.host.say(run, "late")
    house.tick()
    assert house.room.text() == ""
    assert _info(house, run).state == "stopped"
    ann.send(house.room, Undo("nothing"))
    ann.receive()
    assert ann.of(Error)[-1] == Error("not_found", "there is no such run in this room", "undo", "nothing")


def test_deleting_the_ais_words_and_undoing_that_leaves_them_the_ais(
    house: House, ann: NativeReplica
) -> None:
    run = _ask(house, ann, 0)
    _say(house, run, "слова")
    house.host.finish(run)
    house.tick(1)
    ann.receive()
    ann.edit(house.room, 1, 3)
    house.tick(1)
    ann.send(house.room, Undo())
    house.tick()
    assert house.formatted() == [("слова", {"ai": run})]
    assert house.room.shared.authorship.shares() == {"ai": 10}


def test_a_run_of_a_revoked_member_stops(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    run = _ask(house, bo, 0)
    ann.send(house.room, Revoke(bo.participant))
    assert _info(house, run).state == "stopped"


def test_edits_keep_their_order_around_a_run(house: House, ann: NativeReplica) -> None:
    update = ann.change(0, insert="first")
    ann.send(house.room, Edit(1, update))
    ann.send(house.room, Ask(1, "continue", "write", 0, 5, 5))
    _say(house, house.host.last, " second")
    assert house.room.text() == "first second"


def test_anothers_private_run_is_as_if_it_were_not_there(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    owner = house.join(NativeReplica("Olga", "owner", 77))
    run = _ask(house, ann, 0, mode="private", instruction="secret")
    messages = [
        Stop(run),
        Steer(run, TextSteer(temperature=1.0)),
        Undo(run),
        Retry(5, run),
        Accept(run),
        Reject(run),
        Choose(run),
        Recall(run),
        ReplaceToken(6, run, 0, 0, 0, 0, 0),
    ]
    for other in (bo, owner):
        answers: dict[str, list[tuple[str, str]]] = {}
        for name in (run, "r000000000000"):
            for message in messages:
                other.receive()
                other.send(house.room, replace(message, run=name))
                house.tick()
                errors = [m for m in other.receive() if isinstance(m, Error)]
                answers.setdefault(name, []).extend((error.code, error.message) for error in errors)
        assert answers[run] == answers["r000000000000"]
        assert len(answers[run]) == len(messages)
    assert house.room.runs.get(run).live
