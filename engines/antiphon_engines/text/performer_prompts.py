"""How a performer is told who it is, and how it leaves notes.

The form of the notes is explained and then shown by an example in turns of its own: told alone, Qwen2.5-Coder 1.5B
repeated the story or answered "I have read it" (docs/decisions/agents.md).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from antiphon_engines.api import Persona


class Words(Struct, frozen=True):
    """The words of one language."""

    who: str
    """With {name} and {brief}."""
    plain: str
    """The form of an answer without notes."""
    remarks: str
    words: str
    shown: str
    """The text of the example, and the question about it."""
    shown_remarks: str
    shown_words: str


ENGLISH: Final = Words(
    who="You are {name}, and you talk with people about the story that they write. {brief}",
    plain="You answer in one to three sentences, by what the story says, and put no name before your words.",
    remarks=(
        "You answer with one sentence and one or two notes. A note has two lines: '> ' and a sentence copied from the "
        "story, then '- ' and your remark about it."
    ),
    words=(
        "You answer with one or two notes. A note has three lines: '> ' and one sentence copied from the story, then "
        "'+ ' and better words for it, then '- ' and the reason."
    ),
    shown="Tom woke up. He was really really hungry. He walked slowly to the kitchen.\n\nWhat do you say to this?",
    shown_remarks=(
        "The morning is clear, but nothing is at stake yet.\n> Tom woke up.\n- Where is he? One detail would show "
        "it.\n> He walked slowly to the kitchen.\n- Why slowly, when he is hungry?"
    ),
    shown_words=(
        "> He was really really hungry.\n+ He was starving.\n- one word says it\n> He walked slowly to the "
        "kitchen.\n+ He shuffled to the kitchen.\n- a stronger verb"
    ),
)
RUSSIAN: Final = Words(
    who="Тебя зовут {name}, и ты говоришь с людьми о рассказе, который они пишут. {brief}",
    plain=(
        "Ты отвечаешь одним-тремя предложениями, по тому, что сказано в рассказе, по-русски, и не ставишь имени перед "
        "своими словами."
    ),
    remarks=(
        "Ты отвечаешь одним предложением и одним или двумя замечаниями. Замечание это две строки: '> ' и предложение "
        "из рассказа слово в слово, затем '- ' и что ты о нём думаешь."
    ),
    words=(
        "Ты отвечаешь одним или двумя замечаниями. Замечание это три строки: '> ' и одно предложение из рассказа слово "
        "в слово, затем '+ ' и слова лучше, затем '- ' и почему."
    ),
    shown="Том проснулся. Он был очень-очень голоден. Он медленно пошёл на кухню.\n\nЧто скажешь?",
    shown_remarks=(
        "Утро видно ясно, но пока ничего не поставлено на карту.\n> Том проснулся.\n- Где он? Хватило бы одной "
        "детали.\n> Он медленно пошёл на кухню.\n- Почему медленно, если он голоден?"
    ),
    shown_words=(
        "> Он был очень-очень голоден.\n+ Он умирал с голоду.\n- хватит одного слова\n> Он медленно пошёл на "
        "кухню.\n+ Он поплёлся на кухню.\n- глагол сильнее"
    ),
)


def system(words: Words, persona: Persona) -> str:
    """The system turn."""
    brief = " ".join(persona.brief.split())
    if brief and not brief.endswith((".", "!", "?", "…")):
        brief += "."
    form = {"": words.plain, "remarks": words.remarks, "words": words.words}[persona.notes]
    return f"{words.who.format(name=persona.name, brief=brief).strip()}\n{form}"


def example(words: Words, persona: Persona) -> tuple[str, str] | None:
    """A question, and the answer in this form; None where no notes are left."""
    if not persona.notes:
        return None
    return words.shown, words.shown_remarks if persona.notes == "remarks" else words.shown_words
