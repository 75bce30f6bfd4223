"""The line between gateway and worker: length-prefixed MessagePack frames over a Unix socket.

A frame is a big-endian 32-bit length and that many bytes: one message of the sender's union. Both sides use the same
sans-I/O codec. The two processes are one release of one program, so there is no version negotiation; anything that
does not decode is a ChannelError and ends the worker, because nothing after it can be trusted.
"""

from __future__ import annotations

import struct
from typing import Generic, TypeAlias, TypeVar, cast

import msgspec
from msgspec import Struct

from antiphon_engines.api import Absent, AudioSteer, EngineInfo, Modality, PlayedNote, Request, Steer
from antiphon_engines.config import WorkerConfig
from antiphon_engines.ipc.events import RunEvent
from antiphon_engines.ipc.trace import Named, Record
from antiphon_engines.settings import QueueBounds
from antiphon_proto.errors import AntiphonError
from antiphon_proto.params import ImageSteer, TextSteer

MAX_FRAME = 40 * 1024 * 1024
"""Bytes of one frame's body: a source picture and its mask at their bounds fit, a corrupted length is above."""
_PREFIX = struct.Struct(">I")

M = TypeVar("M")


class ChannelError(AntiphonError):
    """The bytes on the channel are not frames of the expected messages."""


# Gateway to worker --------------------------------------------------------------------------------------


class Configure(Struct, frozen=True, tag="configure"):
    """First and once: the engine to build."""

    config: WorkerConfig
    queue: QueueBounds


class Submit(Struct, frozen=True, tag="submit"):
    """A run for the queue. `ticket` names it on this channel and is never used twice."""

    ticket: int
    run: str
    epoch: int
    share: str
    weight: float
    request: Request


class SteerRun(Struct, frozen=True, tag="steer"):
    """`epoch` is the run's from now on, and the answer names it; 0: a change that nobody is told of."""

    ticket: int
    change: TextSteer
    epoch: int = 0


class SteerPicture(Struct, frozen=True, tag="steer_picture"):
    """As `SteerRun`."""

    ticket: int
    change: ImageSteer
    epoch: int = 0


class SteerBand(Struct, frozen=True, tag="steer_band"):
    """As `SteerRun`."""

    ticket: int
    change: AudioSteer
    epoch: int = 0


class Push(Struct, frozen=True, tag="push"):
    """Notes that people played, for a band."""

    ticket: int
    notes: tuple[PlayedNote, ...]


class Cancel(Struct, frozen=True, tag="cancel"):
    ticket: int


class UseModel(Struct, frozen=True, tag="use_model"):
    """Load another model of a modality, by its spec, for all later runs."""

    modality: Modality
    model: str


class Ping(Struct, frozen=True, tag="ping"):
    sequence: int


class Recall(Struct, frozen=True, tag="recall"):
    """Asks for the trace of the latest units; `Traced` with the same `sequence` answers."""

    sequence: int


class Shutdown(Struct, frozen=True, tag="shutdown"):
    """Finish the step in hand, free everything, exit 0."""


Command: TypeAlias = (
    Configure
    | Submit
    | SteerRun
    | SteerPicture
    | SteerBand
    | Push
    | Cancel
    | UseModel
    | Ping
    | Recall
    | Shutdown
)

# Worker to gateway --------------------------------------------------------------------------------------


class Stats(Struct, frozen=True):
    """Counters since the worker became ready."""

    active: int = 0
    waiting: int = 0
    steps: int = 0
    units: int = 0
    """Jobs advanced, summed over steps: `units / steps` is the mean batch."""
    tokens: int = 0
    busy_seconds: float = 0.0
    """Spent inside the engines, admitting and stepping."""
    overhead_seconds: float = 0.0
    """Spent around them on commands, decisions, accounts and reports; waiting is in neither."""
    busy_cpu_seconds: float = 0.0
    """Processor time of the loop's thread inside the engines and, below, outside them. The engines' other threads are
    not in it."""
    overhead_cpu_seconds: float = 0.0
    painted: int = 0
    """Denoising steps of pictures."""
    played: int = 0
    """Audio frames."""
    late: int = 0
    """Audio frames that left after their time, or not at all."""


class Progress(Struct, frozen=True, tag="progress"):
    """The engine is being built. `fraction` is 0 to 1, or None when it cannot be told."""

    message: str
    fraction: float | None = None


class Ready(Struct, frozen=True, tag="ready"):
    engines: tuple[EngineInfo, ...]
    absent: tuple[Absent, ...] = ()


class Changed(Struct, frozen=True, tag="changed"):
    """The worker goes on with other engines than before, or they have changed."""

    engines: tuple[EngineInfo, ...]
    absent: tuple[Absent, ...]
    coming: tuple[Absent, ...] = ()
    """By their specs, models that were asked for: `loading`, or why they could not be had."""
    models: dict[Modality, str] = {}
    """Specs in force."""


class Events(Struct, frozen=True, tag="events"):
    """Events of one run, in order."""

    ticket: int
    events: tuple[RunEvent, ...]


class Pong(Struct, frozen=True, tag="pong"):
    sequence: int
    stats: Stats


class Traced(Struct, frozen=True, tag="traced"):
    """Recent records of the worker, oldest first, and their runs."""

    sequence: int
    records: tuple[Record, ...]
    names: tuple[Named, ...]


class Fatal(Struct, frozen=True, tag="fatal"):
    """The worker ends. `message` is one clear line; `final` when another attempt would fail in the same way."""

    message: str
    final: bool


Report: TypeAlias = Progress | Ready | Changed | Events | Pong | Traced | Fatal


def steering(ticket: int, change: Steer, epoch: int) -> SteerRun | SteerPicture | SteerBand:
    """The command that carries `change`: the kinds stand untagged on the wire, so each has its own."""
    match change:
        case TextSteer():
            return SteerRun(ticket, change, epoch)
        case ImageSteer():
            return SteerPicture(ticket, change, epoch)
        case AudioSteer():
            return SteerBand(ticket, change, epoch)


# Codec --------------------------------------------------------------------------------------------------

_encoder = msgspec.msgpack.Encoder()


def encode(message: Command | Report) -> bytes:
    """One frame. Raises ChannelError when the message is over the bound."""
    body = _encoder.encode(message)
    if len(body) > MAX_FRAME:
        raise ChannelError(f"a {type(message).__name__} of {len(body)} bytes; the bound is {MAX_FRAME}")
    return _PREFIX.pack(len(body)) + body


class FrameDecoder(Generic[M]):
    """Turns the bytes of one direction into messages; holds at most one incomplete frame and the bytes of `feed`."""

    def __init__(self, union: object, max_frame: int = MAX_FRAME) -> None:
        self._decoder = msgspec.msgpack.Decoder(union)
        self._max_frame = max_frame
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[M]:
        """The messages that `data` completed. Raises ChannelError; then the channel must be closed."""
        self._buffer += data
        messages: list[M] = []
        start = 0
        while len(self._buffer) - start >= _PREFIX.size:
            (length,) = _PREFIX.unpack_from(self._buffer, start)
            if length > self._max_frame:
                raise ChannelError(f"a frame of {length} bytes; the bound is {self._max_frame}")
            body = start + _PREFIX.size
            if len(self._buffer) - body < length:
                break
            messages.append(self._decode(bytes(self._buffer[body : body + length])))
            start = body + length
        del self._buffer[:start]
        return messages

    def finish(self) -> None:
        """The other side closed. Raises ChannelError when it stopped in the middle of a frame."""
        if self._buffer:
            raise ChannelError(f"the channel ended inside a frame, after {len(self._buffer)} bytes of it")

    def _decode(self, body: bytes) -> M:
        try:
            return cast(M, self._decoder.decode(body))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ChannelError(f"malformed message: {str(error)[:200]}") from error


def command_decoder() -> FrameDecoder[Command]:
    """For the worker."""
    return FrameDecoder(Command)


def report_decoder() -> FrameDecoder[Report]:
    """For the gateway."""
    return FrameDecoder(Report)
