"""Footnotes of Markdown, as pandoc and GitHub write them: the standard does not have them, and takes most for
definitions of addresses, which are not shown."""

from __future__ import annotations

import re
from typing import Final

_DEFINED: Final = re.compile(r"[ >]*\[(\^[^\[\]\s]{1,99})\]:[ \t]*")
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
_REFERENCE: Final = re.compile(r"(`+)(?!`)[^`\n]*\1|\[\^([^\[\]\s]{1,99})\]")


def notes_at_end(text: str) -> tuple[str, int]:
    """The text with its notes at the end, each behind its number, and their count."""
    if "]:" not in text or "[^" not in text:
        return text, 0
    notes: dict[str, list[str]] = {}
    kept: list[str] = []
    note: list[str] | None = None
    fence = ""
    for line in text.split("\n"):
        found = None if fence else _DEFINED.match(line)
        if note is not None and not found:
            if not line.strip() or line.startswith(("    ", "\t")) or note[-1].strip():
                note.append(line.strip())
                continue
            note = None
        mark = _FENCE.match(line)
        if fence or mark:
            if mark and (not fence or (mark[1].startswith(fence) and not line.strip().strip(fence[0]))):
                fence = "" if fence else mark[1]
            kept.append(line)
        elif found:
            note = notes.setdefault(_plain(found[1]), [])
            note += ["", line[found.end() :]] if note else [line[found.end() :]]
        else:
            kept.append(line)
    if not notes:
        return "\n".join(kept), 0
    numbers: dict[str, int] = {}

    def number(name: str) -> int:
        return numbers.setdefault(name, len(numbers) + 1)

    def refer(found: re.Match[str]) -> str:
        name = _plain(f"^{found[2]}") if found[2] else ""
        return rf"\[{number(name)}\]" if name in notes else found[0]

    body = _REFERENCE.sub(refer, "\n".join(kept))
    for name in notes:
        number(name)
    ends = [
        rf"\[{at}\] " + _REFERENCE.sub(refer, "\n".join(notes[name])).strip() for name, at in numbers.items()
    ]
    return "\n\n".join([body.rstrip("\n"), "&nbsp;", *ends]), len(notes)


def _plain(name: str) -> str:
    """Names are compared without their case, and blanks in a row count as one."""
    return " ".join(name.split()).casefold()
