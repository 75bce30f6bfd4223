"""The words of prompts beside the text itself: the room's style card, a conversation, a rewriting."""

from __future__ import annotations

from antiphon_engines.api import TextRequest
from antiphon_proto.document.style import StyleCard

REWRITE = "Write this passage anew, in other words."
_LINES = 7
"""Of the conversation, at most."""


def style_notes(style: StyleCard, *, small: bool = False) -> str:
    """The card as sentences; empty for an empty card. A small model is not given a list of things to avoid: naming a
    thing brings it up."""
    told = [
        part
        for part, value in (
            (f"in the {_without_end(style.person)} person", style.person),
            (f"in the {_without_end(style.tense)} tense", style.tense),
        )
        if value.strip()
    ]
    notes = [
        f"It is told {' and '.join(told)}." if told else "",
        f"Tone: {_sentence(style.tone)}" if style.tone.strip() else "",
        f"Keep to this: {_sentence(style.keep)}" if style.keep.strip() else "",
        f"Avoid: {_sentence(style.avoid)}" if style.avoid.strip() and not small else "",
        f"What is true in it: {_sentence(style.facts)}" if style.facts.strip() else "",
    ]
    return " ".join(note for note in notes if note)


def conversation(request: TextRequest) -> str:
    """The conversation, one line each; the last line is to be answered."""
    lines = request.chat[-_LINES:]
    said = [f"{line.name}: {' '.join(line.text.split())}" for line in lines]
    return "\n".join(said) or request.instruction.strip()


def recalled(request: TextRequest) -> str:
    """Sentences from elsewhere in the story that a question is about; empty where there are none."""
    return f"From other parts of the story:\n{request.recalled}" if request.recalled.strip() else ""


def instruction(request: TextRequest) -> str:
    """The task for the text or the passage."""
    return request.instruction.strip() or (REWRITE if request.task == "rewrite" else "")


def _without_end(value: str) -> str:
    """ "first person" and "First" say the same."""
    words = value.strip().rstrip(".").split()
    if words and words[-1].casefold() in ("person", "tense"):
        words.pop()
    return " ".join(words)


def _sentence(value: str) -> str:
    value = " ".join(value.split())
    return value if value.endswith((".", "!", "?")) else value + "."
