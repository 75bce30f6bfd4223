"""The short form of `antiphon bench hostile`: invariants on any machine, however busy. Times are for the bench."""

from __future__ import annotations

import pytest

from antiphon_proto.codec import client_decoder
from antiphon_proto.errors import ProtocolViolation
from antiphon_server.bench import hostile
from antiphon_server.bench.attacks.frames import Frames
from antiphon_server.bench.hostile import summary


def test_nobody_else_loses_an_edit_and_the_log_stays_clean() -> None:
    report = hostile.run(False, short=True, seconds=1.0, frames=600)
    results = report.results
    assert results["log"] == []
    assert results["frames"]["sent"] == 600
    assert results["frames"]["lost"] == 0
    assert results["frames"]["edits"] > 0
    for name, felt in results["attacks"].items():
        assert felt["edits"] > 0, name
    met = {target.name: target.met for target in report.targets}
    assert met["rooms that cannot be opened again"]
    assert met["differences between implementations"]


def test_the_frames_are_of_many_kinds_and_half_of_the_edits_can_be_applied() -> None:
    frames = Frames(1, 77)
    decoder = client_decoder(2**24)
    kinds: dict[str, int] = {}
    for _ in range(600):
        try:
            message = decoder.decode(frames.native())
        except ProtocolViolation:
            kinds["broken"] = kinds.get("broken", 0) + 1
            continue
        name = type(message).__name__
        kinds[name] = kinds.get(name, 0) + 1
    assert len(kinds) > 15
    assert kinds["broken"] > 10
    assert frames.taken > 60
    assert len({frames.plain() for _ in range(100)}) > 50


def test_a_freeze_is_what_takes_much_longer_than_usual() -> None:
    felt = summary({"ms": [10.0] * 98 + [59.0, 61.0], "lost": 0}, base=10.0)
    assert (felt["freezes"], felt["p50_ms"], felt["p99_ms"], felt["max_ms"]) == (1, 10.0, 61.0, 61.0)
    assert summary({"ms": [], "lost": 3}, 10.0)["lost"] == 3


@pytest.mark.parametrize("seed", range(3))
def test_frames_are_the_same_for_a_seed(seed: int) -> None:
    first, second = (Frames(seed, 5) for _ in range(2))
    assert [first.native() for _ in range(50)] == [second.native() for _ in range(50)]
