"""A GGUF model as a `TokenModel`: llama.cpp's decode, one call per step, a sequence of its cache per row.

Each row has a cache of its own (`kv_unified` off), whose cells are in the order of its tokens: other rows' cells
does not change the order in which a row's numbers are added. Measured on a CPU with AVX2: up to three rows that take a
token each give the very logits that each gives alone; from four on, llama.cpp's products of groups of four differ by
rounding (up to 0.5 of a logit in the 4-bit 1.5B). So do chunks of a prompt; without flash attention, whose tiles depend
on a chunk's length, chunks of multiples of four from eight on give the same bits however the prompt was cut.
"""

from __future__ import annotations

import ctypes as c
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.text.gguf import library
from antiphon_engines.text.model import Ids, Logits


class RowsUnsupported(EngineUnavailable):
    """The model keeps a state that cannot be cut or copied row by row."""


class GgufModel:
    """`TokenModel` over one GGUF file.

    Memory: the weights (twice for a moment while they are rearranged for the processor), and rows * context tokens of
    16-bit keys and values. `chunk` bounds the tokens of one call. Raises EngineUnavailable for a file that llama.cpp
    cannot load, RowsUnsupported for a model whose state is not plain keys and values.
    """

    backend = "llama.cpp"
    grain, least = 4, 8
    # Sixteen tokens in one call cost as much as nine one by one, twelve hardly less, four as much as three.
    drafts = (11, 15)

    def __init__(
        self, path: Path, *, name: str, rows: int, context: int, threads: int, chunk: int, device: str = "cpu"
    ) -> None:
        """`device` is "cpu", or "auto" for the accelerator that this build of llama.cpp knows, if any."""
        self._llama = llama = library.load()
        self.name = name
        self.rows = rows
        self.device = _device(llama) if device != "cpu" else "cpu"
        params = llama.llama_model_default_params()
        if self.device == "cpu":
            params.n_gpu_layers = 0
        self._model = llama.llama_model_load_from_file(str(path).encode(), params)
        self._context = None
        if not self._model:
            raise EngineUnavailable(
                f"llama.cpp cannot load {path}: the file is damaged, of an unknown architecture, or too large"
            )
        try:
            self._refuse_other_states()
            self.context = min(context, llama.llama_model_n_ctx_train(self._model) or context)
            self._open(threads, chunk)
        except BaseException:
            self.close()
            raise
        self.vocab = llama.llama_model_get_vocab(self._model)
        self.vocab_size = int(llama.llama_vocab_n_tokens(self.vocab))
        self._memory = llama.llama_get_memory(self._context)
        self._lengths = [0] * rows

    @property
    def template(self) -> bytes | None:
        """The chat template of the file; None for a base model."""
        found: bytes | None = self._llama.llama_model_chat_template(self._model, None)
        return found

    def length(self, row: int) -> int:
        return self._lengths[row]

    def step(self, rows: Sequence[int], ids: Ids, lengths: Sequence[int]) -> Logits:
        # Rows that take as many tokens share a call; others have one each, or llama.cpp would cut them up itself.
        result = np.empty((len(rows), self.vocab_size), np.float32)
        for count in sorted(set(lengths)):
            group = [index for index, each in enumerate(lengths) if each == count]
            wanted = np.zeros((len(group), count), np.int8)
            wanted[:, -1] = 1
            result[group] = self._decode([rows[index] for index in group], ids[group, :count], wanted)
        return result

    def step_all(self, row: int, ids: Sequence[int]) -> Logits:
        """Append `ids` to the row; the logits after each of them, shape (len(ids), vocab_size)."""
        given = np.array([ids], np.int64)
        return self._decode([row], given, np.ones(given.shape, np.int8))

    def truncate(self, row: int, length: int) -> None:
        if not 0 <= length <= self._lengths[row]:
            raise ValueError(f"row {row} holds {self._lengths[row]} tokens, not {length}")
        if length < self._lengths[row]:
            self._llama.llama_memory_seq_rm(self._memory, row, length, -1)
            self._lengths[row] = length

    def copy_prefix(self, source: int, target: int, length: int) -> None:
        if not 0 <= length <= self._lengths[source]:
            raise ValueError(f"row {source} holds {self._lengths[source]} tokens, not {length}")
        if source == target:
            self.truncate(target, length)
            return
        self.truncate(target, 0)
        # Between the caches of two rows llama.cpp copies whole sequences only.
        self._llama.llama_memory_seq_cp(self._memory, source, target, -1, -1)
        self._lengths[target] = self._lengths[source]
        self.truncate(target, length)

    def close(self) -> None:
        if self._context:
            self._llama.llama_free(self._context)
            self._context = None
        if self._model:
            self._llama.llama_model_free(self._model)
            self._model = None

    def _decode(self, rows: Sequence[int], ids: NDArray[np.int64], wanted: NDArray[np.int8]) -> Logits:
        """As many tokens for each of the rows; logits of the wanted ones, in this order."""
        count, width = ids.shape
        starts = np.array([self._lengths[row] for row in rows], np.int32)
        if int(starts.max()) + width > self.context:
            raise ValueError("a row would pass the context")
        tokens = np.ascontiguousarray(ids, np.int32)
        places = np.ascontiguousarray(starts[:, None] + np.arange(width, dtype=np.int32))
        owners = np.repeat(np.array(rows, np.int32), width)
        each = np.arange(count * width, dtype=np.uint64) * owners.itemsize + owners.ctypes.data
        ones = np.ones(count * width, np.int32)
        batch = library.Batch(
            n_tokens=count * width,
            token=tokens.ctypes.data,
            embd=None,
            pos=places.ctypes.data,
            n_seq_id=ones.ctypes.data,
            seq_id=each.ctypes.data,
            logits=wanted.ctypes.data,
        )
        code = self._llama.llama_decode(self._context, batch)
        if code:
            # Cells may have been taken for some of the tokens: the rows go back to where they were.
            for row, start in zip(rows, starts, strict=True):
                self._llama.llama_memory_seq_rm(self._memory, row, int(start), -1)
            raise RuntimeError(f"llama.cpp could not compute a step ({code})")
        for row in rows:
            self._lengths[row] += width
        shape = (int(wanted.sum()), self.vocab_size)
        address = c.cast(self._llama.llama_get_logits(self._context), c.POINTER(c.c_float))
        return np.ctypeslib.as_array(address, shape).copy()

    def _open(self, threads: int, chunk: int) -> None:
        llama, params = self._llama, self._llama.llama_context_default_params()
        size = max(chunk, self.rows)
        params.n_ctx = self.rows * self.context
        params.n_batch = params.n_ubatch = size
        params.n_seq_max = self.rows
        params.n_outputs_max = params.n_outputs_max_per_seq = size
        params.flash_attn_type = 0
        params.n_threads = params.n_threads_batch = threads
        self._context = llama.llama_init_from_model(self._model, params)
        if not self._context:
            raise EngineUnavailable(
                f"llama.cpp finds no room for {self.rows} texts of {self.context} tokens beside {self.name}"
            )
        if (
            llama.llama_n_seq_max(self._context) != self.rows
            or llama.llama_n_ctx_seq(self._context) < self.context
            or llama.llama_n_threads(self._context) != threads
        ):
            raise library.LayoutUnknown("llama.cpp understood other parameters than it was given")

    def _refuse_other_states(self) -> None:
        llama = self._llama
        for kind in ("has_encoder", "is_recurrent", "is_hybrid", "is_diffusion"):
            if getattr(llama, f"llama_model_{kind}")(self._model):
                raise RowsUnsupported(f"{self.name} keeps more state than keys and values")


def _device(llama: Any) -> str:
    """The first accelerator of this build; the wheel from PyPI knows CPUs only."""
    names = [
        llama.ggml_backend_dev_name(llama.ggml_backend_dev_get(index)).decode().lower()
        for index in range(llama.ggml_backend_dev_count())
    ]
    return next((name for name in names if name != "cpu"), "cpu")
