"""Comments on passages of the story. It alone writes the root `comments`; the passages are marked in the story itself,
so that they move, split and join with it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TypeAlias

from antiphon_proto.comments import (
    ATTR_COMMENT,
    MAX_QUOTE,
    MAX_REPLIES,
    AddComment,
    AddReply,
    DeleteComment,
    ResolveComment,
)
from antiphon_proto.errors import Conflict, Denied, NotFound, PeerError, TooLarge
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import Member
from antiphon_server.core.ranges import located
from antiphon_server.core.rights import Right, may
from antiphon_server.document.authorship import Owner
from antiphon_server.document.document import Document
from antiphon_server.document.side_roots import REPLIES, Fields, SideRoots
from antiphon_server.document.state import SERVER, SERVER_ORIGIN
from antiphon_server.document.text_index import EMBED, scrub, size

_COMMENT_BYTES = 512
"""More than a comment needs in the document beside its text."""

Request: TypeAlias = AddComment | AddReply | ResolveComment | DeleteComment


class Comments:
    """At most `limits.max_comments`."""

    def __init__(self, room: RoomContext, bound: int) -> None:
        self._room = room
        self._bound = bound
        self._comments: dict[str, Fields] = {}

    def load(self) -> None:
        """Read the entries of the document, once it is loaded."""
        self._comments = self._document.side.comments()

    def handle(self, member: Member, message: Request) -> None:
        """Raises PeerError, NotFound, Conflict, Denied or TooLarge."""
        match message:
            case AddComment():
                self._add(member, message)
            case AddReply():
                self._reply(member, message)
            case ResolveComment(key, resolved):
                self._find(key)["resolved"] = resolved
                self._note(member, lambda roots: roots.set_resolved(key, resolved))
            case DeleteComment(key, str(reply)):
                self._delete_reply(member, key, reply)
            case DeleteComment(key):
                self._delete(member, key)

    def authors(self) -> set[str]:
        replies = (reply for comment in self._comments.values() for reply in comment[REPLIES])
        return {str(one["author"]) for one in (*self._comments.values(), *replies)}

    def __contains__(self, key: str) -> bool:
        return key in self._comments

    def _add(self, member: Member, message: AddComment) -> None:
        document = self._document
        text = self._said(message.text)
        if message.id in self._comments:
            raise Conflict("this id is taken by another comment")
        if len(self._comments) >= self._bound:
            raise TooLarge(f"a room holds {self._bound} comments; delete some that are resolved")
        start, end = located(self._room, member.id, message.offset, message.start, message.end)
        if start == end:
            raise PeerError("a comment needs a passage")
        quote = "".join(piece for piece, _ in document.chunks(start, min(end, start + 4 * MAX_QUOTE + 4)))
        comment: Fields = {
            "author": member.id,
            "ms": float(self._room.unix_ms()),
            "text": text,
            "quote": quote.replace(EMBED, "").rstrip("\ufffd")[:MAX_QUOTE],
            "resolved": False,
            REPLIES: [],
        }
        self._comments[message.id] = comment
        self._note(member, lambda roots: roots.put_comment(message.id, comment))
        mark = document.format([(start, end)], {ATTR_COMMENT + message.id: True}, SERVER_ORIGIN)
        self._room.commit(mark, SERVER)

    def _reply(self, member: Member, message: AddReply) -> None:
        replies = self._find(message.comment)[REPLIES]
        if len(replies) >= MAX_REPLIES:
            raise TooLarge(f"a comment holds {MAX_REPLIES} replies")
        reply = {
            "id": f"y{secrets.token_hex(4)}",
            "author": member.id,
            "ms": float(self._room.unix_ms()),
            "text": self._said(message.text),
        }
        replies.append(reply)
        self._note(member, lambda roots: roots.add_reply(message.comment, reply))

    def _delete(self, member: Member, key: str) -> None:
        _require_own(member, self._find(key)["author"])
        del self._comments[key]
        self._note(member, lambda roots: roots.drop_comment(key))
        attribute = ATTR_COMMENT + key
        marked = self._document.marked(attribute, True)
        self._room.commit(self._document.format(marked, {attribute: None}, SERVER_ORIGIN), SERVER)

    def _delete_reply(self, member: Member, key: str, reply: str) -> None:
        replies = self._find(key)[REPLIES]
        place = next((i for i, found in enumerate(replies) if found["id"] == reply), None)
        if place is None:
            raise NotFound("there is no such reply")
        _require_own(member, replies[place]["author"])
        del replies[place]
        self._note(member, lambda roots: roots.drop_reply(key, place))

    def _find(self, key: str) -> Fields:
        try:
            return self._comments[key]
        except KeyError:
            raise NotFound("there is no such comment in this room") from None

    def _said(self, text: str) -> str:
        text = scrub(text).strip()
        if not text:
            raise PeerError("there is nothing in this comment")
        if not self._document.fits(size(text) + _COMMENT_BYTES):
            raise TooLarge("the document is at its bound")
        return text

    def _note(self, member: Member, work: Callable[[SideRoots], object]) -> None:
        self._room.commit(self._document.note(work, SERVER_ORIGIN), Owner(member.id))

    @property
    def _document(self) -> Document:
        return self._room.shared.document


def _require_own(member: Member, author: object) -> None:
    if member.id != author and not may(member.role, Right.MODERATE):
        raise Denied("this is somebody else's")
