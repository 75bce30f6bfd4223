"""The chat of a room: messages with their authors. It alone writes the root `chat`."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from functools import lru_cache

from antiphon_proto.document.chat import MAX_ANSWER
from antiphon_proto.errors import PeerError, TooLarge
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import AI
from antiphon_server.document.authorship import Owner
from antiphon_server.document.document import Document
from antiphon_server.document.side_roots import Fields
from antiphon_server.document.state import SERVER_ORIGIN
from antiphon_server.document.text_index import scrub, size

_ENTRY_BYTES = 256
"""More than an entry needs in the document beside its text."""


class Chat:
    """At most `limits.max_chat` entries; the oldest make room."""

    def __init__(self, room: RoomContext, keep: int) -> None:
        self._room = room
        self._keep = keep
        self._entries: list[Fields] = []

    def load(self) -> None:
        """Read the entries of the document, once it is loaded."""
        self._entries = self._document.side.chat()

    def new_id(self) -> str:
        return f"m{secrets.token_hex(6)}"

    def say(self, participant: str, text: str, run: str = "", entry: str = "") -> None:
        """Add an entry of a person's, or of a run. Raises PeerError or TooLarge."""
        text = scrub(text)
        if not run and not text.strip():
            raise PeerError("the message is empty")
        if not self._document.fits(size(text) + _ENTRY_BYTES):
            raise TooLarge("the document is at its bound")
        said: Fields = {
            "id": entry or self.new_id(),
            "participant": participant,
            "text": text,
            "ms": float(self._room.unix_ms()),
        }
        if run:
            said["run"] = run
        self._entries = [*self._entries, said][-self._keep :]
        change = self._document.note(lambda roots: roots.append(said, self._keep), SERVER_ORIGIN)
        self._room.commit(change, Owner(participant, run or None))

    def write(self, entry: str, text: str, owner: Owner) -> bool:
        """An answer grows; False when its entry is gone (dropped, or the document is full)."""
        place = self._place(entry)
        text = scrub(text)[:MAX_ANSWER]
        if place is None or not self._document.fits(2 * size(text)):
            return False
        self._entries[place] = {**self._entries[place], "text": text}
        self._room.commit(
            self._document.note(lambda roots: roots.set_text(place, text), SERVER_ORIGIN), owner
        )
        return True

    def remove(self, entry: str, owner: Owner) -> bool:
        """Take an entry away; whether it was there."""
        if (place := self._place(entry)) is None:
            return False
        del self._entries[place]
        self._room.commit(self._document.note(lambda roots: roots.drop(place), SERVER_ORIGIN), owner)
        return True

    def recent(self, count: int) -> Sequence[Fields]:
        """The newest entries, oldest first."""
        return self._entries[-count:]

    def authors(self) -> set[str]:
        return {str(entry["participant"]) for entry in self._entries}

    @property
    def _document(self) -> Document:
        return self._room.shared.document

    def _place(self, entry: str) -> int | None:
        places = (place for place, found in enumerate(self._entries) if found["id"] == entry)
        return next(places, None)


def calls_ai(text: str, model: str) -> bool:
    """Whether a message begins with the AI's name, or with that of the `model` that answers."""
    return _call(model).match(text) is not None


def without_call(text: str, model: str) -> str:
    """The message without the call."""
    return _call(model).sub("", text, count=1).strip() or text


@lru_cache(maxsize=16)
def _call(model: str) -> re.Pattern[str]:
    """A model is called by its whole name, or by the part before its size and kind."""
    short = re.split(r"[-:/]", model)[0]
    names = {AI.name, model, short} - {""}
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"\s*@?(?:{either})(?![\w-])[\s,:;.!?-]*", re.IGNORECASE)
