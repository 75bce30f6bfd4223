"""The engine interface: everything between the models and the code above them.

Engines are synchronous, know nothing of rooms, sockets or documents, and are tested without a loop. The scheduler
calls them from one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, ClassVar, Final, Literal, Protocol, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from antiphon_proto.document.jam import BandChord, BandControls, BandNote, BandSound, Transport
from antiphon_proto.document.style import StyleCard
from antiphon_proto.errors import AntiphonError, ErrorCode, PeerError
from antiphon_proto.messages import TokenInfo
from antiphon_proto.params import (
    ImageParams,
    ImagePrompt,
    ImageSteer,
    ImageTask,
    PreviewEvery,
    PreviewSide,
    Sampler,
    TextParams,
    TextSteer,
)

MAX_SOURCE = 16 * 1024 * 1024
"""Bytes of an encoded source picture or mask."""
MAX_LINE = 4000
"""Characters of a line that is spoken."""

Modality: TypeAlias = Literal["text", "image", "audio", "speech"]

# Requests ---------------------------------------------------------------------------------------------


TextTask: TypeAlias = Literal["continue", "instruct", "rewrite", "chat", "fill"]
"""`continue` and `instruct` as in a task that people ask for; `rewrite` puts the selection in other words, as its
instruction (which may be empty) says; `chat` answers the last line of a conversation about the text; `fill` finds
words that fit between `before` and `after`, about as many as the selection has, and answers with `Fills`."""


class ChatLine(Struct, frozen=True, array_like=True):
    """A line of the chat; lines are given oldest first."""

    name: str
    text: str


class Persona(Struct, frozen=True):
    """Who answers in a conversation, where that is a performer: people's own words, which the prompt keeps apart from
    its orders. `notes`: kinds of notes beside its answer, in lines as `performer_prompts` explains them to the
    model: remarks on passages, or other words for them."""

    name: str
    brief: str
    notes: Literal["", "remarks", "words"] = ""


class TextRequest(Struct, frozen=True, tag="text"):
    """A request for text.

    `before` and `after` are the document's text around the place, already cut to a window by the caller (at stable
    boundaries, so that a cached prefix stays valid while the document grows); `selection` is the passage that an
    instruction is about; `style` tells how the story is told, and stands before everything else. The engine builds its
    own prompt of these: chat template, or raw continuation, as suits its model."""

    task: TextTask
    before: str
    after: str = ""
    selection: str = ""
    instruction: str = ""
    params: TextParams = TextParams()
    style: StyleCard = StyleCard()
    chat: tuple[ChatLine, ...] = ()
    """The conversation; the last line is the one to answer."""
    recalled: str = ""
    """Of task `chat`: sentences from other parts of the document that the last line may be about, a line for each."""
    persona: Persona | None = None
    """Of task `chat`: who answers; None: the co-author."""
    model: str = ""
    """Name of the engine that is to write, among those that serve side by side; empty: the one that serves."""


Encoded: TypeAlias = Annotated[bytes, Meta(max_length=MAX_SOURCE)]


class ImageRequest(Struct, frozen=True, tag="image"):
    """A request for a picture.

    `source` and `mask` are PNG, JPEG or WebP; a mask has the size of its source and is white where paint may go (only
    brightness counts). `previews` asks for a preview at every n-th step, 0 for none; `preview_side` bounds its long
    side in pixels.
    """

    task: ImageTask
    prompt: ImagePrompt
    params: ImageParams = ImageParams()
    source: Encoded | None = None
    mask: Encoded | None = None
    previews: PreviewEvery = 1
    preview_side: PreviewSide = 256


class Segment(Struct, frozen=True):
    """The transport from sample `sample` of the stream on; `transport.at_ms` is that sample's time on the gateway's
    clock and nothing that an engine computes with: within a stream, time is counted in samples."""

    sample: int
    transport: Transport


class AudioRequest(Struct, frozen=True, tag="audio"):
    """A band for a room, until it is cancelled: a stream of 48 kHz stereo frames.

    Sample 0 sounds at `start`, in seconds of CLOCK_MONOTONIC (which all processes of a machine share); every sample has
    to leave the worker `lead` seconds before it sounds. `segments` are in order, the first one at sample 0; while the
    transport stands still no frames are made once the band has rung out (half a second), and `pts` jumps.
    """

    controls: BandControls
    segments: tuple[Segment, ...]
    seed: int
    start: float
    lead: float = 0.25
    frame: int = 1920
    """Samples of one frame, a length that an Opus packet can have: 960, 1,920, 2,880, 3,840 or 4,800 (20 to 100 ms)."""


class AudioSteer(Struct, frozen=True):
    """A change to a running band; unset fields stay as they are. `segments` replaces those not yet committed."""

    controls: BandControls | UnsetType = UNSET
    segments: tuple[Segment, ...] | UnsetType = UNSET


class PlayedNote(Struct, frozen=True, array_like=True):
    """A person's key, pressed (`velocity` 1 to 127) or released (0) at a sample of the stream; the past is allowed."""

    sample: int
    participant: str
    pitch: int
    velocity: int


class SpeechRequest(Struct, frozen=True, tag="speech"):
    """A line of dialogue to be spoken, a sentence at a time. `voice` is the id of one of the engine's; `speed` is 0.5
    to 2."""

    text: Annotated[str, Meta(max_length=MAX_LINE)]
    voice: Annotated[str, Meta(max_length=64)]
    speed: Annotated[float, Meta(ge=0.5, le=2)] = 1.0


Request: TypeAlias = TextRequest | ImageRequest | AudioRequest | SpeechRequest
Steer: TypeAlias = TextSteer | ImageSteer | AudioSteer

# Outputs ----------------------------------------------------------------------------------------------


class Token(Struct, frozen=True, tag="token"):
    """One sampled token; `info.text` holds whole characters only and may be empty while one is incomplete."""

    info: TokenInfo


class Fills(Struct, frozen=True, tag="fills"):
    """What was found so far to stand in a gap, the best first; replaces what was told before. No blanks around it."""

    texts: tuple[str, ...]


class Step(Struct, frozen=True, tag="step"):
    """A picture is `step` of its `of` denoising steps on; 0 when it has been prepared."""

    step: int
    of: int


class Preview(Struct, frozen=True, tag="preview"):
    """The picture as predicted after `step`: a JPEG of at most 12 KB for 256 x 256 pixels. It may be smaller than the
    picture; sizes are its own."""

    step: int
    of: int
    jpeg: bytes
    width: int
    height: int


class Image(Struct, frozen=True, tag="image"):
    """The finished picture. `Done` follows. `seed` paints it again."""

    png: bytes
    width: int
    height: int
    seed: int


class Audio(Struct, frozen=True, tag="audio"):
    """A frame of a band: one Opus packet of `samples` samples from `pts` on. `late` seconds: after it had to leave;
    frames that would sound before they could arrive are skipped, not sent, and `pts` jumps."""

    pts: int
    samples: int
    opus: bytes
    late: float = 0.0


class Performed(Struct, frozen=True, tag="performed"):
    """Notes and chords that are committed: they will be heard as they stand here. Ticks count from the jam's first
    beat, as `antiphon_proto.document.jam` says. `sound` comes when the instruments, levels or tone change."""

    notes: tuple[BandNote, ...]
    chords: tuple[BandChord, ...] = ()
    sound: BandSound | None = None


MouthShape: TypeAlias = Literal["rest", "closed", "teeth", "wide", "open", "round"]


class MouthAt(Struct, frozen=True, array_like=True):
    """From this second of the sound on, the mouth has this shape."""

    second: float
    shape: MouthShape


class Spoken(Struct, frozen=True, tag="spoken"):
    """A sentence of a line: mono samples of 16 bits, little-endian, `rate` a second. `mouth` is in order; its times
    count from the sentence's own beginning. The line is the sentences one behind the other."""

    pcm: bytes
    rate: int
    mouth: tuple[MouthAt, ...] = ()


class Done(Struct, frozen=True, tag="done"):
    """The job ended by itself. `length` is `params.max_tokens` or a full context."""

    reason: Literal["end", "stop_string", "length"]


class Failed(Struct, frozen=True, tag="failed"):
    """This job cannot go on; the others can."""

    code: str
    message: str


Output: TypeAlias = Token | Fills | Step | Preview | Image | Audio | Performed | Spoken | Done | Failed


class Deferred(Struct, frozen=True):
    """A preview or a picture whose file is still to be written: `write` does it, on any thread, without the engine or
    the job. Later outputs of the same job are reported after it."""

    write: Callable[[], Preview | Image]


Made: TypeAlias = Output | Deferred
"""An output of a step."""

# Errors -----------------------------------------------------------------------------------------------


class InvalidRequest(PeerError):
    """This engine cannot serve the request for any asker (bad parameters, prompt too long to fit)."""


class EngineUnavailable(AntiphonError):
    """The engine cannot be built or reached; the message is one clear line for a person."""

    code = ErrorCode.UNAVAILABLE


class QueueFull(PeerError):
    """Too many runs wait; the caller may try again later."""

    code = ErrorCode.QUEUE_FULL


# The interface ----------------------------------------------------------------------------------------


class ImageFacts(Struct, frozen=True):
    """An image model's defaults and bounds. Sizes are pixels."""

    width: int
    height: int
    steps: int
    guidance: float
    max_pixels: int
    samplers: tuple[Sampler, ...]
    """The first is the default."""
    strength: float = 0.6
    """Of `image_to_image`."""
    styles: tuple[str, ...] = ()
    """Words for styles that it understands; empty: any words."""


class AudioFacts(Struct, frozen=True):
    """The inputs and controls that an audio engine uses; interfaces offer these only. Times are seconds."""

    hears: Literal["notes", "audio", "nothing"]
    controls: tuple[str, ...]
    """Fields of `BandControls` that it honours."""
    roles: tuple[str, ...]
    lead: float
    """The least time between the making of a frame and its sounding that it can keep up."""
    pre_skip: int = 0
    """Samples that an Opus decoder gives before the first that counts."""
    prompts: tuple[str, ...] = ()
    """Words that it understands best, as suggestions; empty: any words."""


class Voice(Struct, frozen=True, array_like=True):
    """`language` as in `en-us`, `en-gb` or `ru`; empty: whichever the text is in. `gender` is `female`, `male` or
    empty."""

    id: str
    language: str
    gender: str
    name: str


class SpeechFacts(Struct, frozen=True):
    """The voices of a speech engine, the best first. `weights`: SHA-256 of its model's file, where it has one."""

    voices: tuple[Voice, ...]
    weights: str = ""


class Building(Struct, frozen=True, array_like=True):
    """A plan that is being built for one of an engine's networks while another backend serves."""

    part: str
    backend: str
    fraction: float
    """0 to 1, of the stage that it is in: exporting, then building."""


class Remark(Struct, frozen=True):
    """A line for people: the strengths of a model, the terms of its licence. `key` names it for an interface that has
    it in its own language, with `values` in their places; empty: there is only the text."""

    text: str = ""
    key: str = ""
    values: tuple[str, ...] = ()


NO_REMARK: Final = Remark()


class EngineInfo(Struct, frozen=True):
    """An engine's name, backend and bounds."""

    modality: Modality
    name: str
    device: str
    backend: str
    max_jobs: int
    """Jobs that can be admitted at the same time (KV rows, latents, sessions)."""
    max_batch: int
    """Jobs that one `step` call may advance."""
    note: Remark = NO_REMARK
    image: ImageFacts | None = None
    """Of image engines."""
    audio: AudioFacts | None = None
    """Of audio engines."""
    speech: SpeechFacts | None = None
    """Of speech engines."""
    building: tuple[Building, ...] = ()
    adapters: tuple[str, ...] = ()
    """Names that a run's parameters may ask for."""
    beside: tuple[str, ...] = ()
    """Names of further engines of this kind that a request may name."""


def retold(info: EngineInfo, backend: str, building: tuple[Building, ...] = ()) -> EngineInfo:
    """`info` with the current backend and builds; the very same value when nothing has changed."""
    if (info.backend, info.building) == (backend, building):
        return info
    return replace(info, backend=backend, building=building)


class Accelerating(Protocol):
    """The builder of faster runners for a model's slots."""

    @property
    def building(self) -> tuple[Building, ...]:
        """The plans that are being built now."""
        ...

    def listen(self, changed: Callable[[], None]) -> None:
        """Have `changed` called, on another thread, whenever `building` or the backend changes."""
        ...

    def wait(self) -> None:
        """Block until no plan is being built."""
        ...

    def close(self) -> None:
        """End the builds."""
        ...


LOADING: Final = "it is being loaded"
"""The `reason` of an :class:`Absent` engine that will come."""


class Absent(Struct, frozen=True):
    """An engine that this worker does without, for good or for now, and why, in a line for people."""

    modality: Modality
    name: str
    reason: str
    loading: bool = False
    """It will come: runs may be submitted and wait for it."""


class Window(Struct, frozen=True):
    """When a job's next unit should be run, in seconds of CLOCK_MONOTONIC: not before `opens` (it would commit music
    that people can still change), and finished by `due`. It is run before `opens` where that is the only way to make
    room for a unit that cannot be divided and that would last beyond `due`: the music then goes on, committed
    earlier."""

    opens: float
    due: float


class Piece(Struct, frozen=True):
    """Of a unit that a `Divisible` engine can make smaller."""

    least: float = 0.0
    """Seconds that the shortest piece of it takes with this job alone, or with its whole `call`, on the safe side; 0
    where it can be cut to any length."""
    call: int = 0
    """Of a unit that has begun and paused: the jobs with this number go on together, all of them, until it is over."""


class Job(Protocol):
    """One admitted request. Engines subclass or implement it with their own streaming state."""

    unit: str
    """The kind of this job's next step, for instance "prefill" or "decode": jobs with equal units may share a batch;
    the engine may change it after each step."""

    @property
    def window(self) -> Window | None:
        """None: as soon as its turn comes. `opens` may be infinite: nothing to do until it is steered."""
        ...

    @property
    def piece(self) -> Piece | None:
        """How the next unit can be made smaller; None where it cannot."""
        ...


class Engine(Protocol):
    """A model behind the scheduler."""

    kind: ClassVar[str]

    @property
    def info(self) -> EngineInfo:
        """The engine's name, backend, bounds and notes; replaced by a new value when one of them changes."""
        ...

    def admit(self, request: Request) -> Job:
        """Validate, tokenise, allocate state. Bounded work: the long part (prefill) is done in steps.

        Raises InvalidRequest. The scheduler never admits more than `info.max_jobs`.
        """
        ...

    def step(self, jobs: Sequence[Job]) -> Sequence[Sequence[Made]]:
        """Advance each job by one unit and return the outputs of each job (possibly none).

        All jobs have the same `unit`, at most `info.max_batch` of them. `Done` or `Failed` is a job's last output;
        after it the job must be released. One job's failure never raises; an exception means the engine is broken.
        """
        ...

    def steer(self, job: Job, change: Steer) -> None:
        """Change a running job from its next step on. Raises InvalidRequest, and then nothing is changed."""
        ...

    def release(self, job: Job) -> None:
        """Free the job's state; idempotent, allowed at any time between steps."""
        ...

    def close(self) -> None:
        """Free everything."""
        ...


class Divisible(Engine, Protocol):
    """An engine with units that it can make smaller: chunks of a prompt, pieces of a forward. Their jobs have a
    `piece`."""

    def budget(self, seconds: float) -> None:
        """Until the next call, a step of such a unit takes no longer than this: on average where it can be cut to any
        length, else by a conservative estimate from earlier pieces. It always makes progress."""
        ...


class Listening(Engine, Protocol):
    """An engine that hears people: audio engines."""

    def push(self, job: Job, notes: Sequence[PlayedNote]) -> None:
        """Notes that people played. Late, early or odd notes never raise; the engine uses them as far as it can."""
        ...


def written(request: Request) -> TextRequest:
    """A request for a text engine, as one. Raises InvalidRequest."""
    if not isinstance(request, TextRequest):
        raise InvalidRequest("this engine writes text")
    return request


def kind_of(request: Request) -> str:
    """The kind of engine that serves a request."""
    match request:
        case TextRequest():
            return "text"
        case ImageRequest():
            return "image"
        case AudioRequest():
            return "audio"
        case SpeechRequest():
            return "speech"


class Later(Struct, frozen=True):
    """An engine that takes long to load and joins when it has been. `build` raises EngineUnavailable; it is called
    once, on a thread of its own."""

    modality: Modality
    name: str
    build: Callable[[], Engine]


class Engines(Struct, frozen=True):
    """The engines of a worker, one per kind: ready, loading later, and unavailable."""

    ready: tuple[Engine, ...]
    absent: tuple[Absent, ...] = ()
    later: tuple[Later, ...] = ()
    beside: Callable[[Modality], int] = lambda modality: 0
    """How many engines of a modality may stay loaded beside the one that serves, as memory is now."""
    other: Callable[[Modality, str], Later | Absent] | None = None
    """How another model of a modality is made, from its spec; raises EngineUnavailable for a spec that names none.
    None: this worker has one model of each only."""
