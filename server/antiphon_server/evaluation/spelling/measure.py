"""Measures a checker: planted faults that it finds and puts right, and false alarms in clean prose."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from antiphon_server.spelling.findings import Finding, Language, words_in

_HERE: Final = Path(__file__).parent
_MARKED = re.compile(r"\{([^|}]*)\|([^}]*)\}")
Check = Callable[[str], Sequence[Finding]]


class Planted(Struct, frozen=True):
    """A sentence with one fault at [start, end), in UTF-16 units, which should be `right`."""

    text: str
    start: int
    end: int
    right: str


class Figures(Struct, frozen=True):
    """`found` and `first` (put right by the first replacement) of `planted`; `false_alarms` in `clean_words`.
    `milliseconds` of processor time for each passage, the median and the slowest."""

    language: Language
    planted: int
    found: int
    first: int
    clean_words: int
    false_alarms: int
    milliseconds: tuple[float, float]
    missed: tuple[str, ...]
    alarms: tuple[str, ...]


def planted(language: Language) -> list[Planted]:
    """The faults of a language."""
    found = []
    for line in _lines(f"{language}_faults.txt"):
        marked = _MARKED.search(line)
        assert marked is not None, line
        wrong, right = marked.groups()
        text = line[: marked.start()] + wrong + line[marked.end() :]
        found.append(Planted(text, marked.start(), marked.start() + len(wrong), right))
    return found


def clean(language: Language) -> list[str]:
    """Paragraphs without faults."""
    return list(_lines(f"{language}_clean.txt"))


def measure(language: Language, check: Check) -> Figures:
    """Give a checker all of both."""
    times: list[float] = []

    def timed(text: str) -> Sequence[Finding]:
        begun = time.process_time()
        found = check(text)
        times.append((time.process_time() - begun) * 1000)
        return found

    check("Two words." if language == "en" else "Два слова.")  # makes the checker
    missed, right = [], 0
    faults = planted(language)
    for fault in faults:
        hit = _hit(fault, timed(fault.text))
        if hit is None:
            missed.append(fault.text)
        elif hit.replacements and _applied(fault.text, hit) == _wanted(fault):
            right += 1
    alarms = []
    paragraphs = clean(language)
    for text in paragraphs:
        alarms += [f"{one.kind}: {text[one.start : one.end]}" for one in timed(text)]
    times.sort()
    return Figures(
        language,
        len(faults),
        len(faults) - len(missed),
        right,
        sum(len(words_in(text)) for text in paragraphs),
        len(alarms),
        (round(times[len(times) // 2], 1), round(times[-1], 1)),
        tuple(missed),
        tuple(alarms),
    )


def _hit(fault: Planted, found: Iterable[Finding]) -> Finding | None:
    """The finding that a writer would look at: one that touches the fault."""
    touching = [one for one in found if one.start <= fault.end and fault.start <= one.end]
    inside = [one for one in touching if one.start < fault.end and fault.start < one.end]
    return next(iter(inside or touching), None)


def _applied(text: str, one: Finding) -> str:
    return _plain(text[: one.start] + one.replacements[0] + text[one.end :])


def _wanted(fault: Planted) -> str:
    return _plain(fault.text[: fault.start] + fault.right + fault.text[fault.end :])


def _plain(text: str) -> str:
    """Both spellings of a word with the letter yo are right."""
    return text.replace("ё", "е").replace("Ё", "Е")


def _lines(name: str) -> Iterable[str]:
    for line in (_HERE / name).read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line
