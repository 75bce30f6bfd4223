"""Puts planned shots into a room's film, as one action of the member who asked."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from antiphon_proto.document.film import MAX_SHOTS
from antiphon_proto.errors import TooLarge
from antiphon_server.core.action_log import Hand
from antiphon_server.core.context import RoomContext
from antiphon_server.document.authorship import Owner
from antiphon_server.document.film.film import Film
from antiphon_server.document.state import SERVER_ORIGIN

_AT_ONCE: Final = 100
"""Shots of one change: about 20 ms of the loop."""
_SHOT_BYTES: Final = 600
"""More than a shot needs in the document."""


def place(room: RoomContext, member: str, planned: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    """Yields the ids of each part that is placed. A beat that has got a shot since it was planned gets no second one.
    Raises TooLarge when the document or the film is full; shots placed so far stay."""
    document = room.shared.document
    hand: Hand | None = None
    for first in range(0, len(planned), _AT_ONCE):
        shots = document.film.shots
        taken = {fields.get("anchor") for fields in shots.values()}
        part = [one for one in planned[first : first + _AT_ONCE] if one.get("anchor") not in taken]
        if len(shots) + len(part) > MAX_SHOTS:
            raise TooLarge(f"a film holds {MAX_SHOTS} shots at most")
        if not document.fits(_SHOT_BYTES * len(part)):
            raise TooLarge("the document is at its bound")
        made = {secrets.token_urlsafe(9): one for one in part}

        def work(film: Film, made: Mapping[str, Mapping[str, Any]] = made) -> None:
            for key, fields in made.items():
                film.set(key, fields)

        if made:
            hand = hand or room.actions.command(member, "edit")
            room.commit(document.shoot(work, SERVER_ORIGIN), Owner(member), hand=hand)
            hand.parts["film"].open = False  # the next edit is another action
        yield list(made)
