"""The position of a run's text in the story, and its insertion."""

from __future__ import annotations

from antiphon_proto import schema
from antiphon_proto.document.comments import ATTR_COMMENT
from antiphon_server.core.context import RoomContext
from antiphon_server.core.run_registry import RunEntry
from antiphon_server.document.anchors import Place
from antiphon_server.document.authorship import Owner
from antiphon_server.document.change import Change
from antiphon_server.document.state import AI_ORIGIN

REPLACING = frozenset({"instruct", "rewrite", "brainstorm", "fill"})
"""Tasks whose text takes the place of the selection, if there is one."""


def place(room: RoomContext, start: int, end: int, *, after: bool) -> Place:
    """For a run about [start, end). `after`: its text goes behind the selection, which stays until it is accepted."""
    anchors = room.shared.anchors
    at = end if after else start
    return Place(anchors.put(at), anchors.passage(start, end), _comments(room, start, end))


def begin(room: RoomContext, run: RunEntry, place: Place) -> None:
    """Before a run's first text: delete or mark the text that it replaces."""
    ranges = place.selection.ranges
    document, info = room.shared.document, run.info
    if info.task not in REPLACING or not ranges:
        return
    owner = Owner(info.author, info.id)
    if info.mode == "write":
        room.commit(document.delete(ranges, AI_ORIGIN), owner)
    else:
        room.commit(document.format(ranges, {schema.ATTR_SUGGEST_DELETE: info.id}, AI_ORIGIN), owner)


def insert(room: RoomContext, run: RunEntry, place: Place, text: str) -> Change | None:
    """Text of the run enters the story at its place, which moves behind it."""
    info = run.info
    attributes: dict[str, object] = {schema.ATTR_AI: info.id}
    if info.mode == "suggest":
        attributes[schema.ATTR_SUGGEST] = info.id
    attributes |= dict.fromkeys(place.carried, True)
    change = room.shared.document.insert(place.at.at, text, attributes, AI_ORIGIN)
    if change is not None:
        room.commit(change, Owner(info.author, info.id))
        last = change.splices[-1]
        place.at.at = last.at + last.inserted
    return change


def _comments(room: RoomContext, start: int, end: int) -> tuple[str, ...]:
    document = room.shared.document
    first, last = (start, end) if start < end else (max(0, start - 1), min(start + 1, document.length))
    if start == end and not first < start < last:
        return ()
    common: set[str] | None = None
    for _, attributes in document.chunks(first, last):
        marks = {name for name in attributes if name.startswith(ATTR_COMMENT)}
        common = marks if common is None else common & marks
    return tuple(sorted(common or ()))
