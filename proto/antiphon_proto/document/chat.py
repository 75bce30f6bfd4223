"""The chat: entries of the root `chat`, their bounds, and the message that adds one.

The root is a Y.Array, oldest first, of Y.Maps with the fields of :class:`ChatEntry`. Only the server writes it. It
takes the author from the connection, and reverts direct writes of a client before they are sent to others.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from antiphon_proto.frame import ModelName, Request, UInt

MAX_SAID = 4000
"""Most characters of one message of a person."""
MAX_ANSWER = 16_384
"""Characters of an answer of the AI."""
DEFAULT_MAX_CHAT = 500
"""Entries that a chat holds; the oldest make room."""

Said = Annotated[str, Meta(min_length=1, max_length=MAX_SAID)]


class ChatEntry(Struct, frozen=True, omit_defaults=True):
    """`ms` is the server's clock. `run` is of an answer of the AI, whose `text` grows while it streams."""

    id: str
    participant: str
    text: str
    ms: int
    run: str = ""


class Say(Request, frozen=True, tag="say"):
    """Say something in the chat. It is put to the AI with `to_ai`, or when it begins with the AI's name.

    `at` is where in the story the AI should look, a UTF-8 byte offset as at room offset `offset`; nil is its end.
    `say` is the sender's number for it, named by an `error`.
    """

    say: UInt
    text: Said
    to_ai: bool = False
    offset: UInt = 0
    at: UInt | None = None
    model: ModelName = ""
    """Which of the text models that serve side by side answers (`ModelInfo.beside`); empty: the one that serves."""
