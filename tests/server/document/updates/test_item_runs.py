"""Runs in blocks against a plain list."""

from __future__ import annotations

import random

from antiphon_server.document.updates.item_runs import ClientRuns, Run
from antiphon_server.document.updates.wide_characters import WideCharacters, second_halves


def test_many_cuts_keep_the_order() -> None:
    chance = random.Random(1)
    runs = ClientRuns()
    plain = [0, 9000]
    runs.append(Run(7, 0, 9000, 4, None, None, None))
    runs.append(Run(7, 9000, 1000, 4, None, None, None))
    for clock in chance.sample([*range(1, 9000), *range(9001, 10_000)], 4000):
        run = runs.find(clock)
        runs.insert(Run(7, clock, run.clock + run.length - clock, 4, None, None, None))
        run.length = clock - run.clock
        plain.append(clock)
    plain.sort()
    assert [run.clock for run in runs.touching(0, 10_000)] == plain
    inside = [clock for clock in plain if 500 < clock < 4000]
    assert [run.clock for run in runs.touching(501, 3499) if run.clock > 500] == inside
    while plain:
        assert runs.last is not None
        assert runs.pop().clock == plain.pop()
    assert runs.last is None


def test_second_halves() -> None:
    wide = WideCharacters()
    wide.add(7, second_halves(10, "a😀é🎭"))
    assert wide.known() == {7: [12, 15]}
    assert [clock for clock in range(20) if wide.cut_at(7, clock)] == [12, 15]
    wide.forget(7, 12)
    assert not wide
    assert 7 not in wide
