"""Jobs of the gateway for its helper processes (`work.pool`), and their results. MessagePack on a pipe.

Documents go as Yjs states: they are built again over there, since a document belongs to one thread.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from antiphon_engines.ipc.channel import Traced
from antiphon_proto.document.codex import CodexContradiction, CodexEntry
from antiphon_proto.document.style import StyleCard, StyleMeasures
from antiphon_proto.messages import Participant, RunInfo
from antiphon_server.document.object_authors import ObjectAuthor
from antiphon_server.film.credits import CreditSources
from antiphon_server.history.restore import Restoration
from antiphon_server.search.hits import Found as FoundHits
from antiphon_server.search.hits import Kind, Update
from antiphon_server.spelling.findings import Finding, Passage
from antiphon_server.store.api import Entry, Snapshot


class Learn(Struct, frozen=True, tag="learn"):
    """Measure the style of a passage."""

    text: str


class Study(Struct, frozen=True, tag="study"):
    """Find the codex of a story."""

    text: str


class Copy(Struct, frozen=True):
    """A room's story, to be read elsewhere: the document as updates to be applied in order, and who wrote which bytes
    of it."""

    updates: tuple[bytes, ...]
    spans: bytes


class Fold(Struct, frozen=True, tag="fold"):
    """Encode the state of a document; `updates` as in Copy."""

    updates: tuple[bytes, ...]


class Cut(Struct, frozen=True, tag="cut"):
    """Cut the story of a document's state into pieces of equal formatting."""

    state: bytes


class Authors(Struct, frozen=True, tag="authors"):
    """The answer to `GET .../authorship`. `text` is the story in UTF-8, an embed one byte."""

    text: bytes
    spans: bytes
    offset: int
    objects: dict[str, ObjectAuthor]


class Export(Struct, frozen=True, tag="export"):
    """The story as a manuscript (MessagePack), or with `as_json` the whole answer as JSON."""

    copy: Copy
    room: str
    title: str
    offset: int
    at_ms: int
    people: tuple[Participant, ...]
    runs: dict[str, tuple[RunInfo, str]]
    as_json: bool
    appendix: bool


class Replay(Struct, frozen=True, tag="replay"):
    """The room after `entries`, which follow `base`. The bounds are those of its document (`RoomLimits`)."""

    max_update: int
    max_items: int
    max_document: int
    base: Snapshot | None
    entries: tuple[Entry, ...]


class Show(Struct, frozen=True, tag="show"):
    """The answer to `GET .../history/{seq}`; `moment` is a packed Moment, as in the others."""

    moment: bytes


class Compare(Struct, frozen=True, tag="compare"):
    first: bytes
    second: bytes


class Restore(Struct, frozen=True, tag="restore"):
    """The steps from `now` to the packed state `then`. `comments` and `runs` are those that there are."""

    now: Copy
    then: bytes
    comments: frozenset[str]
    runs: frozenset[str]


class Trace(Struct, frozen=True, tag="trace"):
    """The answer to `GET .../trace`; `runs` are the room's."""

    traced: Traced
    runs: list[str]


class Screen(Struct, frozen=True, tag="screen"):
    """The film of a document (`updates` as in Copy) as JSON: the `sheet` (`film.sheet`), the `plan` of shots for what
    has none, or the `breakdown`; `csv` is that as a table in a language. `render` is what the film is rendered from
    (`RenderParts`), `lines` is what is said in it. `srt`, `vtt`, `edl`, `otio` and `fcpxml` (with a title) are files.
    With `sources` what becomes a file says who made it."""

    updates: tuple[bytes, ...]
    task: str
    language: str = "en"
    title: str = ""
    sources: CreditSources | None = None


class Spell(Struct, frozen=True, tag="spell"):
    """Check spelling and grammar; `dictionaries` is a folder."""

    passages: tuple[Passage, ...]
    dictionaries: str


class Search(Struct, frozen=True, tag="search"):
    """Search a room, whose copy in the helper `news` brings up to date. `models` is the folder of prepared models."""

    models: str
    news: Update
    query: str
    kinds: tuple[Kind, ...]
    limit: int
    meaning: bool


class ReadMeaning(Struct, frozen=True, tag="meaning"):
    """Read the meaning of more passages of a room, for so many seconds."""

    models: str
    room: str
    version: str
    seconds: float


class Made(Struct, frozen=True, tag="made"):
    """The result, as bytes."""

    data: bytes


class Pieced(Struct, frozen=True, tag="pieced"):
    """The pieces of a story, in packed lists, so that none of them takes long to unpack."""

    packed: tuple[bytes, ...]


class Learned(Struct, frozen=True, tag="learned"):
    card: StyleCard
    measures: StyleMeasures


class Known(Struct, frozen=True, tag="known"):
    entries: tuple[CodexEntry, ...]
    contradictions: tuple[CodexContradiction, ...]


class Replayed(Struct, frozen=True, tag="replayed"):
    """`moment` is packed; the other fields are for the gateway itself."""

    moment: bytes
    snapshot: Snapshot
    people: frozenset[str]
    runs: frozenset[str]


class Found(Struct, frozen=True, tag="found"):
    restoration: Restoration


class Spelled(Struct, frozen=True, tag="spelled"):
    """The faults of each passage; None where its language cannot be checked here."""

    findings: tuple[tuple[Finding, ...] | None, ...]


class Searched(Struct, frozen=True, tag="searched"):
    """None: the helper needs the whole document."""

    found: FoundHits | None


class Unread(Struct, frozen=True, tag="unread"):
    """Passages whose meaning is still to be read."""

    count: int


class Failed(Struct, frozen=True, tag="failed"):
    """The job could not be done. `message` is one line."""

    message: str


Job: TypeAlias = (
    Learn
    | Study
    | Fold
    | Cut
    | Authors
    | Export
    | Replay
    | Show
    | Compare
    | Restore
    | Trace
    | Screen
    | Spell
    | Search
    | ReadMeaning
)
Answer: TypeAlias = Made | Pieced | Learned | Known | Replayed | Found | Spelled | Searched | Unread | Failed
