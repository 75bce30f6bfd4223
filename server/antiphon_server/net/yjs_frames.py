"""Frames for plain y-websocket clients."""

from __future__ import annotations

from antiphon_proto.lanes import Lane
from antiphon_proto.sync import SyncStep1, SyncStep2, encode_y
from antiphon_server.net.frames import Frame, websocket_frame


def edit_frame(message: SyncStep1 | SyncStep2) -> Frame:
    """A step of the sync handshake; never dropped."""
    return Frame(Lane.EDIT, yjs=websocket_frame(encode_y(message)))
