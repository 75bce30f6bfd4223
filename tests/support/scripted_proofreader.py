"""A proofreader that answers as a test tells it, when it is told."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from antiphon_proto.errors import AntiphonError
from antiphon_server.story.proofreader import Checked, Correction


class ScriptedProofreader:
    """Implements `proofreader.Proofreader`. `texts` are those that were asked about, with their names."""

    name = "scripted"

    def __init__(self) -> None:
        self.texts: list[tuple[str, Collection[str]]] = []
        self._waiting: list[Checked] = []

    def check(self, text: str, names: Collection[str], done: Checked) -> None:
        self.texts.append((text, names))
        self._waiting.append(done)

    def find(self, *found: tuple[str, str]) -> None:
        """Answer the oldest text: wrong words and their corrections, in order."""
        text = self.texts[-len(self._waiting)][0]
        at, made = 0, []
        for wrong, right in found:
            at = text.index(wrong, at)
            made.append(Correction(at, at + len(wrong), right, f"not {wrong}"))
            at += len(wrong)
        self.answer(made)

    def answer(self, result: Sequence[Correction] | AntiphonError) -> None:
        self._waiting.pop(0)(result)
