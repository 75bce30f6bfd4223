"""The codex of a room: who and what its story names."""

from __future__ import annotations

from typing import Any

from pycrdt import Map

from antiphon_client.errors import ClientError
from antiphon_client.session.listener import Listener
from antiphon_client.session.session import Session
from antiphon_proto.codex import MAX_NAME, MAX_WORDS, CodexContradiction, CodexEntry, fits
from antiphon_proto.messages import Codex as Told
from antiphon_proto.messages import ServerMessage
from antiphon_proto.schema import CODEX


class Codex(Listener):
    """What rules found in the story, and what people wrote, which counts more."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._told = Told(0, (), ())

    @property
    def found(self) -> tuple[CodexEntry, ...]:
        """What the story says, as it was read last, some seconds after people paused."""
        return self._told.entries

    @property
    def contradictions(self) -> tuple[CodexContradiction, ...]:
        """Where the story says two things of one, with both sentences."""
        return self._told.contradictions

    @property
    def written(self) -> dict[str, str]:
        """Name -> what people wrote; an empty one hides what was found."""
        return {name: value for name, value in (self._root.to_py() or {}).items() if fits(name, value)}

    def write(self, name: str, words: str | None) -> None:
        """Write what is true of `name`; empty words hide what was found, None lets it count again. Raises ClientError
        for a fault."""
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
        """Keep what was found."""
        if isinstance(message, Told):
            self._told = message

    @property
    def _root(self) -> Map[Any]:
        root: Map[Any] = self._session.replica.doc.get(CODEX, type=Map)
        return root
