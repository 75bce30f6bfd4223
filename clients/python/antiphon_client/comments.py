"""Comments on passages of the story."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from pycrdt import Map

from antiphon_client.session.connection import bounded
from antiphon_client.session.session import Session
from antiphon_proto.document.comments import ATTR_COMMENT, Comment
from antiphon_proto.messages import AddComment, AddReply, DeleteComment, ResolveComment
from antiphon_proto.schema import COMMENTS


class Comments(Mapping[str, Comment]):
    """Comment id -> the comment. Changing one returns when the room has the change. Raises RequestRefused."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __getitem__(self, key: str) -> Comment:
        found = self._root[key].to_py()
        replies = [{**reply, "ms": int(reply["ms"])} for reply in found["replies"]]
        return msgspec.convert({**found, "ms": int(found["ms"]), "replies": replies}, Comment)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._root.keys()))

    def __len__(self) -> int:
        return len(self._root)

    async def add(self, start: int, end: int, text: str) -> str:
        """Comment on the characters [start, end); returns the comment's id."""
        key = secrets.token_urlsafe(9)
        bounded(AddComment(key, 0, 0, 0, text))
        offset, first, last = await self._session.located(start, end)
        await self._session.exchange(AddComment(key, offset, first, last, text), key, lambda: key in self)
        return key

    async def reply(self, key: str, text: str) -> None:
        """Answer a comment. Raises KeyError, RequestRefused, NoAnswer."""
        known = len(self[key].replies)
        message = bounded(AddReply(key, text))
        await self._session.exchange(message, key, lambda: key not in self or len(self[key].replies) > known)

    async def resolve(self, key: str, resolved: bool = True) -> None:
        """Mark a comment as resolved, or as open again. Raises RequestRefused, NoAnswer."""
        message = ResolveComment(key, resolved)
        await self._session.exchange(message, key, lambda: key not in self or self[key].resolved is resolved)

    async def delete(self, key: str, reply: str | None = None) -> None:
        """Take a comment away, or one of its replies."""

        def gone() -> bool:
            return key not in self or (
                reply is not None and all(one.id != reply for one in self[key].replies)
            )

        await self._session.exchange(DeleteComment(key, reply), key, gone)

    def passage(self, key: str) -> str:
        """The text that a comment is about now; empty when it was deleted (`Comment.quote` still holds it)."""
        pieces = self._session.replica.story.diff() if key in self else []
        return "".join(
            text for text, marks in pieces if isinstance(text, str) and marks and ATTR_COMMENT + key in marks
        )

    @property
    def _root(self) -> Map[Any]:
        root: Map[Any] = self._session.replica.doc.get(COMMENTS, type=Map)
        return root
