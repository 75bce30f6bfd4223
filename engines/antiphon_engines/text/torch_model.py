"""Any transformers causal language model in torch, on CUDA where there is one, with one KV arena.

On CUDA, steps of one token per row are replayed as CUDA graphs, one for each number of rows and reach, both rounded up.

Where a plan of the decoder has taken its slot, the pass goes through it instead: the rows' past goes in beside the new
tokens, and the keys and values of those come back into the arena.

A row's logits depend on its company only through the order in which the hardware adds: in float32 they differ by
less than 1e-4 of the largest logit (tests hold it); in bfloat16, the usual type on CUDA, by a few hundredths.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, Final, TypeAlias

import numpy as np
import torch

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.kernels.cuda_graphs import CudaGraphs
from antiphon_engines.backends.networks.cache_name import cache_name
from antiphon_engines.backends.residency import Residency
from antiphon_engines.backends.slot import Slot
from antiphon_engines.text.kv_arena import Arena
from antiphon_engines.text.model import Ids, Logits

Tensor: TypeAlias = torch.Tensor
_KNOWN_LAYERS = {"full_attention", "sliding_attention"}
_REACH: Final = 256
"""Tokens by which the reach of a recorded step grows first; then it doubles."""
_RECORDED: Final = 32
"""Recorded steps that are kept."""


class TorchModel:
    """`TokenModel` over a loaded transformers model.

    Raises EngineUnavailable for an architecture whose state is not plain keys and values (it is tried out).
    """

    grain, least = 1, 2

    def __init__(
        self,
        model: Any,
        *,
        name: str,
        rows: int,
        context: int,
        slot: Callable[[Any], Slot | None] | None = None,
        recorded: bool = True,
    ) -> None:
        """`slot` makes the place in which a plan may take over; it is the model's own from then on. `recorded` steps
        are for CUDA alone."""
        self._model = model.eval()
        self._device: torch.device = next(model.parameters()).device
        text_config = model.config.get_text_config()
        trained = getattr(text_config, "max_position_embeddings", None) or context
        self.name = name
        self.rows = rows
        self.context = min(context, trained)
        self.device = self._device.type
        self.vocab_size = int(model.get_output_embeddings().weight.shape[0])
        self._window: int | None = getattr(text_config, "sliding_window", None)
        self._layer_types: set[str] = set(getattr(text_config, "layer_types", None) or ())
        if unknown := self._layer_types - _KNOWN_LAYERS:
            raise EngineUnavailable(
                f"{name} has layers that this engine cannot run: {', '.join(sorted(unknown))}"
            )
        self._keeps_logits = "logits_to_keep" in inspect.signature(model.forward).parameters
        self._cache = cache_name(model)
        self._arena = Arena(rows, self.context)
        self._residency = Residency(0)
        self._lengths = [0] * rows
        # A plan takes one mask for all layers.
        self.slot = slot(model) if slot is not None and len(self._layer_types) <= 1 else None
        self._graphs: CudaGraphs | None = None
        self._try_out()
        if recorded and self.device == "cuda":
            self._graphs = CudaGraphs(_RECORDED)

    @property
    def backend(self) -> str:
        return "torch" if self.slot is None else self.slot.backend

    def share(self, residency: Residency) -> None:
        """Keep to a budget together with others: the arena's keys and values stay, the weights may leave."""
        self._residency = residency
        if self.slot is not None:
            self.slot.share(residency)
        if self.device == "cpu":
            return
        if self.slot is None:
            residency.hold(self._model, sum(each.nbytes for each in self._model.state_dict().values()))
        residency.hold(self._arena, self._arena.nbytes)

    def length(self, row: int) -> int:
        return self._lengths[row]

    def step(self, rows: Sequence[int], ids: Ids, lengths: Sequence[int]) -> Logits:
        if any(self._lengths[row] + count > self.context for row, count in zip(rows, lengths, strict=True)):
            raise ValueError("a row would pass the context")
        result = np.empty((len(rows), self.vocab_size), np.float32)
        # Apart, because a decoding row beside a prefill chunk would be padded to its width.
        single = [index for index, count in enumerate(lengths) if count == 1]
        several = [index for index, count in enumerate(lengths) if count > 1]
        for group in (single, several):
            if group:
                group.sort(key=lambda index: rows[index])
                width = max(lengths[index] for index in group)
                result[group] = self._run(
                    [rows[index] for index in group], ids[group, :width], [lengths[index] for index in group]
                )
        for row, count in zip(rows, lengths, strict=True):
            self._lengths[row] += count
        return result

    def truncate(self, row: int, length: int) -> None:
        if not 0 <= length <= self._lengths[row]:
            raise ValueError(f"row {row} holds {self._lengths[row]} tokens, not {length}")
        self._lengths[row] = length

    def copy_prefix(self, source: int, target: int, length: int) -> None:
        if not 0 <= length <= self._lengths[source]:
            raise ValueError(f"row {source} holds {self._lengths[source]} tokens, not {length}")
        if source != target:
            self._arena.copy(source, target, length)
        self._lengths[target] = length

    def close(self) -> None:
        if self.slot is not None:
            self.slot.close()
        for held in (self._model, self._arena):
            self._residency.forget(held)
        self._model = None
        if self._graphs is not None:
            self._graphs.clear()
        self._arena.clear()
        if self.device == "cuda":
            torch.cuda.empty_cache()

    def _run(self, rows: list[int], ids: Ids, lengths: list[int]) -> Logits:
        """One forward pass; the rows ascend."""
        if self.slot is not None and self.slot.backend != "torch":
            return self._run_planned(self.slot, rows, ids, lengths)
        with nullcontext() if self.slot is None else self.slot.brought():
            if self._graphs is not None and ids.shape[1] == 1:
                return self._replay(self._graphs, rows, ids[:, 0])
            return self._run_in_place(rows, ids, lengths)

    @torch.inference_mode()
    def _run_planned(self, slot: Slot, rows: list[int], ids: Ids, lengths: list[int]) -> Logits:
        """Through the slot's runner. A row's new tokens stand at the right, missing positions before them are masked,
        and so are those that a shorter past lacks."""
        width = ids.shape[1]
        given, counts = torch.from_numpy(np.ascontiguousarray(ids)).to(self._device), torch.tensor(lengths)
        starts = torch.tensor([self._lengths[row] for row in rows])
        # The place of each token among its row's new ones; below 0 there is none.
        shift = (torch.arange(width) - (width - counts[:, None])).to(self._device)
        real = shift >= 0
        positions = starts.to(self._device)[:, None] + shift
        span = max(int(starts.max()), 1)
        past = torch.arange(span) < starts[:, None]
        seen = torch.cat(
            [
                past[:, None].expand(-1, width, -1).to(self._device),
                (shift[:, None, :] <= shift[:, :, None]) & real[:, None, :],
            ],
            dim=2,
        )
        if self._window:
            keys = torch.cat(
                [torch.arange(span, device=self._device).expand(len(rows), -1), positions], dim=1
            )
            seen &= keys[:, None, :] > positions[:, :, None] - self._window
        # A padded place looks at itself, so that no softmax is empty.
        seen[:, :, span:] |= torch.eye(width, dtype=torch.bool, device=self._device)
        answer = slot(
            {
                "ids": given.gather(1, shift.clamp(min=0)),
                "positions": positions.clamp(min=0),
                "mask": seen[:, None],
                **self._arena.past(rows, span),
            }
        )
        places = positions.masked_fill(~real, self.context)
        self._arena.write(
            rows, places, {name: answer[f"next_{name}"][:, :, span:] for name in self._arena.names}
        )
        logits: Logits = answer["logits"][:, -1].float().cpu().numpy()
        return logits

    @torch.inference_mode()
    def _run_in_place(self, rows: list[int], ids: Ids, lengths: list[int]) -> Logits:
        width = ids.shape[1]
        starts = torch.tensor([self._lengths[row] for row in rows], device=self._device)
        counts = torch.tensor(lengths, device=self._device)
        steps = torch.arange(width, device=self._device)
        positions = starts[:, None] + steps
        padding = steps >= counts[:, None]
        span = max(self._lengths[row] + count for row, count in zip(rows, lengths, strict=True))
        self._arena.aim(rows, positions.masked_fill(padding, self.context), span)
        positions = positions.clamp(max=self.context - 1)
        last = sorted({count - 1 for count in lengths})
        keep = {"logits_to_keep": torch.tensor(last, device=self._device)} if self._keeps_logits else {}
        output = self._model(
            input_ids=torch.from_numpy(np.where(padding.cpu().numpy(), 0, ids)).to(self._device),
            attention_mask=self._mask(positions, span),
            position_ids=positions,
            use_cache=True,
            **{self._cache: self._arena},
            **keep,
        )
        at = [last.index(count - 1) if keep else count - 1 for count in lengths]
        picked: Tensor = output.logits[torch.arange(len(rows), device=self._device), torch.tensor(at)]
        logits: Logits = picked.float().cpu().numpy()
        return logits

    @torch.inference_mode()
    def _replay(self, graphs: CudaGraphs, rows: list[int], ids: Ids) -> Logits:
        """One token for each of `rows`, filled up to a power of two; the extra ones write where padding does."""
        lengths = [self._lengths[row] for row in rows]
        extra = min(_power(len(rows)), self.rows) - len(rows)
        reach = min(max(_REACH, _power(max(lengths) + 1)), self.context)
        packed = torch.tensor(
            [
                [*ids.tolist(), *[0] * extra],
                [*lengths, *[0] * extra],
                [*lengths, *[self.context] * extra],
                [*rows, *[rows[0]] * extra],
            ],
            device=self._device,
        )

        def one(packed: Tensor) -> Tensor:
            ids, positions, places, index = packed.unsqueeze(-1).unbind()
            self._arena.gather(index[:, 0], places, reach)
            output = self._model(
                input_ids=ids,
                attention_mask=self._mask(positions, reach),
                position_ids=positions,
                use_cache=True,
                **{self._cache: self._arena},
            )
            logits: Tensor = output.logits[:, -1].float()
            return logits

        moves = 0 if self.slot is None else self.slot.moves
        logits: Logits = graphs(one, (packed,), (reach, moves))[: len(rows)].cpu().numpy()
        return logits

    def _mask(self, positions: Tensor, span: int) -> Tensor | dict[str, Tensor]:
        """True where a query may look; shape (rows, 1, queries, span). A dict per kind where layers differ."""
        keys = torch.arange(span, device=self._device)
        full = (keys <= positions[:, :, None])[:, None]
        if not self._window:
            return full
        sliding = full & (keys > positions[:, :, None] - self._window)[:, None]
        if len(self._layer_types) > 1:
            return {"full_attention": full, "sliding_attention": sliding}
        return full if self._layer_types == {"full_attention"} else sliding

    def _try_out(self) -> None:
        """Run two rows of different lengths, in chunks, against the model's own way. Leaves the rows empty."""
        generator = np.random.default_rng(0)
        ids = generator.integers(0, min(self.vocab_size, 1000), (2, 6), dtype=np.int64)
        try:
            self.step([0], ids[:1, :2], [2])
            rows, lengths = ([0, 1], [2, 6]) if self.rows > 1 else ([0], [2])
            chunk = np.where(np.arange(6) < 2, ids[0, [2, 3, 0, 0, 0, 0]], 0)
            ours = self.step(rows, np.stack([chunk, ids[1]])[: len(rows)], lengths)
            with torch.inference_mode():
                whole = torch.from_numpy(ids).to(self._device)
                theirs = [
                    self._model(input_ids=whole[:1, :4]).logits[0, -1],
                    self._model(input_ids=whole[1:]).logits[0, -1],
                ]
            expected = torch.stack(theirs[: len(rows)]).float().cpu().numpy()
        except (
            RuntimeError,
            TypeError,
            ValueError,
            IndexError,
            AttributeError,
            NotImplementedError,
        ) as error:
            raise EngineUnavailable(f"{self.name} cannot be run row by row: {_one_line(error)}") from error
        scale = max(float(np.abs(expected).max()), 1e-6)
        tolerance = 1e-3 if next(self._model.parameters()).dtype == torch.float32 else 0.1
        if not np.allclose(ours, expected, rtol=0, atol=tolerance * scale):
            raise EngineUnavailable(
                f"{self.name} keeps more state than keys and values; run it as a GGUF or remotely"
            )
        for row in rows:
            self.truncate(row, 0)


def _power(number: int) -> int:
    """The power of two that is not below `number`."""
    return 1 << max(number - 1, 0).bit_length()


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
