"""Messages of a connection and of who is here."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias

from msgspec import Meta, Struct

from antiphon_proto.frame import (
    FRAGMENT_BODY,
    MAX_FRAGMENTS,
    Color,
    Id,
    Kind,
    Message,
    Name,
    Request,
    Role,
    Text,
    UInt,
)
from antiphon_proto.lanes import Lane
from antiphon_proto.messages.runs import RunInfo

RightName = Literal[
    "see", "edit", "prompt", "conduct", "chat", "comment", "history", "restore", "fork", "moderate"
]


class Resume(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The state that a returning client already has."""

    lineage: Id
    epoch: Id
    offset: UInt


class Participant(Struct, frozen=True, array_like=True):
    """A member of the room as the others see it; the AI is one too."""

    id: Id
    name: Name
    color: Color
    role: Role
    kind: Kind
    online: bool = True


class ImageModel(Struct, frozen=True, array_like=True):
    """An image model's defaults and bounds. Sizes are pixels."""

    width: UInt
    height: UInt
    steps: UInt
    guidance: float
    max_pixels: UInt
    samplers: tuple[str, ...]
    """The first is the default."""
    strength: float = 0.6
    """Of `image_to_image`."""
    adapters: tuple[str, ...] = ()
    """Names that `params.adapters` may ask for."""
    styles: tuple[str, ...] = ()
    """Words for styles that it understands; empty: any words."""


class AudioModel(Struct, frozen=True, array_like=True):
    """Inputs and controls that a band supports, so that the interface offers no others."""

    hears: Literal["notes", "audio", "nothing"]
    controls: tuple[str, ...]
    """Fields of `BandControls` that it honours."""
    roles: tuple[str, ...]
    lead_ms: float
    """The least time between the making of a frame and its sounding."""
    pre_skip: UInt = 0
    """Samples that an Opus decoder gives before the first that counts."""
    prompts: tuple[str, ...] = ()
    """Words that it understands best; empty: any words."""


class VoiceInfo(Struct, frozen=True, array_like=True):
    """`language` as in `en-us` or `ru`; empty: any. `gender` is `female`, `male` or empty."""

    id: str
    language: str
    gender: str
    name: str


class SpeechModel(Struct, frozen=True, array_like=True):
    """Voices for the lines of a film, the best first. `weights`: SHA-256 of the model's file, where it has one."""

    voices: tuple[VoiceInfo, ...]
    weights: str = ""


Modality: TypeAlias = Literal["text", "image", "audio", "speech"]


class Building(Struct, frozen=True, array_like=True):
    """A plan of one of a model's networks, and how far it is: 0 to 1 of the present stage."""

    part: str
    backend: str
    fraction: float


class Better(Struct, frozen=True, array_like=True):
    """A text model that is to take the place of the one that serves: how far it is, or why it does not."""

    name: str
    megabytes: UInt
    """To be fetched; 0 where that is not known."""
    stage: Literal["waits", "fetches", "verifies", "tries", "stays"]
    """`tries`: how fast it writes here is being measured; `stays`: the one that serves goes on."""
    fraction: float = 0.0
    """Of the stage, 0 to 1."""
    reason: str = ""
    """Of `stays`, in a line."""
    reason_key: str = ""
    """As `note_key` of `ModelInfo`, for the reason."""
    reason_values: tuple[str, ...] = ()


class ModelInfo(Struct, frozen=True, array_like=True):
    """Which engine answers, for the interface to name it honestly. `ready` is false while it loads or restarts."""

    modality: Modality
    name: str
    device: str
    ready: bool
    note: str = ""
    image: ImageModel | None = None
    """Of a ready image engine."""
    audio: AudioModel | None = None
    """Of a ready audio engine."""
    backend: str = ""
    """Backend that runs it: `torch`, `onnxruntime`, ...; sent again when another one takes over or fails."""
    building: tuple[Building, ...] = ()
    """Plans that are being built for it while it serves."""
    choices: tuple[str, ...] = ()
    """Models that `use_model` may name in its place, itself among them; empty where nobody in a room may choose."""
    coming: str = ""
    """The model that is being loaded to take its place."""
    refused: str = ""
    """Why the model that was asked for last could not take its place."""
    note_key: str = ""
    """Names `note` for an interface that has it in its own language; where it does not know the name: `note`."""
    note_values: tuple[str, ...] = ()
    """Fields by name: names, addresses, reasons."""
    better: Better | None = None
    """A better text model that is being fetched or tried, or why it does not serve."""
    beside: tuple[str, ...] = ()
    """Further text models that serve; an `ask` or a `say` may name one of them, or this one."""
    speech: SpeechModel | None = None
    """Of a ready speech engine."""


class Limits(Struct, frozen=True, array_like=True):
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
    max_chat: UInt = 0
    """Entries of the chat; the oldest make room."""
    max_comments: UInt = 0


class Hello(Request, frozen=True, tag="hello"):
    """First frame of a client. `session` is the secret of an earlier `welcome`; `client_id` is the Yjs client id that
    it would like to write under, or 0."""

    version: Annotated[int, Meta(ge=0, le=65535)]
    token: Annotated[str, Meta(max_length=2048)]
    name: Annotated[str, Meta(max_length=48)]
    client_id: UInt
    session: Annotated[str, Meta(max_length=128)] | None = None
    resume: Resume | None = None
    capabilities: Annotated[tuple[Annotated[str, Meta(max_length=32)], ...], Meta(max_length=32)] = ()
    agent: Annotated[str, Meta(max_length=128)] = ""
    """The client's own name, for logs."""
    kind: Literal["human", "agent"] = "human"
    """`agent`: a program acts here. It is marked as one for all participants, and in the provenance of its work."""


class SetPresence(Request, frozen=True, tag="set_presence"):
    """The sender's awareness state: a JSON object (cursor as Yjs relative positions), or `null` when it hides."""

    lane: ClassVar[Lane] = Lane.PRESENCE
    state: Annotated[str, Meta(max_length=4096)]


class Revoke(Request, frozen=True, tag="revoke"):
    """Put a member out; the invite link that they used stops working for newcomers. Owners only. `everywhere`: and
    whoever came with the same person's pass, that is, their other windows and devices."""

    participant: Id
    everywhere: bool = False


class UseModel(Request, frozen=True, tag="use_model"):
    """Let another model of a modality serve all rooms: one of its `choices`. Told by `models` while it loads and when
    it serves; runs under way end on theirs. Refused with `denied` where the operator alone chooses."""

    modality: Modality
    model: Annotated[str, Meta(min_length=1, max_length=1024)]


class Ping(Request, frozen=True, tag="ping"):
    """`sent_ms` is the sender's clock, echoed in `pong`."""

    sent_ms: float


class Fragment(Message, frozen=True, tag="fragment"):
    """A piece of a message over 256 KB: pieces arrive in order, one message at a time per direction."""

    lane: ClassVar[Lane] = Lane.EDIT
    index: Annotated[int, Meta(ge=0, lt=MAX_FRAGMENTS)]
    count: Annotated[int, Meta(ge=2, le=MAX_FRAGMENTS)]
    body: Annotated[bytes, Meta(max_length=FRAGMENT_BODY)]


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
    rights: tuple[RightName, ...] = ()
    """Rights of this participant in this room."""
    client_id: UInt = 0
    """The Yjs client id that this session writes under, and nobody else: the one of `hello`, or another where that
    is not free. New items of other ids are refused."""


class Joined(Message, frozen=True, tag="joined"):
    """A participant came, came back, or changed (name, role, online)."""

    participant: Participant


class Left(Message, frozen=True, tag="left"):
    """A participant has left."""

    participant: Id


class Presence(Message, frozen=True, tag="presence"):
    """A participant's awareness state (JSON object, or `null` when gone). `client_id` is its Yjs client id."""

    lane: ClassVar[Lane] = Lane.PRESENCE
    participant: Id
    client_id: UInt
    state: str


class Models(Message, frozen=True, tag="models"):
    """The engines changed state."""

    models: tuple[ModelInfo, ...]


class Links(Message, frozen=True, tag="links"):
    """To owners only: the standing invite links, and again when a link was made or ended. Role -> path with token."""

    links: dict[str, str]


class Pass(Message, frozen=True, tag="pass"):
    """After `welcome`: a token of this member's own, to come back with. It holds when their invite link was ended, and
    ends with their membership (or when that link would have)."""

    token: str


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
