"""multilingual-e5-small: texts of a hundred languages as vectors of which similar ones stand for similar meanings.

The network runs on ONNX Runtime; rows of the word table, which is two thirds of the weights, are unpacked as they are
needed. For a helper process: the gateway itself imports no runtime.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.embedding.packed_file import Floats, PackedFile

WIDTH: Final = 384
"""Numbers of a vector."""
MAX_TOKENS: Final = 160
"""Of a text; the rest is left out. Passages are cut shorter than that."""
_BATCH_TOKENS: Final = 640
"""Of texts that are computed together, padding included."""
_BLANKS: Final = re.compile(r" {2,}")


class Encoder:
    """One network, from the files that `prepare` made. Raises EngineUnavailable. Takes a second to make."""

    def __init__(self, weights: Path, graph: Path, threads: int = 1) -> None:
        import onnxruntime

        file = PackedFile(weights)
        self._file = file
        self._tokenizer = _tokenizer(file)
        self._places = file.floats("emb.pos").reshape(-1, file.shape.width)
        self._kind = file.floats("emb.type")[: file.shape.width]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(graph), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise EngineUnavailable(f"the sentence model cannot be loaded: {str(error)[:200]}") from error

    def query(self, text: str) -> Floats:
        """The vector of what somebody looks for; shape (WIDTH,), length 1."""
        found: Floats = self._encode([f"query: {text}"])[0]
        return found

    def passages(self, texts: Sequence[str]) -> Floats:
        """The vectors of texts that are looked through; shape (texts, WIDTH), each of length 1."""
        return self._encode([f"passage: {text}" for text in texts])

    def tokens(self, text: str) -> list[int]:
        """The ids that the network is given for a text."""
        spaced = _BLANKS.sub(" ", text.translate(self._file.replaced))
        ids: list[int] = self._tokenizer.encode(spaced, add_special_tokens=False).ids
        return [self._file.begin, *ids[: MAX_TOKENS - 2], self._file.end]

    def _encode(self, texts: Sequence[str]) -> Floats:
        tokens = [self.tokens(text) for text in texts]
        found = np.empty((len(texts), self._file.shape.width), np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(tokens[i]))
        at = 0
        while at < len(order):
            end = at + 1
            while end < len(order) and (end + 1 - at) * len(tokens[order[end]]) <= _BATCH_TOKENS:
                end += 1
            found[order[at:end]] = self._forward([tokens[i] for i in order[at:end]])
            at = end
        return found

    def _forward(self, rows: Sequence[Sequence[int]]) -> Floats:
        width, length = self._file.shape.width, max(map(len, rows))
        ids = np.zeros((len(rows), length), np.int64)
        real = np.zeros((len(rows), length), np.int32)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = row
            real[i, : len(row)] = 1
        words = self._file.rows("emb.word", width, ids.reshape(-1)).reshape(len(rows), length, width)
        inputs = {"embeddings": words + self._places[:length] + self._kind, "real": real}
        states: Floats = self._session.run(["states"], inputs)[0]
        vectors: Floats = (states * real[..., None]).sum(axis=1, dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


def _tokenizer(file: PackedFile) -> Any:
    from tokenizers import Tokenizer, pre_tokenizers
    from tokenizers.models import Unigram

    tokenizer = Tokenizer(Unigram(file.pieces(), unk_id=file.unknown, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    return tokenizer
