"""The film of a room: its shots as plain objects, made from the text, and the server's reports about them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal
from urllib.parse import urlencode

import msgspec
from msgspec import Struct
from pycrdt import Map

from antiphon_client.errors import ClientError
from antiphon_client.http import call
from antiphon_client.session.session import Session
from antiphon_proto.document.film import (
    CAST,
    CHARACTER,
    ORDER,
    Scene,
    SceneNeeds,
    Sheet,
    character_of,
    faults,
    is_shot_id,
    is_shot_key,
)
from antiphon_proto.document.order import key_between

_ASKED = 0.5
"""Seconds between two questions how far an export is."""


class _Export(Struct):
    id: str
    state: str
    done: float
    problem: str
    code: str = ""


class Film(Mapping[str, dict[str, Any]]):
    """Shot id -> its fields (a copy; numbers are floats), in the order of the film. `antiphon_proto.document.film` has
    the table."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __getitem__(self, key: str) -> dict[str, Any]:
        found = self._root.get(key)
        if not is_shot_key(key) or not isinstance(found, Map):
            raise KeyError(key)
        return dict(found.to_py() or {})

    def __iter__(self) -> Iterator[str]:
        found = [
            (str(one.get(ORDER) or ""), key)
            for key, one in self._root.items()
            if is_shot_key(key) and isinstance(one, Map)
        ]
        return iter([key for _, key in sorted(found)])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    # Changing it ------------------------------------------------------------------------------------------

    async def make(self) -> list[str]:
        """A shot for each beat of the script that has none; returns their ids once they are here. Shots that are there
        stay as they are. Raises RequestRefused, NoAnswer, EditRefused."""
        made: list[str] = msgspec.json.decode(await self._call("POST", "/film/make"))["made"]
        await self._session.until(lambda: all(key in self._root for key in made))
        return made

    def add(self, fields: Mapping[str, Any], after: str | None = None) -> str:
        """A new shot behind another one (default: at the end); returns its id. Raises ClientError, KeyError."""
        placed = {ORDER: self._key_after(after), "kind": "action", "seconds": 3, **fields}
        _check(placed)
        key = secrets.token_urlsafe(9)
        assert is_shot_id(key)
        self._root[key] = Map(placed)
        self._session.wake()
        return key

    def update(self, key: str, **fields: Any) -> None:
        """Change fields; None takes one away. Others' changes of other fields stand. Raises ClientError, KeyError."""
        after = {**self[key], **fields}
        _check({name: value for name, value in after.items() if value is not None})
        found = self._root[key]
        with self._session.replica.doc.transaction():
            for name, value in fields.items():
                if value is not None:
                    found[name] = value
                elif name in found:
                    del found[name]
        self._session.wake()

    def move(self, key: str, after: str | None) -> None:
        """Put a shot behind another one; None: to the beginning. Raises KeyError."""
        if after is None:
            first = next((one for one in self if one != key), None)
            order = key_between("", str(self[first][ORDER])) if first is not None else key_between()
        else:
            order = self._key_after(after, but=key)
        self.update(key, **{ORDER: order})

    def split(self, key: str, seconds: float) -> str:
        """Make two shots of one, the first `seconds` long; returns the id of the second. Raises ClientError,
        KeyError."""
        fields = self[key]
        rest = float(fields["seconds"]) - seconds
        if not 0 < seconds < float(fields["seconds"]):
            raise ClientError("a shot is split inside its length")
        with self._session.replica.doc.transaction():
            self.update(key, seconds=seconds)
            copy = {
                name: value for name, value in fields.items() if name not in (ORDER, "transition", "over")
            }
            return self.add({**copy, "seconds": rest}, after=key)

    def delete(self, key: str) -> None:
        """Raises KeyError."""
        self[key]
        del self._root[key]
        self._session.wake()

    @property
    def cast(self) -> dict[str, dict[str, Any]]:
        """Name -> the look that people chose, as `antiphon_proto.document.film.CHARACTER` has it (a copy)."""
        named = ((character_of(key), one) for key, one in self._root.items())
        return {
            name: dict(one.to_py() or {}) for name, one in named if name is not None and isinstance(one, Map)
        }

    def dress(self, name: str, **fields: Any) -> None:
        """Change the look of a person: `style`, `seed`, `skin`, `hair`, `coat`, `picture`; None takes a field away.
        Raises ClientError."""
        wrong = [
            key
            for key, value in fields.items()
            if (check := CHARACTER.get(key)) is None or (value is not None and not check(value))
        ]
        if wrong or character_of(CAST + name) is None:
            raise ClientError(f"not a look: {', '.join(wrong) or 'the name'} is invalid")
        with self._session.replica.doc.transaction():
            if not isinstance(self._root.get(CAST + name), Map):
                self._root[CAST + name] = Map({})
            found = self._root[CAST + name]
            for key, value in fields.items():
                if value is not None:
                    found[key] = value
                elif key in found:
                    del found[key]
        self._session.wake()

    # Server's messages ----------------------------------------------------------------------------------

    async def sheet(self) -> Sheet:
        """Scenes and shots as the server reads them now. Raises RequestRefused, NoAnswer."""
        return msgspec.json.decode(await self._call("GET", "/film"), type=Sheet)

    async def scenes(self) -> tuple[Scene, ...]:
        """The scenes of the script. Raises RequestRefused, NoAnswer."""
        return (await self.sheet()).scenes

    async def breakdown(self) -> tuple[SceneNeeds, ...]:
        """The people and things that each scene needs. Raises RequestRefused, NoAnswer."""
        data = await self._call("GET", "/film/breakdown")
        return msgspec.json.decode(data, type=tuple[SceneNeeds, ...])

    async def breakdown_csv(self, language: Literal["en", "ru"] = "en") -> str:
        """The same as a table. Raises RequestRefused, NoAnswer."""
        return await self.text("csv", language)

    # As files ---------------------------------------------------------------------------------------------

    async def text(
        self,
        format: Literal["srt", "vtt", "edl", "otio", "fcpxml", "csv"],
        language: Literal["en", "ru"] = "en",
    ) -> str:
        """Subtitles, an edit list, OpenTimelineIO, FCPXML or the breakdown, with who made the film in a language.
        Raises RequestRefused, NoAnswer."""
        query = urlencode({"format": format, "language": language})
        return (await self._call("GET", f"/film/text?{query}")).decode()

    async def export(
        self,
        format: Literal["mp4", "webm", "pdf", "wav"],
        *,
        height: Literal[360, 720, 1080] = 720,
        language: Literal["en", "ru"] = "en",
        progress: Callable[[float], None] | None = None,
    ) -> bytes:
        """The film, its storyboard (`pdf`) or its voices (`wav`, a ZIP of them) as a file, with who made it in a
        `language`. `progress` is called with the share that is done, 0 to 1. When the task is cancelled, so is the
        export. Raises RequestRefused, NoAnswer, and ClientError when the server cannot make it."""
        body = msgspec.json.encode({"format": format, "height": height, "language": language})
        begun = msgspec.json.decode(await self._call("POST", "/film/exports", body, 202), type=_Export)
        path = f"/film/exports/{begun.id}"
        export = begun
        try:
            while export.state in ("waiting", "running"):
                await asyncio.sleep(_ASKED)
                export = msgspec.json.decode(await self._call("GET", path), type=_Export)
                if progress is not None:
                    progress(export.done)
            if export.state != "done":
                raise ClientError(f"the film was not exported: {export.problem or export.state}")
            return await self._call("GET", f"{path}/file")
        finally:
            if export.state in ("waiting", "running"):
                await self._call("DELETE", path)

    # Inside -----------------------------------------------------------------------------------------------

    @property
    def _root(self) -> Map[Any]:
        return self._session.replica.film

    def _key_after(self, after: str | None, but: str = "") -> str:
        keys = [str(self[one][ORDER]) for one in self if one != but]
        if after is None:
            return key_between(keys[-1] if keys else "")
        low = str(self[after][ORDER])
        return key_between(low, next((one for one in keys if one > low), ""))

    async def _call(self, method: str, path: str, data: bytes | None = None, expected: int = 200) -> bytes:
        session = self._session
        session.wake()
        await session.until(lambda: session.replica.settled)
        return await call(session.address, method, path, data, expected, session=session.secret or "")


def _check(fields: Mapping[str, Any]) -> None:
    if wrong := faults(fields):
        raise ClientError(f"not a shot: {', '.join(wrong)} is invalid or missing")
