"""Every bound that a peer can run into, as one frozen settings object."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from antiphon_proto.document.canvas import DEFAULT_MAX_OBJECTS, DEFAULT_MAX_POINTS
from antiphon_proto.document.chat import DEFAULT_MAX_CHAT
from antiphon_proto.document.comments import DEFAULT_MAX_COMMENTS

MIB = 1024 * 1024


class Limits(BaseModel):
    """Bounds with their defaults; sizes in bytes, times in seconds, rates per second unless the name says otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_message: int = Field(default=8 * MIB, ge=4096, le=96 * MIB)
    """A native message, reassembled from its fragments."""
    unfinished_bytes: int = Field(default=64 * MIB, ge=MIB, le=4096 * MIB)
    """Fragments of messages that have not come whole, of all connections together; a quarter of it of one address."""
    max_update: int = Field(default=4 * MIB, ge=1024, le=64 * MIB)
    """One document update of a client."""
    max_items: int = Field(default=20_000, ge=100, le=10_000_000)
    """Pieces that one document update may consist of (Yjs structs, and deletions that are new): they cost more than
    its bytes do. Each counts as 256 bytes towards `bytes_per_second`."""
    max_document: int = Field(default=16 * MIB, ge=4096, le=1024 * MIB)
    """The encoded document of a room, history of deletions included."""
    max_objects: int = Field(default=DEFAULT_MAX_OBJECTS, ge=1, le=100_000)
    """Objects on the canvas of a room."""
    max_points: int = Field(default=DEFAULT_MAX_POINTS, ge=2, le=100_000)
    """Points of one stroke."""
    max_chat: int = Field(default=DEFAULT_MAX_CHAT, ge=1, le=10_000)
    """Entries of a room's chat; the oldest make room."""
    max_comments: int = Field(default=DEFAULT_MAX_COMMENTS, ge=1, le=10_000)
    """Comments of a room, resolved ones included."""
    max_name: int = Field(default=48, ge=1, le=48)
    """Characters of a participant's name."""
    max_members: int = Field(default=500, ge=1, le=100_000)
    """Participants online in one room."""
    max_known: int = Field(default=5000, ge=1, le=1_000_000)
    """Participants that a room remembers; those who left no trace make room for newcomers."""
    max_rooms: int = Field(default=1000, ge=1, le=1_000_000)
    """Rooms in memory at once."""
    max_rooms_per_address: int = Field(default=500, ge=1, le=1_000_000)
    """Of them those that one address had loaded."""
    loads_per_minute: float = Field(default=300.0, gt=0, le=1e6)
    """Rooms that one address may bring into the memory."""
    load_burst: int = Field(default=600, ge=1, le=100_000)
    max_runs: int = Field(default=16, ge=1, le=1000)
    """Runs of one room that are queued or running."""
    max_runs_per_member: int = Field(default=6, ge=1, le=1000)
    """A brainstorm is three."""
    max_kept_runs: int = Field(default=500, ge=1, le=100_000)
    """Ended runs of a room that newcomers are told about."""
    max_queue: int = Field(default=64, ge=1, le=10_000)
    """Runs of all rooms that wait for the engine."""
    token_days: float = Field(default=365.0, gt=0, le=36_500)
    """A join token ends so long after it was given out; everybody gets a new one whenever they come."""
    max_connections: int = Field(default=10_000, ge=1, le=1_000_000)
    max_connections_per_address: int = Field(default=1000, ge=1, le=1_000_000)
    max_sockets: int = Field(default=12_000, ge=16, le=1_000_000)
    """TCP connections of all kinds, as far as the system allows so many open files (`sockets`)."""
    max_strangers_per_address: int = Field(default=256, ge=1, le=1_000_000)
    """TCP connections of one address that have shown no valid token; a new one takes the place of the oldest."""
    max_requests_per_address: int = Field(default=256, ge=1, le=1_000_000)
    """HTTP requests of one address that run at once, WebSockets not counted; beyond it they are answered 429."""
    messages_per_second: float = Field(default=200.0, gt=0, le=1e6)
    """Messages of one connection; faster ones are read later, never lost."""
    message_burst: int = Field(default=1000, ge=1, le=1_000_000)
    bytes_per_second: float = Field(default=4.0 * MIB, gt=0, le=1e10)
    """Bytes of one connection; faster ones are read later, never lost."""
    byte_burst: int = Field(default=32 * MIB, ge=1024, le=1024 * MIB)
    asks_per_minute: float = Field(default=60.0, gt=0, le=1e6)
    """Requests to the AI of one connection; beyond it they are answered `rate_limited`."""
    ask_burst: int = Field(default=20, ge=1, le=10_000)
    paints_per_minute: float = Field(default=600.0, gt=0, le=1e6)
    """Requests to paint of one connection: many, since a live frame asks with every few strokes."""
    paint_burst: int = Field(default=60, ge=1, le=10_000)
    remarks_per_minute: float = Field(default=120.0, gt=0, le=1e6)
    """Messages and comments of one connection; beyond it: `rate_limited`."""
    remark_burst: int = Field(default=30, ge=1, le=10_000)
    lessons_per_minute: float = Field(default=12.0, gt=0, le=1e6)
    """Passages that one member has measured for their style; beyond it: `rate_limited`."""
    lesson_burst: int = Field(default=6, ge=1, le=10_000)
    restores_per_minute: float = Field(default=12.0, gt=0, le=1e6)
    """How often one member may bring a room back to its past."""
    restore_burst: int = Field(default=6, ge=1, le=10_000)
    rooms_per_minute: float = Field(default=60.0, gt=0, le=1e6)
    """Rooms that one address may create."""
    room_burst: int = Field(default=60, ge=1, le=10_000)
    joins_per_minute: float = Field(default=600.0, gt=0, le=1e6)
    """Newcomers, without a session that their room knows, from one address; beyond it they are closed with 4429."""
    join_burst: int = Field(default=1000, ge=1, le=100_000)
    rejoins_per_minute: float = Field(default=30.0, gt=0, le=1e6)
    """How often one member may come back; beyond it they wait, or are closed with 4429."""
    rejoin_burst: int = Field(default=20, ge=1, le=10_000)
    queue_bytes: int = Field(default=4 * MIB, ge=64 * 1024, le=256 * MIB)
    """Edits and control messages that may wait for one slow client before it is told to resync."""
    lane_bytes: int = Field(default=256 * 1024, ge=16 * 1024, le=64 * MIB)
    """Each of a slow client's other lanes (tokens, previews, presence), which drop their oldest beyond it."""
    resume_bytes: int = Field(default=4 * MIB, ge=1024, le=1024 * MIB)
    """Updates that a room holds for clients that come back; an older client gets a rebuild."""
    journal_bytes: int = Field(default=16 * MIB, ge=64 * 1024, le=1024 * MIB)
    """Changes of one room that may wait for a disk that refuses them."""
    store_bytes: int = Field(default=64 * MIB, ge=MIB, le=4096 * MIB)
    """Changes of all rooms that may wait for the disk."""
    max_asset: int = Field(default=16 * MIB, ge=1024, le=16 * MIB)
    """A picture's file, as it is kept."""
    max_picture_file: int = Field(default=64 * MIB, ge=1024, le=1024 * MIB)
    """A picture's file, as it comes."""
    max_picture_pixels: int = Field(default=160_000_000, ge=1, le=1_000_000_000)
    """Pixels of a picture that comes: beyond `max_asset_pixels` it is scaled down, beyond this it is refused."""
    max_asset_pixels: int = Field(default=16 * MIB, ge=1, le=64 * MIB)
    max_asset_side: int = Field(default=8192, ge=1, le=32_768)
    """Pixels of a picture's longer side."""
    max_assets: int = Field(default=5000, ge=1, le=100_000)
    """Pictures of one room."""
    asset_bytes: int = Field(default=1024 * MIB, ge=1024, le=1024 * 1024 * MIB)
    """All pictures of one room together."""
    asset_grace_days: float = Field(default=7.0, gt=0, le=3650)
    """A picture that nothing names is kept for so long after it came."""
    asset_collect_hours: float = Field(default=6.0, ge=0, le=8760)
    """Between two looks for such pictures; 0: never."""
    picture_workers: int = Field(default=2, ge=1, le=64)
    """Pictures that are decoded at the same time."""
    picture_queue: int = Field(default=16, ge=0, le=1000)
    """Pictures that wait to be decoded; beyond it an upload is answered `queue_full`."""
    work_processes: int = Field(default=2, ge=1, le=64)
    """Helper processes for exports, the past of rooms and statistics of style."""
    work_queue: int = Field(default=32, ge=1, le=1000)
    """Requests that may wait for one, half of them from one address; beyond it they are answered `queue_full`."""
    work_seconds: float = Field(default=60.0, gt=0, le=3600)
    """Of one such request."""
    checked_per_minute: float = Field(default=200_000.0, gt=0, le=1e9)
    """Characters that one member has checked for spelling while typing; beyond it: `rate_limited`. Text that
    another asked for costs nothing."""
    checked_burst: int = Field(default=100_000, ge=4000, le=10_000_000)
    check_seconds: float = Field(default=60.0, gt=0, le=600)
    """Of one such request. The start of the checker is part of the first one: a bound that a busy machine needs for it
    would have it started again and again."""
    check_queue: int = Field(default=64, ge=1, le=1000)
    """Such requests that may wait, half of them of one member; beyond it they are answered `queue_full`."""
    searches_per_minute: float = Field(default=120.0, gt=0, le=1e6)
    """Searches of one member in a room; beyond it they are answered `rate_limited`."""
    search_burst: int = Field(default=40, ge=1, le=10_000)
    search_seconds: float = Field(default=60.0, gt=0, le=600)
    """Of one search; the first one of a room makes its index."""
    search_queue: int = Field(default=64, ge=1, le=1000)
    """Searches of all rooms that may wait, half of them in one room; beyond it they are answered `queue_full`."""
    steps_per_minute: float = Field(default=1200.0, gt=0, le=1e6)
    """Steps of undo and redo of one member, a large one as many as it has parts; beyond it: `rate_limited`."""
    step_burst: int = Field(default=300, ge=1, le=100_000)
    lookups_per_minute: float = Field(default=1200.0, gt=0, le=1e6)
    """Requests of one address for facts of a room: members, links, provenance, the recording of its jam."""
    lookup_burst: int = Field(default=300, ge=1, le=100_000)
    history_per_minute: float = Field(default=600.0, gt=0, le=1e6)
    """Requests for a room's past from one address."""
    history_burst: int = Field(default=120, ge=1, le=10_000)
    uploads_per_minute: float = Field(default=120.0, gt=0, le=1e6)
    """Pictures that one address may send."""
    upload_burst: int = Field(default=60, ge=1, le=10_000)
    max_import: int = Field(default=16 * 1024 * 1024, ge=1024, le=2**30)
    """Bytes of a manuscript's file that is brought in."""
    conversions: int = Field(default=2, ge=1, le=64)
    """Manuscripts that are read or written at the same time, each in a process of its own."""
    conversions_per_minute: float = Field(default=30.0, gt=0, le=1e6)
    """Per address."""
    conversion_burst: int = Field(default=20, ge=1, le=10_000)
    reading_bytes_per_second: float = Field(default=2.0 * MIB, gt=0, le=1e10)
    """Of rooms' texts and authors over HTTP, per address; beyond it: `rate_limited`."""
    reading_burst: int = Field(default=64 * MIB, ge=1024, le=4096 * MIB)
    upload_timeout: float = Field(default=60.0, gt=0, le=3600)
    """A picture that has not come by then is refused."""
    trace_timeout: float = Field(default=20.0, gt=0, le=600)
    """A picture whose outlines are not found by then is not traced."""
    idle_timeout: float = Field(default=20.0, gt=0, le=3600)
    """A connection whose first or next headers are not complete by then is closed. A reverse proxy that keeps
    connections open should let go of them earlier."""
    hello_timeout: float = Field(default=10.0, gt=0, le=300)
    heartbeat: float = Field(default=30.0, gt=0, le=600)
    """A client that answers no ping for half of this again is gone."""
    stall_timeout: float = Field(default=30.0, gt=0, le=600)
    """A client that has a backlog and takes none of it is let go."""
    close_timeout: float = Field(default=5.0, gt=0, le=60)
    """A client that has not answered a close frame by then is cut off."""
    empty_room_timeout: float = Field(default=60.0, ge=0, le=86_400)
    """A room that has been empty this long stops its runs and leaves the memory."""
