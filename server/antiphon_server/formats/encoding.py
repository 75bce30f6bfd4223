"""The encoding of a text file: told by its mark, by being UTF-8, by who asks, or guessed.

The guess is charset-normalizer's (how much a decoding looks like a language) with a prior for the encodings that files
of people have; it tells whether it is sure, and names alternatives.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from contextlib import suppress
from itertools import pairwise
from typing import Final, NamedTuple

from msgspec import Struct

from antiphon_proto.errors import PeerError

_SAMPLE: Final = 128 * 1024
"""Bytes that a guess looks at."""
_LOOKED: Final = 4096
"""Letters whose case is looked at."""
_PREVIEW: Final = 240
_CHOICES: Final = 8
_SURE_BYTES: Final = 64
"""Fewer bytes that are no ASCII say too little."""
_SURE_GAP: Final = 0.2
"""How much better than every other reading, of 1."""
_SURE_CHAOS: Final = 0.05
_PRIOR: Final = {
    "cp1252": 0.1, "cp1251": 0.12, "cp1250": 0.05, "cp1253": 0.08, "cp1254": 0.05, "cp1255": 0.1, "cp1256": 0.1,
    "koi8_r": 0.1, "koi8_u": 0.09, "cp866": 0.08, "cp932": 0.12, "shift_jis": 0.12, "euc_jp": 0.1,
    "gb18030": 0.12, "big5": 0.1,
    "euc_kr": 0.1, "cp949": 0.1, "iso8859_2": 0.04, "cp437": -0.1,
}  # fmt: skip
OFFERED: Final = (
    "utf-8", "utf-16", "windows-1252", "windows-1250", "windows-1251", "koi8-r", "koi8-u", "ibm866",
    "x-mac-cyrillic",
    "windows-1253", "windows-1254", "windows-1255", "windows-1256", "windows-1257", "windows-1258", "iso-8859-2",
    "iso-8859-5", "macintosh", "shift_jis", "euc-jp", "iso-2022-jp", "gb18030", "big5", "euc-kr", "tis-620",
)  # fmt: skip
"""Names that a caller may give, as browsers have them (https://encoding.spec.whatwg.org/#names-and-labels)."""
_CODECS: Final = {
    "x-mac-cyrillic": "mac_cyrillic",
    "macintosh": "mac_roman",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
}
_CHARSET: Final = re.compile(rb"""charset\s*=\s*["']?([A-Za-z0-9_:.-]+)""", re.IGNORECASE)
_LABELS: Final = {
    "iso-8859-1": "windows-1252",
    "latin1": "windows-1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "cp1251": "windows-1251",
    "shift-jis": "shift_jis",
    "ks_c_5601-1987": "euc-kr",
}
_NAMES: Final = {
    **{codecs.lookup(_CODECS.get(name, name)).name: name for name in OFFERED},
    "shift_jis": "shift_jis", "euc_kr": "euc-kr", "latin_1": "windows-1252", "iso8859-1": "windows-1252",
}  # fmt: skip
_JAPANESE: Final = ("cp932", "shift_jis", "euc_jp")
_KANA: Final = 0.3
"""A text with a fifth of kana or more is Japanese."""
_COMMON: Final = ("cp1252", "cp1251", "koi8_r", "koi8_u", "cp866", "cp1250", "iso8859_2")
_BLANKS: Final = frozenset(" \n\r\t.,;:!?\u3002\u3001\uff0c\u201c\u201d\u00ab\u00bb\u2014")
_BLANK: Final = 0.02
"""A text has at least this share of them."""
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class _Reading(NamedTuple):
    """The text in one encoding; how much it looks like a language, and how much like none, 0 to 1."""

    score: float
    coherence: float
    chaos: float
    text: str


class Choice(Struct, frozen=True):
    """One reading of the file: the encoding's name, and how the text begins in it."""

    encoding: str
    preview: str


class Decoded(Struct, frozen=True):
    """`replaced` counts bytes that are no letter in this encoding; `choices` begin with the one that was taken, and are
    empty when there was nothing to choose."""

    text: str
    encoding: str
    sure: bool = True
    replaced: int = 0
    choices: tuple[Choice, ...] = ()


def decode(data: bytes, encoding: str = "") -> Decoded:
    """The text with its lines ended by line feeds. Raises PeerError for an encoding that is not in OFFERED."""
    if encoding:
        name = encoding.lower()
        if name not in OFFERED:
            raise PeerError(f"no encoding {encoding[:30]!r}; there are {', '.join(OFFERED)}")
        return _decoded(data, _CODECS.get(name, name), name)
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return _decoded(data, codec, codec.removesuffix("-sig"))
    if codec := _by_bytes(data):
        return _decoded(data, codec, codec)
    try:
        return Decoded(_lines(data.decode("utf-8")), "utf-8")
    except UnicodeDecodeError as error:
        # One bad byte in a long text of UTF-8, or the text was cut in the middle of a letter.
        if _mostly_utf8(data, error.start):
            return _decoded(data, "utf-8", "utf-8")
    return _guessed(data)


def declared(data: bytes) -> str:
    """The encoding that a page of HTML declares in its first kilobyte, when it is one of OFFERED."""
    found = _CHARSET.search(data[:1024])
    return offered(found[1].decode("ascii", "replace")) if found else ""


def offered(label: str) -> str:
    """The name in OFFERED of an encoding as a file declares it; "" for UTF-8 and for others."""
    name = label.lower()
    name = _LABELS.get(name, name)
    return name if name in OFFERED and name != "utf-8" else ""


def _by_bytes(data: bytes) -> str:
    """Encodings that show by their bytes, and that are well-formed UTF-8 too: wide ones have zeros, and the ISO 2022
    family has escapes."""
    sample = data[:4096]
    if codec := _wide(sample):
        return codec
    if b"\x1b$)C" in sample:
        return "iso-2022-kr"
    return "iso-2022-jp" if b"\x1b$B" in sample or b"\x1b$@" in sample else ""


def _wide(sample: bytes) -> str:
    """The encoding of two or four bytes a letter in which text that has zeros reads best, or "". Cyrillic, say, has
    zeros only in its blanks; read the wrong way round those are letters of no language."""
    if 0 not in sample:
        return ""
    best, most = "", 0.0
    for codec in ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"):
        size = 4 if "32" in codec else 2
        text = sample[: len(sample) // size * size].decode(codec, "replace")
        common = sum(letter in _BLANKS for letter in text)
        strange = sum(unicodedata.category(letter) in ("Cn", "Co", "Cs", "Cc") for letter in text)
        strange += text.count("\ufffd") - sum(text.count(letter) for letter in "\n\r\t")
        share = common / max(1, len(text))
        if share > most and strange * 50 <= len(text):
            best, most = codec, share
    return best if most >= _BLANK else ""


def _mostly_utf8(data: bytes, start: int) -> bool:
    """Whether nearly all that is no ASCII is well-formed UTF-8."""
    lost = data.decode("utf-8", "replace").count("\ufffd")
    high = sum(byte > 127 for byte in data)
    return lost * 50 < high or (lost == 1 and start > len(data) - 4 and high > 3)


def _guessed(data: bytes) -> Decoded:
    from charset_normalizer import from_bytes

    sample = _sample(data)
    readings: dict[str, _Reading] = {}
    for match in from_bytes(sample):
        for codec in (match.encoding, *match.could_be_from_charset):
            if _name(codec) in OFFERED:
                _add(readings, codec, str(match), match.coherence, match.chaos)
    # Of a short text the library looks at a few encodings only.
    for codec in _COMMON:
        with suppress(UnicodeDecodeError):
            _add(readings, codec, sample.decode(codec), 0.0, 0.0)
    if not readings:
        return _decoded(data, "cp1252", "windows-1252", sure=False, choices=_choices(sample, []))
    ranked = sorted(readings, key=lambda codec: -readings[codec].score)
    first = readings[ranked[0]]
    rival = max((each.coherence for each in readings.values() if each.text != first.text), default=0.0)
    high = sum(byte > 127 for byte in sample)
    sure = high >= _SURE_BYTES and first.chaos < _SURE_CHAOS and first.coherence - rival > _SURE_GAP
    return _decoded(
        data, ranked[0], _name(ranked[0]), sure=sure, choices=_choices(sample, [*map(_name, ranked)])
    )


def _add(readings: dict[str, _Reading], codec: str, text: str, coherence: float, chaos: float) -> None:
    score = coherence - chaos + _PRIOR.get(codec, 0.0) - _odd(text[:_LOOKED])
    if codec in _JAPANESE and sum("\u3040" <= letter <= "\u30ff" for letter in text[:_LOOKED]) * 5 > len(
        text[:_LOOKED]
    ):
        score += _KANA
    if codec not in readings or score > readings[codec].score:
        readings[codec] = _Reading(score, coherence, chaos, text)


def _odd(text: str) -> float:
    """How little a text is written as people write: capitals and letters of two scripts inside of words, accents on
    all letters, boxes.
    This tells the encodings of Cyrillic from each other where a text is too short for a guess by its language."""
    letters = sum(letter.isalpha() for letter in text)
    if not letters:
        return 0.0
    odd = sum(
        (a.islower() and b.isupper())
        or (a.isalpha() and b.isalpha() and a.isascii() != b.isascii() and max(a, b) > "\u024f")
        for a, b in pairwise(text)
    )
    accented = sum("\u0080" <= letter <= "\u024f" and letter.isalpha() for letter in text)
    drawn = sum("\u2500" <= letter <= "\u25ff" for letter in text)
    return (odd + drawn) / letters + (0.3 if accented > 0.6 * letters else 0.0)


def _choices(sample: bytes, names: list[str]) -> tuple[Choice, ...]:
    """The likeliest readings, each that differs from those before it."""
    found: dict[str, Choice] = {}
    for name in (*names, "windows-1252", "windows-1251", "koi8-r", "gb18030", "shift_jis"):
        if name in OFFERED and len(found) < _CHOICES:
            text = _preview(sample.decode(_CODECS.get(name, name), "replace"))
            found.setdefault(text, Choice(name, text))
    return tuple(found.values())


def _preview(text: str) -> str:
    """The first words that are not plain ASCII, with a little before them."""
    first = next((index for index, letter in enumerate(text) if ord(letter) > 127), 0)
    return " ".join(text[max(0, first - 40) :][:_PREVIEW].split())


def _sample(data: bytes) -> bytes:
    """The first lines, and where those are ASCII the first that are not; whole lines, so that no letter is cut."""
    if len(data) <= _SAMPLE:
        return data
    first = next(
        (index for index in range(0, len(data), _SAMPLE) if not data[index : index + _SAMPLE].isascii()), 0
    )
    piece = data[first : first + _SAMPLE]
    end = piece.rfind(b"\n")
    return piece[: end + 1] if end > _SAMPLE // 4 else piece


def _name(codec: str) -> str:
    return _NAMES.get(codecs.lookup(codec).name, codec)


def _decoded(
    data: bytes, codec: str, name: str, *, sure: bool = True, choices: tuple[Choice, ...] = ()
) -> Decoded:
    text = data.decode(codec, "replace")
    return Decoded(_lines(text), name, sure, text.count("\ufffd"), choices)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
