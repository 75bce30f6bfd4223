"""The canvas of a room as plain objects: read, add, change, delete. Fields and bounds are in
`antiphon_proto.document.canvas`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pycrdt import Array, Map, Text

from antiphon_client.errors import ClientError
from antiphon_client.session.replica import Replica
from antiphon_proto.document.canvas import POINTS, TEXT, faults
from antiphon_proto.document.order import key_between


class Canvas(Mapping[str, dict[str, Any]]):
    """Object id -> its fields (a copy; numbers are floats). `changed` is called after every edit."""

    def __init__(self, replica: Replica, changed: Callable[[], None]) -> None:
        self._replica = replica
        self._changed = changed

    def __getitem__(self, key: str) -> dict[str, Any]:
        found = self._root[key]
        if not isinstance(found, Map):
            raise KeyError(key)
        return dict(found.to_py() or {})

    def __iter__(self) -> Iterator[str]:
        return iter([key for key, found in self._root.items() if isinstance(found, Map)])

    def __len__(self) -> int:
        return len(self._root)

    def add(self, fields: Mapping[str, Any], key: str | None = None) -> str:
        """Place an object, on top of all others unless `z` says otherwise; returns its id. Raises ClientError."""
        key = key or secrets.token_urlsafe(9)
        placed = {"x": 0, "y": 0, "z": self.top(), **fields}
        _check(placed)
        values = {name: _shared(placed, name, value) for name, value in placed.items()}
        with self._replica.doc.transaction():
            self._root[key] = Map(values)
        self._changed()
        return key

    def update(self, key: str, **fields: Any) -> None:
        """Change fields; None takes one away. Others' changes of other fields stand, and so does text that they write
        elsewhere in the same object. Raises ClientError or KeyError."""
        after = {**self[key], **fields}
        _check({name: value for name, value in after.items() if value is not None})
        found = self._root[key]
        with self._replica.doc.transaction():
            for name, value in fields.items():
                if isinstance(value, str) and isinstance(text := found.get(name), Text):
                    _reword(text, value)
                elif value is not None:
                    found[name] = _shared(after, name, value)
                elif name in found:
                    del found[name]
        self._changed()

    def describe(self, key: str, words: str) -> None:
        """Say what a picture shows, for people who do not see it, in at most `MAX_ALT` characters; without words the
        prompt of its model stands for them. Raises ClientError or KeyError."""
        if self[key].get("type") != "image":
            raise ClientError("only a picture has a description")
        self.update(key, alt=words or None)

    def extend(self, key: str, points: Iterable[float]) -> None:
        """Go on with a stroke: x, y, pressure, x, y, pressure, ... Raises ClientError or KeyError."""
        more = list(points)
        fields = self[key]
        _check({**fields, POINTS: [*fields.get(POINTS, ()), *more]})
        self._root[key][POINTS].extend(more)
        self._changed()

    def delete(self, key: str) -> None:
        """Raises KeyError."""
        del self._root[key]
        self._changed()

    def top(self) -> str:
        """A `z` above all others'."""
        return key_between(self._replica.top_key())

    @property
    def _root(self) -> Map[Any]:
        return self._replica.canvas


def _check(fields: Mapping[str, Any]) -> None:
    wrong = faults(fields)
    if wrong:
        raise ClientError(f"not an object of the canvas: {', '.join(wrong)} is invalid or missing")


def _shared(fields: Mapping[str, Any], name: str, value: Any) -> Any:
    """`value` as it stands in the document under `name` in an object with these fields."""
    if name == POINTS:
        return Array(value)
    return Text(value) if name == TEXT and fields.get("type") == TEXT else value


def _reword(text: Text, words: str) -> None:
    """Replace the part between the first and the last difference, and leave the rest alone."""
    old = str(text)
    most = min(len(old), len(words))
    start = next((at for at in range(most) if old[at] != words[at]), most)
    end = next((at for at in range(most - start) if old[-1 - at] != words[-1 - at]), most - start)
    first = len(old[:start].encode())
    last = first + len(old[start : len(old) - end].encode())
    if last > first:
        del text[first:last]
    if added := words[start : len(words) - end]:
        text.insert(first, added)
