"""Comments on passages of the story: the root `comments`, its bounds, and the messages about it.

The root is a Y.Map: comment id -> Y.Map of the fields of :class:`Comment`; `replies` is a Y.Array of plain maps. Only
the server writes it. The passage carries the text attribute `comment:ID` (value true), so it moves with the text. A
comment outlives its passage; `quote` then holds the text that it was made on.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

from antiphon_proto.frame import Id, Request, UInt

ATTR_COMMENT: Final = "comment:"
"""Prefix of the text attribute of a comment's passage; the rest is the comment's id."""
MAX_COMMENT: Final = 4000
"""Characters of a comment or of a reply."""
MAX_QUOTE: Final = 200
MAX_REPLIES: Final = 100
DEFAULT_MAX_COMMENTS: Final = 1000
"""Comments of one room, resolved ones included."""

CommentId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,32}$", max_length=32)]
Commented = Annotated[str, Meta(min_length=1, max_length=MAX_COMMENT)]


class Reply(Struct, frozen=True):
    """An answer to a comment. `ms` is Unix milliseconds."""

    id: str
    author: str
    ms: int
    text: str
    run: str = ""
    """Of a performer's: the run that wrote it."""


class Comment(Struct, frozen=True):
    """`author` is a participant, `ms` the server's clock, `quote` the beginning of the passage as it was."""

    author: str
    ms: int
    text: str
    quote: str
    resolved: bool = False
    replies: tuple[Reply, ...] = ()
    run: str = ""
    """Of a performer's: the run that left it."""


class AddComment(Request, frozen=True, tag="comment"):
    """Comment on [start, end) of the story, as at room offset `offset`. The sender chooses an unused `id`."""

    id: CommentId
    offset: UInt
    start: UInt
    end: UInt
    text: Commented


class AddReply(Request, frozen=True, tag="reply"):
    """Answer a comment."""

    comment: CommentId
    text: Commented


class ResolveComment(Request, frozen=True, tag="resolve"):
    """Say that a comment is dealt with, or not."""

    comment: CommentId
    resolved: bool = True


class DeleteComment(Request, frozen=True, tag="delete_comment"):
    """Take a comment away, or one of its replies. Its author's right, and a moderator's."""

    comment: CommentId
    reply: Id | None = None
