"""Story prompts in a GGUF file's own chat template.

The template is filled in with marks, which are replaced by token ids afterwards: only the template's own words become
control tokens, so that no text can forge a turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from antiphon_engines.api import InvalidRequest, TextRequest
from antiphon_engines.text import story_prompts
from antiphon_engines.text.gguf.tokenizer import GgufTokenizer
from antiphon_engines.text.prompts import Prompt, too_long
from antiphon_engines.text.story_prompts import Family, Role

STRIDE: Final = 2048
"""Characters by which a text that does not fit loses its beginning, so that the cached prefix stays valid meanwhile."""
FEWEST: Final = 64
"""Characters of the text that an order must leave room for."""
_LONGEST: Final = 16
"""Characters of a token, at most: text further back is not tokenized."""
_LOOKS_BACK: Final = 64
_FORMS: Final[tuple[tuple[Role, ...], ...]] = (
    ("system", "user"),
    ("system", "user", "assistant", "user"),
)
"""The conversations that `story_prompts` makes."""


class StoryPrompting:
    """`Prompting` for one model and its family."""

    def __init__(self, tokenizer: GgufTokenizer, family: Family) -> None:
        self._tokenizer = tokenizer
        self._family = family

    @staticmethod
    def suits(tokenizer: GgufTokenizer) -> bool:
        """Whether llama.cpp can fill in the file's template for the conversations that are asked."""
        return all(tokenizer.markup(form) is not None for form in _FORMS)

    def calmed(self, request: TextRequest) -> TextRequest:
        return story_prompts.calmed(self._family, request)

    def build(self, request: TextRequest, budget: int, written: Sequence[int] = ()) -> Prompt:
        if request.task == "instruct" and not request.instruction.strip():
            raise InvalidRequest("an instruction is needed")
        room = budget - len(written)
        request = _cut(request, len(request.before) - _LONGEST * max(room, 0))
        while True:
            asked = story_prompts.prompt(self._family, request)
            ids = self._ids(asked)
            if len(ids) <= room:
                break
            # No more than the excess, as if the text were all of the prompt; the next round takes the rest.
            shorter = _cut(request, max(1, (len(ids) - room) * len(request.before) // len(ids)))
            if len(shorter.before) < FEWEST:
                raise too_long(len(ids), room)
            request = shorter
        return Prompt(
            [*ids, *written],
            space=bool(asked.begun) and request.before.endswith(" ") and not written,
            opens=asked.opens and not written,
            stops=asked.stops,
            tidy=True,
            before=asked.begun,
            looks_back=_LOOKS_BACK,
        )

    def _ids(self, asked: story_prompts.Prompt) -> list[int]:
        encode = self._tokenizer.encode
        markup = self._tokenizer.markup([role for role, _ in asked.turns])
        if markup is None:
            raise InvalidRequest("this model's chat template has no place for this")
        ids = [*self._tokenizer.start_ids, *encode(markup.first, special=True)]
        for (_, text), (_, after) in zip(asked.turns, markup.rest, strict=True):
            ids += [*encode(text), *encode(after, special=True)]
        return ids + (encode(asked.begun) if asked.begun else [])


def _cut(request: TextRequest, characters: int) -> TextRequest:
    """The request without so many characters of the text's beginning, in whole strides."""
    if characters <= 0:
        return request
    before = request.before
    stride = min(STRIDE, max(1, len(before) // 2))
    return replace(request, before=before[-(-characters // stride) * stride :])
