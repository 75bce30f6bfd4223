"""The style card of a room, which stands at the beginning of every prompt."""

from __future__ import annotations

from typing import Any

from pycrdt import Map

from antiphon_client.errors import ClientError
from antiphon_client.session.listener import Listener
from antiphon_client.session.session import Session
from antiphon_proto.document.style import BOUNDS, StyleCard, fits
from antiphon_proto.messages import Learned, LearnStyle, ServerMessage
from antiphon_proto.schema import STYLE


class Style(Listener):
    """The style card of a room."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._asked = 0
        self._learned: Learned | None = None

    @property
    def card(self) -> StyleCard:
        """The card as it stands."""
        return StyleCard.of(self._root.to_py() or {})

    def set(self, **fields: str) -> None:
        """Change fields (`tone`, `person`, `tense`, `keep`, `avoid`, `facts`). Raises ClientError for a fault."""
        if wrong := [name for name, value in fields.items() if not fits(name, value)]:
            bounds = ", ".join(f"{name} of at most {BOUNDS.get(name, 0)} characters" for name in wrong)
            raise ClientError(f"a style card takes {bounds}")
        root = self._root
        with self._session.replica.doc.transaction():
            for name, value in fields.items():
                root[name] = value
        self._session.wake()

    async def learn(self, start: int, end: int) -> Learned:
        """Statistics of the characters [start, end), and a style card proposed from them. It changes nothing. Raises
        RequestRefused."""
        self._asked += 1
        number = self._asked
        offset, first, last = await self._session.located(start, end)
        await self._session.exchange(
            LearnStyle(number, offset, first, last),
            str(number),
            lambda: self._learned is not None and self._learned.learn == number,
        )
        assert self._learned is not None
        return self._learned

    def on_message(self, message: ServerMessage) -> None:
        """Keep the answer to `learn`."""
        if isinstance(message, Learned):
            self._learned = message

    @property
    def _root(self) -> Map[Any]:
        root: Map[Any] = self._session.replica.doc.get(STYLE, type=Map)
        return root
