"""Text <-> token ids, as the generation engine needs it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from antiphon_engines.api import EngineUnavailable


class ChatMarkup(Struct, frozen=True):
    """The template around one user message: a rendered chat template, split.

    `primed`: the model is so small that its answer should be begun for it (see `prompts`). In a conversation with such
    a model `talking` is the opening, and `listened` ends the turn that shows it the story: it says that it has read it.
    """

    opening: str
    closing: str
    primed: bool = False
    talking: str = ""
    listened: str = ""


SMOLLM = ChatMarkup(
    opening=(
        "<|im_start|>system\nYou are a helpful co-author. Answer with the text itself.<|im_end|>\n"
        "<|im_start|>user\n"
    ),
    closing="<|im_end|>\n<|im_start|>assistant\n",
    primed=True,
    talking=(
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        "<|im_start|>user\n"
    ),
    listened="<|im_end|>\n<|im_start|>assistant\nI have read the story.<|im_end|>\n<|im_start|>user\n",
)


class Tokenizer(Protocol):
    """Markup (`special=True`) and people's text are told apart: a document cannot forge a turn of the conversation."""

    start_ids: tuple[int, ...]
    """The token that begins a document; may be empty."""
    end_ids: frozenset[int]
    """Tokens that end an answer and are never text."""
    chat: ChatMarkup | None
    spaced: NDArray[np.bool_]
    """Per id: its text begins with a space."""

    def encode(self, text: str, *, special: bool = False) -> list[int]: ...

    def decode(self, ids: Sequence[int]) -> str:
        """Text of `ids`; incomplete characters come out as U+FFFD, special tokens as nothing."""
        ...


class FolderTokenizer:
    """The `tokenizer.json` of a model folder. Raises EngineUnavailable when it cannot be read.

    `starts` and `ends` are token texts; all other special tokens count as ends too.
    """

    def __init__(
        self, folder: Path, *, chat: ChatMarkup | None, starts: Sequence[str] = (), ends: Sequence[str] = ()
    ) -> None:
        import tokenizers

        try:
            self._tokenizer: Any = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # the Rust side raises bare Exception
            raise EngineUnavailable(f"cannot read the tokenizer of {folder.name}: {error}") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.chat = chat
        self.start_ids = tuple(self._id(text, folder) for text in starts)
        special = {
            index for index, token in self._tokenizer.get_added_tokens_decoder().items() if token.special
        }
        self.end_ids = frozenset(special | {self._id(text, folder) for text in ends})
        size = self._tokenizer.get_vocab_size(with_added_tokens=True)
        texts = (self._tokenizer.id_to_token(index) or "" for index in range(size))
        self.spaced = np.fromiter((text[:1] in {"Ġ", "▁", " "} for text in texts), np.bool_, size)

    def _id(self, text: str, folder: Path) -> int:
        found: int | None = self._tokenizer.token_to_id(text)
        if found is None:
            raise EngineUnavailable(f"the tokenizer of {folder.name} has no token {text}")
        return found

    def encode(self, text: str, *, special: bool = False) -> list[int]:
        self._tokenizer.encode_special_tokens = not special
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True)
        return text
