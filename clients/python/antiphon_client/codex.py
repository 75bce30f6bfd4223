"""The codex of a room: the people, places and things of its story."""

from __future__ import annotations

from typing import Any

from pycrdt import Map

from antiphon_client.errors import ClientError
from antiphon_client.session.listener import Listener
from antiphon_client.session.session import Session
from antiphon_proto.document.codex import MAX_NAME, MAX_WORDS, CodexContradiction, CodexEntry, fits
from antiphon_proto.messages import Codex as Told
from antiphon_proto.messages import ServerMessage
from antiphon_proto.schema import CODEX


class Codex(Listener):
    """Facts found in the story by rules, and entries of people, which have precedence."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._told = Told(0, (), ())

    @property
    def found(self) -> tuple[CodexEntry, ...]:
        """Facts of the story at its last reading, some seconds after people paused."""
        return self._told.entries

    @property
    def contradictions(self) -> tuple[CodexContradiction, ...]:
        """Where the story says two things of one, with both sentences."""
        return self._told.contradictions

    @property
    def written(self) -> dict[str, str]:
        """Name -> entry of people; an empty one hides the found facts."""
        return {name: value for name, value in (self._root.to_py() or {}).items() if fits(name, value)}

    def write(self, name: str, words: str | None) -> None:
        """Write an entry for `name`; an empty one hides the found facts, None shows them again. Raises ClientError for
        an invalid entry."""
        if words is not None and not fits(name, words):
            raise ClientError(
                f"an entry has a name of 1 to {MAX_NAME} and words of at most {MAX_WORDS} characters"
            )
        root = self._root
        with self._session.replica.doc.transaction():
            if words is not None:
                root[name] = words
            elif name in root:
                del root[name]
        self._session.wake()

    def on_message(self, message: ServerMessage) -> None:
        """Keep the found facts."""
        if isinstance(message, Told):
            self._told = message

    @property
    def _root(self) -> Map[Any]:
        root: Map[Any] = self._session.replica.doc.get(CODEX, type=Map)
        return root
