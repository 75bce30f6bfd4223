"""Rich Text Format 1.9: read (`rtf_reader`) and written by our own code. The library for it, striprtf, keeps the words
and nothing else, no bold, no lists, no notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from antiphon_proto.schema import MAX_INDENT
from antiphon_server.formats.manuscript import (
    LISTS,
    Block,
    Kind,
    Manuscript,
    Words,
    numbers,
    restarts,
)
from antiphon_server.formats.readers.rtf import Reader

_INDENT: Final = 720
_SIZES: Final = (32, 28, 26, 24, 24, 24)
_HEAD: Final = (
    r"{\rtf1\ansi\ansicpg1252\uc1\deff0{\fonttbl{\f0\froman\fcharset0 Times New Roman;}}"
    r"{\colortbl;\red5\green99\blue193;}{\stylesheet{\s0 Normal;}"
    + "".join(
        rf"{{\s{level}\outlinelevel{level - 1}\b\fs{_SIZES[level - 1]} heading {level};}}"
        for level in range(1, 7)
    )
    + r"{\s10\li720\ri720 Quote;}{\s11\qc\fs48 Title;}}"
)


def read(data: bytes) -> Manuscript:
    """Raises PeerError."""
    return Reader(data).read()


def write(manuscript: Manuscript) -> bytes:
    lists = _Lists(manuscript.blocks)
    parts = [_HEAD, lists.tables()]
    if manuscript.title:
        parts.append(rf"{{\info{{\title {_text(manuscript.title)}}}}}")
        parts.append(rf"\pard\plain\s11\qc\fs48 {_text(manuscript.title)}\par" + "\n")
    for index, block in enumerate(manuscript.blocks):
        parts.append(_paragraph(block, lists, index))
    parts.append("}")
    return "".join(parts).encode("ascii")


def _paragraph(block: Block, lists: _Lists, index: int) -> str:
    start = r"\pard\plain"
    mark = ""
    match block.kind:
        case "heading":
            start += rf"\s{block.level}\outlinelevel{block.level - 1}\fs{_SIZES[block.level - 1]}"
        case "quote":
            start += r"\s10\li720\ri720"
        case "bullet" | "ordered":
            left = _INDENT * (block.indent + 1)
            start += rf"\ls{lists.number(index)}\ilvl{block.indent}\fi-360\li{left}"
            label = f"{lists.numbers[index]}." if block.kind == "ordered" else r"\u8226\'3f"
            mark = rf"{{\listtext {label}\tab}}"
    start += r"\rtlpar\qr" if block.right_to_left else r"\ltrpar"
    return f"{start} {mark}{''.join(map(_words, block.words))}\\par\n"


def _words(words: Words) -> str:
    marks = "".join(
        mark
        for mark, wanted in (
            (r"\b", words.bold),
            (r"\i", words.italic),
            (r"\ul", words.underline),
            (r"\strike", words.strike),
        )
        if wanted
    )
    text = _text(words.text)
    made = f"{{{marks} {text}}}" if marks else text
    if not words.link:
        return made
    return rf'{{\field{{\*\fldinst HYPERLINK "{_text(words.link)}"}}{{\fldrslt {made}}}}}'


def _text(text: str) -> str:
    """ASCII, and every other letter as one or two UTF-16 units, each with a question mark as a byte for programs that
    cannot read it: some take away more than the one letter where it is written as such."""
    parts: list[str] = []
    for letter in text:
        if letter in "\\{}":
            parts.append(f"\\{letter}")
        elif letter == "\t":
            parts.append(r"\tab ")
        elif " " <= letter <= "~":
            parts.append(letter)
        else:
            units = letter.encode("utf-16-le", "surrogatepass")
            for at in range(0, len(units), 2):
                unit = int.from_bytes(units[at : at + 2], "little", signed=True)
                parts.append(rf"\u{unit}\'3f")
    return "".join(parts)


class _Lists:
    """A list override for each list of its own, so that it starts where it should."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.numbers = numbers(blocks)
        self._of: dict[int, int] = {}
        self._made: list[tuple[Kind, int, int]] = []
        opened: dict[tuple[Kind, int], int] = {}
        for index, (block, restart) in enumerate(zip(blocks, restarts(blocks), strict=True)):
            if block.kind not in LISTS:
                continue
            place = (block.kind, block.indent)
            if restart or place not in opened:
                self._made.append((block.kind, block.indent, self.numbers[index]))
                opened[place] = len(self._made)
            self._of[index] = opened[place]

    def number(self, index: int) -> int:
        return self._of[index]

    def tables(self) -> str:
        if not self._made:
            return ""
        lists = "".join(_list(number, *made) for number, made in enumerate(self._made, 1))
        overrides = "".join(
            rf"{{\listoverride\listid{number}\listoverridecount0\ls{number}}}"
            for number in range(1, len(self._made) + 1)
        )
        return rf"{{\*\listtable{lists}}}{{\*\listoverridetable{overrides}}}"


def _list(number: int, kind: Kind, indent: int, first: int) -> str:
    levels: list[str] = []
    for level in range(MAX_INDENT + 1):
        start = first if level == indent and kind == "ordered" else 1
        shown = (
            rf"{{\leveltext\'02\'{level:02x}.;}}{{\levelnumbers\'01;}}"
            if kind == "ordered"
            else r"{\leveltext\'01\u8226\'3f;}{\levelnumbers;}"
        )
        left = _INDENT * (level + 1)
        form = 0 if kind == "ordered" else 23
        levels.append(
            rf"{{\listlevel\levelnfc{form}\leveljc0\levelfollow0\levelstartat{start}{shown}\fi-360\li{left}}}"
        )
    return rf"{{\list\listtemplateid{number}{''.join(levels)}\listid{number}}}"
