"""Performers: AI participants of a room with a role, a name and rights of their own.

A room has none until somebody adds one. The server keeps them (they stand in no Yjs root) and tells everybody with
`performers`. As a participant a performer's id is :func:`participant_id`; its runs have the task `performer`.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from antiphon_proto.frame import Color, Message, ModelName, Request, UInt

MAX_PERFORMERS: Final = 8
"""Of one room."""
MAX_HOURLY: Final = 60
MAX_BRIEF: Final = 2000

PerformerId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,32}$", max_length=32)]
PerformerName = Annotated[str, Meta(max_length=32)]
Brief = Annotated[str, Meta(max_length=MAX_BRIEF)]
Hourly = Annotated[int, Meta(ge=0, le=MAX_HOURLY)]
PerformerRole = Literal["cowriter", "editor", "critic", "dramaturg", "own"]
PerformerRight = Literal["comment", "suggest", "edit"]
"""`comment`: remarks on passages; `suggest`: words that wait for a decision; `edit`: it changes the text at once. To
answer in the chat, or in a comment where it was asked, takes none."""
PerformerRights = Annotated[tuple[PerformerRight, ...], Meta(max_length=3)]
Language = Literal["en", "ru"]


class Performer(Struct, frozen=True, array_like=True):
    """`brief` is its task. `model` names one of several that serve; empty: the room's default."""

    id: PerformerId
    name: PerformerName
    color: Color
    role: PerformerRole = "own"
    brief: Brief = ""
    model: ModelName = ""
    rights: PerformerRights = ()
    hourly: Hourly = 20
    """Runs that it may have in any hour, asked or not."""
    unasked: Hourly = 0
    """Of these, how many by itself, when people pause; 0: it waits to be asked."""
    spent: UInt = 0
    """Runs of the hour before this message."""


class PutPerformer(Request, frozen=True, tag="put_performer"):
    """Add a performer, or change the one of this id. An empty `name` or `brief` is that of its built-in role in
    `language`; an empty `color` one that nobody has. Answered by `performers`, or by an `error` whose `ref` is the id:
    `conflict` for a name that somebody here has."""

    id: PerformerId
    name: PerformerName = ""
    role: PerformerRole = "own"
    brief: Brief = ""
    color: Annotated[str, Meta(pattern=r"^(#[0-9a-fA-F]{6})?$", max_length=7)] = ""
    model: ModelName = ""
    rights: PerformerRights | None = None
    """None: those of its role (`ROLE_RIGHTS`)."""
    hourly: Hourly = 20
    unasked: Hourly = 0
    language: Language = "en"


class DropPerformer(Request, frozen=True, tag="drop_performer"):
    """Remove a performer: its runs stop; their results stay, under its name."""

    id: PerformerId


class Performers(Message, frozen=True, tag="performers"):
    """The performers of the room, after `welcome` and after every change."""

    performers: tuple[Performer, ...]


def participant_id(performer: str) -> str:
    """The participant that a performer is."""
    return f"ai:{performer}"


ROLE_RIGHTS: Final[dict[PerformerRole, tuple[PerformerRight, ...]]] = {
    "cowriter": ("comment", "suggest"),
    "editor": ("comment", "suggest"),
    "critic": ("comment",),
    "dramaturg": ("comment",),
    "own": ("comment",),
}
"""Rights of a performer by default."""

BUILT_IN: Final[dict[PerformerRole, dict[Language, tuple[str, str]]]] = {
    "cowriter": {
        "en": (
            "Co-writer",
            "You write along. When you are asked for words, you suggest them: short, in the person, tense and voice of "
            "the story.",
        ),
        "ru": (
            "Соавтор",
            "Ты пишешь вместе со всеми. Когда у тебя просят слов, ты их предлагаешь: коротко, в лице, времени и тоне "
            "рассказа.",
        ),
    },
    "editor": {
        "en": (
            "Editor",
            "You edit line by line. You look for words that repeat, sentences that are too long, and what is said "
            "twice, and you suggest a shorter or clearer wording.",
        ),
        "ru": (
            "Редактор",
            "Ты правишь строку за строкой. Ты ищешь повторы слов, слишком длинные предложения и сказанное дважды и "
            "предлагаешь короче или яснее.",
        ),
    },
    "critic": {
        "en": (
            "Critic",
            "You read as a demanding reader. You say what does not convince, what is missing and what works, each time "
            "with the words that it is about.",
        ),
        "ru": (
            "Критик",
            "Ты читаешь как требовательный читатель. Ты говоришь, что не убеждает, чего не хватает и что удалось, и "
            "всякий раз приводишь слова, о которых речь.",
        ),
    },
    "dramaturg": {
        "en": (
            "Dramaturg",
            "You look at the shape of the whole: who wants what, what stands in the way, what changes in a scene. You "
            "ask questions more than you answer them.",
        ),
        "ru": (
            "Завлит",
            "Ты смотришь на целое: кто чего хочет, что мешает, что меняется в сцене. Ты больше спрашиваешь, чем "
            "отвечаешь.",
        ),
    },
}
"""Role -> language -> name and brief. `own` has none."""
