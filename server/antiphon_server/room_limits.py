"""The bounds of one room; sizes in bytes, times in seconds."""

from __future__ import annotations

from msgspec import Struct

from antiphon_proto.document.canvas import DEFAULT_MAX_OBJECTS, DEFAULT_MAX_POINTS
from antiphon_proto.document.chat import DEFAULT_MAX_CHAT
from antiphon_proto.document.comments import DEFAULT_MAX_COMMENTS
from antiphon_proto.messages import RightName
from antiphon_server.jam_settings import JamSettings

MIB = 1024 * 1024


class RoomLimits(Struct, frozen=True):
    """Bounds of one room. Times are seconds unless a field says otherwise."""

    max_members: int = 500
    """Participants online at once, plain Yjs clients included."""
    max_known: int = 5000
    """Participants that a room remembers."""
    max_message: int = 8 * MIB
    """Told to clients; the connection enforces it."""
    max_update: int = 4 * MIB
    max_items: int = 20_000
    """Of one update: its structs, with those deletions that are new."""
    max_document: int = 16 * MIB
    """The encoded document, history of deletions included."""
    max_name: int = 48
    max_objects: int = DEFAULT_MAX_OBJECTS
    """On the canvas."""
    max_points: int = DEFAULT_MAX_POINTS
    """Of one stroke."""
    max_asset: int = 16 * MIB
    """Told to clients, as `max_asset_pixels`; the upload enforces both."""
    max_asset_pixels: int = 16 * MIB
    max_chat: int = DEFAULT_MAX_CHAT
    """Entries of the chat; the oldest make room."""
    max_comments: int = DEFAULT_MAX_COMMENTS
    lessons_per_minute: float = 12.0
    """Passages that one member has measured for their style."""
    lesson_burst: int = 6
    viewer_rights: frozenset[RightName] = frozenset({"comment"})
    """Rights of viewers besides seeing: `comment`, `history`."""
    edits_per_second: float = 200.0
    """Told to clients; the connection enforces it by reading later."""
    max_runs: int = 16
    """Live runs of one room."""
    max_runs_per_member: int = 6
    """A brainstorm is three."""
    max_kept_runs: int = 500
    """Ended runs that a room still tells newcomers about."""
    max_tokens_kept: int = 4 * MIB
    """Token details of runs, packed: those of some 100,000 tokens; the oldest runs' go first."""
    empty_timeout: float = 60.0
    """A room that has been empty this long stops its runs and may leave the memory."""
    jam: JamSettings = JamSettings()
    presence_interval: float = 0.04
    """At most one presence frame per participant in so many seconds; the last state wins."""
    resume_frames: int = 2048
    resume_bytes: int = 4 * MIB
    """How far back a client can resume without a rebuild."""
    history_ticks: int = 8192
    """How far back a position can be stated."""
    digest_interval: float = 5.0
    """Seconds between two digests while the text changes."""
    snapshot_entries: int = 500
    snapshot_bytes: int = 2 * MIB
    """A snapshot is taken after so many entries, or so many bytes of them."""
    journal_bytes: int = 16 * MIB
    """Changes that may wait for a store that refuses them; edits are refused from the first such refusal on."""
