"""Target rates: the pace of a text, the rate of a picture's steps, and which runs are behind.

Under overload the watched pictures thin out first: their steps are due less often, and count for more in their owner's
share, by up to `MOST` times. After that the texts' pace falls."""

from __future__ import annotations

from typing import Final

from antiphon_engines.api import SpeechRequest, TextRequest
from antiphon_engines.scheduling.ticket import Ticket
from antiphon_engines.settings import Policy

BACKGROUND: Final = 2.0
"""Seconds between the units of a run that nobody watches, while others want the device."""
TOLERANCE: Final = 1.5
"""Gaps between tokens, by the target, up to which nothing is overloaded: the unit in hand has to end."""
GAIN: Final = 8.0
"""How steeply pictures thin out beyond it: to the most that they do before texts are much slower."""
MOST: Final = 4.0
NOTICEABLE: Final = 2.0
"""How many times rarer people are told of."""
CALM: Final = 0.6
"""Below this part of it they are told that it is over."""


def due(ticket: Ticket, policy: Policy, thinning: float, now: float) -> bool:
    """Whether a run is behind its target rate.

    A run is behind while its asker waits for the first token of a text or the first preview of a picture, and when it
    has just started; a line that is spoken only when it had no turn for a while.
    """
    if isinstance(ticket.request, SpeechRequest):
        return now - ticket.stepped_at >= BACKGROUND
    if ticket.stepped_at == ticket.started_at or (ticket.watched and not ticket.outputs):
        return True
    latest = ticket.output_at if ticket.outputs else ticket.stepped_at
    return now - latest >= _interval(ticket, policy, thinning)


def thinning(gap: float | None, policy: Policy) -> float:
    """How many times rarer pictures' steps become, 1 to MOST, when `gap` seconds lie between a text's tokens (None:
    nobody writes)."""
    if gap is None:
        return 1.0
    excess = gap * policy.tokens_per_second / TOLERANCE - 1.0
    return min(MOST, max(1.0, 1.0 + GAIN * excess))


def is_noticeable(thinned: float, told: bool) -> bool:
    """Whether people are told of it; a reported state holds until it is clearly over, so that it does not flicker."""
    return thinned >= NOTICEABLE * (CALM if told else 1.0)


def _interval(ticket: Ticket, policy: Policy, thinned: float) -> float:
    if isinstance(ticket.request, TextRequest):
        return 1 / policy.tokens_per_second
    return thinned / policy.previews_per_second if ticket.watched else BACKGROUND
