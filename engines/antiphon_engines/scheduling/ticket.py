"""A run inside the worker: its record, and every state it can be in.

    waiting -> active -> done | failed | cancelled
       |  \\------------------> failed | cancelled

A waiting run is in a queue; an active one holds one of the engine's places. The last three are final.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from msgspec import UNSET

from antiphon_engines.api import AudioRequest, ImageRequest, Job, Request, SpeechRequest, Steer, TextRequest
from antiphon_proto.params import ImageSteer


class State(StrEnum):
    WAITING = "waiting"
    ACTIVE = "active"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        return not TRANSITIONS[self]


TRANSITIONS: Final[dict[State, frozenset[State]]] = {
    State.WAITING: frozenset({State.ACTIVE, State.FAILED, State.CANCELLED}),
    State.ACTIVE: frozenset({State.DONE, State.FAILED, State.CANCELLED}),
    State.DONE: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
}


_SENTENCE: Final = 80
"""Characters of one sentence that is spoken, about."""
_USUAL_STEPS: Final = 8
"""Denoising steps of a waiting picture that leaves them to its model."""


class IllegalTransition(Exception):
    """Our own mistake: a run was moved to a state that its present one does not lead to."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A unit that has paused: the time of its pieces so far, in seconds, and how many runs began it."""

    seconds: float = 0.0
    size: int = 0


@dataclass(slots=True, eq=False)
class Ticket:
    """One run. Times are seconds on the scheduler's clock; costs are seconds of engine time."""

    number: int
    """Names the run on the channel; rises, so it also tells who came first."""
    run: str
    epoch: int
    share: str
    """Who is charged: the participant."""
    weight: float
    engine: str
    """Kind of the engine that serves it."""
    request: Request
    submitted_at: float
    state: State = State.WAITING
    job: Job | None = None
    """The engine's own state; set once while active, None again when it was released."""
    steers: list[tuple[Steer, int]] = field(default_factory=list)
    """Given while it waited, each with its epoch; applied when it is admitted."""

    started_at: float = 0.0
    output_at: float = 0.0
    """When its latest output came."""
    stepped_at: float = 0.0
    """When its latest unit ended."""
    held_since: float | None = None
    """Since when its next unit has been too long for the time that the bands leave; None when it was not."""
    ahead: float = -math.inf
    """Of a band: the deadline of the last unit that it was asked to play before its window."""
    begun: Begun = Begun()
    rides: bool = False
    """Of a unit that has begun: it came along, and its share is not charged for it."""
    cost: float = 0.0
    """Engine time charged to it."""
    debt: float = 0.0
    """Virtual time among the runs of its share: whose is least goes first."""
    outputs: int = 0
    """Units of its work that have come: tokens, denoising steps."""
    planned: int = 0
    """How many there will be, once its engine has said so; 0 while only the request tells."""
    timed: bool = field(init=False)
    """A band: its units have deadlines, and its place is given for its cost, not for its share."""

    watched: bool = field(init=False)
    """Whether the output is watched while it is made: of pictures only those with previews, and no lines that are
    spoken, which are heard when they are whole."""

    def __post_init__(self) -> None:
        self.timed = isinstance(self.request, AudioRequest)
        self.watched = (
            self.request.previews > 0
            if isinstance(self.request, ImageRequest)
            else not isinstance(self.request, SpeechRequest)
        )

    def steered(self, change: Steer) -> None:
        """Its engine goes on with this change."""
        if isinstance(change, ImageSteer) and change.previews is not UNSET:
            self.watched = change.previews > 0

    def move(self, state: State) -> None:
        """The only way to change `state`. Raises IllegalTransition."""
        if state not in TRANSITIONS[self.state]:
            raise IllegalTransition(f"run {self.run}: {self.state} -> {state}")
        self.state = state

    @property
    def remaining(self) -> int:
        """Outputs that may still come, at most; at least one, for it is not over."""
        return max(1, (self.planned or planned(self.request)) - self.outputs)


def planned(request: Request) -> int:
    """How many outputs a request asks for at most; 0 for a band, which plays until it is told to stop."""
    match request:
        case TextRequest(params=params):
            return params.max_tokens
        case ImageRequest(params=paint):
            return paint.steps or _USUAL_STEPS
        case AudioRequest():
            return 0
        case SpeechRequest(text=line):
            return 1 + len(line) // _SENTENCE
