"""Changes of a room's document, and the errors of updates that cannot be applied."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from antiphon_proto.errors import AntiphonError, PeerError
from antiphon_server.document.canvas import ObjectChange
from antiphon_server.document.film.film import FilmChange
from antiphon_server.document.jam import JamChange
from antiphon_server.document.side_roots import Touched
from antiphon_server.document.text_index import Reformat, Splice
from antiphon_server.document.updates.parser import Id

Units: TypeAlias = tuple[int, int, int]
"""(client, clock, length) of a range of items."""


class InvalidUpdate(PeerError):
    """The update is malformed or writes where it may not; nothing of it was applied."""


class ForeignIds(InvalidUpdate):
    """The update brings new items of client ids that are another's; nothing of it was applied."""

    def __init__(self, clients: frozenset[int]) -> None:
        super().__init__("the update writes under a client id that belongs to somebody else")
        self.clients = clients


class MissingUpdates(InvalidUpdate):
    """The update builds on others that never came here; nothing of it was applied."""


class DocumentBroken(AntiphonError):
    """Yrs failed on our own edit; the document was restored to its former state."""


class Change(Struct, frozen=True):
    """The effect of one transaction: the Yjs update, changes of the story's text, of formats of text that stays, of
    canvas, jam and film, and the roots beside them that it touched (`side_roots`)."""

    update: bytes
    splices: tuple[Splice, ...] = ()
    reformats: tuple[Reformat, ...] = ()
    objects: tuple[ObjectChange, ...] = ()
    jam: tuple[JamChange, ...] = ()
    film: tuple[FilmChange, ...] = ()
    roots: Touched = {}
    gone: Units | None = None
    """The Yjs ids of the one passage that it deleted, where they are one range."""
    origin: Id | None = None
    """For text inserted at one place: the item on its left, as its writer saw it."""
