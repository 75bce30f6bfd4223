"""Generation parameters with their bounds, shared by the wire, the engines and the SDK."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

MAX_STOP_STRINGS = 8
MAX_ALTERNATIVES = 8
MAX_ADAPTERS = 4

Temperature = Annotated[float, Meta(ge=0.0, le=4.0)]
Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
TopK = Annotated[int, Meta(ge=0, le=1000)]
Penalty = Annotated[float, Meta(ge=0.5, le=3.0)]
MaxTokens = Annotated[int, Meta(ge=1, le=4096)]
Seed = Annotated[int, Meta(ge=0, le=2**53 - 1)]
StopStrings = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...], Meta(max_length=MAX_STOP_STRINGS)
]
AlternativeCount = Annotated[int, Meta(ge=0, le=MAX_ALTERNATIVES)]

Task = Literal["continue", "instruct", "rewrite", "fix", "brainstorm", "fill"]
"""`continue` extends the text at a place; `instruct` follows a free instruction, with the text as context; `rewrite`
replaces the selection; `fix` corrects grammar and spelling of the selection, or of the paragraph; `brainstorm` makes
`CANDIDATES` candidates, of which one is chosen; `fill` finds words that fit between the two sides of a place, or in
place of the selection."""
WriterTask = Literal["chat", "alternative", "suggest", "performer"]
"""Tasks of runs that no `ask` starts: an answer in the chat; a token that was replaced by an alternative; a suggestion
of a participant; a call of a performer (`antiphon_proto.document.performers`)."""
CANDIDATES = 3
"""Runs that one brainstorm starts, with consecutive seeds."""
FILLS = 6
"""Words that one `fill` offers, at most."""
MAX_FILL = 240
"""Characters of a selection that `fill` replaces, and of what it offers."""
Mode = Literal["write", "suggest", "private"]
"""`write` inserts directly; `suggest` waits for acceptance; `private` streams to the asker only. The candidates of a
brainstorm are not in the text until one is chosen; all participants see them, or with `private` only the asker."""


class TextParams(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How text is sampled.

    `temperature` 0 is greedy. `top_k` 0 and `top_p` 1 and `min_p` 0 switch that filter off. The same seed and prompt
    give the same text, alone or in a batch; without a seed the server draws one and reports it. `alternatives` is the
    number of other candidates reported with each token. `whole_sentences`: the text ends with a sentence, at about
    `max_tokens`, and has no double spaces or empty lines.
    """

    max_tokens: MaxTokens = 120
    temperature: Temperature = 0.8
    top_k: TopK = 50
    top_p: Probability = 0.95
    min_p: Probability = 0.02
    repetition_penalty: Penalty = 1.1
    seed: Seed | None = None
    stop: StopStrings = ()
    alternatives: AlternativeCount = 4
    whole_sentences: bool = False


class TextSteer(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A change to a run while it streams; unset fields do not change. Takes effect at the next step."""

    instruction: Annotated[str, Meta(max_length=4000)] | UnsetType = UNSET
    max_tokens: MaxTokens | UnsetType = UNSET
    temperature: Temperature | UnsetType = UNSET
    top_k: TopK | UnsetType = UNSET
    top_p: Probability | UnsetType = UNSET
    min_p: Probability | UnsetType = UNSET
    repetition_penalty: Penalty | UnsetType = UNSET


ImageTask = Literal["text_to_image", "image_to_image", "inpaint"]
"""`inpaint` paints only where the mask is white; outpainting is inpainting with an enlarged source. `image_to_image`
starts from the source; `strength` sets the distance from it."""
Sampler = Literal["ddim", "euler", "dpmpp_2m", "lcm", "flow_euler", "scm"]
Steps = Annotated[int, Meta(ge=1, le=100)]
Guidance = Annotated[float, Meta(ge=0.0, le=30.0)]
Strength = Annotated[float, Meta(ge=0.0, le=1.0)]
Side = Annotated[int, Meta(ge=16, le=2048)]
ImagePrompt = Annotated[str, Meta(max_length=2000)]
PreviewEvery = Annotated[int, Meta(ge=0, le=100)]
PreviewSide = Annotated[int, Meta(ge=32, le=512)]


class Adapter(Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """A low-rank adapter (LoRA) that the server offers by name, and its scale."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    scale: Annotated[float, Meta(ge=-2.0, le=2.0)] = 1.0


class ImageParams(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Parameters of a picture; None takes the model's default.

    `width` and `height` are pixels; with a source they default to its size. `guidance` up to 1 switches guidance (and
    with it the negative prompt) off. `strength` applies only with a source: 0 keeps it, 1 ignores it; with a mask the
    default is 1. `adapters` (LoRA) are among those that the server offers. The same seed and request give the same
    picture, alone or in a batch; without a seed one is drawn.
    """

    steps: Steps | None = None
    guidance: Guidance | None = None
    strength: Strength | None = None
    seed: Seed | None = None
    negative_prompt: ImagePrompt = ""
    width: Side | None = None
    height: Side | None = None
    sampler: Sampler | None = None
    adapters: Annotated[tuple[Adapter, ...], Meta(max_length=MAX_ADAPTERS)] = ()


class ImageSteer(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A change to a picture while it is painted; unset fields do not change. Takes effect at the next step.

    `previews` and `preview_side` bound the previews: one every n steps at most (0: none), and pixels of the longer
    side. Within these bounds the server adapts to the viewers.
    """

    prompt: ImagePrompt | UnsetType = UNSET
    negative_prompt: ImagePrompt | UnsetType = UNSET
    guidance: Guidance | UnsetType = UNSET
    previews: PreviewEvery | UnsetType = UNSET
    preview_side: PreviewSide | UnsetType = UNSET
