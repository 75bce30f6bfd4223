"""Checks of an answer by a program. Each returns why the answer fails, or an empty string.

They are strict about countable properties (language, length, names, JSON) and tolerant where a heuristic decides (tense
and person are read off pronouns and frequent verbs outside quotation marks).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

Check: TypeAlias = Callable[[str], str]

_WORD: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_QUOTED: Final = re.compile(r"\"[^\"]*\"|“[^”]*”|«[^»]*»")
_PAST: Final = """
was were had did said went came took saw knew felt thought made found left heard stood sat ran got gave told looked
turned walked seemed began kept held fell put could would asked opened closed smiled waited wondered stopped reached
pulled pushed stepped watched noticed realized realised wanted tried decided
"""
_PRESENT: Final = """
is are am has have does do says goes comes takes sees knows feels thinks makes finds leaves hears stands sits runs gets
gives tells looks turns walks seems begins keeps holds falls puts can will asks opens closes smiles waits wonders stops
reaches pulls pushes steps watches notices realizes wants tries decides look turn walk feel hear see know think stand
sit run hold
"""
_PAST_WORDS: Final = frozenset(_PAST.split())
_PRESENT_WORDS: Final = frozenset(_PRESENT.split())
_FIRST: Final = frozenset(["i", "me", "my", "mine", "myself", "i'm", "i've", "i'll", "i'd"])
_THIRD: Final = frozenset(
    ["he", "she", "him", "her", "his", "hers", "himself", "herself", "they", "them", "their"]
)
_SENTENCE_END: Final = re.compile(r"[.!?…]+[\"”»']*(?=\s+[^a-zа-яё\s]|\s*$)")
_META: Final = re.compile(
    r"^(?:sure|certainly|of course|here(?:'s| is| are)|as an ai|i'm sorry|конечно|вот)\b"
    r"|\b(?:as an ai|the (?:passage|story|text) (?:above|so far|you)|rewritten (?:passage|version|text)|"
    r"the instruction|in this (?:passage|story)|i hope this|let me know|would you like me|continuation of|co-author)\b"
    r"|<\||```|^#|\n#|\n---",
    re.I,
)


def words(text: str) -> list[str]:
    return _WORD.findall(text)


def _narration(text: str) -> list[str]:
    return [word.casefold().replace("’", "'") for word in words(_QUOTED.sub(" ", text))]


def no_meta(text: str) -> str:
    """Nothing but the words that were asked for."""
    found = _META.search(text.strip())
    return f"talks about the task: {found.group()!r}" if found else ""


def not_empty(text: str) -> str:
    return "" if len(words(text)) >= 1 else "is empty"


def tidy(text: str) -> str:
    """No run of empty lines, no sentence twice."""
    if re.search(r"\n\s*\n\s*\n", text):
        return "leaves several lines empty"
    sentences = [part.strip() for part in re.split(r"[.!?\n]+", text) if len(part.split()) > 3]
    return "says a sentence twice" if len(set(sentences)) < len(sentences) else ""


def tense(wanted: str) -> Check:
    def check(text: str) -> str:
        said = _narration(text)
        past = sum(word in _PAST_WORDS or (len(word) > 4 and word.endswith("ed")) for word in said)
        present = sum(word in _PRESENT_WORDS for word in said)
        right, wrong = (past, present) if wanted == "past" else (present, past)
        return (
            ""
            if right >= 1 and right > wrong
            else f"is not in the {wanted} tense ({past} past, {present} present)"
        )

    return check


def person(wanted: str) -> Check:
    def check(text: str) -> str:
        said = _narration(text)
        first, third = sum(word in _FIRST for word in said), sum(word in _THIRD for word in said)
        if wanted == "first":
            return "" if first >= 1 else "is not in the first person"
        return (
            "" if first == 0 and third >= 1 else f"is not in the third person ({first} first, {third} third)"
        )

    return check


def russian(text: str) -> str:
    letters = re.findall(r"[^\W\d_]", text)
    cyrillic = re.findall(r"[а-яё]", text, re.I)
    return "" if letters and len(cyrillic) >= 0.95 * len(letters) else "is not in Russian"


def english(text: str) -> str:
    letters = re.findall(r"[^\W\d_]", text)
    latin = re.findall(r"[a-z]", text, re.I)
    return "" if letters and len(latin) >= 0.95 * len(letters) else "is not in English"


def length(least: int, most: int) -> Check:
    """In words."""

    def check(text: str) -> str:
        count = len(words(text))
        return "" if least <= count <= most else f"has {count} words, not {least} to {most}"

    return check


def sentences(least: int, most: int) -> Check:
    def check(text: str) -> str:
        count = len([part for part in _SENTENCE_END.split(text.strip()) if words(part)])
        return "" if least <= count <= most else f"has {count} sentences, not {least} to {most}"

    return check


def lines(count: int) -> Check:
    def check(text: str) -> str:
        found = len([line for line in text.splitlines() if words(line)])
        return "" if found == count else f"has {found} lines, not {count}"

    return check


def has(*options: str) -> Check:
    """One of these, ignoring case."""

    def check(text: str) -> str:
        small = text.casefold()
        return "" if any(option.casefold() in small for option in options) else f"lacks {' / '.join(options)}"

    return check


def names(*options: str) -> Check:
    """One of these as whole words, in the singular or the plural, ignoring case."""
    either = "|".join(re.escape(option) for option in options)
    pattern = re.compile(rf"(?<!\w)(?:{either})(?:e?s)?(?!\w)", re.I)

    def check(text: str) -> str:
        return "" if pattern.search(text) else f"lacks {' / '.join(options)}"

    return check


def lacks(*options: str) -> Check:
    def check(text: str) -> str:
        small = text.casefold()
        found = [option for option in options if re.search(rf"\b{re.escape(option.casefold())}\b", small)]
        return f"has {', '.join(found)}" if found else ""

    return check


def other_than(original: str) -> Check:
    def check(text: str) -> str:
        same = words(text.casefold()) == words(original.casefold())
        return "is the passage as it was" if same else ""

    return check


def keeps(original: str, share: float) -> Check:
    """So many of the longer words of a passage."""
    wanted = {word.casefold() for word in words(original) if len(word) > 4}

    def check(text: str) -> str:
        found = wanted & {word.casefold() for word in words(text)}
        return "" if len(found) >= share * len(wanted) else "has lost what the passage says"

    return check


def json_like(schema: Mapping[str, Any]) -> Check:
    """An array or object of JSON of this shape: `{"key": str | int | [shape]}`, or a list of one shape."""

    def check(text: str) -> str:
        body = re.sub(r"^```(?:json)?|```$", "", text.strip()).strip()
        try:
            value = json.loads(body)
        except ValueError:
            return "is not JSON"
        return _mismatch(value, schema["shape"])

    return check


def _mismatch(value: object, shape: object) -> str:
    match shape:
        case list():
            if not isinstance(value, list) or not value:
                return "is JSON of another shape: no list"
            return next((wrong for each in value if (wrong := _mismatch(each, shape[0]))), "")
        case dict():
            if not isinstance(value, dict) or set(value) != set(shape):
                return "is JSON of another shape: other keys"
            return next((wrong for key in shape if (wrong := _mismatch(value[key], shape[key]))), "")
        case type():
            right = isinstance(value, shape) and not isinstance(value, bool)
            return "" if right else f"is JSON of another shape: no {shape.__name__}"
    return "is JSON of another shape" if value != shape else ""
