"""The chat beside the story."""

from __future__ import annotations

import msgspec
from pycrdt import Array

from antiphon_client.session.connection import bounded
from antiphon_client.session.session import Session
from antiphon_proto.document.chat import ChatEntry
from antiphon_proto.messages import Say
from antiphon_proto.schema import CHAT


class Chat:
    """The chat beside the story."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._said = 0

    @property
    def entries(self) -> tuple[ChatEntry, ...]:
        """The messages, oldest first. An answer of the AI has its `run`, and grows."""
        found = self._session.replica.doc.get(CHAT, type=Array).to_py() or []
        return tuple(msgspec.convert({**one, "ms": int(one["ms"])}, ChatEntry) for one in found)

    async def say(self, text: str, *, to_ai: bool = False, at: int | None = None, model: str = "") -> None:
        """Say something; the AI answers with `to_ai`, or when it begins with its name, with the story around character
        `at` (default: its end) before it; `model` names one of several that serve. Returns when it stands in the chat.
        Raises RequestRefused or ClientError."""
        session = self._session
        self._said += 1
        bounded(Say(self._said, text, to_ai, model=model))
        offset, place, _ = await session.located(at, at)
        message = Say(self._said, text, to_ai, offset, place if at is not None else None, model)
        assert session.state.me is not None
        mine, known = session.state.me.id, {one.id for one in self.entries}
        await session.exchange(
            message,
            str(message.say),
            lambda: any(one.id not in known and one.participant == mine for one in self.entries),
        )
