"""Rich Text Format, read in one pass over its tokens: words with styles, lists, links, notes; pictures, objects and
headers are counted. Groups are a stack of ours, so that no nesting is too deep."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from antiphon_proto.errors import PeerError
from antiphon_proto.schema import MAX_INDENT
from antiphon_server.formats.manuscript import (
    LISTS,
    MAX_LEVEL,
    Block,
    Kind,
    Manuscript,
    Words,
    first_strong,
    join,
    numbered,
    safe_link,
    trimmed,
)
from antiphon_server.formats.notices import Tally

_TOKEN: Final = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?[0-9]{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|([^\\{}\r\n]+)|[\r\n]+|\\",
    re.DOTALL,
)
_SPECIAL: Final = {
    "emdash": "—", "endash": "–", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”", "bullet": "•",
    "tab": "\t", "emspace": "\u2003", "enspace": "\u2002", "qmspace": "\u2005", "zwj": "\u200d", "zwnj": "\u200c",
    "ltrmark": "\u200e", "rtlmark": "\u200f", "cell": "\t", "nestcell": "\t",
}  # fmt: skip
_SKIPPED: Final = frozenset({
    "fonttbl", "colortbl", "stylesheet", "listtable", "listoverridetable", "info", "generator", "xmlnstbl",
    "themedata", "colorschememapping", "datastore", "latentstyles", "rsidtbl", "filetbl", "revtbl", "listtext",
    "pntext", "fldinst", "pict", "object", "header", "headerf", "headerl", "headerr", "footer", "footerf",
    "footerl", "footerr", "annotation", "atnid", "atnauthor", "bkmkstart", "bkmkend", "mmathPr",
    "wgrffmtfilter", "pgdsctbl", "ftnsep", "ftnsepc", "aftnsep", "aftnsepc", "nonshppict", "shpinst", "sp",
    "do", "private", "userprops", "pnseclvl", "xe", "tc", "rxe", "template", "passwordhash",
    "expandedcolortbl",
})  # fmt: skip
_STARRED: Final = frozenset({"shptxt", "shppict", "footnote", "fldinst", "moMath", "moMathPara"})
"""Destinations behind \\* that are text, or that have some in them."""
_OF_PARAGRAPHS: Final = {
    "s": "style",
    "outlinelevel": "outline",
    "ls": "list",
    "ilvl": "level",
    "fi": "first",
    "li": "left",
}
_COUNTED: Final = {"pict": "pictures", "object": "objects", "annotation": "comments"}
_HEADERS: Final = ("header", "footer")
_CHARSETS: Final = {
    0: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gb18030", 136: "big5", 161: "cp1253",
    162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874",
    238: "cp1250", 254: "cp437", 255: "cp850",
}  # fmt: skip
_HYPERLINK: Final = re.compile(r'HYPERLINK\s+(?:\\l\s+)?"([^"]+)"', re.IGNORECASE)
_HANGING: Final = re.compile(
    r"([0-9]{1,9}|[a-z]|[ivxlc]{1,7})[.)]\t+|([\u2022\u25e6\u25aa\u2013\u00b7*-])\t+", re.IGNORECASE
)
"""The number or mark that a program without lists writes into the line itself."""
_LABEL: Final = re.compile(r"\W*\d+[.)]?\W*")


class _Style(Struct, frozen=True):
    bold: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False
    hidden: bool = False
    deleted: bool = False
    codec: str = ""
    skip: str = ""
    """The name of a destination that is not text, "" in the text."""
    link: str = ""
    unicode_skip: int = 1


class _Paragraph(Struct, frozen=True):
    style: int = 0
    outline: int = 9
    list: int = 0
    level: int = 0
    rtl: bool = False
    table: bool = False
    first: int = 0
    left: int = 0
    """Indents of its first line and of all, in twentieths of a point."""


class Reader:
    def __init__(self, data: bytes) -> None:
        if not data.lstrip()[:5].startswith(b"{\\rtf"):
            raise PeerError("the file is damaged: it does not begin as RTF does")
        self._data = data
        self._tally = Tally()
        self._codec = "cp1252"
        self._fonts: dict[int, str] = {}
        self._font = 0
        self._default_font = -1
        self._named: dict[int, str] = {}
        self._defined = 0
        """The style of paragraphs whose definition is read."""
        self._style = _Style()
        self._stack: list[_Style] = []
        self._star = False
        self._paragraph = _Paragraph()
        self._bytes = bytearray()
        self._high = ""
        self._ignore = 0
        self._line: list[Words] = []
        self._row: list[Words] = []
        self._blocks: list[Block] = []
        self._wanted: list[int] = []
        self._notes: list[list[Block]] = []
        self._outer: list[tuple[int, list[Words], _Paragraph, list[Block], list[int]]] = []
        self._instruction: list[str] = []
        self._overrides: dict[int, int] = {}
        self._levels: list[tuple[str, int]] = []
        self._formats: dict[int, list[tuple[str, int]]] = {}
        self._counts: dict[tuple[int, int], int] = {}
        self._label = ""
        self._lefts: list[int] = []
        """The indents of the open lists that are written by hand."""
        self._title = ""
        self._in_table = self._titled = False
        self._headers: set[str] = set()
        self._override: int | None = None

    def read(self) -> Manuscript:
        at = 0
        while found := _TOKEN.match(self._data, at):
            at = found.end()
            word, number, code, symbol, brace, text = found.groups()
            if word == b"bin":
                # Bytes that are no RTF.
                at += max(int(number or 0), 0)
            elif word is not None:
                self._flush()
                self._control(word.decode(), int(number) if number else None)
            elif code is not None:
                self._byte(int(code, 16))
            elif brace == b"{":
                self._flush()
                self._stack.append(self._style)
                self._defined = 0
            elif brace == b"}":
                self._flush()
                self._close()
            elif symbol is not None:
                # The second byte of a letter may be one of these.
                if symbol not in b"\\{}":
                    self._flush()
                self._symbol(symbol)
            elif text is not None:
                self._plain(text)
        self._flush()
        if self._line or self._row:
            self._end_paragraph()
        self._end_notes()
        blocks = numbered(self._blocks, self._wanted)
        title = " ".join(self._title.split())
        if title and blocks and blocks[0].text.strip() == title and self._titled:
            blocks = blocks[1:]
        return Manuscript(trimmed(blocks), title, self._tally.notices())

    # Letters.

    def _byte(self, byte: int) -> None:
        if self._ignore:
            self._ignore -= 1
            return
        self._bytes.append(byte)

    def _plain(self, text: bytes) -> None:
        if self._ignore:
            drop = min(self._ignore, len(text))
            self._ignore -= drop
            text = text[drop:]
        self._bytes += text

    def _flush(self) -> None:
        """Bytes become letters by the font's encoding."""
        if not self._bytes:
            return
        codec = self._style.codec or self._fonts.get(self._default_font) or self._codec
        text = bytes(self._bytes).decode(codec, "replace")
        self._bytes.clear()
        self._say(text)

    def _say(self, text: str) -> None:
        if self._high:
            text, self._high = self._high + text, ""
        style = self._style
        if style.skip:
            self._aside(style.skip, text)
        elif style.deleted:
            self._tally.add("deletions")
        elif style.hidden:
            self._tally.add("hidden")
        else:
            self._line.append(
                Words(text, style.bold, style.italic, style.underline, style.strike, style.link)
            )

    def _aside(self, name: str, text: str) -> None:
        """Text that is about the text."""
        match name:
            case "title":
                self._title += text
            case "fldinst":
                self._instruction.append(text)
            case "listtext" | "pntext":
                self._label += text
            case "stylesheet":
                key = self._defined
                self._named[key] = (self._named.get(key, "") + text).strip("; ")
            case header if header.startswith(_HEADERS) and text.strip():
                self._headers.add(header)

    def _unit(self, unit: int) -> None:
        letter = chr(unit & 0xFFFF)
        if "\ud800" <= letter <= "\udbff":
            self._high = letter
        elif "\udc00" <= letter <= "\udfff":
            pair = (self._high + letter).encode("utf-16", "surrogatepass")
            self._high = ""
            self._say(pair.decode("utf-16", "replace"))
        else:
            self._high = ""
            self._say(letter)
        self._ignore = self._style.unicode_skip

    def _symbol(self, symbol: bytes) -> None:
        if symbol == b"*":
            self._star = True
        elif symbol in b"\\{}":
            self._byte(symbol[0])
        elif symbol == b"~":
            self._say("\xa0")
        elif symbol == b"_":
            self._say("\u2011")
        elif symbol == b"-":
            self._say("\u00ad")
        elif symbol in b"\r\n" and not self._style.skip:
            self._end_paragraph()

    # Control words.

    def _control(self, word: str, number: int | None) -> None:
        star, self._star = self._star, False
        on = number is None or number != 0
        style = self._style
        if word in _SKIPPED or (star and word not in _STARRED):
            self._skip(word)
            return
        if style.skip and word in _OF_PARAGRAPHS:
            # Definitions of styles and lists: the paragraphs that follow are not like them.
            self._define(word, number)
            return
        match word:
            case "b" | "i" | "strike" | "striked":
                field = {"b": "bold", "i": "italic"}.get(word, "strike")
                self._style = replace(style, **{field: on})
            case "ul" | "uld" | "uldb" | "ulw" | "uldash" | "ulwave" | "ulth":
                self._style = replace(style, underline=on)
            case "ulnone":
                self._style = replace(style, underline=False)
            case "v":
                self._style = replace(style, hidden=on)
            case "deleted":
                self._style = replace(style, deleted=on)
            case "revised":
                self._tally.add("insertions")
            case "plain":
                self._style = _Style(skip=style.skip, link=style.link, unicode_skip=style.unicode_skip)
            case "pard":
                self._paragraph = _Paragraph()
            case "par" | "sect" | "page" if not style.skip:
                if word == "par" or any(words.text.strip() for words in self._line):
                    self._end_paragraph()
            case "line" | "lbr" if not style.skip:
                self._line.append(Words("\n"))
            case "row" | "nestrow" if not style.skip:
                self._end_row()
            case "intbl":
                self._paragraph = replace(self._paragraph, table=True)
            case "trowd":
                if not self._in_table:
                    self._tally.add("tables")
                self._in_table = True
            case _ if word in _OF_PARAGRAPHS and number is not None:
                self._paragraph = replace(self._paragraph, **{_OF_PARAGRAPHS[word]: number})
            case "rtlpar":
                self._paragraph = replace(self._paragraph, rtl=True)
            case "ltrpar":
                self._paragraph = replace(self._paragraph, rtl=False)
            case "u" if number is not None:
                self._unit(number)
            case "uc":
                self._style = replace(style, unicode_skip=min(max(number or 0, 0), 8))
            case "ansicpg" if number is not None:
                self._codec = _codec(number) or self._codec
            case "mac":
                self._codec = "mac_roman"
            case "pc":
                self._codec = "cp437"
            case "deff":
                self._default_font = number if number is not None else -1
            case "f" if number is not None:
                self._font = number
                self._style = replace(style, codec=self._fonts.get(number, ""))
            case "fcharset" if number is not None:
                self._fonts[self._font] = _CHARSETS.get(number, "")
            case "footnote" if not style.skip:
                self._begin_note()
            case "field":
                self._instruction = []
            case "fldrslt":
                found = _HYPERLINK.search("".join(self._instruction))
                self._style = replace(style, link=safe_link(found[1]) if found else style.link)
            case "title" if style.skip == "info":
                self._style = replace(style, skip="title")
            case "shptxt":
                self._tally.add("text_boxes")
                self._style = replace(style, skip="")
                self._end_paragraph()
            case "shppict":
                pass
            case "moMath" if not style.skip:
                self._tally.add("formulas")
            case "cell" | "nestcell" if not style.skip:
                self._cell()
            case "listid" | "levelnfc" | "levelstartat" | "list" | "listoverride":
                self._table_of_lists(word, number)
            case _ if word in _SPECIAL:
                self._say(_SPECIAL[word])

    def _define(self, word: str, number: int | None) -> None:
        skip = self._style.skip
        if word == "s" and skip == "stylesheet":
            self._defined = number or 0
        elif word == "ls" and skip == "listoverridetable" and self._override is not None:
            self._overrides[number or 0] = self._override

    def _skip(self, word: str) -> None:
        if self._style.skip == "stylesheet":
            # A style of letters, tables or sections.
            self._style = replace(self._style, skip=word)
        elif not self._style.skip:
            if word in _COUNTED:
                self._tally.add(_COUNTED[word])
            if word in ("listtext", "pntext"):
                self._label = ""
            self._style = replace(self._style, skip=word)
        elif word == "fldinst" or self._style.skip == "fldinst":
            self._style = replace(self._style, skip="fldinst")
        elif word == "pict" and self._style.skip == "shpinst":
            self._tally.add("pictures")

    def _table_of_lists(self, word: str, number: int | None) -> None:
        """The kinds of each list's levels: \\levelnfc 23 is a bullet, 255 nothing."""
        match word:
            case "list":
                self._levels = []
            case "levelnfc":
                self._levels.append(("bullet" if number in (23, 255) else "ordered", 1))
            case "levelstartat" if self._levels:
                self._levels[-1] = (self._levels[-1][0], number or 1)
            case "listid" if self._style.skip == "listtable":
                self._formats[number or 0] = self._levels
            case "listid":
                self._override = number or 0

    # Groups.

    def _close(self) -> None:
        if not self._stack:
            return
        self._style = self._stack.pop()
        self._ignore = 0
        if self._outer and len(self._stack) < self._outer[-1][0]:
            self._end_note()

    def _begin_note(self) -> None:
        self._tally.add("footnotes")
        number = len(self._notes) + 1
        self._notes.append([])
        self._outer.append((len(self._stack), self._line, self._paragraph, self._blocks, self._wanted))
        self._line.append(Words(f"[{number}]"))
        self._line, self._blocks, self._wanted = [Words(f"[{number}] ")], self._notes[-1], []
        self._paragraph = _Paragraph()

    def _end_note(self) -> None:
        if self._line:
            self._end_paragraph()
        _, self._line, self._paragraph, self._blocks, self._wanted = self._outer.pop()

    def _end_notes(self) -> None:
        while self._outer:
            self._end_note()
        self._tally.add("headers", len(self._headers))
        if self._notes:
            self._blocks.append(Block())
            for note in self._notes:
                self._blocks += note
            self._wanted += [0] * (len(self._blocks) - len(self._wanted))

    # Paragraphs.

    def _cell(self) -> None:
        self._gather()
        self._row.append(Words("\t"))

    def _gather(self) -> None:
        line, self._line = self._line, []
        if self._row and line and not self._row[-1].text.endswith("\t"):
            self._row.append(Words(" "))
        self._row += [replace(words, text=words.text.replace("\n", " ")) for words in line]

    def _end_row(self) -> None:
        self._gather()
        row, self._row = self._row, []
        if row and row[-1].text == "\t":
            row.pop()
        self._put(Block(join(row)), 0)

    def _end_paragraph(self) -> None:
        if self._paragraph.table:
            self._gather()
            return
        if self._row:
            self._end_row()
        self._in_table = False
        line, self._line = self._line, []
        kind, level, indent, number = self._shape()
        if kind == "paragraph" and (item := self._hanging("".join(words.text for words in line))):
            kind, indent, number, mark = item
            line = _without(line, mark)
        lines: list[list[Words]] = [[]]
        for words in line:
            if words.text != "\n":
                lines[-1].append(words)
            elif kind == "heading" or kind in LISTS:
                lines[-1].append(Words(" "))
            else:
                lines.append([])
        for each in lines:
            made = join(each)
            text = "".join(words.text for words in made)
            rtl = self._paragraph.rtl and first_strong(text) != "rtl"
            self._put(Block(made, kind, level, indent, rtl=rtl), number)
        self._label = ""

    def _hanging(self, text: str) -> tuple[Kind, int, int, int] | None:
        """Kind, depth and number of an item whose number or mark stands in its text, and the length of that."""
        paragraph = self._paragraph
        if not paragraph.left:
            self._lefts = []
        found = _HANGING.match(text) if paragraph.first < 0 < paragraph.left else None
        if found is None:
            return None
        self._lefts = [left for left in self._lefts if left < paragraph.left] + [paragraph.left]
        depth = min(len(self._lefts) - 1, MAX_INDENT)
        if found[1] is None:
            return "bullet", depth, 0, found.end()
        return "ordered", depth, int(found[1]) if found[1].isdigit() else 0, found.end()

    def _put(self, block: Block, number: int) -> None:
        if not self._blocks and not self._outer:
            self._titled = self._named.get(self._paragraph.style, "").lower() == "title"
        self._blocks.append(block)
        self._wanted.append(number)

    def _shape(self) -> tuple[Kind, int, int, int]:
        paragraph = self._paragraph
        name = self._named.get(paragraph.style, "").lower()
        heading = re.fullmatch(r"heading (\d)", name)
        if heading:
            return "heading", min(max(int(heading[1]), 1), MAX_LEVEL), 0, 0
        if 0 <= paragraph.outline < MAX_LEVEL:
            return "heading", paragraph.outline + 1, 0, 0
        if name == "title":
            return "heading", 1, 0, 0
        depth = min(max(paragraph.level, 0), MAX_INDENT)
        if paragraph.list:
            levels = self._formats.get(self._overrides.get(paragraph.list, 0), [])
            kind, start = levels[depth] if depth < len(levels) else ("bullet", 1)
            if not levels and _LABEL.fullmatch(self._label.strip()):
                kind = "ordered"
            if kind == "bullet":
                return "bullet", 0, depth, 0
            place = (paragraph.list, depth)
            self._counts[place] = self._counts.get(place, start - 1) + 1
            for other in [each for each in self._counts if each[0] == paragraph.list and each[1] > depth]:
                del self._counts[other]
            return "ordered", 0, depth, self._counts[place]
        if self._label.strip():
            ordered = _LABEL.fullmatch(self._label.strip()) is not None
            return ("ordered", 0, depth, 0) if ordered else ("bullet", 0, depth, 0)
        return ("quote", 0, 0, 0) if "quot" in name else ("paragraph", 0, 0, 0)


def _without(line: list[Words], units: int) -> list[Words]:
    """The line without its first characters."""
    kept: list[Words] = []
    for words in line:
        kept.append(replace(words, text=words.text[units:]))
        units = max(0, units - len(words.text))
    return kept


def _codec(page: int) -> str:
    name = {65001: "utf-8", 10000: "mac_roman", 10007: "mac_cyrillic"}.get(page, f"cp{page}")
    try:
        "".encode(name)
    except LookupError:
        return ""
    return name
