"""The OpenAI API's bodies, both ways: requests to `/completions` and `/chat/completions`, and the events of their
streams. No I/O.

Shapes: https://platform.openai.com/docs/api-reference/completions and /chat, with the additions that vLLM, SGLang,
TensorRT-LLM, llama.cpp and Ollama understand (`top_k`, `min_p`, `repetition_penalty` or `repeat_penalty`, `id`).
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from antiphon_engines.api import Persona, TextRequest
from antiphon_engines.text import performer_prompts, wording
from antiphon_engines.text.story_prompts import Prompt, is_russian
from antiphon_engines.text.streaming.sse import BadStream
from antiphon_engines.text.streaming.streamed import Arrival, Call, Finish
from antiphon_proto.messages import Alternative, TokenInfo
from antiphon_proto.params import MAX_ALTERNATIVES

UNKNOWN_ID = -1
"""`TokenInfo.token_id` where the server does not tell."""
MAX_TOKEN_TEXT = 1024
STRIDE = 512
"""Characters by which a text that does not fit loses its beginning."""
MAX_ALTERNATIVE_TEXT = 256
_SYSTEM = (
    "You are a co-author who writes into somebody's text. Answer with nothing but the words that go into the text: "
    "no explanation, no quotation marks around it, no repetition of what already stands there. "
    "Write in the language of the text."
)
_TALKING = (
    "You are a co-author and talk with people about the story that you write together. Answer what was said last, "
    "in a few sentences and in its language, without your name before it."
)


# Requests -------------------------------------------------------------------------------------------


def completion_body(call: Call, model: str, *, plain: bool) -> dict[str, Any]:
    """The text as it stands, to be continued. `plain` uses only fields that OpenAI documents."""
    body = _sampling(call.request, model, plain=plain) | {"prompt": _prompt(call)}
    if not plain:
        body["logprobs"] = call.request.params.alternatives + 1
    return body


def prompted_body(call: Call, model: str, prompt: Prompt) -> dict[str, Any]:
    """The request as its model's family is asked. The last turn is the model's own where its answer has begun: the
    server's template leaves it open."""
    turns = (*prompt.turns, ("assistant", prompt.begun)) if prompt.begun else prompt.turns
    return _sampling(call.request, model, plain=False) | {
        "messages": [{"role": role, "content": text} for role, text in turns],
        "logprobs": True,
        "top_logprobs": call.request.params.alternatives + 1,
    }


def chat_body(call: Call, model: str, *, plain: bool) -> dict[str, Any]:
    """The request as a conversation, for instructions and for servers that only chat."""
    assignment = _assignment(call)
    if call.written.strip():
        assignment += f"\n\nYou have already written this there, go on from its last word:\n{call.written}"
    system = _SYSTEM
    if call.request.task == "chat":
        system = _TALKING if call.request.persona is None else _performing(call.request, call.request.persona)
    messages = [{"role": "system", "content": system}, {"role": "user", "content": assignment}]
    body = _sampling(call.request, model, plain=plain) | {"messages": messages}
    if not plain:
        body |= {"logprobs": True, "top_logprobs": call.request.params.alternatives + 1}
    return body


def _performing(request: TextRequest, persona: Persona) -> str:
    words = performer_prompts.RUSSIAN if is_russian(request) else performer_prompts.ENGLISH
    told = performer_prompts.system(words, persona)
    shown = performer_prompts.example(words, persona)
    return told if shown is None else f"{told}\n{shown[1]}"


def _sampling(request: TextRequest, model: str, *, plain: bool) -> dict[str, Any]:
    params = request.params
    body: dict[str, Any] = {
        "model": model,
        "stream": True,
        "max_tokens": params.max_tokens,
        "temperature": min(params.temperature, 2.0),
        "top_p": max(params.top_p, 1e-3),
    }
    if params.seed is not None:
        body["seed"] = params.seed % 2**31
    if not plain:
        body |= {"min_p": params.min_p, "repetition_penalty": params.repetition_penalty}
        body |= {"repeat_penalty": params.repetition_penalty}
        if params.top_k:
            body["top_k"] = params.top_k
    return body


def _prompt(call: Call) -> str:
    """Raw text for the model to go on with, behind the style card; an instruction is given to a model without a chat
    form as a document."""
    if is_continuation(call.request):
        notes = wording.style_notes(call.request.style)
        text = (call.request.before + call.written).rstrip(" ")
        return f"{notes}\n\n{text}" if notes else text
    return f"{_assignment(call)}\n\nThe words that go there:\n{call.written}"


def is_continuation(request: TextRequest) -> bool:
    """Whether the text itself says all there is to say."""
    return request.task == "continue" and not request.instruction.strip() and bool(request.before.strip())


def owes_space(call: Call) -> bool:
    """Whether spaces were taken off the prompt's end, so that the first token has to lose its own. (Models know
    " word" as one token and have hardly seen a word after a lone space.)"""
    return is_continuation(call.request) and ends_in_space(call)


def ends_in_space(call: Call) -> bool:
    return (call.request.before + call.written).endswith(" ")


def without_space(token: TokenInfo) -> TokenInfo:
    return replace(token, text=token.text.removeprefix(" "))


def shortened(call: Call, refusal: bytes) -> Call | None:
    """The call with less text in front, when the server refused it as longer than its context; None otherwise, or
    when nothing is left to cut. The cut falls on whole strides, so that it stays where it is while the text grows."""
    keep = _share_that_fits(refusal, call.request.params.max_tokens)
    before = call.request.before
    if keep is None:
        return None
    cut = -(-int(len(before) * (1 - keep)) // STRIDE) * STRIDE
    return (
        replace(call, request=replace(call.request, before=before[cut:])) if 0 < cut < len(before) else None
    )


def _share_that_fits(refusal: bytes, max_tokens: int) -> float | None:
    """llama.cpp says how many tokens there were and may be; of others only the words are known."""
    try:
        error = _overflow.decode(refusal).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        error = _Overflow()
    if error.n_prompt_tokens > 0 and error.n_ctx > 0:
        room = error.n_ctx - min(max_tokens, error.n_ctx // 2)
        return 0.95 * min(room / error.n_prompt_tokens, 1.0)
    said = error_text(refusal).lower()
    return 0.5 if "context" in said and ("length" in said or "token" in said) else None


def _assignment(call: Call) -> str:
    request = call.request
    notes = wording.style_notes(request.style)
    parts = [f"About this story: {notes}"] if notes else []
    if request.task == "chat":
        if request.before.strip():
            parts.append(f"The story so far:\n{request.before}")
        parts += [part for part in (wording.recalled(request), wording.conversation(request)) if part]
        return "\n\n".join(parts)
    known = len(parts)
    if request.before.strip():
        parts.append(f"The text before the place where you write:\n{request.before}")
    if request.selection.strip():
        parts.append(f"The passage that the instruction is about:\n{request.selection}")
    if request.after.strip():
        parts.append(f"The text after that place:\n{request.after}")
    going_on = "Continue the text from that place." if len(parts) > known else "Begin a text."
    parts.append(f"Instruction: {wording.instruction(request) or going_on}")
    return "\n\n".join(parts)


# Answers -----------------------------------------------------------------------------------------


class _Rival(Struct, frozen=True):
    token: str
    logprob: float


class _ChatLogprob(Struct, frozen=True):
    token: str
    logprob: float
    id: int | None = None
    top_logprobs: tuple[_Rival, ...] = ()


class _Logprobs(Struct, frozen=True):
    """Both forms: chat (and llama.cpp everywhere) fills `content`, completions the parallel lists."""

    content: tuple[_ChatLogprob, ...] | None = None
    tokens: tuple[str, ...] | None = None
    token_logprobs: tuple[float | None, ...] | None = None
    top_logprobs: tuple[dict[str, float | None] | None, ...] | None = None

    def entries(self) -> list[_ChatLogprob]:
        if self.content is not None:
            return list(self.content)
        if not self.tokens or self.token_logprobs is None or len(self.token_logprobs) != len(self.tokens):
            return []
        tops = self.top_logprobs or ()
        return [
            _ChatLogprob(
                token=token,
                logprob=math.nan if logprob is None else logprob,
                top_logprobs=_rivals(tops[at] if at < len(tops) else None),
            )
            for at, (token, logprob) in enumerate(zip(self.tokens, self.token_logprobs, strict=True))
        ]


class _Overflow(Struct, frozen=True):
    n_prompt_tokens: int = 0
    n_ctx: int = 0


class _Refusal(Struct, frozen=True):
    error: _Overflow


class _Delta(Struct, frozen=True):
    content: str | None = None


class _Choice(Struct, frozen=True):
    index: int = 0
    text: str | None = None
    delta: _Delta | None = None
    logprobs: _Logprobs | None = None
    finish_reason: str | None = None


class _Chunk(Struct, frozen=True):
    choices: tuple[_Choice, ...] = ()
    error: Any = None


class ServerError(Exception):
    """The stream carried an error instead of a token."""


_chunk = msgspec.json.Decoder(_Chunk)
_overflow = msgspec.json.Decoder(_Refusal)


def arrivals(payload: bytes, alternatives: int) -> list[Arrival]:
    """The content of one event. Raises ServerError when it is an error, BadStream when it is not of the API's shape."""
    try:
        chunk = _chunk.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadStream(f"an event is not what the API promises ({str(error)[:120]})") from error
    if chunk.error is not None:
        raise ServerError(error_text(payload))
    found: list[Arrival] = []
    for choice in chunk.choices:
        if choice.index == 0:
            text = choice.text or (choice.delta.content if choice.delta else None) or ""
            found += _tokens(text, choice.logprobs, alternatives)
            if choice.finish_reason:
                found.append(Finish("length" if choice.finish_reason == "length" else "end"))
    return found


def error_text(body: bytes) -> str:
    """The message inside an error body of any of the usual shapes, as one line; empty when there is none."""
    try:
        value: Any = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    for key in ("error", "message", "detail"):
        while isinstance(value, dict) and key in value:
            value = value[key]
    return " ".join(value.split())[:200] if isinstance(value, str) else ""


def _tokens(text: str, logprobs: _Logprobs | None, alternatives: int) -> list[TokenInfo]:
    """One TokenInfo per token where the server names them, else one for the whole text."""
    entries = logprobs.entries() if logprobs is not None else []
    if not entries or len(text) > MAX_TOKEN_TEXT:
        pieces = [text[at : at + MAX_TOKEN_TEXT] for at in range(0, len(text), MAX_TOKEN_TEXT)]
        return [TokenInfo(index=0, text=p, token_id=UNKNOWN_ID, logprob=math.nan) for p in pieces]
    texts = [entry.token for entry in entries]
    if "".join(texts) != text:
        # A character of several tokens comes with the last of them.
        texts = [""] * (len(entries) - 1) + [text]
    return [
        TokenInfo(
            index=0,
            text=own,
            token_id=UNKNOWN_ID if entry.id is None else entry.id,
            logprob=entry.logprob,
            alternatives=_alternatives(entry, alternatives),
        )
        for entry, own in zip(entries, texts, strict=True)
    ]


def _alternatives(entry: _ChatLogprob, count: int) -> tuple[Alternative, ...]:
    others = [rival for rival in entry.top_logprobs if rival.token != entry.token]
    return tuple(
        Alternative(text=rival.token[:MAX_ALTERNATIVE_TEXT], logprob=rival.logprob)
        for rival in others[: min(count, MAX_ALTERNATIVES)]
    )


def _rivals(top: dict[str, float | None] | None) -> tuple[_Rival, ...]:
    rivals = [_Rival(token, logprob) for token, logprob in (top or {}).items() if logprob is not None]
    return tuple(sorted(rivals, key=lambda rival: -rival.logprob))
