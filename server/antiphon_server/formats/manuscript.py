"""A text with the room's formats and no others, between Quill deltas and files.

In a delta a line's format stands on the newline that ends it (https://quilljs.com/docs/delta); here every line is a
block that holds its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from antiphon_proto.schema import ATTR_SUGGEST

Kind: TypeAlias = Literal["paragraph", "heading", "quote", "bullet", "ordered"]
Op: TypeAlias = dict[str, Any]
"""{"insert": text, "attributes"?: {...}}"""

MAX_LEVEL: Final = 6
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")
"""What no file format takes in a text; a line feed and a tab are kept."""


class Words(Struct, frozen=True):
    """A stretch of a line in one style; holds no line feed."""

    text: str
    bold: bool = False
    italic: bool = False


class Block(Struct, frozen=True):
    """A line. `level` counts from 1 and is a heading's only."""

    words: tuple[Words, ...] = ()
    kind: Kind = "paragraph"
    level: int = 0

    @property
    def text(self) -> str:
        return "".join(words.text for words in self.words)


class Manuscript(Struct, frozen=True):
    blocks: tuple[Block, ...] = ()
    title: str = ""

    @property
    def text(self) -> str:
        """One line a block."""
        return "\n".join(block.text for block in self.blocks)


def join(words: Iterable[Words]) -> tuple[Words, ...]:
    """The same words with neighbours of one style made one, control characters and empty ones left out."""
    joined: list[Words] = []
    for each in words:
        text = _CONTROL.sub("", each.text).replace("\n", " ")
        if not text:
            continue
        last = joined[-1] if joined else None
        if last is not None and (last.bold, last.italic) == (each.bold, each.italic):
            joined[-1] = Words(last.text + text, each.bold, each.italic)
        else:
            joined.append(Words(text, each.bold, each.italic))
    return tuple(joined)


def plain(text: str) -> str:
    """A title as any file takes it: one line, no control characters, no halves of surrogate pairs."""
    return " ".join(_CONTROL.sub(" ", text).encode("utf-8", "ignore").decode().split())


def trimmed(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """Without empty blocks at either end."""
    full = [index for index, block in enumerate(blocks) if block.text.strip()]
    return tuple(blocks[full[0] : full[-1] + 1]) if full else ()


def from_pieces(pieces: Iterable[tuple[Any, Mapping[str, Any] | None]], title: str = "") -> Manuscript:
    """The story as it stands without its open suggestions: what they would insert is left out, what they would delete
    is kept. Embeds of other programs are left out."""
    blocks: list[Block] = []
    line: list[Words] = []
    for content, attributes in pieces:
        marks = attributes or {}
        if not isinstance(content, str) or marks.get(ATTR_SUGGEST):
            continue
        style = (bool(marks.get("bold")), bool(marks.get("italic")))
        first, *rest = content.split("\n")
        line.append(Words(first, *style))
        for text in rest:
            blocks.append(_block(line, marks))
            line = [Words(text, *style)]
    if any(words.text for words in line):
        blocks.append(_block(line, {}))
    return Manuscript(trimmed(blocks), plain(title))


def to_ops(manuscript: Manuscript) -> list[Op]:
    """The delta that inserts it; ends with a newline when there is anything."""
    ops: list[Op] = []
    for block in manuscript.blocks:
        ops += [_op(words.text, _inline(words)) for words in block.words]
        ops.append(_op("\n", _line(block)))
    merged: list[Op] = []
    for op in ops:
        if merged and merged[-1].get("attributes") == op.get("attributes"):
            merged[-1]["insert"] += op["insert"]
        else:
            merged.append(op)
    return merged


def from_text(text: str) -> tuple[Block, ...]:
    """Plain paragraphs, one a line."""
    return tuple(Block(join([Words(line)])) for line in text.splitlines())


def _op(text: str, attributes: dict[str, Any]) -> Op:
    return {"insert": text, "attributes": attributes} if attributes else {"insert": text}


def _inline(words: Words) -> dict[str, Any]:
    return {name: True for name in ("bold", "italic") if getattr(words, name)}


def _line(block: Block) -> dict[str, Any]:
    match block.kind:
        case "heading":
            return {"header": min(max(block.level, 1), MAX_LEVEL)}
        case "quote":
            return {"blockquote": True}
        case "bullet" | "ordered":
            return {"list": block.kind}
        case "paragraph":
            return {}


def _block(line: list[Words], marks: Mapping[str, Any]) -> Block:
    words = join(line)
    level = marks.get("header")
    if isinstance(level, int | float) and 1 <= level <= MAX_LEVEL:
        return Block(words, "heading", int(level))
    if marks.get("blockquote"):
        return Block(words, "quote")
    if marks.get("list") in ("bullet", "ordered"):
        return Block(words, marks["list"])
    return Block(words)
