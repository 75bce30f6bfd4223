"""Spelling and grammar while people type: passages are checked in a helper process, and each text once for all who see
it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeAlias

from antiphon_server.spelling.findings import Finding, Passage
from antiphon_server.work.jobs import Spell, Spelled
from antiphon_server.work.pool import Pool

Found: TypeAlias = tuple[Finding, ...] | None
"""None: the language cannot be checked here."""
_KEPT: Final = 4096
"""Passages whose faults are kept, of all rooms; the one that was asked for longest ago goes first."""


class TextChecker:
    def __init__(self, pool: Pool, dictionaries: Path) -> None:
        self._pool = pool
        self._dictionaries = str(dictionaries)
        self._known: OrderedDict[Passage, Found] = OrderedDict()

    def unknown(self, passages: Sequence[Passage]) -> int:
        """Characters of the passages that are not known yet."""
        return sum(len(passage.text) for passage in passages if passage not in self._known)

    async def check(self, passages: Sequence[Passage], key: str) -> list[Found]:
        """The faults of each passage. Raises QueueFull or CannotWork."""
        new = tuple(dict.fromkeys(passage for passage in passages if passage not in self._known))
        made: dict[Passage, Found] = {}
        if new:
            answer = await self._pool.run(Spell(new, self._dictionaries), key)
            assert isinstance(answer, Spelled)
            made = dict(zip(new, answer.findings, strict=True))
        found = [made[passage] if passage in made else self._known[passage] for passage in passages]
        for passage, faults in zip(passages, found, strict=True):
            self._known[passage] = faults
            self._known.move_to_end(passage)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return found
