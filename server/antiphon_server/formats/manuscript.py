"""A text with the room's formats and no others, between Quill deltas and files.

In a delta a line's format stands on the newline that ends it (https://quilljs.com/docs/delta); here every line is a
block that holds its words. Everything here is linear in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from antiphon_proto.schema import ATTR_SUGGEST, LINK_SCHEMES, MAX_HEADER, MAX_INDENT, MAX_LINK, MAX_START

Kind: TypeAlias = Literal["paragraph", "heading", "quote", "bullet", "ordered"]
Op: TypeAlias = dict[str, Any]
"""{"insert": text, "attributes"?: {...}}"""

MAX_LEVEL: Final = MAX_HEADER
SCENE_BREAK: Final = "* * *"
"""Stands for a rule between two scenes: the editor has no rule."""
RIGHT_TO_LEFT_MARK: Final = "\u200f"
LISTS: Final = ("bullet", "ordered")
_INLINE: Final = ("bold", "italic", "underline", "strike")
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")
"""Characters that no file format takes; a line feed and a tab are kept."""
_LINK: Final = re.compile(rf"(?:{'|'.join(LINK_SCHEMES)}):[^\s<>\"\\^`{{|}}]+", re.IGNORECASE)
"""Other addresses, such as scripts or local files, are not kept."""


class Words(Struct, frozen=True):
    """A stretch of a line in one style; holds no line feed. `link` is an address, or ""."""

    text: str
    bold: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False
    link: str = ""

    @property
    def style(self) -> tuple[bool, bool, bool, bool, str]:
        return (self.bold, self.italic, self.underline, self.strike, self.link)


class Block(Struct, frozen=True):
    """A line. `level` counts from 1 and is a heading's only; `indent` is the depth of a list's item, from 0; `start` is
    the number of an ordered item that does not follow the one before it, or 0; `rtl` is for text that does not show it
    by its first letter."""

    words: tuple[Words, ...] = ()
    kind: Kind = "paragraph"
    level: int = 0
    indent: int = 0
    start: int = 0
    rtl: bool = False

    @property
    def text(self) -> str:
        return "".join(words.text for words in self.words)

    @property
    def right_to_left(self) -> bool:
        """By its first strong letter (https://www.unicode.org/reports/tr9/#P2), or because it says so."""
        return self.rtl or first_strong(self.text) == "rtl"


class Notice(Struct, frozen=True):
    """Something of a file that is not as it was; `code` is one of `notices.CODES`."""

    code: str
    count: int = 1


class Manuscript(Struct, frozen=True):
    """`notices` name content of a file that this lacks."""

    blocks: tuple[Block, ...] = ()
    title: str = ""
    notices: tuple[Notice, ...] = ()

    @property
    def text(self) -> str:
        """One line a block."""
        return "\n".join(block.text for block in self.blocks)


def first_strong(text: str) -> Literal["ltr", "rtl", ""]:
    """The direction of the first letter that has one; "" when none has."""
    for letter in text:
        kind = unicodedata.bidirectional(letter)
        if kind == "L":
            return "ltr"
        if kind in ("R", "AL"):
            return "rtl"
    return ""


def safe_link(address: str | None) -> str:
    """The address when it is one that people may be led to, else ""."""
    address = (address or "").strip()
    return address if len(address) <= MAX_LINK and _LINK.fullmatch(address) else ""


def join(words: Iterable[Words]) -> tuple[Words, ...]:
    """The same words with neighbours of one style made one, control characters and empty ones left out."""
    joined: list[Words] = []
    same: list[str] = []
    for each in words:
        text = _CONTROL.sub("", each.text).replace("\n", " ")
        if not text:
            continue
        if joined and joined[-1].style == each.style:
            same.append(text)
            continue
        if len(same) > 1:
            joined[-1] = replace(joined[-1], text="".join(same))
        joined.append(Words(text, *each.style))
        same = [text]
    if len(same) > 1:
        joined[-1] = replace(joined[-1], text="".join(same))
    return tuple(joined)


def plain(text: str) -> str:
    """A title as any file takes it: one line, no control characters, no halves of surrogate pairs."""
    return " ".join(_CONTROL.sub(" ", text).encode("utf-8", "ignore").decode().split())


def trimmed(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """Without empty blocks at either end."""
    full = [index for index, block in enumerate(blocks) if block.text.strip()]
    return tuple(blocks[full[0] : full[-1] + 1]) if full else ()


def numbers(blocks: Sequence[Block]) -> list[int]:
    """The number of each ordered item, and 0 for every other block. A numbering ends at a block that is no item of a
    list, at an item of a lower level, and at a bullet of its own."""
    found: list[int] = []
    counts = [0] * (MAX_INDENT + 1)
    for block in blocks:
        if block.kind not in LISTS:
            counts = [0] * (MAX_INDENT + 1)
            found.append(0)
            continue
        counts[block.indent + 1 :] = [0] * (MAX_INDENT - block.indent)
        ordered = block.kind == "ordered"
        counts[block.indent] = (block.start or counts[block.indent] + 1) if ordered else 0
        found.append(counts[block.indent])
    return found


def numbered(blocks: Sequence[Block], wanted: Sequence[int]) -> tuple[Block, ...]:
    """The blocks with `start` where it takes one to give each ordered item the number that is wanted of it (0: any)."""
    done: list[Block] = []
    counts = [0] * (MAX_INDENT + 1)
    for block, number in zip(blocks, wanted, strict=True):
        if block.kind not in LISTS:
            counts = [0] * (MAX_INDENT + 1)
        else:
            counts[block.indent + 1 :] = [0] * (MAX_INDENT - block.indent)
            following = counts[block.indent] + 1
            if block.kind == "ordered" and 0 < number <= MAX_START and number != following:
                block, following = replace(block, start=number), number
            counts[block.indent] = following if block.kind == "ordered" else 0
        done.append(block)
    return tuple(done)


def as_text(manuscript: Manuscript) -> str:
    """One line a block; items of lists with their number or mark, and blanks for their depth."""
    lines = []
    for block, number in zip(manuscript.blocks, numbers(manuscript.blocks), strict=True):
        mark = f"{number}. " if number else "\u2022 " if block.kind == "bullet" else ""
        lines.append(f"{'    ' * block.indent if mark else ''}{mark}{block.text}")
    return "\n".join(lines)


def restarts(blocks: Sequence[Block]) -> list[bool]:
    """Whether an item opens a list of its own: its kind, or its number, does not follow the block before it."""
    found: list[bool] = []
    open_at: dict[int, Kind] = {}
    for block in blocks:
        if block.kind not in LISTS:
            open_at = {}
            found.append(False)
            continue
        found.append(open_at.get(block.indent) != block.kind or block.start > 0)
        open_at = {level: kind for level, kind in open_at.items() if level < block.indent}
        open_at[block.indent] = block.kind
    return found


def from_pieces(pieces: Iterable[tuple[Any, Mapping[str, Any] | None]], title: str = "") -> Manuscript:
    """The story as it stands without its open suggestions: proposed insertions are left out, text of proposed deletions
    is kept. Embeds of other programs are left out, and counted."""
    blocks: list[Block] = []
    line: list[Words] = []
    embeds = 0
    for content, attributes in pieces:
        marks = attributes or {}
        if marks.get(ATTR_SUGGEST):
            continue
        if not isinstance(content, str):
            embeds += 1
            continue
        style = _style(marks)
        first, *rest = content.split("\n")
        line.append(Words(first, *style))
        for text in rest:
            blocks.append(_block(line, marks))
            line = [Words(text, *style)]
    if any(words.text for words in line):
        blocks.append(_block(line, {}))
    notices = (Notice("embeds", embeds),) if embeds else ()
    return Manuscript(trimmed(blocks), plain(title), notices)


def to_ops(manuscript: Manuscript) -> list[Op]:
    """The delta that inserts it; ends with a newline when there is anything. A line that runs from right to left though
    its first letter does not begins with a mark: the editor goes by the first strong letter."""
    ops: list[Op] = []
    texts: list[str] = []
    attributes: dict[str, Any] = {}

    def put(text: str, marks: dict[str, Any]) -> None:
        nonlocal attributes, texts
        if marks != attributes and texts:
            ops.append(_op("".join(texts), attributes))
            texts = []
        attributes = marks
        texts.append(text)

    for block in manuscript.blocks:
        if block.rtl:
            put(RIGHT_TO_LEFT_MARK, {})
        for words in block.words:
            put(words.text, _inline(words))
        put("\n", _line(block))
    if texts:
        ops.append(_op("".join(texts), attributes))
    return ops


def from_text(text: str) -> tuple[Block, ...]:
    """Plain paragraphs, one a line."""
    return tuple(Block(join([Words(line)])) for line in text.splitlines())


def _op(text: str, attributes: dict[str, Any]) -> Op:
    return {"insert": text, "attributes": attributes} if attributes else {"insert": text}


def _style(marks: Mapping[str, Any]) -> tuple[bool, bool, bool, bool, str]:
    link = marks.get("link")
    bold, italic, underline, strike = (bool(marks.get(name)) for name in _INLINE)
    return (bold, italic, underline, strike, safe_link(link) if isinstance(link, str) else "")


def _inline(words: Words) -> dict[str, Any]:
    marks: dict[str, Any] = {name: True for name in _INLINE if getattr(words, name)}
    return {**marks, "link": words.link} if words.link else marks


def _line(block: Block) -> dict[str, Any]:
    marks: dict[str, Any] = {}
    match block.kind:
        case "heading":
            marks["header"] = min(max(block.level, 1), MAX_LEVEL)
        case "quote":
            marks["blockquote"] = True
        case "bullet" | "ordered":
            marks["list"] = block.kind
    if block.indent:
        marks["indent"] = block.indent
    if block.start and block.kind == "ordered":
        marks["start"] = block.start
    return marks


def _block(line: list[Words], marks: Mapping[str, Any]) -> Block:
    words = join(line)
    level = marks.get("header")
    if isinstance(level, int | float) and 1 <= level <= MAX_LEVEL:
        return Block(words, "heading", int(level))
    if marks.get("blockquote"):
        return Block(words, "quote")
    indent = _number(marks.get("indent"), MAX_INDENT)
    match marks.get("list"):
        case "ordered":
            return Block(words, "ordered", 0, indent, _number(marks.get("start"), MAX_START))
        case "bullet":
            return Block(words, "bullet", indent=indent)
        case "checked" | "unchecked" as box:  # of other programs: the room itself has none
            return Block(
                join([Words("\u2611 " if box == "checked" else "\u2610 "), *words]), "bullet", indent=indent
            )
    return Block(words)


def _number(value: Any, most: int) -> int:
    return int(value) if isinstance(value, int | float) and 0 < value <= most else 0
