"""Recent changes of canvas objects and of fields of shots, jam and style card: each entry before and after, and how to
revert it.

Reverting goes field by field: later changes of others stay. A created object goes away, a removed one comes back;
`object_authors` knows its maker.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from antiphon_proto import schema
from antiphon_proto.document.canvas import POINTS, TEXT
from antiphon_proto.document.film import TRANSPORT as FILM_TRANSPORT
from antiphon_proto.document.film import is_sound
from antiphon_proto.document.jam import TRANSPORT
from antiphon_server.document.canvas import Canvas, ObjectChange
from antiphon_server.document.change import Change
from antiphon_server.document.film.film import Film
from antiphon_server.document.jam import Jam
from antiphon_server.document.side_roots import SideRoots
from antiphon_server.document.text_diff import common, differences

Place: TypeAlias = tuple[str, str, str]
"""Root, section and key."""
Packed: TypeAlias = tuple[bytes, bytes]
"""An object's fields, and its points, which seldom change."""
_pack = msgspec.msgpack.Encoder(order="sorted").encode
_unpack = msgspec.msgpack.decode
_ABSENT: Final = object()


class Entry(Struct, frozen=True):
    """As it was before and is after: plain values, `Packed` for objects of the canvas, None where there is nothing."""

    before: Any
    after: Any


class Shadow:
    """The canvas after the last change: the source of former values. Packed, since a board holds thousands of
    strokes."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._packed: dict[str, Packed] = {}

    def load(self) -> Iterator[None]:
        """Read the whole board, with a stop after each object."""
        for key in self._canvas.keys():  # noqa: SIM118
            if (fields := self._canvas.get(key)) is not None:
                self._packed[key] = _packed(fields, None)
            yield

    def fold(self, changes: Iterable[ObjectChange]) -> dict[Place, Entry]:
        """Follow a change; returns its entries."""
        found: dict[Place, Entry] = {}
        for change in changes:
            before = self._packed.get(change.id)
            fields = self._canvas.get(change.id)
            after = _packed(fields, before) if fields is not None else None
            if after is None:
                self._packed.pop(change.id, None)
            else:
                self._packed[change.id] = after
            if before != after:
                found[schema.CANVAS, "", change.id] = Entry(before, after)
        return found


def entries(change: Change, shadow: Shadow, side: SideRoots) -> dict[Place, Entry]:
    """All that a change did beside the story's text."""
    found = shadow.fold(change.objects)
    for one in change.jam:
        if one.section and one.key != TRANSPORT and one.former != one.value:
            found[schema.JAM, one.section, one.key] = Entry(one.former, one.value)
    for shot in change.film:
        # A start or a stop is meant for its moment, and lines come back by themselves.
        if shot.key != FILM_TRANSPORT and not is_sound(shot.key) and shot.former != shot.value:
            found[schema.FILM, "", shot.key] = Entry(shot.former, shot.value)
    for root in schema.STYLE, schema.CODEX:
        if root in change.roots:
            now = side.fields(root)
            for name, former in change.roots[root].items():
                if former != now.get(name):
                    found[root, "", name] = Entry(former, now.get(name))
    return found


def join(earlier: dict[Place, Entry], later: Mapping[Place, Entry]) -> None:
    """Merge later entries of an action into its earlier ones."""
    for place, entry in later.items():
        known = earlier.get(place)
        before = known.before if known else entry.before
        if before == entry.after:
            earlier.pop(place, None)
        else:
            earlier[place] = Entry(before, entry.after)


def weight(found: Mapping[Place, Entry]) -> int:
    """About how many bytes are held."""
    return sum(_weight(entry.before) + _weight(entry.after) + 64 for entry in found.values())


def take_back(found: Mapping[Place, Entry], canvas: Canvas, jam: Jam, side: SideRoots) -> None:
    """Inside a transaction: restore each entry's former value where it still has the later one."""
    for (root, section, key), entry in found.items():
        if root == schema.CANVAS:
            _object(canvas, key, entry)
        elif root == schema.JAM:
            _field(jam, section, key, entry)
        elif root == schema.FILM:
            _shot(side.film, key, entry)
        elif side.fields(root).get(key) == entry.after:
            side.set_field(root, key, entry.before)


def _object(canvas: Canvas, key: str, entry: Entry) -> None:
    now = canvas.get(key)
    if entry.before is None:
        canvas.remove(key)
    elif entry.after is None:
        if now is None:
            canvas.put(key, _fields(entry.before))
    elif now is not None:
        before, after = _fields(entry.before), _fields(entry.after)
        was, left, words = (fields.get(TEXT) for fields in (before, after, now))
        if (
            now.get("type") == TEXT
            and isinstance(was, str)
            and isinstance(left, str)
            and isinstance(words, str)
        ):
            canvas.reword(key, without(was, left, words))
            now = {**now, TEXT: None}
        if changes := _changes(before, after, now):
            canvas.set(key, changes)


def without(before: str, after: str, now: str) -> str:
    """`now` without the change from `before` to `after`, as far as it is still there; later changes stay."""
    if now == after or before == after:
        return before if now == after else now
    first = common(before, after)
    last = common(before[first:][::-1], after[first:][::-1])
    start, end = first, len(after) - last
    parts: list[str] = []
    placed = False
    for one in differences(after, now):
        if not placed and one.old_start <= start <= one.old_end:
            # Taken text comes back in its place, or beside the text that stands there now.
            at = one.start + (start - one.old_start if one.kind == "equal" else 0)
            parts += [now[one.start : at], before[first : len(before) - last]]
            placed = True
        else:
            at = one.start
        if one.kind == "equal":
            low = max(at, one.start + max(0, min(start, one.old_end) - one.old_start))
            high = max(low, one.start + min(max(end, one.old_start), one.old_end) - one.old_start)
            parts += [now[at:low], now[high : one.end]]
        else:
            parts.append(now[at : one.end])
    return "".join(parts)


def _field(jam: Jam, section: str, key: str, entry: Entry) -> None:
    now = jam.entry(section, key)
    before, after = entry.before, entry.after
    if isinstance(before, Mapping) and isinstance(after, Mapping) and isinstance(now, Mapping):
        if changes := _changes(before, after, now):
            jam.merge(section, key, changes)
    elif now == after or (before is None and isinstance(after, Mapping)):
        jam.set(section, key, before)


def _shot(film: Film, key: str, entry: Entry) -> None:
    now, before, after = film.entry(key), entry.before, entry.after
    if before is None:
        film.set(key, None)
    elif after is None:
        if now is None:
            film.set(key, before)
    elif isinstance(now, Mapping) and (changes := _changes(before, after, now)):
        film.merge(key, changes)


def _changes(before: Mapping[str, Any], after: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are to change; None: it goes."""
    return {
        name: before.get(name)
        for name in before.keys() | after.keys()
        if before.get(name, _ABSENT) != after.get(name, _ABSENT)
        and now.get(name, _ABSENT) == after.get(name, _ABSENT)
    }


def _packed(fields: Mapping[str, Any], known: Packed | None) -> Packed:
    points = _pack(fields.get(POINTS))
    if known is not None and points == known[1]:
        points = known[1]
    return _pack({name: value for name, value in fields.items() if name != POINTS}), points


def _fields(packed: Packed) -> dict[str, Any]:
    fields: dict[str, Any] = _unpack(packed[0])
    points = _unpack(packed[1])
    return fields if points is None else {**fields, POINTS: points}


def _weight(value: object) -> int:
    return sum(map(len, value)) if isinstance(value, tuple) else 64
