"""The sessions of a jam: stretches of playing that long pauses part, each with its people and its name. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from antiphon_server.jam.recording import (
    BandPlayed,
    BandSounded,
    JamEvent,
    KeyPlayed,
    LoopPlayed,
    Person,
    SessionNamed,
    Turned,
)

_PAUSE_MS: Final = 600_000.0
"""Ten minutes in which nothing happens part two sessions."""


class Session(Struct, frozen=True):
    """[from_ms, to_ms) of server time. `people` are participants who played or recorded a loop."""

    from_ms: float
    to_ms: float
    name: str = ""
    people: tuple[str, ...] = ()


def sessions(events: Sequence[JamEvent]) -> list[Session]:
    """In order. A session begins when something sounds or the transport starts; wishes to a band that does not play
    are none of it."""
    spans = sorted(_spans(events))
    found: list[list[float]] = []
    for low, high in spans:
        if not found or low - found[-1][1] > _PAUSE_MS:
            found.append([low, high])
        found[-1][1] = max(found[-1][1], high)
    named = [event for event in events if isinstance(event, SessionNamed)]
    people = {event.participant for event in events if isinstance(event, Person)}
    made = []
    for low, high in found:
        names = [one.name for one in named if low <= one.session_ms < high + 1]
        who = [_player(event) for event in events if low <= event.at_ms <= high]
        order = tuple(dict.fromkeys(one for one in who if one in people or one))
        made.append(Session(low, high + 1, names[-1] if names else "", order))
    return made


def _spans(events: Sequence[JamEvent]) -> list[tuple[float, float]]:
    spans = []
    playing = False
    for event in sorted(events, key=lambda one: one.at_ms):
        match event:
            case Turned():
                # A stop ends what a start began; a change of tempo while nothing runs is no music.
                if playing or event.transport.playing:
                    spans.append((event.at_ms, event.at_ms))
                playing = event.transport.playing
            case KeyPlayed() | BandSounded():
                spans.append((event.at_ms, event.at_ms))
            case LoopPlayed() | BandPlayed():
                spans.append((event.at_ms, event.at_ms + event.duration_ms))
    return spans


def _player(event: JamEvent) -> str:
    match event:
        case KeyPlayed():
            return event.participant
        case LoopPlayed():
            return event.by
    return ""
