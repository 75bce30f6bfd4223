"""The interface of a store of rooms. Every implementation passes one contract suite (`tests/server/store`).

Writes are queued synchronously on the event loop and group-committed by the store's own task: a room never waits
for the disk, and tells its clients `durable` when the commit that holds their edit has returned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from antiphon_proto.errors import AntiphonError, ErrorCode
from antiphon_proto.messages import Performer, RunInfo, Version
from antiphon_server.store.ledger import Leaf, Salt, SaltGone, SignedCheckpoint, StoredLedger, TileHash


class StorageUnavailable(AntiphonError):
    """The disk cannot take more now; nothing that was acknowledged is lost."""

    code = ErrorCode.UNAVAILABLE


class StorageFull(StorageUnavailable):
    code = ErrorCode.STORAGE_FULL


class Invite(Struct, frozen=True):
    """An invite link: its id stands in its tokens. `uses` counts the newcomers that it let in, of `max_uses`."""

    id: str
    role: str
    name: str = ""
    created_ms: int = 0
    expires_ms: int | None = None
    uses: int = 0
    max_uses: int | None = None

    @property
    def used_up(self) -> bool:
        return self.max_uses is not None and self.uses >= self.max_uses


class Loss(Struct, frozen=True):
    """Entries `after` + 1 to `until` were durable once and were not in the database when the server started."""

    after: int
    until: int
    noticed_ms: int


class PerformerRecord(Struct, frozen=True):
    """A performer of the room; `gone`: one that was removed and is kept for the name under which its work stands."""

    performer: Performer
    gone: bool = False
    asked_ms: tuple[int, ...] = ()
    """When its runs of the last hour began, those that somebody asked for."""
    unasked_ms: tuple[int, ...] = ()


class RoomRecord(Struct, frozen=True):
    """A room's identity. `lineage` is issued here and never by a client; `links`: role -> id of the link in force."""

    id: str
    lineage: str
    created_ms: int
    links: dict[str, str]
    versions: tuple[Version, ...] = ()
    """Points of the history that people named, oldest first."""
    origin: tuple[str, int] | None = None
    """Of a fork: the room, and the entry of it after which this one began."""
    invites: tuple[Invite, ...] = ()
    """Facts of the links in `links`, and the other links in force (`antiphon_server.core.invites`)."""
    losses: tuple[Loss, ...] = ()
    """Entries that damage to the storage destroyed; later entries have the same numbers."""
    performers: tuple[PerformerRecord, ...] = ()


class Standing(Struct, frozen=True):
    """A room's record, and its newest entry (0: none)."""

    record: RoomRecord
    seq: int


class Entry(Struct, frozen=True):
    """One applied document update with its true author.

    `seq` rises by one per room, from 1. `run` is the run that wrote it, if one did.
    `update` is a Yjs update (v1).
    """

    seq: int
    author: str
    update: bytes
    at_ms: int
    run: str | None = None
    credits: bytes = b""
    """The makers of restored content, where they are not the author (`document.state.Credits`)."""


class EntryHead(Struct, frozen=True):
    """An entry without its update, of which `size` is the length in bytes."""

    seq: int
    author: str
    at_ms: int
    run: str | None
    size: int


class MemberRecord(Struct, frozen=True):
    """A member, kept so that they come back as themselves. `session_hash` is SHA-256 of the session secret."""

    id: str
    session_hash: bytes
    name: str
    color: str
    role: str
    link: str
    revoked: bool = False
    last_batch: int = 0
    """Highest batch number of the session that is durably applied."""
    joined_ms: int = 0
    """When they first came."""
    kind: Literal["human", "agent"] = "human"
    """`agent`: a program that said so when it came."""
    person: str = ""
    """The member whose pass they came with: another window or device of the same person."""
    expires_ms: int | None = None
    """When the link that they came by ends."""
    clients: tuple[int, ...] = ()
    """The Yjs client ids that are theirs, the newest last (`client_ids`)."""
    plain: bool = False
    """A plain Yjs client, known by its link and name."""


class Forgotten(Struct, frozen=True):
    """Delete the record of a removed member."""

    member: str


class StoredPlace(Struct, frozen=True, array_like=True):
    """Where a run writes or wrote, in bytes of the story as it was after entry `seq` (`run_places`)."""

    seq: int
    at: int
    ranges: tuple[tuple[int, int], ...] = ()
    carried: tuple[str, ...] = ()


class RunRecord(Struct, frozen=True):
    """A run and its request, for provenance. `params` and `prompt` are JSON."""

    info: RunInfo
    params: str
    prompt: str
    asset: str = ""
    """The picture that it painted, and when (Unix milliseconds)."""
    made_ms: int = 0
    place: StoredPlace | None = None


class RunTokens(Struct, frozen=True):
    """Token details of a run that has ended: opaque bytes."""

    run: str
    at_ms: int
    body: bytes


class TokensGone(Struct, frozen=True):
    """Delete the tokens of a run."""

    run: str


class Snapshot(Struct, frozen=True):
    """The document after entry `seq`: a Yjs update that rebuilds it, and the authorship list (opaque bytes)."""

    seq: int
    state: bytes
    authorship: bytes
    at_ms: int


class JamEntry(Struct, frozen=True):
    """A part of the jam's recording, [from_ms, to_ms): opaque bytes. `seq` rises by one per room, from 1."""

    seq: int
    from_ms: int
    to_ms: int
    body: bytes


class JamTrim(Struct, frozen=True):
    """The record of the jam before entry `first` goes."""

    first: int


class Quarantined(Struct, frozen=True):
    """An entry or a snapshot that could not be applied when the room was opened: it is kept aside (`body`, empty when
    it is only told of), and the room goes on without it."""

    seq: int
    kind: Literal["entry", "snapshot"]
    reason: str
    at_ms: int
    body: bytes = b""


class StoredRoom(Struct, frozen=True):
    """Everything needed to bring a room back: the newest snapshot, then the entries after it in order."""

    record: RoomRecord
    snapshot: Snapshot | None
    entries: tuple[Entry, ...]
    members: tuple[MemberRecord, ...]
    runs: tuple[RunRecord, ...]
    jam: tuple[tuple[int, int], ...] = ()
    """(seq, bytes) of each entry of the jam's record."""
    jam_ms: int = 0
    """Until when that record goes."""
    tokens: tuple[RunTokens, ...] = ()
    """Oldest first."""
    aside: tuple[Quarantined, ...] = ()
    """Quarantined content, in the order of the entries."""
    ledger: StoredLedger = StoredLedger()

    @property
    def alive_ms(self) -> float:
        """When the room last wrote something: Unix milliseconds."""
        written = [entry.at_ms for entry in self.entries[-1:]]
        return max(
            [self.record.created_ms, self.jam_ms, *written, self.snapshot.at_ms if self.snapshot else 0]
        )


Change: TypeAlias = (
    RoomRecord
    | Entry
    | MemberRecord
    | Forgotten
    | RunRecord
    | RunTokens
    | TokensGone
    | Snapshot
    | JamEntry
    | JamTrim
    | Quarantined
    | Leaf
    | TileHash
    | SignedCheckpoint
    | Salt
    | SaltGone
)
"""A write: an entry is appended; a snapshot is added (of the older ones, the first of every `SPARSE` entries stays); a
forgotten member is deleted, and so are tokens and salts that are gone and a snapshot that is kept aside; what the
ledger holds is added and never changed; the others are put by id."""
SPARSE = 2000
"""Most entries between two kept snapshots, which bounds the replay of a past state."""

Committed: TypeAlias = Callable[[StorageUnavailable | None], None]
"""Called once on the event loop: None when the changes are on disk. While the disk refuses, the store keeps them and
tries again; only a close that could not write them calls this with the reason."""


class RoomStore(Protocol):
    """Keeps rooms. All methods belong to the event loop's thread."""

    @property
    def problem(self) -> StorageUnavailable | None:
        """Why nothing can be written now; None when all is well."""
        ...

    async def open(self) -> None:
        """Ready the store. Raises StorageUnavailable with one clear line (path, reason)."""
        ...

    async def close(self) -> None:
        """Commit queued changes, then release everything. Raises StorageUnavailable if it could not be written."""
        ...

    async def create(self, record: RoomRecord, contents: Sequence[Change] = ()) -> None:
        """Make a room durable, with its first content, before its links are handed out: all of it or nothing.

        Raises Conflict when the id is taken.
        """
        ...

    async def load(self, room: str) -> StoredRoom | None:
        """Everything of a room, including changes queued before this call; None when there is no such room."""
        ...

    def put(self, room: str, changes: Sequence[Change], committed: Committed | None = None) -> None:
        """Queue changes; they are committed together, in order, with other queued changes (group commit).

        Raises StorageUnavailable, and then queues nothing, when the queue is at its bound or the disk refused the last
        commit and has not recovered.
        """
        ...

    async def flush(self) -> None:
        """Return when everything queued before this call has been committed. Raises StorageUnavailable."""
        ...

    async def standing(self, rooms: Sequence[str]) -> dict[str, Standing]:
        """How far those of the rooms are that exist, as it is on disk now. Raises StorageUnavailable."""
        ...

    async def history(self, room: str, after: int, limit: int) -> tuple[Entry, ...]:
        """Entries with `seq` > `after`, in order, at most `limit`, compacted ones excepted."""
        ...

    async def jam(
        self, room: str, *, after: int = 0, from_ms: int = 0, to_ms: int | None = None, limit: int = 1000
    ) -> tuple[JamEntry, ...]:
        """Entries of the jam's record with `seq` > `after` that touch [from_ms, to_ms), in order, at most `limit`."""
        ...

    async def heads(self, room: str, after: int, before: int, limit: int) -> tuple[EntryHead, ...]:
        """The last `limit` entries with `after` < `seq` < `before`, in order."""
        ...

    async def leaves(self, room: str, first: int, limit: int) -> tuple[Leaf, ...]:
        """Leaves of the ledger from number `first` on, in order, at most `limit`."""
        ...

    async def tile_hashes(self, room: str, level: int, first: int, limit: int) -> tuple[TileHash, ...]:
        """Hashes of full tiles, in the same way."""
        ...

    async def snapshot_at(self, room: str, seq: int) -> Snapshot | None:
        """The newest snapshot that is not after entry `seq`."""
        ...
