"""The checkers of a helper process, made when they are first needed."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final, Protocol

from antiphon_server.spelling.findings import Finding, Language, Passage, in_utf16

log = logging.getLogger(__name__)


class _Checker(Protocol):
    def check(self, text: str) -> list[Finding]: ...


class Checkers:
    """`dictionaries`: the folder of the dictionaries of the web client's build."""

    def __init__(self, dictionaries: Path) -> None:
        self._dictionaries: Final = dictionaries
        self._made: dict[Language, _Checker | None] = {}

    def check(self, passages: tuple[Passage, ...]) -> tuple[tuple[Finding, ...] | None, ...]:
        """The faults of each passage; None where its language cannot be checked here."""
        found: list[tuple[Finding, ...] | None] = []
        for passage in passages:
            checker = self._of(passage.language)
            found.append(in_utf16(passage.text, checker.check(passage.text)) if checker else None)
        return tuple(found)

    def _of(self, language: Language) -> _Checker | None:
        if language not in self._made:
            try:
                self._made[language] = self._make(language)
            except (ImportError, FileNotFoundError) as error:
                log.warning("texts in %r are not checked: %s", language, error)
                self._made[language] = None
        return self._made[language]

    def _make(self, language: Language) -> _Checker:
        if language == "en":
            from antiphon_server.spelling.english import English

            return English()
        from antiphon_server.spelling.russian import Russian

        return Russian(self._dictionaries)
