"""The vocabulary and the chat template of a GGUF file, as the generation engine needs them."""

from __future__ import annotations

import ctypes as c
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from antiphon_engines.text.gguf.library import ChatMessage
from antiphon_engines.text.gguf.model import GgufModel
from antiphon_engines.text.story_prompts import Role
from antiphon_engines.text.tokenizer import ChatMarkup

_OPEN, _CLOSE = "\ue000", "\ue001"
"""Stand around the number of a turn while the template is filled in: private characters, which no template has."""


class Markup(Struct, frozen=True):
    """A filled-in template: markup, then a turn's number and markup again, for each turn."""

    first: str
    rest: tuple[tuple[int, str], ...]


class GgufTokenizer:
    """Over the vocabulary of an open `GgufModel`, which must outlive it."""

    chat: ChatMarkup | None = None

    def __init__(self, model: GgufModel, llama: Any) -> None:
        self._llama, self._vocab = llama, model.vocab
        self._template = model.template
        size = model.vocab_size
        self._pieces = [self._piece(token) for token in range(size)]
        control = [llama.llama_vocab_is_control(self._vocab, token) for token in range(size)]
        self.end_ids = frozenset(
            token for token in range(size) if control[token] or llama.llama_vocab_is_eog(self._vocab, token)
        )
        begin = llama.llama_vocab_bos(self._vocab)
        self.start_ids: tuple[int, ...] = (
            (begin,) if begin >= 0 and llama.llama_vocab_get_add_bos(self._vocab) else ()
        )
        self.spaced = np.fromiter((piece[:1] == b" " for piece in self._pieces), np.bool_, size)

    def encode(self, text: str, *, special: bool = False) -> list[int]:
        data = text.encode("utf-8", errors="replace")
        room = len(data) + 2
        ids = np.empty(room, np.int32)
        count = self._llama.llama_tokenize(
            self._vocab, data, len(data), ids.ctypes.data, room, False, special
        )
        if count < 0:
            raise ValueError("llama.cpp cannot tokenize this text")
        found: list[int] = ids[:count].tolist()
        return found

    def decode(self, ids: Sequence[int]) -> str:
        return b"".join(self._pieces[token] for token in ids).decode(errors="replace")

    def markup(self, roles: Sequence[Role]) -> Markup | None:
        """The template around turns of these roles, with the beginning of an answer at the end. None where llama.cpp
        does not know the template, or where it drops or moves a turn."""
        if self._template is None:
            return None
        turns = (ChatMessage * len(roles))()
        for index, role in enumerate(roles):
            turns[index] = ChatMessage(role.encode(), f"{_OPEN}{index}{_CLOSE}".encode())
        room = 4096
        filled = c.create_string_buffer(room)
        count = self._llama.llama_chat_apply_template(self._template, turns, len(roles), True, filled, room)
        if not 0 < count <= room:
            return None
        first, *parts = filled.raw[:count].decode().split(_OPEN)
        rest = [part.partition(_CLOSE) for part in parts]
        if [number for number, _, _ in rest] != [str(index) for index in range(len(roles))]:
            return None
        return Markup(first, tuple((int(number), after) for number, _, after in rest))

    def _piece(self, token: int) -> bytes:
        buffer = c.create_string_buffer(256)
        count = self._llama.llama_token_to_piece(self._vocab, token, buffer, 256, 0, False)
        return buffer.raw[:count] if count > 0 else b""
