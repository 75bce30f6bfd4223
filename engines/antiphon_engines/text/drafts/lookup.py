"""Drafts without a model: where the last few tokens of an answer stand in its prompt, the words that follow there are
likely to come next. So it is with rewriting and correcting, where most of the answer repeats the passage.

A draft is only a guess at the model's own choice. Each token is drawn from the model's logits as it would be without a
draft (`sampling.choose`, the draw of its own number); a draft is kept as far as it agrees with these draws. Therefore
no probability changes, whatever is guessed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

KEY: Final = 4
"""Tokens that must agree before words are guessed."""
_LONGEST: Final = 64


def draft(source: Sequence[int], written: Sequence[int], most: int, key: int = KEY) -> list[int]:
    """At most `most` tokens that may follow `written`, out of `source`; empty where the last `key` tokens do not stand
    there. The latest place is taken. Costs a scan of `source`."""
    if len(written) < key:
        return []
    wanted = list(written[-key:])
    for at in range(len(source) - key - 1, -1, -1):
        if source[at + key - 1] == wanted[-1] and list(source[at : at + key]) == wanted:
            return list(source[at + key : at + key + most])
    return []


class Confidence:
    """How many tokens of one answer must agree before words are guessed: more after a guess that did not pay."""

    def __init__(self) -> None:
        self.key = KEY

    def learn(self, right: int, worth: int) -> None:
        """So many of the guessed tokens were right; `worth` of them would have paid."""
        self.key = max(KEY, self.key // 2) if right >= worth else min(_LONGEST, 2 * self.key)
