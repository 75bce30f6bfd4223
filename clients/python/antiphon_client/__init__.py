"""Antiphon's Python SDK: join a room, co-edit its document, ask its AI.

async with connect("http://127.0.0.1:8080/r/ROOM#TOKEN", name="Ada") as room:
    room.insert(0, "Once upon a time")
    async for token in room.ask():
        print(token.text, end="")
"""

from antiphon_client.address import Address, create_room
from antiphon_client.assets import Asset
from antiphon_client.canvas import Canvas
from antiphon_client.errors import (
    ClientError,
    EditRefused,
    JoinRefused,
    NoAnswer,
    NothingToUndo,
    RequestRefused,
    RunFailed,
)
from antiphon_client.film import Film
from antiphon_client.jam.clock import ServerClock
from antiphon_client.jam.jam import AudioFrame, Jam, Performance
from antiphon_client.manuscripts import Converted, Encoding, EncodingChoice, Exported, Notice
from antiphon_client.paint_run import Painted, Painting
from antiphon_client.room import Room, connect
from antiphon_client.session.run import Run
from antiphon_client.spelling.faults import Fault
from antiphon_client.steps import Step
from antiphon_client.writing import FillIn

__all__ = [
    "Address",
    "Asset",
    "AudioFrame",
    "Canvas",
    "ClientError",
    "Converted",
    "EditRefused",
    "Encoding",
    "EncodingChoice",
    "Exported",
    "Fault",
    "FillIn",
    "Film",
    "Jam",
    "JoinRefused",
    "NoAnswer",
    "Painted",
    "Painting",
    "Performance",
    "NothingToUndo",
    "Notice",
    "RequestRefused",
    "Room",
    "Run",
    "RunFailed",
    "ServerClock",
    "Step",
    "connect",
    "create_room",
]
