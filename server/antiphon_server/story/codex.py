"""The codex of a room: the story is read when people pause, and the facts go into prompts with entries that people
wrote."""

from __future__ import annotations

import logging
from typing import Final

from antiphon_proto.document.codex import PROMPT_CHARACTERS, Codex, CodexEntry
from antiphon_proto.errors import AntiphonError
from antiphon_server.core.context import RoomContext
from antiphon_server.core.seat import Seat
from antiphon_server.document.authorship import Owner
from antiphon_server.document.change import Change
from antiphon_server.net.frames import Frame
from antiphon_server.work.story_reading import MAX_READ, Reading, StoryReader

log = logging.getLogger(__name__)
REST_SECONDS: Final = 3.0
"""The story has not changed for so long: it is read."""


class RoomCodex:
    """`reader` None: nothing is found, and people's entries count alone."""

    def __init__(self, room: RoomContext, reader: StoryReader | None) -> None:
        self._room = room
        self._reader = reader
        self._found: Codex | None = None
        self._changed_at: float | None = room.monotonic() if room.shared.document.length else None
        self._reading = False

    def on_commit(self, change: Change, owner: Owner, sender: Seat | None) -> None:
        """The story may have to be read again."""
        if change.splices:
            self._changed_at = self._room.monotonic()

    def on_welcome(self, seat: Seat) -> None:
        """Tell a newcomer the facts found."""
        if self._found is not None:
            seat.outlet.send(Frame.of(self._found))

    def sweep(self) -> None:
        """Once a second: read the story where it has rested since its last change and somebody is here."""
        room = self._room
        if self._reader is None or self._reading or self._changed_at is None or not room.members.online:
            return
        if room.monotonic() - self._changed_at < REST_SECONDS:
            return
        self._changed_at, self._reading = None, True
        document = room.shared.document
        first = document.snap(document.length - MAX_READ) if document.length > MAX_READ else 0
        text = "".join(piece for piece, _ in document.chunks(first, document.length))
        offset = room.offset

        def done(reading: Reading | AntiphonError) -> None:
            self._reading = False
            if isinstance(reading, AntiphonError):
                log.warning("room %s: the story could not be read: %s", room.id, reading)
                return
            found = Codex(offset, *reading)
            if self._found is None or (found.entries, found.contradictions) != (
                self._found.entries,
                self._found.contradictions,
            ):
                self._found = found
                room.tell_all(found)

        self._reader.read(text, room.id, done)

    def prompt(self) -> str:
        """The part for prompts: people's entries first, then facts found, the most often named first, each entry
        whole or not at all. Its order changes with the codex alone, so that a cached prompt stays valid."""
        written = self.written()
        lines = [f"{name}: {words.strip()}" for name, words in written.items() if words.strip()]
        known = {name.casefold() for name in written}
        for entry in self._found.entries if self._found is not None else ():
            if entry.name.casefold() not in known and entry.facts:
                lines.append(f"{entry.name}: {_told(entry)}")
        told = ""
        for line in lines:
            sentence = line if line.endswith((".", "!", "?")) else f"{line}."
            if len(told) + len(sentence) + 1 <= PROMPT_CHARACTERS:
                told = f"{told} {sentence}".strip()
        return told

    def written(self) -> dict[str, str]:
        """People's entries, by name."""
        return self._room.shared.document.side.codex_fields()


def _told(entry: CodexEntry) -> str:
    """The newest value of each attribute."""
    latest = {fact.attribute: fact.value for fact in entry.facts}
    return ", ".join(f"{attribute} {value}" for attribute, value in latest.items())
