"""Names and types of the roots, attributes and formats of a room's shared Yjs document."""

from __future__ import annotations

import hashlib
from typing import Final

STORY: Final = "story"
"""Y.Text, rich text as Quill deltas."""
CANVAS: Final = "canvas"
"""Y.Map: object id -> Y.Map of its fields (`antiphon_proto.document.canvas` has the table and the bounds). Fields are
plain values, but for `points` of a stroke, a Y.Array of numbers, and `text` of a text object, a Y.Text of characters
only (no formats, no embeds). The canvas may hold no other shared type."""
JAM: Final = "jam"
"""Y.Map: transport, prompts, tracks, clips."""
FILM: Final = "film"
"""Y.Map: shot id -> Y.Map of its fields (`antiphon_proto.document.film`)."""
META: Final = "meta"
"""Y.Map: title and settings of the room."""
CHAT: Final = "chat"
"""Y.Array of entries (`antiphon_proto.document.chat`), written by the server only."""
COMMENTS: Final = "comments"
"""Y.Map: comment id -> Y.Map (`antiphon_proto.document.comments`), written by the server only."""
STYLE: Final = "style"
"""Y.Map of plain strings: the style card (`antiphon_proto.document.style`)."""

CODEX: Final = "codex"
"""Y.Map of plain strings: entries of people in the codex (`antiphon_proto.document.codex`)."""

EMBEDS: Final = frozenset({"image", "video", "formula"})
"""Embeds of the story: a JSON object with one of these names (Quill's) as its only key. Each counts one."""

ATTR_AI: Final = "ai"
"""Text attribute on the text of a run; the value is the run id. For display only; the authorship list is
authoritative."""
ATTR_SUGGEST: Final = "suggest"
"""Text attribute on an insertion that waits for acceptance; the value is the run id."""
ATTR_SUGGEST_DELETE: Final = "suggest_del"
"""Text attribute on text that a suggestion wants removed; the value is the run id."""
ATTR_REASON: Final = "reason"
"""Text attribute on both the deletion and the insertion of a correction; the value is the reason, in one line."""

WORD_FORMATS: Final = ("bold", "italic", "underline", "strike", "link")
"""Text attributes that a person may set on words: `true`, except for `link`, which is an address."""
LINE_FORMATS: Final = ("header", "list", "blockquote", "indent", "start")
"""Text attributes that a person may set on the newline that ends a line."""
MAX_HEADER: Final = 6
"""`header` is 1 to this."""
LISTS: Final = ("bullet", "ordered", "checked", "unchecked")
"""Values of `list`."""
MAX_INDENT: Final = 8
"""`indent`, the level of an item of a list, is 1 to this; an item of the first level has none."""
MAX_START: Final = 1_000_000
"""`start`, the number of an item of an ordered list that does not follow the one before it, is 1 to this."""
LINK_SCHEMES: Final = ("http", "https", "mailto")
"""Schemes that the address of a `link` may have."""
MAX_LINK: Final = 2000
"""Most characters of the address of a `link`."""


def story_digest(text: str) -> bytes:
    """The value of `digest`: the first 16 bytes of SHA-256 over the story's plain text in UTF-8."""
    return hashlib.sha256(text.encode()).digest()[:16]
