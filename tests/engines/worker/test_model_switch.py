from __future__ import annotations

from antiphon_engines.api import LOADING, Absent, Modality
from antiphon_engines.worker.model_switch import ModelSwitch


class Loading:
    def __init__(self, problem: str = "") -> None:
        self.asked: list[str] = []
        self.problem = problem

    def __call__(self, modality: Modality, spec: str) -> Absent | None:
        self.asked.append(spec)
        return Absent(modality, "a name", self.problem) if self.problem else None


def test_a_model_comes_and_serves() -> None:
    load = Loading()
    switch = ModelSwitch({"text": "one"}, load)
    switch.use("text", "two")
    assert switch.coming == (Absent("text", "two", LOADING, loading=True),)
    assert switch.models == {"text": "one"}
    switch.use("text", "two")
    assert load.asked == ["two"], "asked for once"
    assert switch.arrived("text", "two")
    assert switch.models == {"text": "two"}
    assert switch.coming == ()


def test_the_latest_wish_counts() -> None:
    switch = ModelSwitch({"text": "one"}, Loading())
    switch.use("text", "two")
    switch.use("text", "three")
    assert not switch.arrived("text", "two")
    assert not switch.failed(Absent("text", "two", "broken"), "two")
    assert switch.arrived("text", "three")
    switch.use("text", "two")
    switch.use("text", "three")
    assert switch.coming == (), "what serves was asked for again: the wish is taken back"
    assert not switch.arrived("text", "two")
    assert switch.models == {"text": "three"}


def test_a_failure_keeps_what_serves_and_says_why() -> None:
    switch = ModelSwitch({"text": "one"}, Loading())
    switch.use("text", "two")
    assert switch.failed(Absent("text", "Two", "no memory"), "two")
    assert switch.coming == (Absent("text", "two", "no memory"),)
    assert switch.models == {"text": "one"}
    refused = ModelSwitch({}, Loading("there is no such model"))
    refused.use("image", "nowhere")
    assert refused.coming == (Absent("image", "nowhere", "there is no such model"),)
    assert not refused.loads("image")


def test_what_the_worker_was_started_with_is_always_wanted() -> None:
    switch = ModelSwitch({}, None)
    assert switch.arrived("image", "")
    assert switch.failed(Absent("image", "x", "y"), "")
