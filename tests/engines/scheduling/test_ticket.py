"""The worker's record of a run."""

from __future__ import annotations

import pytest

from antiphon_engines.api import ImageRequest, Request, TextRequest, kind_of
from antiphon_engines.scheduling.ticket import TRANSITIONS, IllegalTransition, State, Ticket, planned
from antiphon_proto.params import ImageSteer
from support.fake_engine import request


def ticket(state: State = State.WAITING) -> Ticket:
    return Ticket(1, "run", 0, "ann", 1.0, "text", request(tokens=5), 0.0, state)


def test_the_table_has_every_state_and_three_of_them_are_final() -> None:
    assert set(TRANSITIONS) == set(State)
    assert {state for state in State if state.final} == {State.DONE, State.FAILED, State.CANCELLED}


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("after", State)
def test_only_what_the_table_says_can_happen(before: State, after: State) -> None:
    subject = ticket(before)
    if after in TRANSITIONS[before]:
        subject.move(after)
        assert subject.state is after
    else:
        with pytest.raises(IllegalTransition, match="run"):
            subject.move(after)
        assert subject.state is before


def test_what_is_planned_shrinks_with_outputs_and_never_reaches_nothing() -> None:
    subject = ticket()
    assert kind_of(subject.request) == "text"
    assert (planned(subject.request), subject.remaining) == (5, 5)
    subject.outputs = 4
    assert subject.remaining == 1
    subject.outputs = 9
    assert subject.remaining == 1


def test_a_picture_is_watched_while_somebody_sees_its_previews() -> None:
    def ticket(request: Request) -> Ticket:
        return Ticket(1, "run", 0, "ann", 1.0, "image", request, 0.0)

    unseen = ticket(ImageRequest("text_to_image", "a house", previews=0))
    assert not unseen.watched
    unseen.steered(ImageSteer(prompt="a cat"))
    assert not unseen.watched
    unseen.steered(ImageSteer(previews=2))
    assert unseen.watched
    unseen.steered(ImageSteer(previews=0))
    assert not unseen.watched
    assert ticket(TextRequest("continue", "")).watched
