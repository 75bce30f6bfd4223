"""Requests -> token ids.

A plain continuation is the document's own text: that is what small models do best. Anything with an instruction
becomes one user message in the model's chat markup: the text first and the instruction last, so that the cached
prefix survives the next instruction.

A model too small for that (`ChatMarkup.primed`) is asked for a story with the instruction in it, and its answer is
begun with the story so far: it then goes on writing in place, where otherwise it would talk about the task.

`TextRequest.after` is not shown to the model: it costs context, and none of these models fills in the middle.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from antiphon_engines.api import InvalidRequest, TextRequest
from antiphon_engines.text.tokenizer import Tokenizer

STRIDE = 256
"""A text that does not fit loses its beginning in steps of so many tokens, so that the cut, and with it the cached
prefix, stays where it is while the text grows."""
FEWEST = 16
"""Tokens of context that an instruction must leave room for."""
PRIMED = 512
"""Tokens of the text that a primed answer begins with: it is read anew with every instruction."""


class Prompt(Struct, frozen=True):
    ids: list[int]
    space: bool = False
    """The text ended in spaces, which were taken off: the answer has to begin with one, and loses it.
    (Models know " word" as one token and have hardly seen a word after a lone space.)"""


def build(request: TextRequest, tokenizer: Tokenizer, budget: int, written: Sequence[int] = ()) -> Prompt:
    """The prompt of at most `budget` tokens; `written` is what the run has generated so far, and is kept whole.

    Raises InvalidRequest when what cannot be cut does not fit.
    """
    room = budget - len(written)
    if request.task == "instruct" and not request.instruction.strip():
        raise InvalidRequest("an instruction is needed")
    if request.instruction.strip():
        return _instruct(request, tokenizer, room, written)
    return _continue(request, tokenizer, room, written)


def _continue(request: TextRequest, tokenizer: Tokenizer, room: int, written: Sequence[int]) -> Prompt:
    start = list(tokenizer.start_ids)
    ids = start + _fit(tokenizer.encode(request.before.rstrip(" ")), room - len(start))
    if not ids and not written:
        raise InvalidRequest("this model cannot begin an empty text; write a few words first")
    return Prompt(ids + list(written), space=_ends_in_space(request.before) and not written)


def _instruct(request: TextRequest, tokenizer: Tokenizer, room: int, written: Sequence[int]) -> Prompt:
    chat = tokenizer.chat
    instruction, passage = request.instruction.strip(), request.selection.strip()
    primed = chat is not None and chat.primed and not passage and bool(request.before.strip())
    opening = tokenizer.encode(chat.opening, special=True) if chat else list(tokenizer.start_ids)
    closing = tokenizer.encode(chat.closing, special=True) if chat else tokenizer.encode("\n\n")
    text = tokenizer.encode(request.before.rstrip(" ") if primed else passage or request.before.strip())
    if primed:
        message = tokenizer.encode(f"Write a story. What happens: {instruction}")
    else:
        message = tokenizer.encode(f"\n\n{instruction}" if text else instruction)
    left = room - len(opening) - len(message) - len(closing)
    if left < min(FEWEST, len(text)) or (passage and left < len(text)):
        raise InvalidRequest("the instruction and the passage that it is about are too long for this model")
    if primed:
        ids = opening + message + closing + _fit(text, min(left, PRIMED))
        return Prompt(ids + list(written), space=_ends_in_space(request.before) and not written)
    return Prompt(opening + _fit(text, left) + message + closing + list(written))


def _ends_in_space(text: str) -> bool:
    return text.endswith(" ") and bool(text.strip())


def _fit(ids: list[int], room: int) -> list[int]:
    """`ids`, without as many strides from the front as it takes to fit into `room`."""
    if len(ids) <= room:
        return ids
    stride = min(STRIDE, max(1, room // 2))
    return ids[-(-(len(ids) - room) // stride) * stride :]
