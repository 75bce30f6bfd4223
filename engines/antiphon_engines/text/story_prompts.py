"""How a model that answers in its chat template is asked to write, family by family: its role, the story
that it is shown, the order, and the words with which its answer begins.

A plain continuation is the order of a story, and the text so far as the beginning of the model's own answer: it then
keeps person, tense and dialogue, and the tokens read stay valid in the prefix cache while the text grows. With an order
of its own the text comes first and the order last, where the model heeds it, and the answer begins with the text's last
sentence. Without such a beginning the model opens a new scene and ignores the text before (docs/decisions/models.md).

People's words cannot forge a turn: marks of chat templates are broken up in them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from antiphon_engines.api import Persona, TextRequest
from antiphon_engines.text import performer_prompts, wording

Role = Literal["system", "user", "assistant"]
BEGUN: Final = 240
"""Characters of the text that an answer to an order begins with, at most."""
_CYRILLIC: Final = re.compile(r"[\u0400-\u04ff]")
_LETTER: Final = re.compile(r"[^\W\d_]")
_SENTENCE_END: Final = re.compile(r"[.!?…]+[\"'”’»)\]]*\s+|\n+")
_MARK: Final = re.compile(r"<(?=[|｜]|/?(?:start_of_turn|end_of_turn|s>|bos>|eos>))|\[(?=/?INST\])")


class Prompt(Struct, frozen=True):
    """Turns of a conversation, the last one to be answered, and how the answer has begun."""

    turns: tuple[tuple[Role, str], ...]
    begun: str = ""
    stops: tuple[str, ...] = ()
    """Signs that end the answer: after them a model talks about its own text."""
    opens: bool = False
    """The answer begins with words of its own: a preface or quotation marks around them are no part of it."""


class Orders(Struct, frozen=True):
    """The prompts of one language."""

    writer: str
    """System turn of one who writes."""
    speaker: str
    """System turn of one who talks about the story."""
    story: str
    passage: str
    go_on: str
    begin: str
    happens: str
    """With {order}: how the story goes on."""
    anew: str
    told: str
    """With {order}: the task for the passage."""
    only: str
    """Ends an order that is answered with a text."""
    heard: str
    """The model's own turn between the story and the conversation."""
    earlier: str
    """Before the lines that were said before the last one."""
    recalled: str
    """Before sentences of the story from elsewhere."""


ENGLISH: Final = Orders(
    writer=(
        "You are a novelist who writes into somebody else's story. You answer with the words of the story only: no "
        "comment, no title, no summary, no questions to the reader. You keep its language, its person, its tense and "
        "its names."
    ),
    speaker=(
        "You are a co-author who talks with people about the story that you write together. A question you answer in "
        "one to three sentences, by what the story says, and you say so where it does not tell. A wish you fulfil, "
        "with nothing but what was asked for. You use the language of the last message and put no name before your "
        "words."
    ),
    story="The story so far:",
    passage="A passage of a story:",
    go_on="Write a story.",
    begin="Write the first paragraphs of a story.",
    happens="Go on with this story from its last word. What is wanted next: {order}",
    anew="Write this passage anew, in other words, with the same meaning.",
    told="Change this passage as follows: {order}",
    only="Answer with the new text only.",
    heard="I have read it.",
    earlier="Said before:",
    recalled="From other parts of the story:",
)
RUSSIAN: Final = Orders(
    writer=(
        "Ты писатель и пишешь внутри чужого рассказа. Ты отвечаешь только словами рассказа: без пояснений, без "
        "заголовка, без итогов, без вопросов к читателю. Ты сохраняешь язык, лицо, время и имена рассказа."
    ),
    speaker=(
        "Ты соавтор и говоришь с людьми о рассказе, который вы пишете вместе. На вопрос ты отвечаешь одним-тремя "
        "предложениями, по тому, что сказано в рассказе, и говоришь прямо, если в нём этого нет. Просьбу ты "
        "исполняешь, без лишних слов. Ты говоришь по-русски и не ставишь имени перед своими словами."
    ),
    story="Рассказ до этого места:",
    passage="Отрывок рассказа:",
    go_on="Напиши рассказ.",
    begin="Напиши первые абзацы рассказа.",
    happens="Продолжи этот рассказ с последнего слова. Что нужно дальше: {order}",
    anew="Перепиши этот отрывок другими словами, с тем же смыслом.",
    told="Измени этот отрывок так: {order}",
    only="Ответь только новым текстом.",
    heard="Я прочитал.",
    earlier="Раньше было сказано:",
    recalled="Из других мест рассказа:",
)


class Family(Struct, frozen=True):
    """Models that are asked in the same way. `names` are parts of their names, in small letters."""

    names: tuple[str, ...]
    english: Orders = ENGLISH
    russian: Orders = RUSSIAN
    calm_answers: float = 0.3
    """Temperature in a conversation, at most."""
    calm_changes: float = 0.6
    """Temperature of a rewriting, at most."""
    stops: tuple[str, ...] = ("\n---", "\n***", "\n#", "\n```", "\nNote:", "\n(Note", "\nПримечание:")


QWEN: Final = Family(names=("qwen",))
GENERAL: Final = Family(names=())
FAMILIES: Final = (QWEN,)


def family_of(name: str) -> Family:
    """By a model's name; the general one where none is known."""
    small = name.casefold()
    return next((one for one in FAMILIES if any(part in small for part in one.names)), GENERAL)


def prompt(family: Family, request: TextRequest, written: str = "") -> Prompt:
    """The question to the model; `written` is the text of the run so far, with which its answer begins."""
    orders = family.russian if is_russian(request) else family.english
    if request.task == "chat" and request.persona is not None:
        return _perform(orders, request, request.persona, written)
    if request.task == "chat":
        return _talk(orders, request, written)
    if request.selection.strip() and wording.instruction(request):
        return _change(family, orders, request, written)
    return _go_on(family, orders, request, written)


def calmed(family: Family, request: TextRequest) -> TextRequest:
    """Answers and rewritings are sampled within the family's bounds."""
    if request.task == "chat":
        bound = family.calm_answers
    elif request.selection.strip() and wording.instruction(request):
        bound = family.calm_changes
    else:
        return request
    params = replace(request.params, temperature=min(request.params.temperature, bound))
    return replace(request, params=params)


def _go_on(family: Family, orders: Orders, request: TextRequest, written: str) -> Prompt:
    notes = wording.style_notes(request.style)
    text = request.before.rstrip(" ")
    order = wording.instruction(request)
    if not text.strip():
        asked = f"{orders.begin} {_end(order)}" if order else orders.begin
        turns = _turns(orders.writer, _paragraphs(notes, asked))
        return Prompt(turns, begun=written, stops=family.stops, opens=not written)
    if order:
        asked = orders.happens.format(order=_end(order))
        message, begun = _paragraphs(notes, f"{orders.story}\n{text.strip()}", asked), _last_sentence(text)
    else:
        message, begun = " ".join(part for part in (orders.go_on, notes) if part), text.lstrip()
    turns = _turns(orders.writer, message)
    return Prompt(turns, begun=(_plain(begun) + written).rstrip(" "), stops=family.stops)


def _change(family: Family, orders: Orders, request: TextRequest, written: str) -> Prompt:
    notes = wording.style_notes(request.style)
    order = request.instruction.strip()
    asked = orders.told.format(order=_end(order)) if order else orders.anew
    message = _paragraphs(notes, f"{orders.passage}\n{request.selection.strip()}", f"{asked} {orders.only}")
    turns = _turns(orders.writer, message)
    return Prompt(turns, begun=written, stops=family.stops, opens=not written)


def _talk(orders: Orders, request: TextRequest, written: str) -> Prompt:
    notes = wording.style_notes(request.style)
    story = request.before.strip()
    shown = _paragraphs(notes, f"{orders.story}\n{story}" if story else "")
    *earlier, last = wording.conversation(request).split("\n")
    # The last line stands without its name: a model that is shown one puts one before its answer.
    last = request.chat[-1].text.strip() if request.chat else last
    # Beside the question and not in the story's turn, which stays as it is and is read once.
    talk = _paragraphs(
        _recalled(orders, request),
        "\n".join((orders.earlier, *earlier)) if earlier else "",
        last,
    )
    turns: tuple[tuple[Role, str], ...] = (("system", orders.speaker),)
    if shown:
        turns += (("user", _plain(shown)), ("assistant", orders.heard))
    return Prompt((*turns, ("user", _plain(talk))), begun=written, opens=not written)


def _perform(orders: Orders, request: TextRequest, persona: Persona, written: str) -> Prompt:
    notes = wording.style_notes(request.style)
    story = request.before.strip()
    # Beside notes there is no conversation: the model would quote that instead of the story.
    earlier = [] if persona.notes else wording.conversation(request).split("\n")[:-1]
    asked = request.chat[-1].text.strip() if request.chat else request.instruction.strip()
    told = _paragraphs(
        notes,
        f"{orders.story}\n{story}" if story else "",
        _recalled(orders, request),
        "\n".join((orders.earlier, *earlier)) if earlier else "",
        asked,
    )
    words = (
        performer_prompts.RUSSIAN if orders is RUSSIAN or is_russian(request) else performer_prompts.ENGLISH
    )
    turns: tuple[tuple[Role, str], ...] = (("system", _plain(performer_prompts.system(words, persona))),)
    if example := performer_prompts.example(words, persona):
        turns += (("user", f"{orders.story}\n{example[0]}"), ("assistant", example[1]))
    return Prompt((*turns, ("user", _plain(told))), begun=written, opens=not written)


def _recalled(orders: Orders, request: TextRequest) -> str:
    recalled = request.recalled.strip()
    return f"{orders.recalled}\n{recalled}" if recalled else ""


def _turns(system: str, message: str) -> tuple[tuple[Role, str], ...]:
    return (("system", system), ("user", _plain(message)))


def _paragraphs(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def _plain(text: str) -> str:
    """The text without the marks of chat templates."""
    return _MARK.sub(lambda mark: f"{mark.group()} ", text)


def _end(order: str) -> str:
    return order if order.endswith((".", "!", "?", "…")) else f"{order}."


def _last_sentence(text: str) -> str:
    """The end of the text from the beginning of its last sentence on, blanks behind it included."""
    body = text.rstrip()
    begins = [found.end() for found in _SENTENCE_END.finditer(body)]
    start = begins[-1] if begins else 0
    if len(body) - start > BEGUN:
        cut = body.find(" ", len(body) - BEGUN)
        start = cut + 1 if cut >= 0 else len(body) - BEGUN
    return text[start:]


def is_russian(request: TextRequest) -> bool:
    """By the words that the answer goes along with: a question, a passage, or the text."""
    said: Sequence[str] = (request.selection, request.before[-600:], request.instruction)
    if request.task == "chat":
        said = (request.chat[-1].text if request.chat else request.instruction, request.before[-600:])
    text = next((part for part in said if _LETTER.search(part)), "")
    return 2 * len(_CYRILLIC.findall(text)) > len(_LETTER.findall(text))
