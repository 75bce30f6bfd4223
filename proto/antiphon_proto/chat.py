"""The chat beside the story: what stands in the root `chat`, its bounds, and the message that says something.

The root is a Y.Array, oldest first, of Y.Maps with the fields of :class:`ChatEntry`. The server alone writes it: the
author is who the connection belongs to, and what a client writes there by itself is undone before anybody sees it.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from antiphon_proto.frame import ModelName, Request, UInt

MAX_SAID = 4000
"""Characters of what a person says at once."""
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
