"""Messages of a room's history: versions that people named, and who wrote how much. The rest is HTTP (PROTOCOL.md)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from antiphon_proto.frame import Id, Message, UInt

VersionName = Annotated[str, Meta(min_length=1, max_length=100)]


class Version(Struct, frozen=True, array_like=True):
    """A point of the history that somebody named. `seq` is the number of the entry after which it stands."""

    id: Id
    name: VersionName
    seq: UInt
    ms: UInt
    author: Id


class Versions(Message, frozen=True, tag="versions"):
    """All named versions, oldest first, whenever one was named or taken away."""

    versions: tuple[Version, ...]


class Shares(Message, frozen=True, tag="shares"):
    """How many characters of the story at `offset` each participant and each run wrote; what a run wrote counts for
    its author, too. Sent now and then while the text changes, and to newcomers."""

    offset: UInt
    people: dict[str, UInt]
    runs: dict[str, UInt]
