"""Spelling and grammar of English, by Harper (`harper-py`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from msgspec.structs import replace

from antiphon_server.spelling.findings import (
    FEWEST,
    FOREIGN,
    REPLACEMENTS,
    Finding,
    left_alone,
    names_in,
    words_in,
)
from antiphon_server.spelling.frequencies import Frequencies

_TASTE: Final = frozenset({"Style", "Enhancement", "Readability", "Redundancy", "Regionalism", "Formatting"})
"""Kinds of advice that is no fault; a writer did not ask for it while typing."""
_MESSAGE: Final = 200


class English:
    """One checker; not for two threads at once. Takes a second to make, and 130 MB."""

    def __init__(self) -> None:
        import harper

        self._linter = harper.Linter()
        self._frequencies = Frequencies.of("en")

    def check(self, text: str) -> list[Finding]:
        """The faults of a passage, in code points."""
        # Not deduplicated: the remark that a sentence is long would stand for all the faults in it.
        lints = self._linter.lint(text, language="plaintext", dedup=False)
        if not is_english(text, lints):
            return []
        kept = [lint for lint in lints if lint.lint_kind not in _TASTE]
        return [self._ranked(text, one) for one in findings(text, kept, ()) if not self._is_known(text, one)]

    def _is_known(self, text: str, one: Finding) -> bool:
        wrong = text[one.start : one.end].lower()
        return one.kind == "spelling" and self._frequencies.knows(wrong, one.replacements)

    def _ranked(self, text: str, one: Finding) -> Finding:
        """Misspelt words with the likeliest replacement first; other remedies are in the checker's order."""
        if one.kind != "spelling":
            return one
        wrong = text[one.start : one.end].lower()
        return replace(one, replacements=tuple(self._frequencies.sorted(wrong, one.replacements)))


def is_english(text: str, lints: Sequence[Any]) -> bool:
    """By its letters, and by how many of its words the dictionary knows."""
    letters = [character for character in text if character.isalpha()]
    if 2 * sum(character < "\u0250" for character in letters) < len(letters):
        return False
    words = len(words_in(text))
    unknown = sum(lint.lint_kind == "Spelling" for lint in lints)
    return words < FEWEST or unknown <= FOREIGN * words


def findings(text: str, lints: Iterable[Any], names: Collection[str]) -> list[Finding]:
    """The checker's findings that have a remedy, each place once, in code points, without names taken for misspelt
    words and without code or cues."""
    known = {name.casefold() for name in names} | names_in(text)
    alone = left_alone(text)
    found: list[Finding] = []
    for lint in sorted(lints, key=lambda lint: (lint.span.start, lint.lint_kind == "Spelling")):
        start, end = lint.span.start, lint.span.end
        if (found and start < found[-1].end) or any(start < right and left < end for left, right in alone):
            continue
        wrong = text[start:end]
        # A single letter is an initial, or the letter itself.
        if lint.lint_kind == "Spelling" and (wrong.casefold() in known or len(wrong.rstrip(".")) == 1):
            continue
        remedies = dict.fromkeys(_remedy(wrong, each) for each in lint.suggestions)
        remedies.pop(wrong, None)
        if remedies:
            message = " ".join(lint.message.split())[:_MESSAGE]
            found.append(Finding(start, end, lint.lint_kind.lower(), tuple(remedies)[:REPLACEMENTS], message))
    return found


def _remedy(wrong: str, suggestion: Any) -> str:
    replacement: str = suggestion.replacement_text
    return {"REMOVE": "", "INSERT_AFTER": wrong + replacement}.get(suggestion.kind.name, replacement)
