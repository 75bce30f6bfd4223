"""Requests -> token ids.

A plain continuation is the document's own text: small models do that best. Anything with an instruction becomes one
user message in the model's chat markup: the text first and the instruction last, so that the cached prefix survives the
next instruction.

A model too small for that (`ChatMarkup.primed`) is asked for a story with the instruction in it, and its answer is
begun with the story so far: it then goes on writing in place, where otherwise it would talk about the task.

A style card stands before everything else, as part of the order of a story; a continuation then begins the answer to
that order with the text, whatever the model's size. (Judged by eye on the embedded model, 3 seeds each: a header above
the raw text made it worse than none; as an order, names and facts came back in the continuation.)

A chat shows the story, then each speaker's lines. The embedded model took such lines for a play and wrote on. It is
shown the end of the story in a turn of its own and then the question alone, with its publisher's system turn, and asked
for one short sentence, sampled calmly (judged by eye, 10 questions and 3 seeds: 20 answers to the point against 3).

`TextRequest.after` is not shown to the model: it costs context, and none of these models fills in the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from antiphon_engines.api import InvalidRequest, TextRequest
from antiphon_engines.text import wording
from antiphon_engines.text.tokenizer import ChatMarkup, Tokenizer
from antiphon_proto.params import TextParams

STRIDE = 256
"""A text that does not fit loses its beginning in steps of so many tokens, so that the cut, and with it the cached
prefix, stays where it is while the text grows."""
FEWEST = 16
"""Tokens of context that an instruction must leave room for."""
PRIMED = 512
"""Tokens of the text that a primed answer begins with: it is read anew with every instruction."""


RECALLED = 256
"""Tokens of the story that a small model is shown in a conversation: more confuses it."""
CALM = TextParams(max_tokens=60, temperature=0.2, top_p=0.9)
"""Bounds of how a small model talks: bolder or longer it loses the question."""
ONE_SENTENCE = " Answer in one short sentence."
BRIEFED = 200
"""Characters of a performer's brief that a small model is told, before the question: it has no room for more."""
GREETING = 2
"""Words of a line that is no question yet, and wants no sentence."""


class Prompt(Struct, frozen=True):
    ids: list[int]
    space: bool = False
    """The text ended in spaces, which were taken off: the answer has to begin with one, and loses it.
    (Models know " word" as one token and have hardly seen a word after a lone space.)"""
    opens: bool = False
    """This and the next three: how the answer is filtered; see `answer_filter.AnswerFilter`."""
    stops: tuple[str, ...] = ()
    tidy: bool = False
    before: str = ""
    looks_back: int = 256
    """How many of the latest tokens, prompt and own, the repetition penalty is about."""


class Prompting(Protocol):
    """How the requests to one model become prompts."""

    def calmed(self, request: TextRequest) -> TextRequest:
        """The request, sampled within the model's bounds."""
        ...

    def build(self, request: TextRequest, budget: int, written: Sequence[int] = ()) -> Prompt:
        """As the function `build`."""
        ...


class PlainPrompting:
    """The prompts of this module."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def calmed(self, request: TextRequest) -> TextRequest:
        return calmed(request, self._tokenizer)

    def build(self, request: TextRequest, budget: int, written: Sequence[int] = ()) -> Prompt:
        return build(request, self._tokenizer, budget, written)


def build(request: TextRequest, tokenizer: Tokenizer, budget: int, written: Sequence[int] = ()) -> Prompt:
    """The prompt of at most `budget` tokens; `written` is the text that the run has generated so far, and is kept
    whole.

    Raises InvalidRequest when the parts that cannot be cut do not fit."""
    room = budget - len(written)
    if request.task == "chat":
        return _answer(request, tokenizer, room, written)
    if request.task == "instruct" and not request.instruction.strip():
        raise InvalidRequest("an instruction is needed")
    if wording.instruction(request):
        return _instruct(request, tokenizer, room, written)
    return _continue(request, tokenizer, room, written)


def _continue(request: TextRequest, tokenizer: Tokenizer, room: int, written: Sequence[int]) -> Prompt:
    start = _beginning(request, tokenizer)
    if request.style and room - len(start) < FEWEST:
        raise InvalidRequest("the style card is too long for this model")
    ids = start + _fit(tokenizer.encode(request.before.rstrip(" ")), room - len(start))
    if not request.before.strip() and not written and (not request.style or tokenizer.chat is None):
        raise InvalidRequest("this model cannot begin an empty text; write a few words first")
    return Prompt(ids + list(written), space=_ends_in_space(request.before) and not written)


def _beginning(request: TextRequest, tokenizer: Tokenizer) -> list[int]:
    """The lines before the text: with a style card, the order of a story in this style, which the text begins to
    fulfil. It does not change while the text grows, so that the cached prefix stays valid."""
    chat = tokenizer.chat
    notes = wording.style_notes(request.style, small=chat is not None and chat.primed)
    if not notes:
        return list(tokenizer.start_ids)
    if chat is None:
        return [*tokenizer.start_ids, *tokenizer.encode(f"{notes}\n\n")]
    order = tokenizer.encode(f"Write a story. {notes}")
    return [
        *tokenizer.encode(chat.opening, special=True),
        *order,
        *tokenizer.encode(chat.closing, special=True),
    ]


def _instruct(request: TextRequest, tokenizer: Tokenizer, room: int, written: Sequence[int]) -> Prompt:
    chat = tokenizer.chat
    order, passage = wording.instruction(request), request.selection.strip()
    small = chat is not None and chat.primed
    primed = small and not passage and bool(request.before.strip())
    notes = wording.style_notes(request.style, small=small)
    opening = tokenizer.encode(chat.opening, special=True) if chat else list(tokenizer.start_ids)
    closing = tokenizer.encode(chat.closing, special=True) if chat else tokenizer.encode("\n\n")
    text = tokenizer.encode(request.before.rstrip(" ") if primed else passage or request.before.strip())
    if primed:
        head = tokenizer.encode(" ".join(filter(None, ("Write a story.", notes))))
        message = tokenizer.encode(f" What happens: {order}")
    else:
        head = tokenizer.encode(f"{notes}\n\n") if notes else []
        message = tokenizer.encode(f"\n\n{order}" if text else order)
    left = room - len(opening) - len(head) - len(message) - len(closing)
    if left < min(FEWEST, len(text)) or (passage and left < len(text)):
        raise too_long(room - left + (len(text) if passage else min(FEWEST, len(text))), room)
    if primed:
        ids = opening + head + message + closing + _fit(text, min(left, PRIMED))
        return Prompt(ids + list(written), space=_ends_in_space(request.before) and not written)
    return Prompt(opening + head + _fit(text, left) + message + closing + list(written))


def too_long(needed: int, room: int) -> InvalidRequest:
    """The refusal of a request whose uncuttable parts take `needed` tokens where there is room for fewer."""
    return InvalidRequest(
        "the instruction and the passage that it is about are too long for this model: they take "
        f"{needed} tokens, and it has room for {max(room, 0)}"
    )


def calmed(request: TextRequest, tokenizer: Tokenizer) -> TextRequest:
    """Chat requests to a small model are sampled within these bounds."""
    chat = tokenizer.chat
    if request.task != "chat" or chat is None or not chat.primed:
        return request
    params = request.params
    calm = replace(
        params,
        max_tokens=min(params.max_tokens, CALM.max_tokens),
        temperature=min(params.temperature, CALM.temperature),
        top_p=min(params.top_p, CALM.top_p),
    )
    return replace(request, params=calm)


def _reply(
    request: TextRequest, tokenizer: Tokenizer, chat: ChatMarkup, room: int, written: Sequence[int]
) -> Prompt:
    """Sampling bounds of chat requests to a small model: the end of the story, and the question alone."""
    question = request.instruction.strip()
    if len(question.split()) > GREETING:
        question += ONE_SENTENCE
    if request.persona is not None and request.persona.brief.strip():
        question = f"{' '.join(request.persona.brief.split())[:BRIEFED]} {question}"
    opening = tokenizer.encode(chat.talking or chat.opening, special=True)
    closing = tokenizer.encode(chat.closing, special=True)
    asked = tokenizer.encode(question)
    text = request.before.strip()
    story = (
        tokenizer.encode(f" {text}") if text else []
    )  # " word" is one token to the model, a lone space hardly any
    head = tokenizer.encode("Story:") if story else []
    listened = tokenizer.encode(chat.listened or "\n\n", special=True) if story else []
    left = room - len(opening) - len(head) - len(listened) - len(asked) - len(closing)
    if left < min(FEWEST, len(story)):
        raise InvalidRequest("the message is too long for this model")
    ids = opening + head + _fit(story, min(left, RECALLED)) + listened + asked + closing
    return Prompt(ids + list(written))


def _answer(request: TextRequest, tokenizer: Tokenizer, room: int, written: Sequence[int]) -> Prompt:
    """The story first, since it changes least; then the conversation, the question last."""
    chat = tokenizer.chat
    if chat is not None and chat.primed:
        return _reply(request, tokenizer, chat, room, written)
    opening = tokenizer.encode(chat.opening, special=True) if chat else []
    closing = tokenizer.encode(chat.closing, special=True) if chat else tokenizer.encode("\n\n")
    notes = wording.style_notes(request.style)
    head = tokenizer.encode(f"{notes}\n\n") if notes else []
    story = tokenizer.encode(request.before.strip())
    said = "\n\n".join(part for part in (wording.recalled(request), wording.conversation(request)) if part)
    talk = tokenizer.encode(("\n\n" if story else "") + said)
    start = [] if chat else list(tokenizer.start_ids)
    left = room - len(start) - len(opening) - len(head) - len(talk) - len(closing)
    if left < min(FEWEST, len(story)):
        raise InvalidRequest("the message is too long for this model")
    ids = start + opening + head + _fit(story, left) + talk + closing
    return Prompt(ids + list(written))


def _ends_in_space(text: str) -> bool:
    return text.endswith(" ") and bool(text.strip())


def _fit(ids: list[int], room: int) -> list[int]:
    """`ids`, without as many strides from the front as it takes to fit into `room`."""
    if len(ids) <= room:
        return ids
    stride = min(STRIDE, max(1, room // 2))
    return ids[-(-(len(ids) - room) // stride) * stride :]
