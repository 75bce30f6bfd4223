"""The shared roots beside story, canvas and jam: chat, comments, style card, codex, and the film, which has a view of
its own. Follows, reads, writes and repairs them.

Only the server writes chat and comments (`updates.schema`). Editors write style card and codex; a faulty field gets
its former value back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from pycrdt import Array, Doc, Map

from antiphon_proto import schema
from antiphon_proto.document import codex, style
from antiphon_server.document.film.film import Film
from antiphon_server.document.observing import observe, weakly

Fields = dict[str, Any]
Touched = Mapping[str, Fields]
"""Name of a root that a transaction touched -> former fields of the style card; empty for the others."""
REPLIES = "replies"
FITS: Final[dict[str, Callable[[str, object], bool]]] = {schema.STYLE: style.fits, schema.CODEX: codex.fits}
"""Roots of plain strings that editors write, and their rules."""


class SideRoots:
    """A view of one `Doc`, which holds its content already. Reading gives plain values by way of JSON, as the canvas
    does. Numbers are written as floats: an integer of Python's would reach JavaScript as a BigInt."""

    def __init__(self, doc: Doc[Any]) -> None:
        self._chat: Array[Any] = doc.get(schema.CHAT, type=Array)
        self._comments: Map[Any] = doc.get(schema.COMMENTS, type=Map)
        self._plain: dict[str, Map[Any]] = {root: doc.get(root, type=Map) for root in FITS}
        self.film = Film(doc)
        self._touched: dict[str, Fields] = {}
        observe(self._chat, self._on_chat, deep=True)
        observe(self._comments, self._on_comments, deep=True)
        self._followed = [_PlainRoot(root, found, weakly(self._now)) for root, found in self._plain.items()]

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
        return self.fields(schema.STYLE)

    def codex_fields(self) -> dict[str, str]:
        """The sound entries."""
        return {name: value for name, value in self.fields(schema.CODEX).items() if codex.fits(name, value)}

    def fields(self, root: str) -> Fields:
        """Of the style card, or of the codex."""
        fields: Fields = msgspec.json.decode(str(self._plain[root]))
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

    def set_field(self, root: str, name: str, value: str | None) -> None:
        """None takes the field away."""
        if value is not None:
            self._plain[root][name] = value
        elif name in self._plain[root]:
            del self._plain[root][name]

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

    def mend(self, root: str, former: Fields) -> list[str]:
        """Repair invalid fields of style card or codex; returns their names. `former`: their former values."""
        fits, found = FITS[root], self._plain[root]
        # A shared type would look like its JSON.
        values = {name: value if isinstance(value, str) else None for name, value in found.items()}
        wrong = [name for name, value in values.items() if not fits(name, value)]
        bound = style.MAX_WORDS if root == schema.STYLE else codex.MAX_ENTRIES
        counted = [
            name
            for name in values
            if name not in wrong and (root == schema.CODEX or name.startswith(style.WORD))
        ]
        if len(counted) > bound:
            new = [name for name in counted if former.get(name, "") is None]
            wrong += new[: len(counted) - bound]
        for name in wrong:
            if former.get(name) is not None and fits(name, former.get(name)):
                found[name] = former[name]
            else:
                del found[name]
        return wrong

    def _now(self) -> dict[str, Fields]:
        return self._touched

    def _on_chat(self, _: list[Any]) -> None:
        self._touched.setdefault(schema.CHAT, {})

    def _on_comments(self, _: list[Any]) -> None:
        self._touched.setdefault(schema.COMMENTS, {})


class _PlainRoot:
    """Enters the former values of a root's fields into `touched`."""

    def __init__(self, root: str, found: Map[Any], touched: Callable[[], dict[str, Fields]]) -> None:
        self._root = root
        self._touched = touched
        observe(found, self._follow, deep=True)

    def _follow(self, events: list[Any]) -> None:
        former = self._touched().setdefault(self._root, {})
        for event in events:
            if not event.path:
                for name, entry in (getattr(event, "keys", None) or {}).items():
                    former.setdefault(name, entry.get("oldValue"))
