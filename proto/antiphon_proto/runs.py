"""Messages of runs: what people ask of the AI, how it stands, and what is done with what it made."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias

from msgspec import Meta, Struct

from antiphon_proto.frame import FRAGMENT_BODY, Id, Instruction, Message, ModelName, Request, Text, UInt
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
    WriterTask,
)

AssetId = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", max_length=64)]
"""SHA-256 of a picture of the room, in hexadecimal."""
Jpeg = Annotated[bytes, Meta(max_length=FRAGMENT_BODY)]
JamTask = Literal["jam"]
RunTask: TypeAlias = Task | ImageTask | JamTask | WriterTask
RunState = Literal["queued", "running", "done", "stopped", "failed"]
SuggestionState = Literal["none", "open", "accepted", "rejected"]


class Alternative(Struct, frozen=True, array_like=True):
    """Another token that the model might have sampled, with its natural-log probability."""

    text: Annotated[str, Meta(max_length=256)]
    logprob: float


class TokenInfo(Struct, frozen=True, array_like=True):
    """One sampled token: the text it completed (whole characters only), its natural-log probability, its rivals.

    An engine that is not told (some remote servers) gives NaN and, for the id, -1.
    """

    index: UInt
    text: Annotated[str, Meta(max_length=1024)]
    token_id: int
    logprob: float
    alternatives: Annotated[tuple[Alternative, ...], Meta(max_length=8)] = ()


Thinned: TypeAlias = Literal["", "load", "viewers"]
"""The device has more to do than it can, or most of those who look do not keep up."""


class RunInfo(Struct, frozen=True, array_like=True):
    """A run as everybody sees it, of a text or of a picture.

    `progress` of `length`: tokens, or denoising steps (`length` 0: not known yet). `position` counts from 1 in the
    queue; times are milliseconds. `target` is the frame that a picture is painted for, or the chat entry that an answer
    stands in. A picture's `instruction` is its prompt, its `mode` always `write`.
    """

    id: Id
    epoch: UInt
    participant: Id  # who asked
    author: Id  # the AI participant that writes
    task: RunTask
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
    group: Annotated[str, Meta(max_length=64)] = ""
    """The candidates of one brainstorm share it."""
    origin: Annotated[str, Meta(max_length=64)] = ""
    """The run that this one tries again, or a token of which it replaced."""
    text: Annotated[str, Meta(max_length=16_384)] = ""
    """What it wrote, once it has ended, of a run whose text stands nowhere: a private one, or a candidate."""
    thinned: Thinned = ""
    """Of a picture that is painted: why its live previews come noticeably more rarely than they could."""


class Ask(Request, frozen=True, tag="ask"):
    """Ask the AI. Positions are UTF-8 byte offsets in the story as it was at room offset `offset`.

    `start` == `end` is a cursor; else the range is the selection that the task is about. `rewrite` needs one, and its
    instruction says how (it may be empty). `fix` takes the paragraph of a cursor; its corrections come as a suggestion,
    each with the text attribute `reason`. `ask` is echoed in the `run` that answers (in each of a brainstorm's), or in
    an `error`.
    """

    ask: UInt
    task: Task
    mode: Mode
    offset: UInt
    start: UInt
    end: UInt
    instruction: Instruction = ""
    params: TextParams = TextParams()
    model: ModelName = ""
    """Which of the text models that serve side by side writes (`ModelInfo.beside`); empty: the one that serves."""


class Suggest(Request, frozen=True, tag="suggest"):
    """Suggest words of one's own in place of [start, end), or at a cursor (`start` == `end`).

    They wait in the story like a suggestion of the AI until somebody who may edit accepts or rejects them. Empty `text`
    suggests to take the passage out. `reason` is shown with it. Positions as in `ask`. `suggest` is echoed in the `run`
    that stands for it (task `suggest`, whose author is the sender), or in an `error`: `conflict` where another
    suggestion is open there.
    """

    suggest: UInt
    offset: UInt
    start: UInt
    end: UInt
    text: Annotated[str, Meta(max_length=16_384)]
    reason: Annotated[str, Meta(max_length=500)] = ""


class Paint(Request, frozen=True, tag="paint"):
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


class Stop(Request, frozen=True, tag="stop"):
    """Stop a run; what it has made stays. Answered by its `run`, or by an `error`."""

    run: Id


class Steer(Request, frozen=True, tag="steer"):
    """Change a live run: `change` for a text, `image` for a picture; the other one stays empty."""

    run: Id
    change: TextSteer = TextSteer()
    image: ImageSteer | None = None


class Accept(Request, frozen=True, tag="accept"):
    """Accept a suggestion, whole, or only the part inside [start, end) as at room offset `offset`."""

    run: Id
    offset: UInt = 0
    start: UInt | None = None
    end: UInt | None = None


class Reject(Request, frozen=True, tag="reject"):
    """Reject a suggestion, whole or in part, as `accept` accepts one."""

    run: Id
    offset: UInt = 0
    start: UInt | None = None
    end: UInt | None = None


class Choose(Request, frozen=True, tag="choose"):
    """Put what a candidate, or a private run, wrote at its place in the story (`private` stays where it is: invalid).
    The other candidates of its group are dropped; one that still writes is stopped first."""

    run: Id
    mode: Mode = "write"


class Retry(Request, frozen=True, tag="retry"):
    """The same request with a new seed, after what the old run wrote was removed. Answered as an `ask` is."""

    ask: UInt
    run: Id


class Recall(Request, frozen=True, tag="recall"):
    """Ask for the details of all tokens of a run, for whoever came after they were told: answered by `tokens`, or by an
    `error` when they are not known any more."""

    run: Id


class ReplaceToken(Request, frozen=True, tag="replace_token"):
    """Put one of the alternatives of a run's token in place of what is left of it in the story, [start, end) as at room
    offset `offset`. With `go_on` the rest of what the run wrote after it makes way for a new continuation. Answered as
    an `ask` is, by a run of task `alternative`."""

    ask: UInt
    run: Id
    token: UInt
    """`index` of the token."""
    alternative: Annotated[int, Meta(ge=0, lt=8)]
    """Which of its alternatives, from 0."""
    offset: UInt
    start: UInt
    end: UInt
    go_on: bool = False
    params: TextParams = TextParams()


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


class Viewing(Request, frozen=True, tag="viewing"):
    """How large the sender shows pictures that are being painted: pixels of the longer side of the largest, 0 when it
    shows none. Previews follow what the viewers of a room can use."""

    lane: ClassVar[Lane] = Lane.PRESENCE
    side: Annotated[int, Meta(ge=0, le=65535)]


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
