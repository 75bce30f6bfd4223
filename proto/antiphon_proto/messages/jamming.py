"""Messages of the jam: notes of people, the transport, the band's audio and notes (`antiphon_proto.document.jam`)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from antiphon_proto.document.jam import MAX_NOTE_EVENTS, BandChord, BandNote, NoteEvent, TransportChange, When
from antiphon_proto.frame import Id, Message, Request, UInt
from antiphon_proto.lanes import Lane

Opus = Annotated[bytes, Meta(max_length=16_384)]
"""One Opus packet (RFC 6716)."""


class Play(Request, frozen=True, tag="play"):
    """Keys that the sender pressed and released, for the others and the band; not answered. Times that are more than
    `jam.late` behind or `jam.early` ahead of the server's clock are moved to that bound."""

    lane: ClassVar[Lane] = Lane.AUDIO
    events: Annotated[tuple[NoteEvent, ...], Meta(min_length=1, max_length=MAX_NOTE_EVENTS)]


class Conduct(Request, frozen=True, tag="conduct"):
    """Change the transport at the next beat or bar line, or as soon as all clients can have received it ("now").
    Answered by `conducted`; the transport in force is in the document (`jam.transport`)."""

    conduct: UInt
    change: TransportChange
    when: When = "bar"


class Perform(Request, frozen=True, tag="perform"):
    """Start the band: a run of task `jam`, one in a room at a time, until it is stopped. It reads `jam.band` live."""

    perform: UInt
    seed: UInt | None = None


class Played(Message, frozen=True, tag="played"):
    """Keys that another participant pressed and released, in server time. After a gap (`audio_gap`) a client releases
    all notes of the others."""

    lane: ClassVar[Lane] = Lane.AUDIO
    participant: Id
    events: tuple[NoteEvent, ...]


class Conducted(Message, frozen=True, tag="conducted"):
    """Answer to `conduct`: from server time `at_ms` on, which is beat `beat`, the change is in force."""

    conduct: UInt
    serial: UInt
    at_ms: float
    beat: float


class BandStream(Message, frozen=True, tag="band_stream"):
    """Timing of the band's stream; sent before its first `audio`, and to newcomers. Sample `pts` sounds at server time
    `start_ms + pts / 48`. When `epoch` rises, clients drop buffered audio of older epochs from `from_pts` on."""

    run: Id
    epoch: UInt
    start_ms: float
    frame: UInt
    """Samples of one `audio`."""
    from_pts: UInt = 0
    pre_skip: UInt = 0
    """Samples to discard from the start of the decoder's output."""


class Audio(Message, frozen=True, tag="audio"):
    """A frame of the band: 48 kHz stereo Opus. `seq` rises by one; a missing number is a frame that would have come too
    late."""

    lane: ClassVar[Lane] = Lane.AUDIO
    run: Id
    epoch: UInt
    seq: UInt
    pts: UInt
    opus: Opus


class BandNotes(Message, frozen=True, tag="band_notes"):
    """Notes that the band is about to play: committed, never retracted."""

    lane: ClassVar[Lane] = Lane.AUDIO
    run: Id
    epoch: UInt
    notes: Annotated[tuple[BandNote, ...], Meta(max_length=1024)]
    chords: Annotated[tuple[BandChord, ...], Meta(max_length=64)] = ()


class AudioGap(Message, frozen=True, tag="audio_gap"):
    """Number of audio messages that were dropped because this client did not read them in time."""

    dropped: UInt
