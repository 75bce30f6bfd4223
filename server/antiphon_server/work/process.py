"""A helper process of the gateway: `python -m antiphon_server.work.process`. Jobs come in on standard input, answers go
out on standard output, one after the other; both are MessagePack behind their length in four bytes (`work.jobs`).
"""

from __future__ import annotations

import os
import resource
import sys
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
from msgspec import to_builtins
from pycrdt import Doc, Text

from antiphon_proto import schema
from antiphon_proto.document.comments import ATTR_COMMENT
from antiphon_proto.errors import AntiphonError
from antiphon_server.document.authorship import Authorship
from antiphon_server.document.canvas import Canvas
from antiphon_server.document.text_diff import differences
from antiphon_server.document.text_index import plain
from antiphon_server.film.screened import screened
from antiphon_server.formats.manuscript import Manuscript, from_pieces, to_ops
from antiphon_server.formats.report import appendix, as_json, report
from antiphon_server.history.compare import compared
from antiphon_server.history.past_state import PastState, cut_by_author, replayed, shown
from antiphon_server.history.restore import Restoration, restoration
from antiphon_server.room_limits import RoomLimits
from antiphon_server.search.searcher import Searcher
from antiphon_server.spelling.checker import Checkers
from antiphon_server.work.codex_findings import studied
from antiphon_server.work.device_trace import chrome_trace
from antiphon_server.work.jobs import (
    Answer,
    Authors,
    Compare,
    Copy,
    Cut,
    Export,
    Failed,
    Fold,
    Found,
    Job,
    Known,
    Learn,
    Learned,
    Made,
    Pieced,
    ReadMeaning,
    Replay,
    Replayed,
    Restore,
    Screen,
    Search,
    Searched,
    Show,
    Spell,
    Spelled,
    Study,
    Trace,
    Unread,
)
from antiphon_server.work.style_metrics import learned

_MEMORY: Final = 3 * 1024**3
"""Bytes of address space: a document at its bound needs a small part of it."""
_NICE: Final = 5
_PACKED: Final = 1000
"""Pieces of a story that are packed together."""
LENGTH: Final = 4
"""Bytes of the number before a message, the most significant first."""


def main() -> None:
    """Serve until standard input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    os.nice(_NICE)  # who types and plays comes first
    jobs, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output of a library must not reach the pipe
    decoder, encoder = msgspec.msgpack.Decoder(Job), msgspec.msgpack.Encoder()
    while data := _message(jobs):
        answer = encoder.encode(done(decoder.decode(data)))
        answers.write(len(answer).to_bytes(LENGTH))
        answers.write(answer)
        answers.flush()


def done(job: Job) -> Answer:
    """Never raises for a job that cannot be done."""
    try:
        return _do(job)
    except AntiphonError as error:
        return Failed(error.message)
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        return Failed(f"{type(error).__name__}: {str(error)[:200]}")


def _do(job: Job) -> Answer:
    match job:
        case Learn(text):
            return Learned(*learned(text))
        case Study(text):
            return Known(*studied(text))
        case Fold(updates):
            return Made(_document(updates).get_update())
        case Cut(state):
            return Pieced(_cut(state))
        case Authors():
            return Made(msgspec.json.encode(_authors(job)))
        case Export():
            return Made(_export(job))
        case Replay(max_update, max_items, max_document, base, entries):
            limits = RoomLimits(max_update=max_update, max_items=max_items, max_document=max_document)
            moment = replayed(limits, base, entries)
            packed = msgspec.msgpack.encode(moment)
            return Replayed(packed, moment.snapshot, frozenset(moment.people), frozenset(moment.runs))
        case Show(moment):
            return Made(msgspec.json.encode(shown(_moment(moment))))
        case Compare(first, second):
            return Made(msgspec.json.encode(compared(_moment(first), _moment(second))))
        case Spell(passages, dictionaries):
            return Spelled(_checkers(dictionaries).check(passages))
        case Search(models, news, query, kinds, limit, meaning):
            return Searched(_searcher(models).search(news, query, kinds, limit, meaning))
        case ReadMeaning(models, room, version, seconds):
            return Unread(_searcher(models).read(room, version, seconds))
        case Trace(traced, runs):
            return Made(msgspec.json.encode(chrome_trace(traced, frozenset(runs))))
        case Screen(updates, task, language, title, sources):
            return Made(screened(_document(updates).get_update(), task, language, title, sources))
        case Restore():
            return Found(_restoration(job))


def _restoration(job: Restore) -> Restoration:
    document = _document(job.now.updates)
    text: Text = document.get(schema.STORY, type=Text)
    canvas = Canvas(document)
    story = cut_by_author(text.diff(), Authorship.restore(job.now.spans).spans())
    then = _moment(job.then)

    def keeps(name: str, value: object) -> bool:
        """A comment that was deleted since marks nothing any more, and a run that is forgotten suggests nothing."""
        if name.startswith(ATTR_COMMENT):
            return name.removeprefix(ATTR_COMMENT) in job.comments
        return name not in (schema.ATTR_SUGGEST, schema.ATTR_SUGGEST_DELETE) or value in job.runs

    found = differences("".join(piece.text for piece in story), then.text)
    return restoration(story, canvas.objects(), then, keeps, found)


@cache
def _checkers(dictionaries: str) -> Checkers:
    return Checkers(Path(dictionaries))


@cache
def _searcher(models: str) -> Searcher:
    return Searcher(Path(models))


def _moment(data: bytes) -> PastState:
    return msgspec.msgpack.decode(data, type=PastState)


def _authors(job: Authors) -> dict[str, Any]:
    spans: list[dict[str, Any]] = []
    shares: Counter[str] = Counter()
    people: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    start = 0
    for span in Authorship.restore(job.spans).spans():
        author, end = span.owner.author, start + span.length
        spans.append({"start": start, "end": end, "author": author, "run": span.owner.run})
        shares[author] += span.length
        count = len(job.text[start:end].decode(errors="replace"))
        people[author] += count
        if span.owner.run is not None:
            runs[span.owner.run] += count
        start = end
    objects = {
        key: {"creator": to_builtins(author.creator), "editor": to_builtins(author.editor)}
        for key, author in job.objects.items()
    }
    return {
        "offset": job.offset,
        "spans": spans,
        "shares": shares,
        "characters": {"people": people, "runs": runs},
        "objects": objects,
    }


def _export(job: Export) -> bytes:
    pieces = _pieces(job.copy)
    manuscript = from_pieces(pieces, job.title)
    if not (job.as_json or job.appendix):
        return msgspec.msgpack.encode(manuscript)
    made = report(
        room=job.room,
        title=job.title,
        offset=job.offset,
        at_ms=job.at_ms,
        story=plain(pieces).encode(),
        spans=Authorship.restore(job.copy.spans).spans(),
        people=job.people,
        runs=job.runs,
    )
    if job.as_json:
        return msgspec.json.encode({"title": job.title, "ops": to_ops(manuscript), "report": as_json(made)})
    return msgspec.msgpack.encode(Manuscript((*manuscript.blocks, *appendix(made)), job.title))


def _document(updates: Iterable[bytes]) -> Doc[Any]:
    document: Doc[Any] = Doc()
    document.get(schema.STORY, type=Text)
    for update in updates:
        document.apply_update(update)
    return document


def _pieces(copy: Copy) -> Any:
    story: Text = _document(copy.updates).get(schema.STORY, type=Text)
    return story.diff()


def _cut(state: bytes) -> tuple[bytes, ...]:
    story: Text = _document((state,)).get(schema.STORY, type=Text)
    pieces = story.diff()
    return tuple(msgspec.msgpack.encode(pieces[at : at + _PACKED]) for at in range(0, len(pieces), _PACKED))


def _message(stream: BinaryIO) -> bytes:
    """The next one; empty at the end."""
    head = stream.read(LENGTH)
    return stream.read(int.from_bytes(head)) if len(head) == LENGTH else b""


if __name__ == "__main__":
    main()
