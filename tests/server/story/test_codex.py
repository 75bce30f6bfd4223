"""The codex of a room: read when people pause, edited by people, told to models within its budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pycrdt import Map

from antiphon_proto.document.codex import MAX_ENTRIES, MAX_WORDS, PROMPT_CHARACTERS
from antiphon_proto.errors import AntiphonError
from antiphon_proto.messages import Ask, Codex, Error, Redo, Undo
from antiphon_server.story.codex import REST_SECONDS
from antiphon_server.work.codex_findings import studied
from antiphon_server.work.story_reading import Reading
from support.replica import NativeReplica
from support.rooms import House


class HeldReader:
    """Reads at once, and answers when a test says so."""

    def __init__(self) -> None:
        self.held: list[tuple[str, Callable[[Reading | AntiphonError], None]]] = []

    def read(self, text: str, key: str, done: Callable[[Reading | AntiphonError], None]) -> None:
        self.held.append((text, done))

    def answer(self) -> None:
        text, done = self.held.pop(0)
        done(studied(text))


@pytest.fixture
def reader() -> HeldReader:
    return HeldReader()


@pytest.fixture
def house(reader: HeldReader) -> House:
    return House(codex=reader)


@pytest.fixture
def ann(house: House) -> NativeReplica:
    return house.join(NativeReplica("Ann", "owner", 11))


def write(house: House, who: NativeReplica, text: str) -> None:
    who.receive()
    who.edit(house.room, len(who.text), insert=text)
    house.tick()


def note(house: House, who: NativeReplica, name: str, words: Any) -> None:
    who.receive()
    before = who.doc.get_state()
    root: Map[Any] = who.doc.get("codex", type=Map)
    if words is None:
        del root[name]
    else:
        root[name] = words
    who.send_update(house.room, who.doc.get_update(before))
    house.tick()


def rest(house: House, reader: HeldReader) -> None:
    house.clock.advance(REST_SECONDS)
    house.room.sweep()
    while reader.held:
        reader.answer()


def codex(house: House) -> dict[str, str]:
    return house.room.shared.document.side.codex_fields()


def asked(house: House, who: NativeReplica) -> str:
    who.receive()
    assert who.resume is not None
    who.send(house.room, Ask(1, "continue", "private", who.resume.offset, 0, 0))
    facts: str = house.host.requests[house.host.last].style.facts
    return facts


def test_the_story_is_read_when_it_rests(house: House, ann: NativeReplica, reader: HeldReader) -> None:
    write(house, ann, "Marta had green eyes. 🌙\n")
    house.room.sweep()
    assert not reader.held
    rest(house, reader)
    rest(house, reader)  # nothing is new: it is not read again
    ann.receive()
    (told,) = ann.of(Codex)
    (entry,) = told.entries
    assert (entry.name, [fact.value for fact in entry.facts]) == ("Marta", ["green"])
    write(house, ann, "Marta's brown eyes shone.")
    rest(house, reader)
    ann.receive()
    (one,) = ann.of(Codex)[-1].contradictions
    data = house.room.text().encode()
    assert data[one.second.start : one.second.end].decode() == "Marta's brown eyes shone."
    late = house.join(NativeReplica("Late", "viewer", 13))
    late.receive()
    assert late.of(Codex)[-1] == ann.of(Codex)[-1]


def test_one_reading_at_a_time(house: House, ann: NativeReplica, reader: HeldReader) -> None:
    write(house, ann, "Marta had green eyes.")
    house.clock.advance(REST_SECONDS)
    house.room.sweep()
    write(house, ann, " She slept.")
    house.clock.advance(REST_SECONDS)
    house.room.sweep()
    assert len(reader.held) == 1
    reader.answer()
    house.room.sweep()
    assert len(reader.held) == 1


def test_what_people_wrote_counts_more_and_is_undone(
    house: House, ann: NativeReplica, reader: HeldReader
) -> None:
    write(house, ann, "Marta had green eyes. Julia lived in Prague.")
    rest(house, reader)
    assert "Marta: eyes green." in asked(house, ann)
    note(house, ann, "Marta", "born in 1902; her eyes change")
    told = asked(house, ann)
    assert told.startswith("Marta: born in 1902; her eyes change.")
    assert "green" not in told
    ann.send(house.room, Undo(surface="story"))
    house.tick()
    assert codex(house) == {}
    ann.send(house.room, Redo("story"))
    house.tick()
    assert codex(house) == {"Marta": "born in 1902; her eyes change"}
    note(house, ann, "Marta", "")
    assert "Marta" not in asked(house, ann)  # hidden


def test_an_entry_that_goes_while_a_run_reads_it(house: House, ann: NativeReplica) -> None:
    write(house, ann, "It rained.")
    note(house, ann, "Marta", "a singer")
    assert asked(house, ann) == "Marta: a singer."
    run = house.host.last
    house.host.start(run)
    note(house, ann, "Marta", None)
    house.host.say(run, "She sang.")
    house.host.finish(run)
    house.tick(1)
    assert house.room.runs.get(run).info.state == "done"
    assert "singer" in house.room.runs.get(run).record.prompt  # the prompt names the attribute
    assert asked(house, ann) == ""


def test_the_budget_is_kept_entry_by_entry(house: House, ann: NativeReplica) -> None:
    write(house, ann, "It rained.")
    for number in range(20):
        note(house, ann, f"N{number}", "x" * 200)
    told = asked(house, ann)
    assert 0 < len(told) <= PROMPT_CHARACTERS
    assert told.endswith(".")


def test_faults_go_back_and_the_number_is_bounded(house: House, ann: NativeReplica) -> None:
    note(house, ann, "Marta", "a singer")
    for name, words in (("Marta", 7), ("x" * 101, "long"), (" ", "blank"), ("Long", "x" * (MAX_WORDS + 1))):
        note(house, ann, name, words)
        ann.receive()
    assert codex(house) == {"Marta": "a singer"}
    assert {error.code for error in ann.of(Error)} == {"invalid"}
    before = ann.doc.get_state()
    root: Map[Any] = ann.doc.get("codex", type=Map)
    with ann.doc.transaction():
        for number in range(MAX_ENTRIES + 50):
            root[f"n{number}"] = "x"
    ann.send_update(house.room, ann.doc.get_update(before))
    house.tick()
    assert len(codex(house)) <= MAX_ENTRIES
    assert codex(house)["Marta"] == "a singer"


def test_viewers_do_not_write_it(house: House, ann: NativeReplica) -> None:
    viewer = house.join(NativeReplica("Vi", "viewer", 13))
    note(house, viewer, "Marta", "a spy")
    assert codex(house) == {}
