"""The base class of all messages, and the bounded types of their fields."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from antiphon_proto.lanes import Lane

VERSION = 1
MAX_FRAME = 256 * 1024
"""Largest WebSocket message, bytes; anything larger is sent as `fragment`s."""
FRAGMENT_BODY = 192 * 1024
MAX_FRAGMENTS = 512

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Name = Annotated[str, Meta(min_length=1, max_length=48)]
Color = Annotated[str, Meta(pattern=r"^#[0-9a-fA-F]{6}$", max_length=7)]
UInt = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Instruction = Annotated[str, Meta(max_length=4000)]
ModelName = Annotated[str, Meta(max_length=1024)]
Text = Annotated[str, Meta(max_length=2000)]
Role = Literal["owner", "editor", "viewer"]
Kind = Literal["human", "agent", "ai"]
"""A person, a program that acts for somebody, or a model of the server itself."""


class Message(Struct, frozen=True, array_like=True):
    """Base of all messages. `lane` is how the outbox treats it when the client reads slowly.

    Fields after the known ones are ignored: a client that is older than the server stays in the room.
    """

    lane: ClassVar[Lane] = Lane.CONTROL


class Request(Message, frozen=True, forbid_unknown_fields=True):
    """Base of client messages: the server refuses unknown fields."""
