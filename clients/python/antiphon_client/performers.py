"""The AI participants of a room: their roles and rights."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import structs

from antiphon_client.session.connection import bounded
from antiphon_client.session.listener import Listener
from antiphon_client.session.session import Session
from antiphon_proto.document import performers
from antiphon_proto.document.performers import PerformerRole
from antiphon_proto.messages import DropPerformer, Performer, Performers, PutPerformer, ServerMessage, Welcome


class Cast(Listener, Mapping[str, Performer]):
    """Id -> the performer. Changing one returns when the room has the change. Raises RequestRefused."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._told: dict[str, Performer] = {}

    def __getitem__(self, key: str) -> Performer:
        return self._told[key]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._told))

    def __len__(self) -> int:
        return len(self._told)

    def participant(self, key: str) -> str:
        """Its id as the author of messages, comments and runs."""
        return performers.participant_id(key)

    async def add(self, role: PerformerRole = "own", **fields: Any) -> str:
        """Add a performer of a built-in role, or one of your own with a `name` and a `brief`; returns its id. Fields:
        `name`, `brief`, `color`, `model`, `rights`, `hourly`, `unasked`, `language` ("en" or "ru"). It is called by
        `@name` in the chat or in a comment."""
        key = secrets.token_hex(6)
        await self._put(PutPerformer(key, role=role, **fields))
        return key

    async def change(self, key: str, **fields: Any) -> None:
        """Change fields of a performer, as `add` takes them. Raises KeyError."""
        known = structs.asdict(self[key])
        known = {name: value for name, value in known.items() if name in PutPerformer.__struct_fields__}
        await self._put(PutPerformer(**{**known, **fields}))

    async def remove(self, key: str) -> None:
        """Remove a performer: its runs stop, their results stay."""
        await self._session.exchange(DropPerformer(key), key, lambda: key not in self)

    def on_message(self, message: ServerMessage) -> None:
        """Follow the messages of the server."""
        match message:
            case Welcome():
                self._told = {}
            case Performers(told):
                self._told = {one.id: one for one in told}

    async def _put(self, wish: PutPerformer) -> None:
        wish = bounded(wish)
        await self._session.exchange(wish, wish.id, lambda: wish.id in self)
