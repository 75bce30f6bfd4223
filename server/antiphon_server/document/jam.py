"""The jam inside the shared document: follows, reads and repairs it.

As on the canvas an update is applied unchanged, and invalid entries get their former values back in a second
transaction of the server's, before either is sent. A copy that follows every change holds the former values.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from pycrdt import Doc, Map

from antiphon_proto import schema
from antiphon_proto.document.jam import (
    BAND,
    LOOPS,
    MAX_LOOPS,
    NEW_PLAYER,
    PLAYERS,
    SETTINGS,
    TRANSPORT,
    BandControls,
)
from antiphon_proto.document.jam_fields import (
    CONTROL,
    CONTROL_MAPS,
    LOOP,
    LOOP_REQUIRED,
    PLAYER,
    SECTIONS,
    SETTING,
    band_controls,
    faults,
    is_loop_id,
    loop_faults,
)
from antiphon_server.document.canvas import Mended, ObjectChange
from antiphon_server.document.observing import observe

_ROOT: Final = ""
"""The section of fields that stand in the root itself."""
_SEED_CLIENT: Final = 0x414E5449
"""Yjs client id of the seed."""
_pack = msgspec.msgpack.Encoder(order="sorted").encode


def seed() -> bytes:
    """The first update of every room, always the same: it creates the shared maps. Nobody's undo removes them, and no
    two people create them at once."""
    doc: Doc[Any] = Doc(client_id=_SEED_CLIENT)
    root: Map[Any] = doc.get(schema.JAM, type=Map)
    with doc.transaction():
        for section in SECTIONS:
            root[section] = Map()
    return doc.get_update()


class JamChange(Struct, frozen=True):
    """An entry of a section that a transaction touched; plain values, None where there was or is none."""

    section: str
    key: str
    former: Any
    value: Any

    @property
    def object(self) -> ObjectChange:
        """As a change of a loop."""
        return ObjectChange.of(self.key, self.former, self.value)


class Jam:
    """A view of one `Doc`."""

    def __init__(self, doc: Doc[Any]) -> None:
        self.root: Map[Any] = doc.get(schema.JAM, type=Map)
        self._copy: dict[str, dict[str, Any]] = {section: self._read_all(section) for section in SECTIONS}
        self._copy[_ROOT] = {TRANSPORT: self._read(_ROOT, TRANSPORT)}
        self._touched: dict[tuple[str, str], None] = {}
        self._replaced: set[str] = set()
        observe(self.root, self._on_events, deep=True)

    # Reading ------------------------------------------------------------------------------------------

    @property
    def transport(self) -> Any:
        """{"now", "next"}, or None."""
        return self._copy[_ROOT].get(TRANSPORT)

    @property
    def loops(self) -> Mapping[str, Mapping[str, Any]]:
        """Loop id -> its fields."""
        return self._copy[LOOPS]

    @property
    def players(self) -> Mapping[str, Any]:
        """Participant -> their entry."""
        return self._copy[PLAYERS]

    @property
    def controls(self) -> BandControls:
        """The controls of the band."""
        return band_controls(self._copy[BAND])

    def role_flag(self, name: str, role: str) -> bool:
        """Whether a role of the band is `muted` or `solo`."""
        flags = self._copy[BAND].get(name)
        return isinstance(flags, Mapping) and flags.get(role) is True

    @property
    def interval(self) -> int:
        """Bars after which people hear each other."""
        return int(self._copy[SETTINGS].get("interval", 0))

    def program(self, participant: str) -> int:
        """The instrument that somebody plays."""
        player = self._copy[PLAYERS].get(participant)
        program = player.get("program", 0) if isinstance(player, Mapping) else 0
        return int(program) if PLAYER["program"](program) else 0

    def entry(self, section: str, key: str) -> Any:
        """The current values."""
        return self._copy[section].get(key)

    def digest(self, loop: str) -> bytes:
        """Of a loop's content, 16 bytes; of nothing when there is none."""
        fields = self.loops.get(loop)
        return hashlib.sha256(_pack(fields)).digest()[:16] if fields is not None else b""

    @property
    def mixable(self) -> bool:
        """Whether players have a map here, as in every room that began with the maps of the jam."""
        return isinstance(self.root.get(PLAYERS), Map)

    # Writing, inside a transaction --------------------------------------------------------------------

    def add_player(self, participant: str) -> None:
        """Give somebody who plays their strip in the mixer, for others to move."""
        self.set(PLAYERS, participant, dict(NEW_PLAYER))

    def set_transport(self, view: Mapping[str, Any]) -> None:
        self.root[TRANSPORT] = dict(view)

    def set(self, section: str, key: str, value: Any) -> None:
        """Replace an entry; None removes it."""
        where: Map[Any] = self.root if section == _ROOT else self.root[section]
        if value is None:
            if key in where:
                del where[key]
        elif isinstance(value, Mapping) and (section == LOOPS or key in CONTROL_MAPS):
            where[key] = Map(dict(value))
        else:
            where[key] = value

    def merge(self, section: str, key: str, fields: Mapping[str, Any]) -> None:
        """Change fields of an entry that is a map; None takes one away."""
        found = self.root[section].get(key)
        if isinstance(found, Map):
            for name, value in fields.items():
                if value is not None:
                    found[name] = value
                elif name in found:
                    del found[name]
        else:
            former = found if isinstance(found, Mapping) else {}
            self.root[section][key] = {k: v for k, v in {**former, **fields}.items() if v is not None}

    # Transactions -------------------------------------------------------------------------------------

    def begin(self) -> None:
        """A transaction begins."""
        self._touched = {}
        self._replaced = set()

    def changes(self) -> tuple[JamChange, ...]:
        """Return the changes; call once, at the end."""
        for section in self._replaced & set(SECTIONS):
            for key in (*self._copy[section], *self._read_all(section)):
                self._touched[section, key] = None
        found = []
        for section, key in self._touched:
            former, value = self._copy[section].get(key), self._read(section, key)
            if value is None:
                self._copy[section].pop(key, None)
            else:
                self._copy[section][key] = value
            found.append(JamChange(section, key, former, value))
        found += [JamChange(_ROOT, name, None, None) for name in self._replaced]
        return tuple(found)

    def mend(
        self, changes: Sequence[JamChange], author: str, maker: Callable[[str], str | None]
    ) -> list[Mended]:
        """Repair invalid content that `changes` of participant `author` left. `maker`: who made a loop. Call in a
        transaction."""
        mended: list[Mended] = []
        replaced = {change.key for change in changes if change.section == _ROOT and change.key != TRANSPORT}
        for name in replaced:
            self._mend_root(name, mended)
        for change in changes:
            if change.section == _ROOT and change.key != TRANSPORT:
                continue
            what = self._mend(change, author, maker, change.section in replaced)
            if what:
                mended.append(Mended(f"{change.section or 'jam'}.{change.key}"[:64], what))
        self._thin_out(changes, mended)
        return mended

    def _mend_root(self, name: str, mended: list[Mended]) -> None:
        if name not in SECTIONS:
            self.set(_ROOT, name, None)
            mended.append(Mended(f"jam.{name}"[:64], "there is no such part of the jam"))
        elif not isinstance(self.root.get(name), Map):
            self.root[name] = Map()
            mended.append(Mended(f"jam.{name}", "it is a map, and stays"))

    def _mend(
        self, change: JamChange, author: str, maker: Callable[[str], str | None], replaced: bool
    ) -> str:
        section, key, former, value = change.section, change.key, change.former, change.value
        if section == _ROOT:
            self.set(_ROOT, TRANSPORT, former)
            return "it is conducted, not written"
        if value is None:
            own = section != PLAYERS or key == author
            # Null is no value: the model chooses a missing one.
            self.set(section, key, former if not own or replaced else None)
            return "" if own else "everybody writes their own"
        match section:
            case "players":
                return self._mend_player(key, former, value, own=key == author)
            case "loops":
                return self._mend_loop(change, maker(key))
            case "band" if key in CONTROL_MAPS:
                return self._mend_map(key, former, value)
        check = (CONTROL if section == BAND else SETTING).get(key)
        if check is None or not check(value):
            self.set(section, key, former if check is not None else None)
            return "it is invalid"
        return ""

    def _mend_player(self, key: str, former: Any, value: Any, *, own: bool) -> str:
        """Everybody chooses their own instrument; anybody may mix."""
        sound = isinstance(value, Mapping) and not faults(PLAYER, value)
        known = isinstance(former, Mapping)
        if sound and (own or (known and value.get("program") == former.get("program"))):
            return ""
        self.set(PLAYERS, key, former)
        return "everybody chooses their own instrument" if sound else "it is invalid"

    def _mend_loop(self, change: JamChange, maker: str | None) -> str:
        key, fields = change.key, change.value
        found = self.root[LOOPS].get(key)
        if not isinstance(found, Map) or not is_loop_id(key):
            self.set(LOOPS, key, None)
            return "it is no loop"
        wrong = loop_faults(fields)
        former = change.former if isinstance(change.former, Mapping) else {}
        for name in wrong:
            old = former.get(name)
            if old is not None and LOOP[name](old):
                found[name] = old
            elif name in LOOP_REQUIRED:
                del self.root[LOOPS][key]
                return f"its {name} is invalid or missing"
            else:
                del found[name]
        if maker is not None and fields.get("by") != maker:
            if "by" in fields and "by" not in wrong:
                wrong.append("by")
            found["by"] = maker
        return f"{', '.join(wrong)[:500]} is invalid" if wrong else ""

    def _mend_map(self, key: str, former: Any, value: Any) -> str:
        """A field of `band` that is a map: entries that may not stand go back, or away."""
        fits_key, fits_value, bound = CONTROL_MAPS[key]
        former = former if isinstance(former, Mapping) else {}
        if not isinstance(value, Mapping):
            self.set(BAND, key, former)
            return "it is invalid"
        sound = {name: item for name, item in value.items() if fits_key(name) and fits_value(item)}
        for name, item in former.items():
            if name in value and name not in sound:
                sound[name] = item
        for name in [name for name in sound if name not in former][::-1]:
            if len(sound) > bound:
                del sound[name]
        found = self.root[BAND].get(key)
        if not isinstance(found, Map):
            self.set(BAND, key, sound)
        else:
            for name in value:
                if name not in sound:
                    del found[name]
                elif sound[name] != value[name]:
                    found[name] = sound[name]
        return "" if sound == value else "some of it is invalid"

    def _thin_out(self, changes: Sequence[JamChange], mended: list[Mended]) -> None:
        for change in reversed(changes):
            if change.section == LOOPS and change.former is None and len(self.root[LOOPS]) > MAX_LOOPS:
                self.set(LOOPS, change.key, None)
                mended.append(Mended(change.key[:64], f"the jam holds {MAX_LOOPS} loops at most"))

    # Inside -------------------------------------------------------------------------------------------

    def _read_all(self, section: str) -> dict[str, Any]:
        found = self.root.get(section)
        return _plain(found) if isinstance(found, Map) else {}

    def _read(self, section: str, key: str) -> Any:
        where = self.root if section == _ROOT else self.root.get(section)
        found = where.get(key) if isinstance(where, Map) else None
        return _plain(found) if hasattr(found, "observe") else found

    # Observing: must not raise, and must not read more than it is given ---------------------------------

    def _on_events(self, events: list[Any]) -> None:
        for event in events:
            path, keys = event.path, getattr(event, "keys", None) or {}
            if not path:
                for name in keys:
                    if name == TRANSPORT:
                        self._touched[_ROOT, name] = None
                    else:
                        self._replaced.add(name)
            elif path[0] == TRANSPORT:
                self._touched[_ROOT, TRANSPORT] = None
            elif path[0] in SECTIONS:
                for key in keys if len(path) == 1 else (str(path[1]),):
                    self._touched[str(path[0]), str(key)] = None
            else:
                self._replaced.add(str(path[0]))


def _plain(found: Any) -> Any:
    """Plain values, by way of JSON (see `canvas`)."""
    return msgspec.json.decode(str(found))
