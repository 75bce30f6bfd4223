"""Messages of runs: requests to the AI, states of runs, and actions on their results."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias

from msgspec import Meta, Struct

from antiphon_proto.frame import FRAGMENT_BODY, Id, Instruction, Message, ModelName, Request, Text, UInt
from antiphon_proto.lanes import Lane
from antiphon_proto.params import (
    FILLS,
    MAX_FILL,
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
SpeechTask = Literal["speak"]
RunTask: TypeAlias = Task | ImageTask | JamTask | WriterTask | SpeechTask
RunState = Literal["queued", "running", "done", "stopped", "failed"]
SuggestionState = Literal["none", "open", "accepted", "rejected"]


class Alternative(Struct, frozen=True, array_like=True):
    """Another token that the model might have sampled, with its natural-log probability."""

    text: Annotated[str, Meta(max_length=256)]
    logprob: float


class TokenInfo(Struct, frozen=True, array_like=True):
    """One sampled token: the text it completed (whole characters only), its natural-log probability, its rivals.

    An engine that does not know the probability (some remote servers) gives NaN, and -1 for an unknown id.
    """

    index: UInt
    text: Annotated[str, Meta(max_length=1024)]
    token_id: int
    logprob: float
    alternatives: Annotated[tuple[Alternative, ...], Meta(max_length=8)] = ()


FillText = Annotated[str, Meta(max_length=MAX_FILL)]
Thinned: TypeAlias = Literal["", "load", "viewers"]
"""`load`: the device is overloaded. `viewers`: most viewers cannot keep up."""


class RunInfo(Struct, frozen=True, array_like=True):
    """The public state of a run, of text, picture, jam or speech (lines of the film, as they come).

    `progress` of `length` is in tokens, denoising steps or spoken lines (`length` 0: not known yet). `position` counts
    from 1 in the queue; times are milliseconds. `target` is the frame of a picture, or the chat entry of an answer. A
    picture's `instruction` is its prompt, its `mode` always `write`.
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
    """Shared by the candidates of one brainstorm."""
    origin: Annotated[str, Meta(max_length=64)] = ""
    """The run that this one retries, or whose token it replaced."""
    text: Annotated[str, Meta(max_length=16_384)] = ""
    """The text of a finished run that is not in the document: a private run, or a candidate."""
    thinned: Thinned = ""
    """Why the previews of a picture are sent less often than the engine could make them."""
    fills: Annotated[tuple[FillText, ...], Meta(max_length=FILLS)] = ()
    """Of a `fill`: the words found so far, the best first, without blanks around them."""


class Ask(Request, frozen=True, tag="ask"):
    """Ask the AI. Positions are UTF-8 byte offsets in the story as it was at room offset `offset`.

    `start` == `end` is a cursor; else the range is the selection of the task. `rewrite` needs a selection; its
    instruction may be empty. `fix` with a cursor takes the cursor's paragraph; its corrections come as a suggestion,
    each with the text attribute `reason`. `fill` is always `private` and takes `MAX_FILL` characters of a selection at
    most; its `run` carries what it finds (`fills`). `ask` is echoed in the `run` that answers (in every `run` of a
    brainstorm), or in an `error`.
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
    """One of the text models that serve side by side (`ModelInfo.beside`); empty: the default one."""


class Suggest(Request, frozen=True, tag="suggest"):
    """Suggest text of the sender's own in place of [start, end), or at a cursor (`start` == `end`).

    The suggestion waits in the story, like one of the AI, until a participant who may edit accepts or rejects it. Empty
    `text` suggests a deletion. `reason` is shown with it. Positions are as in `ask`. `suggest` is echoed in the `run`
    of the suggestion (task `suggest`, its author is the sender), or in an `error`: `conflict` if another suggestion is
    open there.
    """

    suggest: UInt
    offset: UInt
    start: UInt
    end: UInt
    text: Annotated[str, Meta(max_length=16_384)]
    reason: Annotated[str, Meta(max_length=500)] = ""


class Paint(Request, frozen=True, tag="paint"):
    """Ask the AI to paint a frame of the canvas. `paint` is echoed in the `run` that answers, or in an `error`.

    `source` and `mask` are assets of this room. `image_to_image` needs a source; `inpaint` needs both, of the same
    size, and paints where the mask is white. The finished picture replaces the frame. With `live` the frame stays and
    shows the picture: for a frame that is repainted while people draw. A newer request of the same asker for the same
    frame supersedes the older one (PROTOCOL.md, "Painting").
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
    """Stop a run and keep its result so far. Answered by its `run`, or by an `error`."""

    run: Id


class Steer(Request, frozen=True, tag="steer"):
    """Change a live run: `change` for a text, `image` for a picture; the other field stays empty."""

    run: Id
    change: TextSteer = TextSteer()
    image: ImageSteer | None = None


class Accept(Request, frozen=True, tag="accept"):
    """Accept a suggestion: all of it, or only the part inside [start, end) as at room offset `offset`."""

    run: Id
    offset: UInt = 0
    start: UInt | None = None
    end: UInt | None = None


class Reject(Request, frozen=True, tag="reject"):
    """Reject a suggestion, all or part of it; fields as in `accept`."""

    run: Id
    offset: UInt = 0
    start: UInt | None = None
    end: UInt | None = None


class Choose(Request, frozen=True, tag="choose"):
    """Insert the text of a candidate or of a private run at its place in the story (mode `private` is invalid). The
    other candidates of its group are dropped; one that is still running is stopped first. Of a `fill`, `text` is one of
    its `fills`; blanks are put around it where they are missing."""

    run: Id
    mode: Mode = "write"
    text: FillText = ""


class Retry(Request, frozen=True, tag="retry"):
    """Remove the text of a run and repeat its request with a new seed. Answered as an `ask` is."""

    ask: UInt
    run: Id


class Recall(Request, frozen=True, tag="recall"):
    """Ask for the details of all tokens of a run, for clients that joined after they were sent. Answered by `tokens`,
    or by an `error` if they are no longer kept."""

    run: Id


class ReplaceToken(Request, frozen=True, tag="replace_token"):
    """Replace a token of a run, of which [start, end) is left in the story as at room offset `offset`, by one of its
    alternatives. With `go_on` the run's text after it is replaced by a new continuation. Answered as an `ask` is, by a
    run of task `alternative`."""

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
    """To the participant who steered: the change that began the run's `epoch` is in force, from token or denoising step
    `made` on."""

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
    """The size at which the sender shows pictures in progress: pixels of the longer side of the largest, 0 if it shows
    none. The size of previews follows the viewers of a room."""

    lane: ClassVar[Lane] = Lane.PRESENCE
    side: Annotated[int, Meta(ge=0, le=65535)]


class Preview(Message, frozen=True, tag="preview"):
    """A preview of a run's picture after `step` of `of` steps. A client drops previews of another epoch: they were made
    before a steer."""

    lane: ClassVar[Lane] = Lane.PREVIEW
    run: Id
    epoch: UInt
    step: UInt
    of: UInt
    width: UInt
    height: UInt
    jpeg: Jpeg
