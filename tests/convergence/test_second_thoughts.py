"""Whatever is retried, chosen, replaced or undone, while people type: nobody's words but the AI's change.

People's characters are unique and told apart from the AI's by their block; the AI is never given a selection here, so
that text which a person did not delete must stand.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.ipc.events import Token
from antiphon_proto.messages import Alternative, Ask, Choose, ReplaceToken, Retry, Stop, TokenInfo, Undo
from antiphon_server.room_limits import RoomLimits
from support.replica import NativeReplica
from support.rooms import House

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            "type type type ask brainstorm say say choose retry swap undo stop tick".split()  # noqa: SIM905
        ),
        st.integers(0, 1),
        st.integers(0, 30),
        st.integers(0, 3),
    ),
    min_size=4,
    max_size=40,
)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_people_keep_their_words(steps: list[tuple[str, int, int, int]]) -> None:
    house = House(RoomLimits(max_runs=8, max_runs_per_member=8, digest_interval=1e9))
    people = [house.join(NativeReplica("Ann", "owner", 11)), house.join(NativeReplica("Bo", "owner", 12))]
    fresh = iter(range(0x4E00, 0x9FFF))
    typed: set[str] = set()
    deleted: set[str] = set()
    runs: list[str] = []

    def pick(number: int) -> str:
        return runs[number % len(runs)]

    for kind, number, at, count in steps:
        who = people[number]
        if kind in ("ask", "brainstorm", "swap", "tick"):
            house.tick()
            who.receive()
        assert who.resume is not None
        if kind == "type":
            text = "".join(chr(next(fresh)) for _ in range(count))
            deleted |= set(who.text[at : at + count // 2])
            who.edit(house.room, at, count // 2, text)
            typed |= set(text)
        elif kind in ("ask", "brainstorm"):
            place = who.index(at)
            task = "continue" if kind == "ask" else "brainstorm"
            known = set(house.host.requests)
            mode = "suggest" if count == 1 else "write"
            who.send(house.room, Ask(1, task, mode, who.resume.offset, place, place))
            started = [run for run in house.host.requests if run not in known]
            for run in started:
                house.host.start(run)
            runs += started
        elif not runs:
            continue
        elif kind == "say":
            run = pick(at)
            index = house.room.runs.get(run).info.progress
            house.host.tell(run, Token(TokenInfo(index, "ab", 1, -0.5, (Alternative("cde", -1.0),))))
            house.tick()
        elif kind == "choose":
            who.send(house.room, Choose(pick(at), "suggest" if count == 1 else "write"))
        elif kind == "retry":
            known = set(house.host.requests)
            who.send(house.room, Retry(1, pick(at)))
            started = [run for run in house.host.requests if run not in known]
            for run in started:
                house.host.start(run)
            runs += started
        elif kind == "swap":
            run = pick(at)
            for first, last in house.room.shared.authorship.ranges(run)[:1]:
                end = min(first + 2, last)
                known = set(house.host.requests)
                message = ReplaceToken(1, run, 0, 0, who.resume.offset, first, end, count == 2)
                who.send(house.room, message)
                runs += [one for one in house.host.requests if one not in known]
        elif kind == "undo":
            who.send(house.room, Undo(pick(at)))
        elif kind == "stop":
            who.send(house.room, Stop(pick(at)))
        standing = set(house.room.text())
        assert typed - deleted <= standing
        spans = house.room.shared.authorship.spans()
        data = house.room.text().encode()
        start = 0
        for span in spans:
            part = data[start : start + span.length].decode()
            start += span.length
            assert (span.owner.author == "ai") == (not set(part) & typed)
    house.tick()
    for person in people:
        person.receive()
        assert person.text == house.room.text()
    house.restart()
    assert typed - deleted <= set(house.room.text())
