"""Messages of a room's history: named versions, and shares of authorship. The rest is HTTP (PROTOCOL.md)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from antiphon_proto.frame import Id, Message, UInt

VersionName = Annotated[str, Meta(min_length=1, max_length=100)]


class Version(Struct, frozen=True, array_like=True):
    """A named point of the history, after the entry with number `seq`."""

    id: Id
    name: VersionName
    seq: UInt
    ms: UInt
    author: Id


class Versions(Message, frozen=True, tag="versions"):
    """All named versions, oldest first; sent whenever one was added or removed."""

    versions: tuple[Version, ...]


class Shares(Message, frozen=True, tag="shares"):
    """Characters of the story at `offset` by participant and by run; text of a run counts for its author too. Sent at
    intervals while the text changes, and to newcomers."""

    offset: UInt
    people: dict[str, UInt]
    runs: dict[str, UInt]
