"""A causal language model in ONNX Runtime on the CPU, with one KV arena.

The arena is one float32 array per layer and kind, shape (rows, KV heads, context, head size). A call binds a slice of
it as past *and* present, so that attention appends in place and nothing is copied. A slice is contiguous, hence rows
that share a call must lie side by side: they are moved when the company changes (46 KB per token and move, some
milliseconds, against hundreds of steps in the same company).

Bit-exactness, measured with onnxruntime 1.32 and held by tests: one new token per row gives the same logits alone and
in any batch; two or more new tokens give the same logits however they are cut into chunks of at least two. The two ways
differ from each other by rounding (which int8 activations amplify): so the engine re-reads its own text before it
builds on it. ONNX Runtime's CPU attention takes several new tokens for one row at a time only."""

from __future__ import annotations

import json
import math
import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.text.model import Ids, Logits


class OnnxModel:
    """`TokenModel` over the folder that `prepare.prepare_embedded` makes.

    Memory: the weights, and at most `rows * context` tokens of KV cache, touched as rows fill (`context` is cut to the
    length that the model was trained for). `threads` are ONNX Runtime's. Raises EngineUnavailable when the folder
    cannot be loaded."""

    device = "cpu"
    backend = "onnxruntime"
    grain, least = 1, 2

    def __init__(self, folder: Path, *, name: str, rows: int, context: int, threads: int) -> None:
        import onnxruntime

        self.name = name
        self.rows = rows
        config = _read_config(folder)
        self.context = min(context, int(config["max_position_embeddings"]))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Between two steps the worker samples and talks to the gateway: spinning threads would take its core.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises its own types, some of them bare RuntimeError
            raise EngineUnavailable(f"{folder.name}: ONNX Runtime cannot load the model: {error}") from error
        inputs = {value.name: value.shape for value in self._session.get_inputs()}
        self.vocab_size = int(self._session.get_outputs()[0].shape[-1])
        self._arena = {
            name: _lazy_array((rows, shape[1], self.context, int(config["head_dim"])))
            for name, shape in inputs.items()
            if name.startswith("past_key_values.")
        }
        self._bindings: dict[tuple[int, int], Any] = {}
        self._slot = list(range(rows))
        self._lengths = [0] * rows

    def length(self, row: int) -> int:
        return self._lengths[row]

    def step(self, rows: Sequence[int], ids: Ids, lengths: Sequence[int]) -> Logits:
        if any(self._lengths[row] + count > self.context for row, count in zip(rows, lengths, strict=True)):
            raise ValueError("a row would pass the context")
        result = np.empty((len(rows), self.vocab_size), np.float32)
        single = [index for index, count in enumerate(lengths) if count == 1]
        if single:
            # In the order of their slots, because that is the order in which the arena's slice holds them.
            first = self._side_by_side([rows[index] for index in single])
            single.sort(key=lambda index: self._slot[rows[index]])
            result[single] = self._run(first, [rows[index] for index in single], ids[single, :1])
        for index, count in enumerate(lengths):
            if count > 1:
                row = rows[index]
                result[index] = self._run(self._slot[row], [row], ids[index : index + 1, :count])[0]
        return result

    def step_all(self, row: int, ids: Sequence[int]) -> Logits:
        if self._lengths[row] + len(ids) > self.context:
            raise ValueError("a row would pass the context")
        places = np.arange(len(ids), dtype=np.int64)
        return self._run(self._slot[row], [row], np.array([ids], np.int64), places)

    def _run(self, first: int, rows: list[int], ids: Ids, wanted: NDArray[np.int64] | None = None) -> Logits:
        """One forward pass over the slots from `first` on, which hold `rows` in this order; no padding. `wanted` places
        among all new tokens get logits: else the last of each row."""
        count, width = ids.shape
        if wanted is None:
            wanted = np.arange(1, count + 1, dtype=np.int64) * width - 1
        logits = np.empty((len(wanted), self.vocab_size), np.float32)
        feeds = {
            "input_ids": np.ascontiguousarray(ids),
            "seqlens_k": np.array([self._lengths[row] + width - 1 for row in rows], np.int32),
            "total_sequence_length": np.array(self.context, np.int32),
            "last": wanted,
        }
        binding = self._binding(first, count)
        for name, value in feeds.items():
            binding.bind_input(name, "cpu", 0, value.dtype.type, value.shape, value.ctypes.data)
        binding.bind_output("logits", "cpu", 0, np.float32, logits.shape, logits.ctypes.data)
        self._session.run_with_iobinding(binding)
        for row in rows:
            self._lengths[row] += width
        return logits

    def truncate(self, row: int, length: int) -> None:
        if not 0 <= length <= self._lengths[row]:
            raise ValueError(f"row {row} holds {self._lengths[row]} tokens, not {length}")
        self._lengths[row] = length

    def copy_prefix(self, source: int, target: int, length: int) -> None:
        if not 0 <= length <= self._lengths[source]:
            raise ValueError(f"row {source} holds {self._lengths[source]} tokens, not {length}")
        if source != target:
            here, there = self._slot[source], self._slot[target]
            for cache in self._arena.values():
                cache[there, :, :length] = cache[here, :, :length]
        self._lengths[target] = length

    def close(self) -> None:
        self._bindings.clear()
        self._arena.clear()
        self._session = None

    def _side_by_side(self, rows: Sequence[int]) -> int:
        """Move rows so that `rows` lie side by side; returns the first slot. Chooses the window that moves least."""
        held = {self._slot[row]: self._lengths[row] for row in rows}
        count = len(rows)
        if max(held) - min(held) + 1 == count:
            return min(held)
        owner = {slot: row for row, slot in enumerate(self._slot)}

        def cost(first: int) -> int:
            outside = sum(length for slot, length in held.items() if not first <= slot < first + count)
            inside = (slot for slot in range(first, first + count) if slot not in held)
            return outside + sum(self._lengths[owner[slot]] for slot in inside)

        first = min(range(self.rows - count + 1), key=cost)
        free = [slot for slot in range(first, first + count) if slot not in held]
        for slot in held:
            if not first <= slot < first + count:
                self._swap(owner[slot], owner[free.pop()])
        return first

    def _swap(self, one: int, other: int) -> None:
        here, there = self._slot[one], self._slot[other]
        first, second = self._lengths[one], self._lengths[other]
        for cache in self._arena.values():
            kept = cache[there, :, :second].copy()
            cache[there, :, :first] = cache[here, :, :first]
            cache[here, :, :second] = kept
        self._slot[one], self._slot[other] = there, here

    def _binding(self, first: int, count: int) -> Any:
        """The IOBinding of an arena slice: 120 pointers, bound once (there are at most rows * (rows + 1) / 2)."""
        if (found := self._bindings.get((first, count))) is not None:
            return found
        binding = self._session.io_binding()
        for name, cache in self._arena.items():
            part: NDArray[np.float32] = cache[first : first + count]
            present = name.replace("past_key_values", "present")
            binding.bind_input(name, "cpu", 0, np.float32, part.shape, part.ctypes.data)
            binding.bind_output(present, "cpu", 0, np.float32, part.shape, part.ctypes.data)
        self._bindings[first, count] = binding
        return binding


def _lazy_array(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Zeros that cost memory only where they are written: 4 KB pages. (NumPy asks for 2 MB pages, with which the first
    token of every row would touch nearly the whole arena: measured 1,010 MB instead of 360.)"""
    memory = mmap.mmap(-1, 4 * math.prod(shape))
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, np.float32).reshape(shape)


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineUnavailable(f"cannot read the model folder {folder.name}: {error}") from error
    return config
