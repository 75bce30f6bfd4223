"""MusicGen (Copet et al., 2023) as a band: any `MusicgenForConditionalGeneration` folder or hub repository, streamed.

transformers' `generate` gives a whole piece at once, so the loop is our own: one step of the decoder after another with
its key/value cache, the delay pattern of the codebooks laid and undone here, and EnCodec decoding a few frames at a
time with frames around them, so that no seam is heard. The model was trained on 30 s; the stream goes on from its own
last seconds when they are full, and when the prompts change. It hears nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from antiphon_engines.api import AudioFacts, AudioRequest, EngineUnavailable, PlayedNote, Remark
from antiphon_engines.audio.musicgen.networks import MusicgenNetworks, Window
from antiphon_engines.audio.performer_api import Pcm
from antiphon_engines.audio.streamed import StreamedPlayer
from antiphon_engines.audio.timeline import Timeline
from antiphon_engines.backends import devices
from antiphon_engines.backends.acceleration import Acceleration
from antiphon_engines.backends.networks import DTYPES
from antiphon_engines.backends.plans import choices, planning
from antiphon_engines.backends.plans.signature import Precision
from antiphon_engines.backends.residency import Residency
from antiphon_engines.config import WorkerConfig
from antiphon_proto.document.jam import SAMPLE_RATE, BandControls, Prompt, Transport

_BLOCK: Final = 10
"""Codec frames that are decoded at a time: 0.2 s."""
_BEFORE: Final = 50
_AFTER: Final = 4
"""Codec frames around a block that its decoding sees; EnCodec's own reach to the right is about three."""
_WINDOW: Final = 1500
"""Codec frames that the decoder was trained on."""
_KEPT: Final = 500
"""Codec frames of its own that a fresh window goes on from."""
_TOP_K: Final = 250
_GUIDANCE: Final = 3.0
"""As the authors sample it."""


class MusicgenMusician:
    """A loaded checkpoint. Its maker may let plans take its networks' slots."""

    facts = AudioFacts(hears="nothing", controls=("prompts", "temperature"), roles=(), lead=0.25)

    def __init__(self, model: Any, tokenizer: Any, name: str, device: torch.device) -> None:
        self.name, self.device = name, str(device)
        self.note = Remark("makes sound from words; it does not hear what people play", "words_only")
        self._model, self._tokenizer = model.to(device).eval(), tokenizer
        self.networks = MusicgenNetworks(self._model)
        self.acceleration: Acceleration | None = None
        """Closed with the musician."""

    @property
    def backend(self) -> str:
        return self.networks.decoder.backend

    def open(self, request: AudioRequest, timeline: Timeline) -> StreamedPlayer:
        source = MusicgenSource(self._model, self.networks, self._tokenizer, request.seed)
        return StreamedPlayer(source, request.controls, timeline)

    def close(self) -> None:
        if self.acceleration is not None:
            self.acceleration.close()
        self.networks.close()
        del self._model


class MusicgenSource:
    """One stream. Codes are (codebooks, frames); a *column* is the input of one step of the decoder, with the
    delays."""

    def __init__(self, model: Any, networks: MusicgenNetworks, tokenizer: Any, seed: int) -> None:
        self._model, self._networks, self._tokenizer = model, networks, tokenizer
        decoder = model.decoder
        self._codebooks = int(decoder.num_codebooks)
        self._channels = int(decoder.config.audio_channels)
        self._delay = torch.arange(self._codebooks, device=model.device) // self._channels
        """Steps by which each codebook comes late; a stereo model's left and right go together."""
        self._pad = int(decoder.config.pad_token_id)
        self._random = torch.Generator(model.device).manual_seed(seed % 2**63)
        self._codes = torch.zeros((self._codebooks, 0), dtype=torch.long, device=model.device)
        self._decoded = 0  # frames of `_codes` that have been handed out as sound
        self._columns: list[torch.Tensor] = []  # of the open window, its start column included
        self._base = 0  # frames of `_codes` before the open window
        self._window: Window | None = None
        self._fresh = True  # the next step opens a window
        self._wishes: tuple[tuple[Prompt, ...], float] | None = None
        self._temperature = 1.0
        self._words: torch.Tensor | None = None
        self._resampler = _Resampler(int(model.audio_encoder.config.sampling_rate))

    # Requests ---------------------------------------------------------------------------------------

    def direct(self, controls: BandControls, transport: Transport) -> None:
        self._temperature = controls.temperature
        wishes = (controls.prompts, round(transport.tempo))
        if wishes != self._wishes:
            self._wishes = wishes
            self._words = self._encode(controls.prompts, wishes[1])
            self._fresh = True

    def on_note(self, note: PlayedNote) -> None:
        """It hears nothing."""

    @torch.inference_mode()
    def _encode(self, prompts: Sequence[Prompt], tempo: float) -> torch.Tensor:
        """(2, length, width): the weighted sum of the prompts' encodings, and nothing, for guidance."""
        known = [prompt for prompt in prompts if prompt.weight > 0] or [Prompt("music")]
        texts = [f"{prompt.text}, {tempo:g} bpm" for prompt in known]
        batch = self._tokenizer(texts, padding=True, truncation=True, max_length=64, return_tensors="pt")
        batch = {
            key: value.to(self._model.device) for key, value in batch.items() if "mask" in key or "ids" in key
        }
        mask = batch["attention_mask"]
        hidden = self._model.text_encoder(input_ids=batch["input_ids"], attention_mask=mask).last_hidden_state
        decoder = self._model.decoder.config
        if hidden.shape[-1] != decoder.hidden_size and decoder.cross_attention_hidden_size is None:
            hidden = self._model.enc_to_dec_proj(hidden)
        hidden = hidden * mask[..., None]
        weights = torch.tensor([prompt.weight for prompt in known], device=hidden.device, dtype=hidden.dtype)
        summed = (hidden * (weights / weights.sum())[:, None, None]).sum(0, keepdim=True)
        return torch.cat([summed, torch.zeros_like(summed)])

    # Sound --------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def more(self) -> Pcm:
        """The next block of 0.2 s, resampled."""
        stop = self._decoded + _BLOCK
        while self._codes.shape[1] < stop + _AFTER:
            self._step()
        first = max(0, self._decoded - _BEFORE)
        codes = self._codes[:, first : stop + _AFTER]
        parts = [codes[channel :: self._channels] for channel in range(self._channels)]
        sound = self._networks.sound(torch.stack(parts))  # channels go as a batch
        hop = sound.shape[-1] // codes.shape[1]
        block = sound[:, (self._decoded - first) * hop : (stop - first) * hop]
        self._decoded = stop
        self._forget()
        pcm = block.float().cpu().numpy().T
        return self._resampler(np.ascontiguousarray(pcm if pcm.shape[1] == 2 else np.repeat(pcm, 2, axis=1)))

    def close(self) -> None:
        self._window = None

    def _step(self) -> None:
        """One step of the decoder: another column, and with it the frame that is complete now."""
        if self._window is None or self._fresh or len(self._columns) >= _WINDOW:
            self._open()
            assert self._words is not None  # `direct` comes first
            columns = torch.stack(self._columns, dim=1)
            logits, self._window = self._networks.open(columns, self._words, _WINDOW, self._window)
        else:
            logits = self._networks.step(self._columns[-1], self._window)
        column = self._sample(logits[1] + _GUIDANCE * (logits[0] - logits[1]))
        place = len(self._columns)
        at = place - 1 - self._delay  # the frame, in this window, that each codebook's code is of
        known = (at >= 0) & (self._base + at < self._codes.shape[1])
        if known.any():  # a fresh window: the late codebooks' last codes of the stream are no longer open
            told = self._codes.gather(1, (self._base + at).clamp(0, self._codes.shape[1] - 1)[:, None])[:, 0]
            column = torch.where(known, told, column)
        column = torch.where(at >= 0, column, torch.full_like(column, self._pad))
        self._columns.append(column)
        deepest = int(self._delay[-1])
        if place > deepest and self._base + place - deepest > self._codes.shape[1]:
            frame = torch.stack(
                [self._columns[place - deepest + int(d)][k] for k, d in enumerate(self._delay)]
            )
            self._codes = torch.cat([self._codes, frame[:, None]], dim=1)

    def _open(self) -> None:
        """A fresh window that begins with the last frames of the stream."""
        self._fresh = False
        kept = self._codes[:, -_KEPT:]
        self._base = self._codes.shape[1] - kept.shape[1]
        start = torch.full((self._codebooks,), self._pad, dtype=torch.long, device=kept.device)
        self._columns = [start]
        for place in range(1, kept.shape[1] + 1):
            at = place - 1 - self._delay
            column = kept.gather(1, at.clamp(min=0)[:, None])[:, 0]
            self._columns.append(torch.where(at >= 0, column, start))

    def _sample(self, logits: torch.Tensor) -> torch.Tensor:
        """(codebooks,) codes of (codebooks, size) logits."""
        top = logits.float().topk(min(_TOP_K, logits.shape[-1]), dim=-1)
        odds = torch.softmax(top.values / self._temperature, dim=-1)
        drawn = torch.multinomial(odds, 1, generator=self._random)
        return top.indices.gather(1, drawn)[:, 0]

    def _forget(self) -> None:
        """Drop frames that no window and no decoding will look at again."""
        spare = min(self._decoded - _BEFORE, self._codes.shape[1] - _WINDOW)
        if spare > _WINDOW:
            self._codes = self._codes[:, spare:]
            self._decoded -= spare
            self._base -= spare


class _Resampler:
    """A model's rate to the stream's, without seams, by libswresample."""

    def __init__(self, rate: int) -> None:
        import av

        self._av: Any = av
        self._rate = rate
        self._swr: Any = None
        if rate != SAMPLE_RATE:
            self._swr = av.AudioResampler(format="flt", layout="stereo", rate=SAMPLE_RATE)

    def __call__(self, pcm: Pcm) -> Pcm:
        if self._swr is None:
            return pcm
        frame = self._av.AudioFrame.from_ndarray(pcm.reshape(1, -1), format="flt", layout="stereo")
        frame.sample_rate = self._rate
        out = [part.to_ndarray().reshape(-1, 2) for part in self._swr.resample(frame)]
        return np.concatenate(out) if out else np.zeros((0, 2), np.float32)


def load(
    source: str, config: WorkerConfig, residency: Residency | None = None, *, local: bool
) -> MusicgenMusician:
    """A folder or hub repository, which may be downloaded. Its text encoder has the decoder's precision. Raises
    EngineUnavailable."""
    from transformers import AutoTokenizer, MusicgenForConditionalGeneration

    place = devices.device(config.device)
    precisions = {
        part: DTYPES[_precise(choice, cuda=place.type == "cuda")]
        for part, choice in choices.precisions("music", config.music_precision).items()
    }
    try:
        model = MusicgenForConditionalGeneration.from_pretrained(
            source, local_files_only=local, dtype=precisions["music_decoder"]
        )
        model.audio_encoder.to(precisions["codec_decoder"])
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=local)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        raise EngineUnavailable(f"{source} cannot be loaded as MusicGen: {reason}") from error
    musician = MusicgenMusician(model, tokenizer, Path(source).name if local else source, place)
    if choices.backends("music", config.music_backend)["music_decoder"] == "torch":
        musician.networks.in_place = False
    residency = residency or Residency(config.device_memory * 2**20)
    for slot in musician.networks.slots.values():
        slot.share(residency)
    folder = Path(source) if local else planning.folder_of(source)
    musician.acceleration = Acceleration(
        Path(config.cache_dir) / planning.PLANS,
        planning.wishes(config, folder, devices.architecture(place)),
        musician.networks.slots,
        threads=config.threads,
    )
    musician.acceleration.start()
    return musician


def _precise(choice: choices.PrecisionChoice, *, cuda: bool) -> Precision:
    """It was trained in half precision."""
    return "fp16" if choice == "auto" and cuda else choices.precise(choice, cuda=cuda)
