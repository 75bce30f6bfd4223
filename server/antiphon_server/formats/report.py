"""The authorship report of an export: JSON, and an appendix for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct, to_builtins

from antiphon_proto.messages import Participant, RunInfo
from antiphon_server.document.authorship import Span
from antiphon_server.formats.manuscript import Block, Words, from_text, join

_LONGEST_PROMPT: Final = 200
"""Characters of an instruction in the appendix; the JSON has it whole."""
_KINDS: Final = {"human": "person", "agent": "agent, a program", "ai": "AI"}


class Writer(Struct, frozen=True):
    """`share` is of all characters, 0 to 1."""

    participant: str
    name: str
    kind: str
    characters: int
    share: float


class RunShare(Struct, frozen=True):
    """The remaining text of a run, and its request. `params` are sampling parameters as JSON text."""

    run: str
    asked_by: str
    model: str
    task: str
    mode: str
    instruction: str
    seed: int
    params: str
    created_ms: int
    characters: int
    share: float


class Stretch(Struct, frozen=True):
    """[start, end) in UTF-8 bytes of the story."""

    start: int
    end: int
    author: str
    run: str | None


class Report(Struct, frozen=True):
    room: str
    title: str
    offset: int
    at_ms: int
    characters: int
    writers: tuple[Writer, ...]
    runs: tuple[RunShare, ...]
    spans: tuple[Stretch, ...]


def report(
    *,
    room: str,
    title: str,
    offset: int,
    at_ms: int,
    story: bytes,
    spans: Iterable[Span],
    people: Iterable[Participant],
    runs: Mapping[str, tuple[RunInfo, str]],
) -> Report:
    """`story` is the text that `spans` covers, in UTF-8; `runs` are by id, each with its parameters."""
    named = {person.id: person for person in people}
    by_author: Counter[str] = Counter()
    by_run: Counter[str] = Counter()
    stretches: list[Stretch] = []
    start = total = 0
    for span in spans:
        end = start + span.length
        count = len(story[start:end].decode("utf-8", "ignore"))
        by_author[span.owner.author] += count
        if span.owner.run is not None:
            by_run[span.owner.run] += count
        stretches.append(Stretch(start, end, span.owner.author, span.owner.run))
        start, total = end, total + count

    def share(count: int) -> float:
        return round(count / total, 4) if total else 0.0

    def name(participant: str) -> tuple[str, str]:
        person = named.get(participant)
        return (person.name, person.kind) if person else ("unknown", "human")

    writers = tuple(Writer(who, *name(who), count, share(count)) for who, count in by_author.most_common())
    shares = []
    for run, count in by_run.most_common():
        known = runs.get(run)
        if known is None:
            shares.append(RunShare(run, "", "", "", "", "", 0, "", 0, count, share(count)))
            continue
        info, params = known
        asker = name(info.participant)[0]
        shares.append(
            RunShare(
                run,
                asker,
                info.model,
                info.task,
                info.mode,
                info.instruction,
                info.seed,
                params,
                info.created_ms,
                count,
                share(count),
            )  # fmt: skip
        )
    return Report(room, title, offset, at_ms, total, writers, tuple(shares), tuple(stretches))


def appendix(made: Report) -> tuple[Block, ...]:
    """The report in words, to stand after the text."""
    lines = [Block((Words("Who wrote this"),), "heading", 1)]
    lines += from_text(f"Measured in characters of the text as it stood on {_date(made.at_ms)}.")
    for writer in made.writers:
        kind = _KINDS[writer.kind]
        text = f"{writer.name} ({kind}): {writer.characters} characters, {writer.share:.0%}"
        lines.append(Block(join([Words(text)]), "bullet"))
    if made.runs:
        lines.append(Block((Words("What the AI was asked"),), "heading", 2))
    for run in made.runs:
        asked = f", asked by {run.asked_by}" if run.asked_by else ""
        model = f" with {run.model}, seed {run.seed}" if run.model else ""
        text = run.instruction[:_LONGEST_PROMPT] + ("…" if len(run.instruction) > _LONGEST_PROMPT else "")
        prompt = f": “{text}”" if text else ""
        line = f"{run.task or 'run'} {run.run}{asked}{model}, {run.characters} characters{prompt}"
        lines.append(Block(join([Words(line)]), "bullet"))
    return tuple(lines)


def as_json(made: Report) -> dict[str, Any]:
    """The report as JSON values."""
    values: dict[str, Any] = to_builtins(made)
    return values


def _date(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
