"""The shared roots beside story, canvas and jam: chat, comments, style card, and the film, which has a view of its own.
Follows, reads, writes and repairs them.

Only the server writes chat and comments (`updates.schema`). Editors write the style card; a faulty field gets its
former value back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from pycrdt import Array, Doc, Map

from antiphon_proto import schema
from antiphon_proto.style import MAX_WORDS, WORD, fits
from antiphon_server.document.film.film import Film
from antiphon_server.document.observing import observe

Fields = dict[str, Any]
Touched = Mapping[str, Fields]
"""Name of a root that a transaction touched -> former fields of the style card; empty for the others."""
REPLIES = "replies"


class SideRoots:
    """A view of one `Doc`, which holds its content already. Reading gives plain values by way of JSON, as the canvas
    does. Numbers are written as floats: an integer of Python's would reach JavaScript as a BigInt."""

    def __init__(self, doc: Doc[Any]) -> None:
        self._chat: Array[Any] = doc.get(schema.CHAT, type=Array)
        self._comments: Map[Any] = doc.get(schema.COMMENTS, type=Map)
        self.style: Map[Any] = doc.get(schema.STYLE, type=Map)
        self.film = Film(doc)
        self._touched: dict[str, Fields] = {}
        observe(self._chat, self._on_chat, deep=True)
        observe(self._comments, self._on_comments, deep=True)
        observe(self.style, self._on_style, deep=True)

    # Reading ------------------------------------------------------------------------------------------

    def chat(self) -> list[Fields]:
        """Entries, oldest first."""
        entries: list[Fields] = msgspec.json.decode(str(self._chat))
        return entries

    def comments(self) -> dict[str, Fields]:
        comments: dict[str, Fields] = msgspec.json.decode(str(self._comments))
        return comments

    def people(self) -> set[str]:
        """Who said something in chat or comments, as it stands there."""
        comments = self.comments().values()
        replies = (reply for comment in comments for reply in comment[REPLIES])
        return {str(one["participant"]) for one in self.chat()} | {
            str(one["author"]) for one in (*comments, *replies)
        }

    def style_fields(self) -> Fields:
        fields: Fields = msgspec.json.decode(str(self.style))
        return fields

    # Writing, inside a transaction --------------------------------------------------------------------

    def append(self, entry: Mapping[str, Any], keep: int) -> None:
        """One more entry of the chat; the oldest beyond `keep` go."""
        self._chat.append(Map(dict(entry)))
        if (over := len(self._chat) - keep) > 0:
            del self._chat[0:over]

    def set_text(self, place: int, text: str) -> None:
        self._chat[place]["text"] = text

    def drop(self, place: int) -> None:
        del self._chat[place]

    def put_comment(self, key: str, comment: Fields) -> None:
        fields: Fields = {name: value for name, value in comment.items() if name != REPLIES}
        self._comments[key] = Map({**fields, REPLIES: Array(list(comment[REPLIES]))})

    def add_reply(self, key: str, reply: Fields) -> None:
        self._comments[key][REPLIES].append(reply)

    def set_resolved(self, key: str, resolved: bool) -> None:
        self._comments[key]["resolved"] = resolved

    def drop_reply(self, key: str, place: int) -> None:
        del self._comments[key][REPLIES][place]

    def set_style(self, name: str, value: str | None) -> None:
        """None takes the field away."""
        if value is not None:
            self.style[name] = value
        elif name in self.style:
            del self.style[name]

    def drop_comment(self, key: str) -> None:
        del self._comments[key]

    # Transactions -------------------------------------------------------------------------------------

    def begin(self) -> None:
        """A transaction begins."""
        self.film.begin()
        self._touched = {}

    def touched(self) -> Touched:
        """The roots that it touched."""
        return self._touched

    def mend_style(self, former: Fields) -> list[str]:
        """Repair invalid fields; returns their names. `former`: their former values."""
        fields = self._style_values()
        wrong = [name for name, value in fields.items() if not fits(name, value)]
        words = [name for name in fields if name.startswith(WORD) and name not in wrong]
        if len(words) > MAX_WORDS:
            new = [name for name in words if former.get(name, "") is None]
            wrong += new[: len(words) - MAX_WORDS]
        for name in wrong:
            if former.get(name) is not None and fits(name, former.get(name)):
                self.style[name] = former[name]
            else:
                del self.style[name]
        return wrong

    def _style_values(self) -> Fields:
        # A shared type would look like its JSON.
        return {name: value if isinstance(value, str) else None for name, value in self.style.items()}

    def _on_chat(self, _: list[Any]) -> None:
        self._touched.setdefault(schema.CHAT, {})

    def _on_comments(self, _: list[Any]) -> None:
        self._touched.setdefault(schema.COMMENTS, {})

    def _on_style(self, events: list[Any]) -> None:
        former = self._touched.setdefault(schema.STYLE, {})
        for event in events:
            if not event.path:
                for name, entry in (getattr(event, "keys", None) or {}).items():
                    former.setdefault(name, entry.get("oldValue"))
