"""The canvas inside the shared document: follows, reads, writes and repairs it.

An update is applied unchanged (its clocks must count). Invalid content is repaired in a second transaction of the
server, before either is sent: a field gets its former value back, an invalid object is removed. So a bad field costs
its sender neither the connection nor the rest of the edit, and other clients never receive it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct
from pycrdt import Array, Doc, Map, Text

from antiphon_proto import schema
from antiphon_proto.document.canvas import MAX_TEXT, ORDER, POINTS, TEXT, faults, fits, is_id, required
from antiphon_proto.document.order import key_between
from antiphon_server.document.board_order import BoardOrder
from antiphon_server.document.observing import observe, weakly
from antiphon_server.document.outlines import Outlines
from antiphon_server.document.text_diff import common
from antiphon_server.document.text_index import size

_MANY = 32
"""Objects of one transaction, above which it may pay to read the whole board."""
_pack = msgspec.msgpack.Encoder(order="sorted").encode


class ObjectChange(Struct, frozen=True):
    """The effect of a transaction on an object. `added` also when an id was given a new object."""

    id: str
    action: Literal["added", "changed", "removed"]
    former: Mapping[str, object] = {}
    """Former values of the changed fields (None where there was none)."""

    @classmethod
    def of(cls, id: str, former: object, value: object) -> ObjectChange:
        """The change of an entry of plain values; None where there was or is none."""
        return cls(id, "removed" if value is None else "added" if former is None else "changed")


class Mended(Struct, frozen=True):
    """A repaired object, and the reason."""

    id: str
    what: str


class Canvas:
    """A view of one `Doc`. Reading gives plain values: numbers are floats, `points` a list, `text` a string."""

    def __init__(self, doc: Doc[Any]) -> None:
        self.root: Map[Any] = doc.get(schema.CANVAS, type=Map)
        self._touched: dict[str, ObjectChange] = {}
        self._read: dict[str, dict[str, Any] | None] = {}
        """Objects that were read since the last transaction: listeners read the same ones."""
        self._texts: list[str] = []
        """Texts that are plain strings, as `survey` found them."""
        self._order = BoardOrder(weakly(self._orders))
        self.outlines = Outlines(weakly(self.objects), weakly(self.get))
        observe(self.root, self._on_events, deep=True)

    # Reading ------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.root)

    def __contains__(self, key: str) -> bool:
        return key in self.root

    def keys(self) -> list[str]:
        """Of everything that stands there."""
        return list(self.root.keys())

    def get(self, key: str) -> dict[str, Any] | None:
        """The fields of an object, not to be changed; None when there is none."""
        if key not in self._read:
            found = self.root.get(key)
            self._read[key] = _fields(found) if isinstance(found, Map) else None
        return self._read[key]

    def objects(self) -> dict[str, dict[str, Any]]:
        """Everything that stands there."""
        everything: dict[str, Any] = msgspec.json.decode(str(self.root))
        found = {key: self.root.get(key) for key in everything}
        return {key: _checked(one, everything[key]) for key, one in found.items() if isinstance(one, Map)}

    def digest(self, key: str) -> bytes:
        """Of the object's content, 16 bytes; of nothing when there is none."""
        fields = self.get(key)
        if fields is None:
            return b""
        return hashlib.sha256(_pack(fields)).digest()[:16]

    # Writing, inside a transaction --------------------------------------------------------------------

    def put(self, key: str, fields: Mapping[str, Any]) -> None:
        """Place an object."""
        self._read.pop(key, None)
        self.root[key] = Map({name: _shared(fields, name, value) for name, value in fields.items()})

    def set(self, key: str, fields: Mapping[str, Any]) -> None:
        """Change fields of an object that is there; None takes one away."""
        self._read.pop(key, None)
        found = self.root[key]
        kind = {"type": found.get("type")}
        for name, value in fields.items():
            if value is not None:
                found[name] = _shared(kind, name, value)
            elif name in found:
                del found[name]

    def reword(self, key: str, words: str) -> None:
        """Change the text of an object, where it differs only: others may be writing in it."""
        self._read.pop(key, None)
        text = self.root[key].get(TEXT)
        if not isinstance(text, Text):
            self.root[key][TEXT] = Text(words)
            return
        old = str(text)
        first = common(old, words)
        last = common(old[first:][::-1], words[first:][::-1])
        start = size(old[:first])
        if gone := size(old[first : len(old) - last]):
            del text[start : start + gone]
        if new := words[first : len(words) - last]:
            text.insert(start, new)

    def remove(self, key: str) -> None:
        self._read.pop(key, None)
        if key in self.root:
            del self.root[key]

    # Transactions -------------------------------------------------------------------------------------

    def begin(self) -> None:
        """A transaction begins."""
        self._touched = {}
        self._read = {}

    def changes(self) -> tuple[ObjectChange, ...]:
        """Objects that the transaction touched."""
        for key, change in self._touched.items():
            self._read.pop(key, None)
            if change.action != "changed" or ORDER in change.former:
                self._order.note(key, self._key_of(key))
        if len(self._touched) > _MANY and 2 * len(self._touched) > len(self.root):
            self._read_all()
        return tuple(self._touched.values())

    def sound(self, changes: Sequence[ObjectChange], max_objects: int, max_points: int) -> bool:
        """Whether all that `changes` left may stand so."""
        if len(self.root) > max_objects and any(change.action == "added" for change in changes):
            return False
        for change in changes:
            if change.action != "removed":
                fields = self.get(change.id)
                if fields is None or not is_id(change.id) or faults(fields, max_points):
                    return False
                if fields["type"] == TEXT and not isinstance(self.root[change.id].get(TEXT), Text):
                    return False
        return not self._order.unsound(_reordered(changes))

    def survey(self) -> Iterator[None]:
        """Collect the input of `modernise`, with a stop after each object."""
        orders: dict[str, str] = {}
        self._texts = []
        for key in self.keys():
            found = self.root.get(key)
            if isinstance(found, Map):
                if isinstance(z := found.get(ORDER), str):
                    orders[key] = z
                if found.get("type") == TEXT and not isinstance(found.get(TEXT), Text):
                    self._texts.append(key)
            yield
        self._order.take(orders)

    def modernise(self) -> None:
        """Migrate content of older rooms: plain texts become shared texts, overlong order keys become short. Call in a
        transaction, after `survey`."""
        for key in self._texts:
            _share_text(self.root[key])
        self._reorder(self._order.spread(self._order.unsound()))

    def mend(self, changes: Sequence[ObjectChange], max_objects: int, max_points: int) -> list[Mended]:
        """Repair invalid content that `changes` left. Call in a transaction."""
        mended = []
        for change in changes:
            if change.action != "removed" and (what := self._mend(change, max_points)):
                mended.append(Mended(change.id, what))
        for change in reversed(changes):
            if len(self.root) <= max_objects:
                break
            if change.action == "added" and change.id in self.root:
                self.remove(change.id)
                self._order.note(change.id, None)
                mended.append(Mended(change.id, f"the canvas holds {max_objects} objects at most"))
        for change in changes:
            self._order.note(change.id, self._key_of(change.id))
        self._reorder(self._order.spread(self._order.unsound(_reordered(changes))))
        return mended

    def _mend(self, change: ObjectChange, max_points: int) -> str:
        key = change.id
        found = self.root.get(key)
        if not isinstance(found, Map) or not is_id(key):
            self.remove(key)
            return "it is no object"
        wrong = faults(fields := _fields(found), max_points)
        if fields.get("type") == TEXT:
            _share_text(found)
            if isinstance(text := found.get(TEXT), Text) and TEXT in wrong:
                _shorten(text, fields[TEXT])
                wrong.remove(TEXT)
        for name in wrong:
            old = change.former.get(name)
            if (
                name == POINTS
                and isinstance(found.get(POINTS), Array)
                and _too_long(fields[POINTS], max_points)
            ):
                del found[POINTS][3 * max_points :]
            elif isinstance(old, str | bool | int | float) and fits(
                fields.get("type"), name, old, max_points
            ):
                found[name] = old
            elif name == ORDER:
                # Nobody's work is lost for its place.
                found[ORDER] = key_between(self._order.top())
            elif name in required(fields.get("type")):
                del self.root[key]
                return f"its {name} is invalid or missing"
            else:
                del found[name]
        return f"{', '.join(wrong)[:500]} is invalid" if wrong else ""

    def _key_of(self, key: str) -> str | None:
        """The object's order key; None where there is no such object."""
        found = self.root.get(key)
        z = found.get(ORDER) if isinstance(found, Map) else None
        return z if isinstance(z, str) else None

    def _orders(self) -> dict[str, str]:
        found = {key: self._key_of(key) for key in self.root.keys()}  # noqa: SIM118 (a Map of pycrdt iterates otherwise)
        return {key: z for key, z in found.items() if z is not None}

    def _reorder(self, moved: Mapping[str, str]) -> None:
        for key, z in moved.items():
            self.set(key, {ORDER: z})

    def _read_all(self) -> None:
        """Most of the board was touched: one walk over it costs less than one for each object."""
        everything: dict[str, Any] = msgspec.json.decode(str(self.root))
        for key, change in self._touched.items():
            fields = everything.get(key)
            if change.action == "removed" or not isinstance(fields, dict):
                continue  # read by itself, should anybody ask
            if change.action == "changed" and POINTS not in change.former:
                self._read[key] = fields  # of a shared type, and its points are unchanged
            elif isinstance(found := self.root.get(key), Map):
                self._read[key] = _checked(found, fields)

    # Observing: must not raise, and must not read more than it is given ---------------------------------

    def _on_events(self, events: list[Any]) -> None:
        for event in events:
            path, keys = event.path, getattr(event, "keys", None) or {}
            if path:
                key = str(path[0])
                self.outlines.touch(key)
                former = (
                    {name: entry.get("oldValue") for name, entry in keys.items()} if len(path) == 1 else {}
                )
                known = self._touched.get(key)
                if known is None:
                    self._touched[key] = ObjectChange(key, "changed", former)
                elif known.action == "changed":
                    self._touched[key] = ObjectChange(key, "changed", {**former, **known.former})
                continue
            for key, entry in keys.items():
                self.outlines.touch(key)
                action: Literal["added", "removed"] = "removed" if entry["action"] == "delete" else "added"
                self._touched[key] = ObjectChange(key, action)


def _fields(found: Map[Any]) -> dict[str, Any]:
    """Plain values, by way of JSON: item by item a long stroke takes pycrdt a hundred times as long. Values that JSON
    lacks come as None or a list, which fits no field. Shared texts, which would look like plain ones, and deep nesting,
    which Yrs could not walk, never come into the document (`document.updates.parser`)."""
    return _checked(found, msgspec.json.decode(str(found)))


def _checked(found: Map[Any], fields: dict[str, Any]) -> dict[str, Any]:
    if POINTS in fields and not isinstance(found[POINTS], Array):
        fields[POINTS] = None
    return fields


def _too_long(values: object, max_points: int) -> bool:
    return (
        isinstance(values, list)
        and len(values) > 3 * max_points
        and fits("stroke", POINTS, values[: 3 * max_points], max_points)
    )


def _shared(fields: Mapping[str, Any], name: str, value: Any) -> Any:
    """`value` as it stands in the document under `name` in an object with these fields."""
    if name == POINTS:
        return Array(value)
    return Text(value) if name == TEXT and fields.get("type") == TEXT and isinstance(value, str) else value


def _share_text(found: Map[Any]) -> None:
    """A plain text becomes one that several can write in."""
    if isinstance(text := found.get(TEXT), str):
        found[TEXT] = Text(text)


def _shorten(text: Text, words: str) -> None:
    """Leave no more of it than it may hold."""
    kept = size(words[:MAX_TEXT])
    if len(text) == size(words):
        del text[kept : len(text)]
    else:  # something that is no character stands in it, and shifts its indices
        text.clear()
        text.insert(0, words[:MAX_TEXT])


def _reordered(changes: Sequence[ObjectChange]) -> list[str]:
    return [one.id for one in changes if one.action == "added" or ORDER in one.former]


def unpaint(canvas: Canvas, made: Sequence[str], run: str, target: str) -> None:
    """Undo a run: the objects `made` by it go, the frame that it took the place of comes back, or becomes empty."""
    for key in made:
        fields = canvas.get(key) or {}
        canvas.remove(key)
        if (frame := _frame(fields.get("frame"))) is not None and frame[0] not in canvas:
            canvas.put(*frame)
    live = canvas.get(target)
    if live is not None and live.get("run") == run:
        canvas.set(target, {"asset": None, "run": None})


def _frame(stored: object) -> tuple[str, dict[str, Any]] | None:
    """The frame that a picture remembers; a client may have written anything there."""
    try:
        value = json.loads(stored) if isinstance(stored, str) else {}
        key, fields = value["id"], value["fields"]
        sound = isinstance(key, str) and fields.get("type") == "frame" and not faults(fields)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return (key, fields) if sound else None
