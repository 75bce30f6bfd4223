"""The networks that make MusicGen's sound, each in its slot: the decoder of codes, and EnCodec's from codes to sound.

The decoder keeps its past in tensors that go round with every step, so that whichever runner sits there can go on from
where another stopped. While torch sits there on CUDA, the past stays in place instead (`music_steps`), until the next
window is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from antiphon_engines.audio.musicgen.steps import MusicSteps
from antiphon_engines.backends.networks import music, precision_of
from antiphon_engines.backends.networks.cache_name import cache_name
from antiphon_engines.backends.networks.language import states
from antiphon_engines.backends.plans import signatures
from antiphon_engines.backends.plans.plan import Part
from antiphon_engines.backends.plans.signatures import Bounds, cached
from antiphon_engines.backends.runners.torch_runner import TorchRunner
from antiphon_engines.backends.slot import Slot


@dataclass(slots=True)
class Window:
    """Where a stream stands: keys and values of the frames so far, and of the words, by name."""

    past: Mapping[str, torch.Tensor]
    words: Mapping[str, torch.Tensor]
    steps: MusicSteps | None = None
    """Holds both instead, where the past stays in place."""
    place: int = 0
    """Of the next column, in `steps`."""


class MusicgenNetworks:
    """Over a loaded `MusicgenForConditionalGeneration`. Two rows go through the decoder: with the words and without."""

    def __init__(self, model: Any) -> None:
        bounds = Bounds(rows=2)
        decoder, codec = model.decoder, model.audio_encoder
        self._decoder, self.codebooks = decoder, int(decoder.num_codebooks)
        self.in_place = decoder.device.type == "cuda"
        """Whether the past of a window that torch opens stays in place."""
        self._names = cached(int(decoder.config.num_hidden_layers))
        self.decoder = Slot(
            TorchRunner(
                music.music(
                    decoder, signatures.music(decoder.config.to_dict(), bounds), precision_of(decoder.dtype)
                )
            )
        )
        # EnCodec's convolutions ask the device for their padding: no recording can follow that.
        self.codec = Slot(
            TorchRunner(
                music.codec(
                    codec, signatures.codec(codec.config.to_dict(), bounds), precision_of(codec.dtype)
                )
            )
        )

    @property
    def slots(self) -> Mapping[Part, Slot]:
        return {"music_decoder": self.decoder, "codec_decoder": self.codec}

    def open(
        self, columns: torch.Tensor, words: torch.Tensor, longest: int, before: Window | None = None
    ) -> tuple[torch.Tensor, Window]:
        """Read (codebooks, frames) of codes at once, under (2, length, width) states of words. Returns logits
        (2, codebooks, codes) of the next frame, and the window, of `longest` frames, in the memory of the one `before`.
        Torch's own: a plan takes a frame at a time."""
        if self.in_place and self.decoder.backend == "torch":
            return self._open_in_place(columns, words, longest, before)
        with self.decoder.brought():
            answer = self._decoder(
                input_ids=columns.repeat(2, 1),
                encoder_hidden_states=words.to(self._decoder.dtype),
                use_cache=True,
            )
        cache = answer[cache_name(self._decoder)]
        past = dict(zip(self._names, states(cache.self_attention_cache), strict=True))
        told = states(cache.cross_attention_cache)
        window = Window(past, {f"cross_{name}": each for name, each in zip(self._names, told, strict=True)})
        return self._last(answer.logits), window

    def step(self, column: torch.Tensor, window: Window) -> torch.Tensor:
        """Read one more frame, (codebooks,), into the window; as `open`."""
        if window.steps is not None:
            with self.decoder.brought() as runner:
                logits = window.steps(column[:, None], window.place, runner.moves)
            window.place += 1
            return logits
        ids = column[None, :, None].expand(2, -1, -1)
        answer = self.decoder({"ids": ids, **window.past, **window.words})
        window.past = {name: answer[f"next_{name}"] for name in self._names}
        return self._last(answer["logits"])

    def sound(self, codes: torch.Tensor) -> torch.Tensor:
        """(channels, codebooks, frames) -> (channels, samples)."""
        return self.codec({"codes": codes})["audio"][:, 0]

    def close(self) -> None:
        self.decoder.close()
        self.codec.close()

    def _open_in_place(
        self, columns: torch.Tensor, words: torch.Tensor, longest: int, before: Window | None
    ) -> tuple[torch.Tensor, Window]:
        with self.decoder.brought() as runner:
            steps = before.steps if before is not None else None
            steps = steps or MusicSteps(self._decoder, longest)
            steps.tell(words.to(self._decoder.dtype))
            logits = steps(columns, 0, runner.moves)
        return logits, Window({}, {}, steps, columns.shape[1])

    def _last(self, logits: torch.Tensor) -> torch.Tensor:
        return logits[:, -1].view(2, self.codebooks, -1)
