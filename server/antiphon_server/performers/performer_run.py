"""A live run of a performer: its answer grows where it was asked, and its notes go to their passages when it has ended.

Its acts are decided here by the rights of its run, whatever the model was told or says.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from typing import Final

from msgspec import Struct

from antiphon_engines.ipc.events import Done, Failed
from antiphon_proto import schema
from antiphon_proto.document.comments import MAX_COMMENT
from antiphon_proto.document.performers import PerformerRight
from antiphon_proto.errors import AntiphonError, ErrorCode
from antiphon_proto.messages import Tokens
from antiphon_server.chat.chat import Chat
from antiphon_server.chat.comments import Comments
from antiphon_server.core.context import RoomContext
from antiphon_server.core.run_registry import RunEntry
from antiphon_server.document.anchors import Passage
from antiphon_server.document.state import AI_ORIGIN, OURS
from antiphon_server.document.text_index import snap
from antiphon_server.performers.notes import Note, NoteParser, place
from antiphon_server.runs.engine import Engine
from antiphon_server.runs.text_run import TextRun
from antiphon_server.story import proposals

_INTERVAL: Final = 0.15
"""Seconds between two states of a chat entry, as of other answers."""
_NEAR: Final = 64 * 1024
"""Bytes of the story on each side of the place that was looked at, in which repeated words are found."""
_NOTHING: Final = re.compile(r"[\W_]*(?:ok|okay|nothing|none|no|нет|ничего|хорошо|ок)?[\W_]*", re.IGNORECASE)
"""The answer of a performer that has nothing to say."""


class Scene(Struct):
    """Where a performer was asked. `entry`: its answer's in the chat; `comment`: the comment; neither: nobody asked it.
    `about` is the passage that it looked at, `at` a place in bytes, when there is none."""

    about: Passage
    at: int
    entry: str = ""
    comment: str = ""


class PerformerRun(TextRun):
    def __init__(
        self,
        run: RunEntry,
        room: RoomContext,
        engine: Engine,
        chat: Chat,
        comments: Comments,
        rights: Collection[PerformerRight],
        scene: Scene,
    ) -> None:
        super().__init__(run, room, engine)
        self._chat = chat
        self._comments = comments
        self._rights = rights
        self._scene = scene
        self._parser = NoteParser()
        self._rest: list[str] = []
        """Notes that found no place: they are said with the answer."""
        self._shown = ""
        self._shown_at = float("-inf")
        self._notes = 0
        self._suggested = False
        self._settled = False

    def write(self, text: str, details: Tokens) -> None:
        self._parser.push(text)
        self._room.tell_all(details)
        if self._parser.complete and self.ended is None:
            self._engine.cancel(self.run.info.id)
            self.ended = Done("end")

    def settle(self) -> bool:
        settled = super().settle()
        if not settled or self._settled:
            return settled
        if isinstance(self.ended, Done):
            if not self._room.writable():
                return False
            self._settled = True
            self._conclude()
        elif self._room.monotonic() - self._shown_at >= _INTERVAL and not self._show():
            self._fail("the chat has no room for this answer any more")
            self._engine.cancel(self.run.info.id)
        return True

    def on_closed(self) -> None:
        if not self._settled:
            self._show()
        if self.run.info.suggestion == "open" and not self._suggested:
            self.run.update(suggestion="none")

    # The end -----------------------------------------------------------------------------------------------

    def _conclude(self) -> None:
        self._parser.finish()
        for note in self._parser.notes:
            try:
                done = self._leave(note)
            except AntiphonError:  # another suggestion is open there, or there is no room for more
                done = False
            if done:
                self._notes += 1
            else:
                self._rest.append(_said(note))
        try:
            self._say("\n\n".join(part for part in (self._parser.answer, *self._rest) if part))
        except AntiphonError as error:
            self._fail(error.message)

    def _leave(self, note: Note) -> bool:
        """Leave a note at its passage; False where it has none, or the performer no right to it."""
        found = self._place(note.quote)
        if found is None:
            return False
        start, end = found
        room, document = self._room, self._room.shared.document
        if note.words is not None and note.words != document.data()[start:end].decode(errors="replace"):
            if "edit" in self._rights:
                proposals.check(room, start, end, note.words)
                kept = {
                    name: value
                    for name, value in document.chunks(start, end)[0][1].items()
                    if name not in OURS
                }
                made = {**kept, schema.ATTR_AI: self.run.info.id}
                room.commit(document.insert(end, note.words, made, AI_ORIGIN), self.owner)
                room.commit(document.delete([(start, end)], AI_ORIGIN), self.owner)
                return True
            if "suggest" in self._rights:
                proposals.check(room, start, end, note.words)
                proposals.put(room, start, end, note.words, note.remark, self.owner, by_ai=True)
                self._suggested = True
                return True
        if "comment" not in self._rights:
            return False
        text = "\n".join(part for part in (note.remark, note.words) if part)
        if text:
            self._comments.leave(f"n{secrets.token_hex(6)}", start, end, text[:MAX_COMMENT], self.owner)
        return bool(text)

    def _say(self, answer: str) -> None:
        scene = self._scene
        if scene.entry:
            if not answer and not self._notes:
                self._fail("the model answered nothing")
            elif not self._show(answer):
                self._fail("the chat has no room for this answer any more")
        elif scene.comment:
            if answer:
                self._comments.reply(scene.comment, answer[:MAX_COMMENT], self.owner)
            elif not self._notes:
                self._fail("the model answered nothing")
        elif (
            not _NOTHING.fullmatch(answer)
            and not self._notes
            and "comment" in self._rights
            and scene.about.ranges
        ):
            start, end = scene.about.ranges[0]
            self._comments.leave(f"n{secrets.token_hex(6)}", start, end, answer[:MAX_COMMENT], self.owner)

    def _place(self, quote: str) -> tuple[int, int] | None:
        data = self._room.shared.document.data()
        ranges = self._scene.about.ranges
        near = ranges[0][0] if ranges else min(self._scene.at, len(data))
        first, last = snap(data, max(0, near - _NEAR)), snap(data, min(len(data), near + _NEAR))
        text = data[first:last].decode(errors="replace")
        found = place(text, quote, len(data[first:near].decode(errors="replace")))
        if found is None:
            return None
        start = first + len(text[: found[0]].encode())
        return start, start + len(text[found[0] : found[1]].encode())

    def _show(self, text: str | None = None) -> bool:
        """Bring the chat entry up to date; False when it is gone."""
        if not self._scene.entry:
            return True
        text = self._parser.answer if text is None else text
        self._shown_at = self._room.monotonic()
        if text == self._shown:
            return True
        self._shown = text
        return self._chat.write(self._scene.entry, text, self.owner)

    def _fail(self, why: str) -> None:
        self.ended = Failed(ErrorCode.CONFLICT, why)


def _said(note: Note) -> str:
    lines = [f"> {note.quote}"]
    lines += [f"+ {note.words}"] if note.words is not None else []
    lines += [f"- {note.remark}"] if note.remark else []
    return "\n".join(lines)
