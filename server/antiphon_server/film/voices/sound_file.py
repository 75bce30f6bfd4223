"""Lines as WAV files, and mouths as text. Both say that a machine spoke."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from antiphon_engines.api import Spoken

MARK: Final = "synthetic voice"
"""Stands in each file."""
_LONGEST: Final = 58_000
"""Characters of a mouth's text."""


def wave_file(parts: Sequence[Spoken], about: str) -> bytes:
    """A WAV file of the sentences, 16 bits mono. Its metadata (`INFO`) name the mark and `about`: model, voice."""
    return wave_file_of(b"".join(part.pcm for part in parts), parts[0].rate, f"{MARK}; {about}")


def wave_file_of(pcm: bytes, rate: int, comment: str) -> bytes:
    """A WAV file, 16 bits mono."""
    info = b"INFO" + _chunk(b"ISFT", _text("Antiphon")) + _chunk(b"ICMT", _text(comment))
    form = struct.pack("<HHIIHH", 1, 1, rate, 2 * rate, 2, 16)
    body = b"WAVE" + _chunk(b"fmt ", form) + _chunk(b"LIST", info) + _chunk(b"data", pcm)
    return _chunk(b"RIFF", body)


def seconds_of(parts: Sequence[Spoken]) -> float:
    """How long the sentences are together."""
    return sum(len(part.pcm) / 2 / part.rate for part in parts)


def mouth_text(parts: Sequence[Spoken]) -> str:
    """The mouth of the whole line: thousandths of a second and the first letter of each shape, `0r 80c`."""
    told: list[str] = []
    start = 0.0
    last = ""
    length = 0
    for part in parts:
        for one in part.mouth:
            if one.shape == last:
                continue
            word = f"{round(1000 * (start + one.second))}{one.shape[0]}"
            length += len(word) + 1
            if length > _LONGEST:
                return " ".join(told)
            told.append(word)
            last = one.shape
        start += len(part.pcm) / 2 / part.rate
    return " ".join(told)


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _text(words: str) -> bytes:
    return words.encode("utf-8", "replace")[:2000] + b"\0"
