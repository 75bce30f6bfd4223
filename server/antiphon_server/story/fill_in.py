"""Words for a gap: a live run whose candidates only the asker sees, and the blanks around the one that is chosen."""

from __future__ import annotations

import re

from antiphon_engines.api import Fills, Output
from antiphon_engines.ipc.events import RunEvent
from antiphon_proto.errors import PeerError, TooLarge
from antiphon_proto.messages import Ask, Steer
from antiphon_proto.params import FILLS, MAX_FILL
from antiphon_server.runs.live_run import LiveRun
from antiphon_server.story.prompt_window import Window

_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Scripts that are written without blanks between words."""
_OPENING = frozenset("([{«“‘¿¡—-/")
_CLOSING = frozenset(".,;:!?…)]}»”’'\"—-/")


def check(ask: Ask, view: Window) -> None:
    """Refuse what no words can be found for. Raises PeerError or TooLarge."""
    if ask.mode != "private":
        raise PeerError("what is found for a gap is private until it is chosen")
    if len(view.selection) > MAX_FILL:
        raise TooLarge(f"at most {MAX_FILL} characters are filled in at once; rewrite longer passages")
    if "\n" in view.selection.strip("\n"):
        raise PeerError("a gap lies within one paragraph")
    if not view.before.strip() and not view.after.strip():
        raise PeerError("there is nothing on either side of the gap; write a few words first")
    if not view.selection and _within_word(view.before[-1:], view.after[:1]):
        raise PeerError("the cursor is inside a word; put it between two words, or select the word")


def spaced(text: str, before: str, after: str) -> str:
    """The words with a blank on each side where one is missing between them and their neighbours."""
    left = before[-1:]
    right = after[:1]
    lead = left and not left.isspace() and left not in _OPENING and not _UNSPACED.match(left + text[:1])
    trail = right and not right.isspace() and right not in _CLOSING and not _UNSPACED.match(right)
    return f"{' ' if lead else ''}{text}{' ' if trail else ''}"


class FillRun(LiveRun):
    """`run.fills` follows what the engine finds."""

    def on_started(self) -> None:
        """Nothing is found yet."""

    def on_output(self, output: Output | RunEvent) -> None:
        if isinstance(output, Fills):
            # A worker is trusted as little as its memory: what it says has to fit into the message.
            found = tuple(text[:MAX_FILL] for text in output.texts[:FILLS])
            self.run.update(fills=found)

    def settle(self) -> bool:
        return True

    @property
    def made(self) -> int:
        return 0

    def steer(self, steer: Steer, epoch: int) -> bool:
        raise PeerError("this run finds words for a gap; it cannot be steered")

    def on_steered(self, steer: Steer) -> dict[str, object]:
        return {}

    def on_closed(self) -> None:
        """What was found stays in `run.fills` until it is chosen or dropped."""


def _within_word(before: str, after: str) -> bool:
    return before.isalnum() and after.isalnum() and not _UNSPACED.match(before) and not _UNSPACED.match(after)
