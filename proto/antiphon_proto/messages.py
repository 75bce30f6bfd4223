"""Every message of `/ws`: one MessagePack array `[tag, field, ...]` each, every field bounded.

The classes are the specification's table in code (`PROTOCOL.md` explains the exchanges). Each declares the lane
it travels in. Positions in the story are **UTF-8 byte offsets** of its plain text, stated against a room offset.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct

from antiphon_proto.jam import MAX_NOTE_EVENTS, BandChord, BandNote, NoteEvent, TransportChange, When
from antiphon_proto.lanes import Lane
from antiphon_proto.params import (
    ImageParams,
    ImagePrompt,
    ImageSteer,
    ImageTask,
    Mode,
    Task,
    TextParams,
    TextSteer,
)

VERSION = 1
MAX_FRAME = 256 * 1024
"""Largest WebSocket message, bytes; anything larger is sent as `fragment`s."""
FRAGMENT_BODY = 192 * 1024
MAX_FRAGMENTS = 512

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Name = Annotated[str, Meta(min_length=1, max_length=48)]
Color = Annotated[str, Meta(pattern=r"^#[0-9a-fA-F]{6}$", max_length=7)]
UInt = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Instruction = Annotated[str, Meta(max_length=4000)]
Text = Annotated[str, Meta(max_length=2000)]
AssetId = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", max_length=64)]
"""SHA-256 of a picture of the room, in hexadecimal."""
Jpeg = Annotated[bytes, Meta(max_length=FRAGMENT_BODY)]
Opus = Annotated[bytes, Meta(max_length=16_384)]
"""One Opus packet (RFC 6716)."""
JamTask = Literal["jam"]
Role = Literal["owner", "editor", "viewer"]
Kind = Literal["human", "ai"]
RunState = Literal["queued", "running", "done", "stopped", "failed"]
SuggestionState = Literal["none", "open", "accepted", "rejected"]
AckStatus = Literal["applied", "durable", "denied", "invalid", "too_large", "rate_limited", "unavailable"]


class Message(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Base of all messages. `lane` is how the outbox treats it when the client reads slowly."""

    lane: ClassVar[Lane] = Lane.CONTROL


# Values inside messages -------------------------------------------------------------------------------


class Resume(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a returning client already has."""

    lineage: Id
    epoch: Id
    offset: UInt


class Participant(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A member of the room as the others see it; the AI is one too."""

    id: Id
    name: Name
    color: Color
    role: Role
    kind: Kind
    online: bool = True


class Alternative(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(max_length=256)]
    logprob: float


class TokenInfo(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One sampled token: the text it completed (whole characters only), its natural-log probability, its rivals.

    An engine that is not told (some remote servers) gives NaN and, for the id, -1.
    """

    index: UInt
    text: Annotated[str, Meta(max_length=1024)]
    token_id: int
    logprob: float
    alternatives: Annotated[tuple[Alternative, ...], Meta(max_length=8)] = ()


class RunInfo(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A run as everybody sees it, of a text or of a picture.

    `progress` of `length`: tokens, or denoising steps (`length` 0: not known yet). `position` counts from 1 in the
    queue; times are milliseconds. `target` is the frame that a picture is painted for. A picture's `instruction` is its
    prompt, its `mode` always `write`.
    """

    id: Id
    epoch: UInt
    participant: Id  # who asked
    author: Id  # the AI participant that writes
    task: Task | ImageTask | JamTask
    mode: Mode
    state: RunState
    model: str
    instruction: Instruction = ""
    progress: UInt = 0
    length: UInt = 0
    position: UInt = 0
    expected_start_ms: UInt = 0
    seed: UInt = 0
    suggestion: SuggestionState = "none"
    undone: bool = False
    error_code: str = ""
    error: Text = ""
    created_ms: UInt = 0
    target: Annotated[str, Meta(max_length=64)] = ""


class ImageModel(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What an image model does when a request leaves it open, and its bounds. Sizes are pixels."""

    width: UInt
    height: UInt
    steps: UInt
    guidance: float
    max_pixels: UInt
    samplers: tuple[str, ...]
    """The first is the default."""
    strength: float = 0.6
    """Of `image_to_image`."""


class ModelInfo(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Which engine answers, for the interface to name it honestly. `ready` is false while it loads or restarts."""

    modality: Literal["text", "image", "audio"]
    name: str
    device: str
    ready: bool
    note: str = ""
    image: ImageModel | None = None
    """Of a ready image engine."""


class Limits(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Bounds that a client should keep to by itself."""

    max_message: UInt
    max_update: UInt
    max_document: UInt
    max_runs: UInt
    edits_per_second: float
    max_asset: UInt = 0
    """Bytes of a picture's file."""
    max_asset_pixels: UInt = 0
    max_objects: UInt = 0
    """Objects on the canvas."""
    max_points: UInt = 0
    """Points of one stroke."""


# Client to server -------------------------------------------------------------------------------------


class Hello(Message, frozen=True, tag="hello"):
    """First frame of a client. `session` is the secret of an earlier `welcome`; `client_id` is the Yjs client id."""

    version: Annotated[int, Meta(ge=0, le=65535)]
    token: Annotated[str, Meta(max_length=2048)]
    name: Annotated[str, Meta(max_length=48)]
    client_id: UInt
    session: Annotated[str, Meta(max_length=128)] | None = None
    resume: Resume | None = None
    capabilities: Annotated[tuple[Annotated[str, Meta(max_length=32)], ...], Meta(max_length=32)] = ()
    agent: Annotated[str, Meta(max_length=128)] = ""


class Edit(Message, frozen=True, tag="edit"):
    """A Yjs update (v1 encoding). `batch` rises by one per session; each is answered by `ack`s."""

    lane: ClassVar[Lane] = Lane.EDIT
    batch: UInt
    update: bytes


class SetPresence(Message, frozen=True, tag="set_presence"):
    """The sender's awareness state: a JSON object (cursor as Yjs relative positions), or `null` when it hides."""

    lane: ClassVar[Lane] = Lane.PRESENCE
    state: Annotated[str, Meta(max_length=4096)]


class Ask(Message, frozen=True, tag="ask"):
    """Ask the AI. Positions are UTF-8 byte offsets in the story as it was at room offset `offset`.

    `start` == `end` is a cursor; else the range is the selection that an instruction is about. `ask` is echoed in the
    `run` that answers, or in an `error`.
    """

    ask: UInt
    task: Task
    mode: Mode
    offset: UInt
    start: UInt
    end: UInt
    instruction: Instruction = ""
    params: TextParams = TextParams()


class Paint(Message, frozen=True, tag="paint"):
    """Ask the AI to paint a frame of the canvas. `paint` is echoed in the `run` that answers, or in an `error`.

    `source` and `mask` are assets of this room: `image_to_image` needs a source, `inpaint` both, of one size; white in
    the mask is where paint may go. The finished picture takes the frame's place. With `live` the frame stays and shows
    the picture: for a frame that is painted again and again while people draw. A newer request of the same asker for
    the same frame supersedes the older one (PROTOCOL.md, "Painting").
    """

    paint: UInt
    frame: Id
    task: ImageTask
    prompt: ImagePrompt
    params: ImageParams = ImageParams()
    source: AssetId | None = None
    mask: AssetId | None = None
    live: bool = False


class Play(Message, frozen=True, tag="play"):
    """Keys that the sender pressed and released, for the others and the band; nobody answers. Times that are more
    than `jam.late` behind or `jam.early` ahead of the server's clock are moved to that bound."""

    lane: ClassVar[Lane] = Lane.AUDIO
    events: Annotated[tuple[NoteEvent, ...], Meta(min_length=1, max_length=MAX_NOTE_EVENTS)]


class Conduct(Message, frozen=True, tag="conduct"):
    """Change the transport at the next beat or bar line, or as soon as everybody can know of it ("now"). Answered by
    `conducted`; what is in force stands in the document (`jam.transport`)."""

    conduct: UInt
    change: TransportChange
    when: When = "bar"


class Perform(Message, frozen=True, tag="perform"):
    """Start the band: a run of task `jam`, one in a room at a time, until it is stopped. It reads `jam.band` live."""

    perform: UInt
    seed: UInt | None = None


class Stop(Message, frozen=True, tag="stop"):
    run: Id


class Steer(Message, frozen=True, tag="steer"):
    """Change a live run: `change` for a text, `image` for a picture; the other one stays empty."""

    run: Id
    change: TextSteer = TextSteer()
    image: ImageSteer | None = None


class Accept(Message, frozen=True, tag="accept"):
    """Accept a suggestion, whole, or only the part inside [start, end) as at room offset `offset`."""

    run: Id
    offset: UInt = 0
    start: UInt | None = None
    end: UInt | None = None


class Reject(Message, frozen=True, tag="reject"):
    run: Id
    offset: UInt = 0
    start: UInt | None = None
    end: UInt | None = None


class Undo(Message, frozen=True, tag="undo"):
    """Undo a run's writing (`run`), or the sender's own last edit (`run` is nil)."""

    run: Id | None = None


class Redo(Message, frozen=True, tag="redo"):
    """Redo the sender's own last undone edit."""


class Revoke(Message, frozen=True, tag="revoke"):
    """Put a member out; the invite link that they used stops working for newcomers. Owners only."""

    participant: Id


class Resync(Message, frozen=True, tag="resync"):
    """The client found that its copy differs (see `digest`) and wants a `rebuild`."""

    reason: Annotated[str, Meta(max_length=128)] = ""


class Ping(Message, frozen=True, tag="ping"):
    """`sent_ms` is the sender's clock, echoed in `pong`."""

    sent_ms: float


# Both directions --------------------------------------------------------------------------------------


class Fragment(Message, frozen=True, tag="fragment"):
    """A piece of a message over 256 KB: pieces arrive in order, one message at a time per direction."""

    lane: ClassVar[Lane] = Lane.EDIT
    index: Annotated[int, Meta(ge=0, lt=MAX_FRAGMENTS)]
    count: Annotated[int, Meta(ge=2, le=MAX_FRAGMENTS)]
    body: Annotated[bytes, Meta(max_length=FRAGMENT_BODY)]


# Server to client -------------------------------------------------------------------------------------


class Welcome(Message, frozen=True, tag="welcome"):
    """Answer to `hello`. Followed by `rebuild`, or by the `update`s that the resume point lacks."""

    version: int
    room: Id
    participant: Participant
    session: str
    lineage: Id
    epoch: Id
    offset: UInt
    participants: tuple[Participant, ...]
    runs: tuple[RunInfo, ...]
    models: tuple[ModelInfo, ...]
    limits: Limits
    server_ms: float
    resumed: bool
    last_batch: UInt
    """Highest batch of this session that the server has applied: the client need not send it again."""


class Rebuild(Message, frozen=True, tag="rebuild"):
    """The whole document. Under another `lineage` the client must drop its copy first."""

    lane: ClassVar[Lane] = Lane.EDIT
    lineage: Id
    epoch: Id
    offset: UInt
    reason: str
    update: bytes


class Update(Message, frozen=True, tag="update"):
    """The merged document changes of one tick; applying it brings the client to `offset`."""

    lane: ClassVar[Lane] = Lane.EDIT
    offset: UInt
    update: bytes


class Ack(Message, frozen=True, tag="ack"):
    """The fate of a batch. `applied` comes with the offset that holds it; `durable` when it is on disk."""

    lane: ClassVar[Lane] = Lane.EDIT
    batch: UInt
    status: AckStatus
    offset: UInt = 0
    message: Text = ""


class Joined(Message, frozen=True, tag="joined"):
    """A participant came, came back, or changed (name, role, online)."""

    participant: Participant


class Left(Message, frozen=True, tag="left"):
    participant: Id


class Presence(Message, frozen=True, tag="presence"):
    """A participant's awareness state (JSON object, or `null` when gone). `client_id` is its Yjs client id."""

    lane: ClassVar[Lane] = Lane.PRESENCE
    participant: Id
    client_id: UInt
    state: str


class Run(Message, frozen=True, tag="run"):
    """The state of a run changed. `ask` echoes the request in the message that first announces the run, else 0."""

    offset: UInt
    run: RunInfo
    ask: UInt = 0


class Steered(Message, frozen=True, tag="steered"):
    """To whoever steered: the change that began the run's `epoch` is in force. `made` tokens, or denoising steps, had
    come before it; everything after was made with it."""

    run: Id
    epoch: UInt
    made: UInt


class Tokens(Message, frozen=True, tag="tokens"):
    """Details of sampled tokens, beside the text that enters the document. In `private` mode they are the text."""

    lane: ClassVar[Lane] = Lane.TOKEN
    run: Id
    epoch: UInt
    tokens: tuple[TokenInfo, ...]


class Preview(Message, frozen=True, tag="preview"):
    """What a run's picture will be, as far as `step` of `of` shows it. A client drops what is not of its epoch: it was
    made before a steer."""

    lane: ClassVar[Lane] = Lane.PREVIEW
    run: Id
    epoch: UInt
    step: UInt
    of: UInt
    width: UInt
    height: UInt
    jpeg: Jpeg


class Played(Message, frozen=True, tag="played"):
    """Keys that another participant pressed and released, in server time. After a gap (`audio_gap`) a client releases
    what it sounds of the others."""

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
    """How to hear the band, before its first `audio` and to everybody who comes later. Sample `pts` sounds at server
    time `start_ms + pts / 48`. A raised `epoch` replaces: what is buffered of older epochs from `from_pts` on is
    dropped."""

    run: Id
    epoch: UInt
    start_ms: float
    frame: UInt
    """Samples of one `audio`."""
    from_pts: UInt = 0
    pre_skip: UInt = 0
    """Samples that the decoder gives before the first that counts."""


class Audio(Message, frozen=True, tag="audio"):
    """A frame of the band: 48 kHz stereo Opus. `seq` rises by one; a hole is a gap: what would have come too late."""

    lane: ClassVar[Lane] = Lane.AUDIO
    run: Id
    epoch: UInt
    seq: UInt
    pts: UInt
    opus: Opus


class BandNotes(Message, frozen=True, tag="band_notes"):
    """What the band is about to play: committed, never taken back."""

    lane: ClassVar[Lane] = Lane.AUDIO
    run: Id
    epoch: UInt
    notes: Annotated[tuple[BandNote, ...], Meta(max_length=1024)]
    chords: Annotated[tuple[BandChord, ...], Meta(max_length=64)] = ()


class AudioGap(Message, frozen=True, tag="audio_gap"):
    """Messages of the audio lane that this client did not read in time and will not get."""

    dropped: UInt


class Models(Message, frozen=True, tag="models"):
    """The engines changed state."""

    models: tuple[ModelInfo, ...]


class Links(Message, frozen=True, tag="links"):
    """To owners only: the invite links in force (after a `revoke` renewed one). Role -> path with token."""

    links: dict[str, str]


class Digest(Message, frozen=True, tag="digest"):
    """SHA-256 (first 16 bytes) of the story's UTF-8 text at `offset`; a client that differs sends `resync`."""

    lane: ClassVar[Lane] = Lane.EDIT
    offset: UInt
    sha256: bytes


class Error(Message, frozen=True, tag="error"):
    """A request failed. `re` is the tag it answers, `ref` its number or run id as text."""

    code: str
    message: Text
    re: str = ""
    ref: str = ""


class GoAway(Message, frozen=True, tag="go_away"):
    """The server drains: finish, then connect again after `retry_ms`."""

    reason: str
    retry_ms: UInt


class Pong(Message, frozen=True, tag="pong"):
    """Answer to `ping`: its `sent_ms`, and the server's clock (Unix milliseconds)."""

    sent_ms: float
    server_ms: float


ClientMessage = (
    Hello
    | Edit
    | SetPresence
    | Ask
    | Paint
    | Play
    | Conduct
    | Perform
    | Stop
    | Steer
    | Accept
    | Reject
    | Undo
    | Redo
    | Revoke
    | Resync
    | Ping
    | Fragment
)
ServerMessage = (
    Welcome
    | Rebuild
    | Update
    | Ack
    | Joined
    | Left
    | Presence
    | Run
    | Steered
    | Tokens
    | Preview
    | Played
    | Conducted
    | BandStream
    | Audio
    | BandNotes
    | AudioGap
    | Models
    | Links
    | Digest
    | Error
    | GoAway
    | Pong
    | Fragment
)


def tags(union: object) -> frozenset[str]:
    """The wire tags of a message union."""
    members: tuple[type[Struct], ...] = union.__args__  # type: ignore[attr-defined]
    return frozenset(str(msgspec.inspect.type_info(member).tag) for member in members)  # type: ignore[attr-defined]
