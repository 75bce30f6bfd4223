"""Comments on passages of the story. It alone writes the root `comments`; the passages are marked in the story itself,
so that they move, split and join with it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import TypeAlias

from antiphon_proto.document.comments import (
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
                self.reply(message.comment, message.text, Owner(member.id))
            case ResolveComment(key, resolved):
                self._resolve(key, resolved, Owner(member.id))
            case DeleteComment(key, str(reply)):
                self._delete_reply(member, key, reply)
            case DeleteComment(key):
                self._delete(member, key)

    def authors(self) -> set[str]:
        replies = (reply for comment in self._comments.values() for reply in comment[REPLIES])
        return {str(one["author"]) for one in (*self._comments.values(), *replies)}

    def ids(self) -> Iterable[str]:
        return self._comments.keys()

    def __contains__(self, key: str) -> bool:
        return key in self._comments

    def get(self, key: str) -> Fields:
        """A comment with its replies. Raises NotFound."""
        return self._find(key)

    def passage(self, key: str) -> list[tuple[int, int]]:
        """[start, end) of the rest of a comment's passage, in bytes of the story."""
        return self._document.marked(ATTR_COMMENT + key, True)

    def leave(self, key: str, start: int, end: int, text: str, owner: Owner) -> None:
        """A comment on [start, end) of the story as it is, of a member or of a run. Raises PeerError, Conflict or
        TooLarge."""
        document = self._document
        text = self._said(text)
        if key in self._comments:
            raise Conflict("this id is taken by another comment")
        if len(self._comments) >= self._bound:
            raise TooLarge(f"a room holds {self._bound} comments; delete some that are resolved")
        if start == end:
            raise PeerError("a comment needs a passage")
        quote = "".join(piece for piece, _ in document.chunks(start, min(end, start + 4 * MAX_QUOTE + 4)))
        comment: Fields = {
            "author": owner.author,
            "ms": float(self._room.unix_ms()),
            "text": text,
            "quote": quote.replace(EMBED, "").rstrip("\ufffd")[:MAX_QUOTE],
            "resolved": False,
            REPLIES: [],
            **_by_run(owner),
        }
        self._comments[key] = comment
        self._note(owner, lambda roots: roots.put_comment(key, comment))
        mark = document.format([(start, end)], {ATTR_COMMENT + key: True}, SERVER_ORIGIN)
        self._room.commit(mark, SERVER)

    def reply(self, key: str, text: str, owner: Owner) -> None:
        """An answer to a comment, of a member or of a run. Raises NotFound, PeerError or TooLarge."""
        replies = self._find(key)[REPLIES]
        if len(replies) >= MAX_REPLIES:
            raise TooLarge(f"a comment holds {MAX_REPLIES} replies")
        reply = {
            "id": f"y{secrets.token_hex(4)}",
            "author": owner.author,
            "ms": float(self._room.unix_ms()),
            "text": self._said(text),
            **_by_run(owner),
        }
        replies.append(reply)
        self._note(owner, lambda roots: roots.add_reply(key, reply))

    def take_back(self, run: str, owner: Owner) -> None:
        """Take away a run's notes that are still there: its comments and its replies. A comment that others have
        answered stays, as dealt with: their words are not the run's."""
        for key, comment in self._comments.items():
            for reply in [one["id"] for one in comment[REPLIES] if one.get("run") == run]:
                self._drop_reply(key, reply, owner)
        for key in [key for key, comment in self._comments.items() if comment.get("run") == run]:
            if self._comments[key][REPLIES]:
                self._resolve(key, True, owner)
            else:
                self._drop(key, owner)

    def _add(self, member: Member, message: AddComment) -> None:
        start, end = located(self._room, member.id, message.offset, message.start, message.end)
        self.leave(message.id, start, end, message.text, Owner(member.id))

    def _resolve(self, key: str, resolved: bool, owner: Owner) -> None:
        self._find(key)["resolved"] = resolved
        self._note(owner, lambda roots: roots.set_resolved(key, resolved))

    def _delete(self, member: Member, key: str) -> None:
        _require_own(member, self._find(key)["author"])
        self._drop(key, Owner(member.id))

    def _drop(self, key: str, owner: Owner) -> None:
        del self._comments[key]
        self._note(owner, lambda roots: roots.drop_comment(key))
        attribute = ATTR_COMMENT + key
        marked = self._document.marked(attribute, True)
        self._room.commit(self._document.format(marked, {attribute: None}, SERVER_ORIGIN), SERVER)

    def _delete_reply(self, member: Member, key: str, reply: str) -> None:
        found = next((one for one in self._find(key)[REPLIES] if one["id"] == reply), None)
        if found is None:
            raise NotFound("there is no such reply")
        _require_own(member, found["author"])
        self._drop_reply(key, reply, Owner(member.id))

    def _drop_reply(self, key: str, reply: str, owner: Owner) -> None:
        replies = self._comments[key][REPLIES]
        place = next(i for i, one in enumerate(replies) if one["id"] == reply)
        del replies[place]
        self._note(owner, lambda roots: roots.drop_reply(key, place))

    def _find(self, key: str) -> Fields:
        try:
            return self._comments[key]
        except KeyError:
            raise NotFound("there is no such comment in this room") from None

    def _said(self, text: str) -> str:
        text = scrub(text).strip()
        if not text:
            raise PeerError("the comment is empty")
        if not self._document.fits(size(text) + _COMMENT_BYTES):
            raise TooLarge("the document is at its bound")
        return text

    def _note(self, owner: Owner, work: Callable[[SideRoots], object]) -> None:
        self._room.commit(self._document.note(work, SERVER_ORIGIN), owner)

    @property
    def _document(self) -> Document:
        return self._room.shared.document


def _by_run(owner: Owner) -> Fields:
    return {"run": owner.run} if owner.run else {}


def _require_own(member: Member, author: object) -> None:
    if member.id != author and not may(member.role, Right.MODERATE):
        raise Denied("this belongs to another participant")
