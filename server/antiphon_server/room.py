"""A room: the shared document, who is in it, and what each of them may do.

Synchronous and free of sockets and tasks: connections bring messages, `tick` sends what has gathered. Everything that
changes the document passes `commit`; everybody gets it, merged and encoded once, with the next tick and its offset.
The hub ticks the room some milliseconds after `wake`; a test does it by hand.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import TypeAlias

from msgspec.structs import replace
from pycrdt import merge_updates

from antiphon_proto import schema
from antiphon_proto.errors import (
    AntiphonError,
    CloseCode,
    Conflict,
    ErrorCode,
    NotFound,
    PeerError,
    ProtocolViolation,
    RateLimited,
)
from antiphon_proto.messages import (
    VERSION,
    Accept,
    Ack,
    AckStatus,
    Ask,
    ClientMessage,
    Digest,
    Edit,
    Error,
    GoAway,
    Joined,
    Left,
    Limits,
    Links,
    Message,
    ModelInfo,
    Models,
    Participant,
    Rebuild,
    Redo,
    Reject,
    Resync,
    Revoke,
    Role,
    Run,
    SetPresence,
    Steer,
    Stop,
    Undo,
    Update,
    Welcome,
)
from antiphon_proto.sync import (
    Awareness,
    QueryAwareness,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
    YMessage,
    encode_y,
)
from antiphon_server.authorship import Owner
from antiphon_server.clock import Clock
from antiphon_server.coauthor import Coauthor, Engine
from antiphon_server.document import Change, DocumentBroken, InvalidUpdate, MissingUpdates
from antiphon_server.frames import Frame, Outlet, websocket_frame
from antiphon_server.journal import Journal
from antiphon_server.lanes_of import edit_frame
from antiphon_server.members import AI, Member, Members
from antiphon_server.presence import PresenceBoard
from antiphon_server.rights import NEEDED, Right, may, require
from antiphon_server.ring import Ring
from antiphon_server.room_limits import RoomLimits
from antiphon_server.runs import RunRegistry
from antiphon_server.seat import JoinRequest, Seat
from antiphon_server.shared import OURS, SERVER, SERVER_ORIGIN, SharedState
from antiphon_server.store.api import Entry, RoomStore, StoredRoom
from antiphon_server.suggestions import Suggestions
