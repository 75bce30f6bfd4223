"""The film inside the shared document: follows, reads, writes and repairs it.

As in the jam an update is applied unchanged, and invalid content gets its former value back in a second transaction of
the server's, before either is sent. A copy that follows every change holds the former values.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from pycrdt import Doc, Map

from antiphon_proto import schema
from antiphon_proto.document.film import (
    CHARACTER,
    LINE,
    MAX_CHARACTERS,
    MAX_SHOTS,
    MAX_VOICES,
    ORDER,
    REQUIRED,
    SHOT,
    TRANSPORT,
    VOICE_OF,
    character_of,
    faults,
    is_line,
    is_shot_id,
    is_shot_key,
    is_sound,
    is_transport,
    is_voice,
)
from antiphon_proto.document.order import key_between
from antiphon_server.document.canvas import Mended, ObjectChange
from antiphon_server.document.observing import observe

Fields = dict[str, Any]
_pack = msgspec.msgpack.Encoder(order="sorted").encode


class FilmChange(Struct, frozen=True):
    """An entry of the film that a transaction touched; plain values, None where there was or is none."""

    key: str
    former: Any
    value: Any

    @property
    def object(self) -> ObjectChange:
        """As a change of a shot."""
        return ObjectChange.of(self.key, self.former, self.value)


class Film:
    """A view of one `Doc`, which holds its content already."""

    def __init__(self, doc: Doc[Any]) -> None:
        self.root: Map[Any] = doc.get(schema.FILM, type=Map)
        self._copy: dict[str, Any] = msgspec.json.decode(str(self.root))
        self._touched: dict[str, None] = {}
        observe(self.root, self._on_events, deep=True)

    # Reading ------------------------------------------------------------------------------------------

    @property
    def shots(self) -> dict[str, Fields]:
        """Shot id -> its fields, in the order of the film. Not to be changed."""
        found = [(key, one) for key, one in self._copy.items() if is_shot_key(key) and isinstance(one, dict)]
        return dict(sorted(found, key=lambda each: (str(each[1].get(ORDER, "")), each[0])))

    @property
    def cast(self) -> dict[str, Fields]:
        """Name -> the look that people chose. Not to be changed."""
        named = ((character_of(key), one) for key, one in self._copy.items())
        return {name: one for name, one in named if name is not None and isinstance(one, dict)}

    @property
    def begun(self) -> bool:
        """Whether anything is in it."""
        return len(self._copy) > int(TRANSPORT in self._copy)

    @property
    def voices(self) -> dict[str, Fields]:
        """Name of a character -> how they speak. Not to be changed."""
        return {key[len(VOICE_OF) :]: one for key, one in self._copy.items() if is_voice(key, one)}

    @property
    def lines(self) -> dict[str, Fields]:
        """Key -> a line that was spoken. Not to be changed."""
        return {key: one for key, one in self._copy.items() if is_line(key, one)}

    def entry(self, key: str) -> Any:
        """The current values."""
        return self._copy.get(key)

    def digest(self, key: str) -> bytes:
        """Of a shot's content, 16 bytes; of nothing when there is none."""
        fields = self._copy.get(key)
        return hashlib.sha256(_pack(fields)).digest()[:16] if fields is not None else b""

    # Writing, inside a transaction --------------------------------------------------------------------

    def set(self, key: str, value: Mapping[str, Any] | None) -> None:
        """Replace an entry; None removes it."""
        if value is not None:
            self.root[key] = dict(value) if key == TRANSPORT or is_sound(key) else Map(dict(value))
        elif key in self.root:
            del self.root[key]

    def merge(self, key: str, fields: Mapping[str, Any]) -> None:
        """Change fields of a shot that is there; None takes one away."""
        found = self.root.get(key)
        if not isinstance(found, Map):
            return
        for name, value in fields.items():
            if value is not None:
                found[name] = value
            elif name in found:
                del found[name]

    # Transactions -------------------------------------------------------------------------------------

    def begin(self) -> None:
        """A transaction begins."""
        self._touched = {}

    def changes(self) -> tuple[FilmChange, ...]:
        """Return the changes; call once, at the end."""
        found = []
        for key in self._touched:
            former, value = self._copy.get(key), self._read(key)
            if value is None:
                self._copy.pop(key, None)
            else:
                self._copy[key] = value
            found.append(FilmChange(key, former, value))
        return tuple(found)

    def mend(self, changes: Sequence[FilmChange]) -> list[Mended]:
        """Repair invalid content that `changes` left. Call in a transaction."""
        mended: list[Mended] = []
        for change in changes:
            if (change.value is not None or change.key.startswith(LINE)) and (what := self._mend(change)):
                mended.append(Mended(change.key[:64], what))
        mended += self._bounded(changes, True, MAX_SHOTS, "shots")
        return mended + self._bounded(changes, False, MAX_CHARACTERS, "people")

    def _bounded(self, changes: Sequence[FilmChange], shots: bool, most: int, what: str) -> list[Mended]:
        """Take the last that came when there are too many."""
        new = [one.key for one in changes if one.former is None and is_shot_key(one.key) == shots]
        new = [key for key in new if key in self.root and key != TRANSPORT and not is_sound(key)]
        if not new or len(self.root) <= most:
            return []
        keys = list(self.root.keys())
        count = sum(1 for key in keys if key != TRANSPORT and not is_sound(key) and is_shot_key(key) == shots)
        surplus = new[len(new) - min(len(new), max(0, count - most)) :]
        for key in surplus:
            self.set(key, None)
        return [Mended(key[:64], f"a film holds {most} {what} at most") for key in surplus]

    def _mend(self, change: FilmChange) -> str:
        key = change.key
        if key == TRANSPORT:
            if is_transport(change.value) and not isinstance(self.root.get(key), Map):
                return ""
            self.set(key, change.former if is_transport(change.former) else None)
            return "it is invalid"
        if is_sound(key):
            return self._mend_sound(change)
        found = self.root.get(key)
        if isinstance(found, Map) and character_of(key) is not None:
            return self._mend_look(found, change)
        if not isinstance(found, Map) or not is_shot_id(key):
            self.set(key, None)
            return "it is no shot"
        wrong = faults(change.value)
        former = change.former if isinstance(change.former, Mapping) else {}
        for name in wrong:
            old = former.get(name)
            if name in SHOT and SHOT[name](old):
                found[name] = old
            elif name == ORDER:
                found[ORDER] = key_between(self._last())  # nobody's work is lost for its place
            elif name in REQUIRED:
                self.set(key, None)
                return f"its {name} is invalid or missing"
            elif name in found:
                del found[name]
        return f"{', '.join(wrong)[:500]} is invalid" if wrong else ""

    def _mend_look(self, found: Map[Any], change: FilmChange) -> str:
        former = change.former if isinstance(change.former, Mapping) else {}
        wrong = [
            name
            for name, value in change.value.items()
            if (check := CHARACTER.get(name)) is None or not check(value)
        ]
        for name in wrong:
            check = CHARACTER.get(name)
            if check is not None and check(former.get(name)):
                found[name] = former[name]
            else:
                del found[name]
        return f"{', '.join(wrong)[:500]} is invalid" if wrong else ""

    def _mend_sound(self, change: FilmChange) -> str:
        """Voices are everybody's; what was spoken is the server's alone, whose changes do not come here."""
        key, former, stands = change.key, change.former, self.root.get(change.key)
        if key.startswith(LINE):
            if change.value == former and not isinstance(stands, Map):
                return ""
            self.set(key, former if is_line(key, former) else None)
            return "lines are spoken by the server"
        if not is_voice(key, change.value) or isinstance(stands, Map):
            self.set(key, former if is_voice(key, former) else None)
            return "it is no voice"
        if former is None and sum(key.startswith(VOICE_OF) for key in list(self.root.keys())) > MAX_VOICES:
            self.set(key, None)
            return f"a film has {MAX_VOICES} voices at most"
        return ""

    def _last(self) -> str:
        keys = (one.get(ORDER) for one in self.shots.values())
        return max((key for key in keys if isinstance(key, str) and SHOT[ORDER](key)), default="")

    # Inside -------------------------------------------------------------------------------------------

    def _read(self, key: str) -> Any:
        found = self.root.get(key)
        return msgspec.json.decode(str(found)) if hasattr(found, "observe") else found

    def _on_events(self, events: list[Any]) -> None:
        # Must not raise, and must not read more than it is given.
        for event in events:
            path, keys = event.path, getattr(event, "keys", None) or {}
            for key in (str(path[0]),) if path else keys:
                self._touched[str(key)] = None
