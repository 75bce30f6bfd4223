"""Settings of an engine worker: one frozen, bounded value that crosses the process border."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.settings import Policy

DEFAULT_TEXT_MODEL = "smollm2-135m"

Count: TypeAlias = Annotated[int, Meta(ge=1, le=256)]
Seconds: TypeAlias = Annotated[float, Meta(gt=0, le=3600)]


class WorkerConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of one engine worker process.

    Constructing one checks nothing (msgspec): :func:`decode` does, and so does :func:`checked`.
    """

    cache_dir: Annotated[str, Meta(min_length=1, max_length=4096)]
    """Folder of prepared models."""
    text_model: Annotated[str, Meta(min_length=1, max_length=1024)] = DEFAULT_TEXT_MODEL
    """A model spec; see `text.spec.parse`."""
    image_model: Annotated[str, Meta(min_length=1, max_length=1024)] = "none"
    """An image model's spec; see `image.spec.parse`."""
    image_preview_model: Annotated[str, Meta(max_length=1024)] = ""
    """Folder or hub id of an AutoencoderTiny that decodes previews of `image_model`; empty: previews are made from
    the latents alone, unless the model's own autoencoder is a tiny one."""
    image_pixels: Annotated[int, Meta(ge=64 * 64, le=4_194_304)] = 1_048_576
    """Pixels of one picture, at most."""
    image_backend: Annotated[str, Meta(max_length=256)] = "auto"
    """The backend of the image model's networks; see `backends.choices`."""
    device_memory: Annotated[int, Meta(ge=0, le=1_048_576)] = 0
    """MiB of the device's memory that the networks of all engines may fill; 0 is no bound. The ones used longest ago
    leave, and come back when they are needed."""
    image_loras: Annotated[tuple[Annotated[str, Meta(max_length=1024)], ...], Meta(max_length=8)] = ()
    """Adapters merged into the image model for every run: `path` or `path=scale`."""
    image_adapters: Annotated[
        dict[Annotated[str, Meta(min_length=1, max_length=64)], Annotated[str, Meta(max_length=1024)]],
        Meta(max_length=64),
    ] = {}
    """Adapters that a run can ask for, by name: safetensors files."""
    image_precision: Annotated[str, Meta(max_length=256)] = "auto"
    """Of the image model's networks: fp32, fp16 or bf16, for all or for each."""
    music_model: Annotated[str, Meta(min_length=1, max_length=1024)] = "none"
    """A music model's spec; see `audio.spec.parse`."""
    speech_model: Annotated[str, Meta(min_length=1, max_length=1024)] = "none"
    """A speech model's spec; see `speech.spec.parse`."""
    speech_key: Annotated[str, Meta(max_length=1024)] = ""
    """Bearer key of a remote speech server; never logged."""
    text_backend: Annotated[str, Meta(max_length=256)] = "auto"
    """As `image_backend`, of a text model that torch runs."""
    text_precision: Annotated[str, Meta(max_length=256)] = "auto"
    music_backend: Annotated[str, Meta(max_length=256)] = "auto"
    """As `image_backend`, of MusicGen."""
    music_precision: Annotated[str, Meta(max_length=256)] = "auto"
    text_beside: Annotated[int, Meta(ge=0, le=8)] = 0
    """Earlier text models that stay loaded beside the one that serves, for runs that name them."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Annotated[int, Meta(ge=1, le=256)] = 2
    """Threads of the numerical runtime."""
    context: Annotated[int, Meta(ge=128, le=131_072)] = 2048
    """Tokens that one KV row holds, prompt and answer together."""
    max_batch: Count = 8
    """Jobs that one step may advance."""
    max_jobs: Count = 8
    """Jobs admitted at the same time: rows of the KV arena, slots, open requests."""
    max_queue: Annotated[int, Meta(ge=1, le=10_000)] = 64
    """Jobs that may wait for admission; beyond it a request is refused with QueueFull."""
    prefill_chunk: Annotated[int, Meta(ge=8, le=8192)] = 128
    """Prompt tokens per step while nobody is being written for; a quarter of it otherwise, so that a long prompt
    stalls no other stream."""
    policy: Literal["deadline", "fifo"] = "deadline"
    """Order of the units on the device; `fifo` is there for comparison."""
    max_unit_ms: Annotated[int, Meta(ge=5, le=10_000)] = 100
    """The target for the longest step."""
    tokens_per_second: Annotated[float, Meta(gt=0, le=1000)] = 15.0
    """Pace of one text that is kept up while others want the device."""
    previews_per_second: Annotated[float, Meta(gt=0, le=100)] = 4.0
    """Denoising steps of one picture that are kept up while others want the device."""
    api_key: Annotated[str, Meta(max_length=1024)] = ""
    """Bearer key of a remote engine; never logged."""
    connect_timeout: Seconds = 10.0
    """Seconds until a remote server must have accepted the connection."""
    idle_timeout: Seconds = 60.0
    """Seconds that a remote server may stay silent within one request."""

    @property
    def scheduling(self) -> Policy:
        """The scheduler's part of it; times in seconds."""
        return Policy(
            order=self.policy,
            max_unit=self.max_unit_ms / 1000,
            tokens_per_second=self.tokens_per_second,
            previews_per_second=self.previews_per_second,
        )

    @property
    def busy_chunk(self) -> int:
        """Prompt tokens per step beside streams that decode."""
        return max(self.prefill_chunk // 4, 8)

    def __rich_repr__(self) -> list[tuple[str, object]]:
        values = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return [(name, "***" if name.endswith("_key") and value else value) for name, value in values]

    def __repr__(self) -> str:
        return f"WorkerConfig({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(WorkerConfig)


def encode(config: WorkerConfig) -> bytes:
    """`config` as MessagePack bytes, which `decode` reads."""
    return _encoder.encode(config)


def decode(data: bytes) -> WorkerConfig:
    """The config that `encode` wrote. Raises EngineUnavailable when a field is missing or out of its bounds."""
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EngineUnavailable(f"the worker's settings are not valid: {error}") from None


def checked(config: WorkerConfig) -> WorkerConfig:
    """`config` itself when every field is within its bounds. Raises EngineUnavailable otherwise."""
    return decode(encode(config))
