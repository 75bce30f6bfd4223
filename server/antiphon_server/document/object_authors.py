"""Who made and who last changed each object of the canvas, from the connection that the edit came over.

Removed objects are remembered for a while: one that the same author or run brings back unchanged (an undo, or the undo
of the run that removed it) keeps its maker.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from antiphon_server.document.authorship import Owner
from antiphon_server.document.canvas import ObjectChange

_KEPT = 2048
"""Removed objects that are remembered."""


class ObjectAuthor(Struct, frozen=True, array_like=True):
    """`creator` made the object, `editor` changed it last."""

    creator: Owner
    editor: Owner
    digest: bytes = b""
    """Of its content after that."""


class _Gone(Struct, frozen=True, array_like=True):
    author: ObjectAuthor
    by: Owner


class _Stored(Struct, frozen=True, array_like=True):
    authors: dict[str, ObjectAuthor]
    gone: dict[str, _Gone]


class ObjectAuthors:
    """By object id."""

    def __init__(self, stored: bytes = b"") -> None:
        """`stored` is the output of `serialise`. Raises msgspec.MsgspecError for anything else."""
        state = msgspec.msgpack.decode(stored, type=_Stored) if stored else _Stored({}, {})
        self._authors = state.authors
        self._gone = OrderedDict(state.gone)

    def serialise(self) -> bytes:
        return msgspec.msgpack.encode(_Stored(self._authors, dict(self._gone)))

    def fold(
        self, changes: Iterable[ObjectChange], owner: Owner, digest: Callable[[str], bytes], *, mends: bool
    ) -> None:
        """`owner` did this. `mends`: the server put something right, which is nobody's work."""
        for change in changes:
            key = change.id
            if change.action == "removed":
                self._remove(key, owner)
            elif change.action == "added":
                self._remove(key, owner)
                self._authors[key] = self._add(key, owner, digest(key))
            elif (known := self._authors.get(key)) is not None:
                editor = known.editor if mends else owner
                self._authors[key] = replace(known, editor=editor, digest=digest(key))

    def credit(self, key: str, author: ObjectAuthor, digest: bytes) -> None:
        """An object came back that is this author's."""
        if key in self._authors:
            self._authors[key] = replace(author, digest=digest)

    def get(self, key: str) -> ObjectAuthor | None:
        return self._authors.get(key)

    def items(self) -> Iterable[tuple[str, ObjectAuthor]]:
        return self._authors.items()

    def by_run(self, run: str) -> list[str]:
        """The objects that a run made."""
        return [key for key, author in self._authors.items() if author.creator.run == run]

    def people(self) -> set[str]:
        """Everybody who made or changed something that stands there."""
        return {owner.author for one in self._authors.values() for owner in (one.creator, one.editor)}

    def past(self) -> set[str]:
        """Everybody who made or removed something that may come back."""
        return {
            owner.author
            for gone in self._gone.values()
            for owner in (gone.by, gone.author.creator, gone.author.editor)
        }

    def _add(self, key: str, owner: Owner, digest: bytes) -> ObjectAuthor:
        gone = self._gone.get(key)
        if gone is not None and gone.author.digest == digest and _same_hand(gone.by, owner):
            del self._gone[key]
            return gone.author
        return ObjectAuthor(owner, owner, digest)

    def _remove(self, key: str, owner: Owner) -> None:
        if (author := self._authors.pop(key, None)) is not None:
            self._gone[key] = _Gone(author, owner)
            self._gone.move_to_end(key)
            if len(self._gone) > _KEPT:
                self._gone.popitem(last=False)


def _same_hand(removed: Owner, returns: Owner) -> bool:
    return removed == returns or (removed.run is not None and removed.run == returns.run)
