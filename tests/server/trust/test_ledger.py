"""Each act has a leaf, which is on disk exactly when the act is."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.api import QueueFull
from antiphon_proto.messages import Accept, Ask, Redo, Reject, Steer, Stop, Suggest, Undo
from antiphon_proto.params import TextParams, TextSteer
from antiphon_server.store.api import StorageUnavailable
from antiphon_server.trust import leaf, notes
from antiphon_server.trust.ledger import INTERVAL
from antiphon_server.trust.verify import Log, Report, verify
from support.replica import NativeReplica
from support.rooms import House

NAME = "Ada Lovelace"


def joined(house: House) -> tuple[NativeReplica, NativeReplica]:
    ann = house.join(NativeReplica(NAME, "owner", 11))
    bo = house.join(NativeReplica("Bo", "editor", 12))
    ann.edit(house.room, 0, insert="Once upon a time. ")
    house.tick(1)
    return ann, bo


def ask(house: House, who: NativeReplica, mode: str = "suggest") -> str:
    who.receive()
    assert who.resume is not None
    at = who.index(len(who.text))
    who.send(house.room, Ask(1, "continue", mode, who.resume.offset, at, at, "", TextParams(), ""))
    house.tick()
    return house.host.last


def told(house: House, run: str, *words: str) -> None:
    house.host.start(run)
    house.host.say(run, *words)
    house.host.finish(run)
    house.tick()


def contents(house: House) -> list[leaf.Content]:
    """Leaves that are on disk."""
    return [leaf.decode(one.body) for _, one in sorted(house.store.ledger("room").leaves.items())]


def kinds(house: House) -> list[str]:
    return [one.kind for one in contents(house)]


def checked(house: House) -> Report:
    kept = house.store.ledger("room")
    log = Log(
        "room",
        [one for _, one in sorted(kept.leaves.items())],
        list(kept.checkpoints.values()),
        house.services.signer.public,
        list(kept.tiles.values()),
        kept.salts,
    )
    report = Report("room")
    verify(log, report)
    return report


def test_a_run_that_is_accepted_and_undone() -> None:
    house = House()
    ann, bo = joined(house)
    run = ask(house, ann)
    told(house, run, "It ", "rained.")
    bo.send(house.room, Accept(run))
    house.tick()
    ann.send(house.room, Undo(run))
    house.tick()
    found = contents(house)
    assert [(one.kind, one.subject) for one in found] == [
        (kind, run) for kind in ("run", "end", "accept", "undo")
    ]
    members = {member.record.name: member.id for member in house.room.members}
    salts = house.store.ledger("room").salts
    assert [one.who for one in found] == [
        leaf.commitment(salts[who], who) for who in (members[name] for name in (NAME, NAME, "Bo", NAME))
    ]
    assert [one.seq for one in found] == sorted(one.seq for one in found)
    assert [one.at_ms for one in found] == sorted(one.at_ms for one in found)


def test_what_is_refused_has_no_leaf() -> None:
    house = House()
    ann, bo = joined(house)
    run = ask(house, ann)
    for message in (Accept("nothing"), Accept(run), Stop("nothing"), Undo(None, None, 1), Steer("nothing")):
        bo.send(house.room, message)
    house.tick()
    assert kinds(house) == ["run"]


def test_a_run_that_the_engine_refuses_never_was() -> None:
    house = House()
    ann, _ = joined(house)
    house.host.refusal = QueueFull("no")
    ann.receive()
    assert ann.resume is not None
    ann.send(house.room, Ask(1, "continue", "write", ann.resume.offset, 0, 0))
    house.tick()
    assert kinds(house) == []


def test_each_hand_has_a_leaf() -> None:
    house = House()
    ann, bo = joined(house)
    run = ask(house, ann, "write")
    house.host.start(run)
    ann.send(house.room, Steer(run, TextSteer(instruction="shorter")))
    house.host.say(run, "x ")
    ann.send(house.room, Stop(run))
    house.tick()
    ann.receive()
    assert ann.resume is not None
    bo.receive()
    bo.send(house.room, Suggest(1, bo.resume.offset if bo.resume else 0, 0, 0, "Well: ", ""))
    house.tick()
    suggestion = next(one.info.id for one in house.room.runs if one.info.task == "suggest")
    ann.send(house.room, Reject(suggestion))
    house.tick()
    ann.send(house.room, Undo(None, "story", 1))
    house.tick()
    ann.send(house.room, Redo("story", 2))
    house.tick()
    assert kinds(house) == ["run", "steer", "stop", "end", "run", "end", "reject", "undo", "redo"]


def test_leaves_hold_no_names_and_no_content() -> None:
    house = House()
    ann, bo = joined(house)
    run = ask(house, ann)
    told(house, run, "Secret ", "words.")
    bo.send(house.room, Accept(run))
    house.tick()
    kept = house.store.ledger("room")
    everything = b"".join(one.body for one in kept.leaves.values())
    everything += "".join(one.note for one in kept.checkpoints.values()).encode()
    people = [member.id for member in house.room.members]
    for word in (NAME, "Ada", "Bo", "Secret", "rained", "Once", *people):
        assert word.encode() not in everything


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["ask", "told", "accept", "undo", "commit", "crash"]), max_size=14))
def test_a_crash_loses_the_act_and_its_leaf_or_neither(steps: list[str]) -> None:
    house = House(auto=False)
    ann, bo = joined(house)
    for step in steps:
        runs = list(house.room.runs)
        match step:
            case "ask":
                ask(house, ann)
            case "told":
                if runs and runs[-1].info.state == "queued":
                    told(house, runs[-1].info.id, "words ")
            case "accept":
                if runs:
                    bo.send(house.room, Accept(runs[-1].info.id))
                    house.tick()
            case "undo":
                if runs:
                    ann.send(house.room, Undo(runs[-1].info.id))
                    house.tick()
            case "commit":
                house.store.commit()
            case "crash":
                house.restart()
                ann, bo = joined(house)
        stored = house.store.stored("room")
        assert stored is not None
        found = contents(house)
        asked = {one.subject for one in found if one.kind == "run"}
        assert asked == {one.info.id for one in stored.runs}
        over = {one.subject for one in found if one.kind == "end"}
        assert over == {one.info.id for one in stored.runs if one.info.state not in ("queued", "running")}
        taken = {one.subject for one in found if one.kind == "accept"}
        assert taken >= {one.info.id for one in stored.runs if one.info.suggestion == "accepted"}
        back = {one.subject for one in found if one.kind == "undo"}
        assert back >= {one.info.id for one in stored.runs if one.info.undone}
    house.store.commit()
    house.room.ledger.seal()
    for _ in range(3):
        house.tick()
        house.store.commit()
    assert checked(house).damage == []
    assert house.room.ledger.signed


def test_a_checkpoint_comes_each_minute_in_which_something_happened() -> None:
    house = House()
    ann, _ = joined(house)
    sizes = house.store.ledger("room").checkpoints

    def wait(seconds: float) -> None:
        house.clock.advance(seconds)
        house.room.sweep()
        house.room.sweep()

    ask(house, ann)
    wait(INTERVAL / 2)
    assert not sizes
    wait(INTERVAL)
    assert list(sizes) == [1]
    wait(3 * INTERVAL)
    assert list(sizes) == [1]
    ann.send(house.room, Stop(house.host.last))
    house.tick()
    wait(INTERVAL)
    assert list(sizes) == [1, 3]
    assert checked(house).checkpoints == 2


def test_nothing_is_signed_before_it_is_on_disk() -> None:
    house = House(auto=False)
    ann, _ = joined(house)
    ask(house, ann)
    house.room.ledger.seal()
    house.tick()
    assert house.room.ledger.checkpoint is None
    house.store.commit()
    assert house.room.ledger.checkpoint is not None
    note = notes.verify(house.room.ledger.checkpoint.note, house.services.signer.public)
    assert note.size == len(house.store.ledger("room").leaves) == 1
    house.restart()  # the checkpoint is lost, its leaves are not: the next one agrees with it
    ann, _ = joined(house)
    ask(house, ann)
    house.store.commit()
    kept = house.store.ledger("room")
    report = Report("room")
    log = Log("room", [one for _, one in sorted(kept.leaves.items())], [], house.services.signer.public)
    verify(log, report, note)
    assert (report.damage, report.checkpoints) == ([], 1)


def test_a_full_disk_delays_leaves_and_loses_none() -> None:
    house = House()
    ann, _ = joined(house)
    run = ask(house, ann)
    house.store.problem = StorageUnavailable("full")
    told(house, run, "x ")
    assert kinds(house) == ["run"]
    house.store.problem = None
    house.tick(10)
    house.tick(10)
    assert kinds(house) == ["run", "end"]


def test_the_salt_of_a_person_is_one_and_comes_with_their_first_leaf() -> None:
    house = House()
    ann, _ = joined(house)
    assert house.store.ledger("room").salts == {}
    ask(house, ann)
    first = dict(house.store.ledger("room").salts)
    house.restart()
    ann, _ = joined(house)
    assert [len(salt) for salt in first.values()] == [leaf.SALT_BYTES]
    ask(house, ann)
    assert first.items() <= house.store.ledger("room").salts.items()
