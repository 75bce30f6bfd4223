"""Delivery lanes. A message class declares its lane; no caller decides."""

from __future__ import annotations

from enum import IntEnum


class Lane(IntEnum):
    """Highest priority first. The lane decides how messages to a slow client are handled."""

    CONTROL = 0  # never dropped; a full lane closes the connection
    EDIT = 1  # never dropped; a full lane closes the connection with RESYNC
    AUDIO = 2  # frames past their deadline are dropped and counted as a gap
    TOKEN = 3  # coalesced per run: token details merge, oldest dropped beyond a bound
    PREVIEW = 4  # latest wins per (run, layer)
    PRESENCE = 5  # last state per participant
