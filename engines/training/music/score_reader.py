"""Read four-part scores from MusicXML, straight from the XML: notes of each part on the grid of 12 ticks a quarter."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from antiphon_engines.audio.symbolic.tokens import TICKS_PER_BEAT, Key, Mode

from .build_tokens import Score
from .harmony import Tone

_STEPS: Final = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_METERS: Final = {"4/4": (4, 1), "2/2": (4, 1), "3/4": (3, 1), "2/4": (4, 2)}
"""Meter -> (beats of a bar of ours, factor on times)."""
_PROFILES: Final[dict[Mode, tuple[float, ...]]] = {
    "maj": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "min": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}
"""Krumhansl and Kessler's key profiles."""


def _root(path: Path) -> ElementTree.Element:
    if path.suffix != ".mxl":
        return ElementTree.parse(path).getroot()
    with zipfile.ZipFile(path) as archive:
        names = [
            n
            for n in archive.namelist()
            if n.endswith((".xml", ".musicxml")) and not n.startswith("META-INF")
        ]
        return ElementTree.fromstring(archive.read(names[0]))


def _number(element: ElementTree.Element, path: str, default: float = 0.0) -> float:
    return float(element.findtext(path) or default)


class _Part:
    """One part while its measures are read; times in quarters."""

    def __init__(self) -> None:
        self.notes: list[list[float]] = []
        self.meters: set[str] = set()
        self.missing = 0.0
        self._divisions = 1.0
        self._bar = 4.0
        self._end = 0.0
        self._open: dict[int, list[float]] = {}

    def measure(self, element: ElementTree.Element, first: bool) -> None:
        start = cursor = onset = furthest = self._end
        for child in element:
            length = _number(child, "duration") / self._divisions
            if child.tag == "attributes":
                self._attributes(child)
            elif child.tag == "backup":
                cursor -= length
            elif child.tag == "forward":
                cursor += length
            elif child.tag == "note" and child.find("grace") is None:
                if child.find("chord") is None:
                    onset, cursor = cursor, cursor + length
                self._note(child, onset, length)
            furthest = max(furthest, cursor)
        if first:
            self.missing = max(0.0, self._bar - (furthest - start))
        self._end = furthest

    def _attributes(self, element: ElementTree.Element) -> None:
        self._divisions = _number(element, "divisions", self._divisions)
        beats, unit = element.findtext("time/beats"), element.findtext("time/beat-type")
        if beats and unit:
            self.meters.add(f"{beats}/{unit}")
            self._bar = 4.0 * int(beats) / int(unit)

    def _note(self, element: ElementTree.Element, onset: float, length: float) -> None:
        pitch = element.find("pitch")
        if pitch is None:
            return
        midi = int(
            12 * (_number(pitch, "octave") + 1)
            + _STEPS[pitch.findtext("step") or "C"]
            + _number(pitch, "alter")
        )
        ties = {tie.get("type") for tie in element.findall("tie")}
        if "stop" in ties and midi in self._open:
            self._open[midi][1] += length
        else:
            self._open[midi] = [onset, length, midi]
            self.notes.append(self._open[midi])
        if "start" not in ties:
            self._open.pop(midi)


def _correlation(a: Sequence[float], b: Sequence[float]) -> float:
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    above = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    below = (sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b)) ** 0.5
    return above / below if below else 0.0


def find_key(parts: Sequence[Sequence[Tone]]) -> Key:
    """The key whose profile fits the lengths of the pitch classes best (Krumhansl and Schmuckler)."""
    weights = [0.0] * 12
    for part in parts:
        for tone in part:
            weights[tone.pitch % 12] += tone.duration
    keys = [Key(tonic, mode) for mode in _PROFILES for tonic in range(12)]
    return max(
        keys, key=lambda key: _correlation(weights[key.tonic :] + weights[: key.tonic], _PROFILES[key.mode])
    )


def read_score(path: Path, source: str) -> Score | None:
    """The first four parts of a score; None if it has other than four or five, or changes or has an unknown meter."""
    root = _root(path)
    if root.tag != "score-partwise":
        return None
    parts = []
    for element in root.findall("part"):
        part = _Part()
        for number, measure in enumerate(element.findall("measure")):
            part.measure(measure, number == 0)
        parts.append(part)
    meters = parts[0].meters or {"4/4"} if parts else set()
    meter = next(iter(meters), "")
    if (
        not 4 <= len(parts) <= 5
        or len(meters) != 1
        or meter not in _METERS
        or not all(p.notes for p in parts[:4])
    ):
        return None
    beats, factor = _METERS[meter]
    padding = parts[0].missing
    voices = tuple(
        tuple(
            Tone(
                round((onset + padding) * TICKS_PER_BEAT) * factor,
                max(1, round(length * TICKS_PER_BEAT)) * factor,
                int(pitch),
            )
            for onset, length, pitch in part.notes
        )
        for part in parts[:4]
    )
    return Score(source, path.stem, beats, find_key(voices), voices)
