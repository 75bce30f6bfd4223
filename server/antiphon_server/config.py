"""The settings of a server: one frozen, validated object, built once at the edge.

Command line beats environment (`ANTIPHON_PORT`, `ANTIPHON_LIMITS__MAX_UPDATE`, ...) beats settings file (TOML, with the
same names: `port`, `[limits] max_update`). No other module reads any of them.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as SourceError

from antiphon_engines.automatic import AUTO, LADDER, resolved
from antiphon_engines.config import DEFAULT_TEXT_MODEL, WorkerConfig
from antiphon_proto.errors import AntiphonError, ErrorCode
from antiphon_server.assets.sanitize import PictureLimits
from antiphon_server.assets.store import AssetBounds
from antiphon_server.assets.vectorize import TraceLimits
from antiphon_server.jam_settings import JamSettings
from antiphon_server.limits import Limits
from antiphon_server.logs import LogFormat
from antiphon_server.net.backlog import BacklogLimits
from antiphon_server.room_limits import RoomLimits

_MAX_THREADS = 8
"""More threads than this make a small model slower."""


class SettingsError(AntiphonError):
    """A setting is wrong; the message is one line that names it."""

    code = ErrorCode.INVALID


def _origin(value: str) -> str:
    value = value.rstrip("/").lower()
    if value != "*" and not value.startswith(("http://", "https://")):
        raise ValueError("an origin looks like https://example.org, or is *")
    return value


def _host(value: str) -> str:
    if value != "*" and not re.fullmatch(r"[A-Za-z0-9._-]{1,255}|\[?[0-9A-Fa-f:.]{2,64}\]?", value):
        raise ValueError("a host is a name or an address, without scheme and port")
    return value.lower().strip("[]")


def _network(value: str) -> str:
    return str(ipaddress.ip_network(value, strict=False))


def _public_url(value: str) -> str:
    if value and not value.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    return value.rstrip("/")


class EngineOptions(BaseModel):
    """How the engine worker runs; the models are `text_model`, `image_model`, `music_model` and
    `speech_model`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int | None = Field(default=None, ge=1, le=256)
    """Threads of the numerical runtime; by default the cores that this process may use, at most 8."""
    context: int = Field(default=2048, ge=128, le=131_072)
    max_batch: int = Field(default=8, ge=1, le=256)
    max_jobs: int = Field(default=8, ge=1, le=256)
    prefill_chunk: int = Field(default=128, ge=8, le=8192)
    policy: Literal["deadline", "fifo"] = "deadline"
    """Order of the units on the device; `fifo` (first come, first served) is there for comparison."""
    max_unit_ms: int = Field(default=100, ge=5, le=10_000)
    """Target length of one step of the device: longer work is divided where possible."""
    tokens_per_second: float = Field(default=15.0, gt=0, le=1000)
    """Pace of one text, and `previews_per_second` of one picture, that are kept up while others want the device."""
    previews_per_second: float = Field(default=4.0, gt=0, le=100)
    image_pixels: int = Field(default=1_048_576, ge=4096, le=4_194_304)
    """Pixels of one painted picture, at most."""
    image_backend: str = Field(default="auto", max_length=256)
    """auto, torch, torch_graphs, torch_compile, torch_compile_graphs, onnxruntime, tensorrt or tensorrt_rtx, for all of
    the image model's networks, or for each: `denoiser=tensorrt,decoder=torch`. On CUDA, auto is torch_graphs."""
    image_precision: str = Field(default="auto", max_length=256)
    """auto, fp32, fp16 or bf16, in the same way."""
    device_memory: int = Field(default=0, ge=0, le=1_048_576)
    """MiB of the device's memory that the networks of all models may fill; beyond it the ones used longest ago leave
    until they are needed again. 0 is no bound. Torch's weights on a CPU stay."""
    text_backend: str = Field(default="auto", max_length=256)
    """As `image_backend`, for the decoder of a transformers `text_model`; `language_decoder` is its one network."""
    text_precision: str = Field(default="auto", max_length=256)
    text_beside: int = Field(default=1, ge=0, le=8)
    """Text models that stay loaded when another takes over, so that people can choose among them run by run."""
    music_backend: str = Field(default="auto", max_length=256)
    """As `image_backend`, for MusicGen: `music_decoder` and `codec_decoder`."""
    music_precision: str = Field(default="auto", max_length=256)
    image_loras: tuple[str, ...] = Field(default=(), max_length=8)
    """Low-rank adapters merged into the image model for every picture: `path` or `path=scale`."""
    image_adapters: dict[str, str] = Field(default={}, max_length=64)
    """Low-rank adapters that a picture can ask for, by name: `{pixels = "loras/pixels.safetensors"}`."""
    image_preview_model: str = Field(default="", max_length=1024)
    """Folder or hub id of an AutoencoderTiny for sharper previews of an `image_model` that has none."""
    api_key: SecretStr = SecretStr("")
    """Bearer key of a remote engine."""
    speech_key: SecretStr = SecretStr("")
    """Bearer key of a speech server."""
    connect_timeout: float = Field(default=10.0, gt=0, le=3600)
    idle_timeout: float = Field(default=60.0, gt=0, le=3600)


class Settings(BaseSettings):
    """Everything that can be set. Sizes in bytes, times in seconds."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="ANTIPHON_", env_nested_delimiter="__"
    )

    host: str = Field(default="127.0.0.1", min_length=1, max_length=255)
    port: int = Field(default=8080, ge=0, le=65535)
    """0 takes any free port."""
    data_dir: Path = Path("antiphon-data")
    """Rooms and the signing key."""
    cache_dir: Path = Path("~/.cache/antiphon")
    """Prepared models."""
    text_model: str = Field(default=AUTO, min_length=1, max_length=1024)
    """`auto`: the best prepared model that is fast enough here; a better one is fetched while the small one serves."""
    image_model: str = Field(default="embedded", min_length=1, max_length=1024)
    """`embedded`, a diffusers folder, a hub id, or `none`."""
    music_model: str = Field(default="embedded", min_length=1, max_length=1024)
    """`embedded`, a MusicGen folder or hub id, `magenta-rt`, or `none`."""
    speech_model: str = Field(default="auto", min_length=1, max_length=1024)
    """`auto` (the prepared voices, and espeak-ng for Russian), `kokoro-82m`, `espeak-ng`, `http://host/v1#model`, or
    `none`."""
    text_models: tuple[str, ...] = Field(default=(), max_length=16)
    """Other models that may take `text_model`'s place while the server runs, and below those of the others."""
    image_models: tuple[str, ...] = Field(default=(), max_length=16)
    music_models: tuple[str, ...] = Field(default=(), max_length=16)
    speech_models: tuple[str, ...] = Field(default=(), max_length=16)
    models_by: Literal["operator", "owners"] = "operator"
    """Who changes them: the operator (`antiphon models use`), or owners of rooms too. It is changed for all rooms."""
    log_format: LogFormat = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    public_url: Annotated[str, AfterValidator(_public_url)] = ""
    """Address under which people reach the server, when it is not the one that it listens on."""
    allowed_origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = ()
    """Web origins besides the server's own that may open sockets; `*` allows all."""
    allowed_hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = ()
    """Names under which the server may be asked, besides loopback, `public_url` and the address in `host`; `*` allows
    all. A server on every address (`0.0.0.0`, `::`) also answers to any address and to its machine's name."""
    metrics_token: SecretStr = SecretStr("")
    """Bearer token for `/metrics`; without one only the operator's token opens it."""
    metrics_port: int | None = Field(default=None, ge=0, le=65535)
    """A port of its own for `/metrics`, without a token, on `metrics_host`."""
    metrics_host: str = Field(default="127.0.0.1", min_length=1, max_length=255)
    trusted_proxies: tuple[Annotated[str, AfterValidator(_network)], ...] = ()
    """Networks whose X-Forwarded-For, -Proto and -Host headers are believed."""
    viewers_may: frozenset[Literal["comment", "history"]] = frozenset({"comment"})
    """Rights of people with a viewer's link besides seeing. The history shows deleted content, too."""
    drain_timeout: float = Field(default=10.0, ge=0, le=600)
    """How long a drain may take before connections are cut."""
    engine: EngineOptions = EngineOptions()
    limits: Limits = Limits()
    jam: JamSettings = JamSettings()

    def resolved(self) -> Settings:
        """With the model that `auto` stands for now, and the others of which it may choose among `text_models`."""
        if self.text_model != AUTO:
            return self
        others = (*self.text_models, *LADDER, DEFAULT_TEXT_MODEL)
        return self.model_copy(
            update={"text_model": self.text_spec, "text_models": tuple(dict.fromkeys(others))}
        )

    @property
    def threads(self) -> int:
        """Threads of one engine: as set, else one per processor up to a bound."""
        return self.engine.threads or min(len(os.sched_getaffinity(0)), _MAX_THREADS)

    @property
    def text_spec(self) -> str:
        """The text model that serves at once. Looks at the disk."""
        return resolved(self.cache_dir.expanduser(), self.text_model, self.threads)

    def worker_config(self) -> WorkerConfig:
        """The part of the settings that a worker process gets."""
        engine = self.engine
        return WorkerConfig(
            cache_dir=str(self.cache_dir.expanduser()),
            text_model=self.text_spec,
            image_model=self.image_model,
            music_model=self.music_model,
            speech_model=self.speech_model,
            speech_key=engine.speech_key.get_secret_value(),
            image_preview_model=engine.image_preview_model,
            image_pixels=engine.image_pixels,
            image_backend=engine.image_backend,
            image_precision=engine.image_precision,
            device_memory=engine.device_memory,
            text_backend=engine.text_backend,
            text_precision=engine.text_precision,
            text_beside=engine.text_beside,
            music_backend=engine.music_backend,
            music_precision=engine.music_precision,
            image_loras=engine.image_loras,
            image_adapters=engine.image_adapters,
            device=engine.device,
            threads=self.threads,
            context=engine.context,
            max_batch=engine.max_batch,
            max_jobs=engine.max_jobs,
            max_queue=self.limits.max_queue,
            prefill_chunk=engine.prefill_chunk,
            policy=engine.policy,
            max_unit_ms=engine.max_unit_ms,
            tokens_per_second=engine.tokens_per_second,
            previews_per_second=engine.previews_per_second,
            api_key=engine.api_key.get_secret_value(),
            connect_timeout=engine.connect_timeout,
            idle_timeout=engine.idle_timeout,
        )

    def room_limits(self) -> RoomLimits:
        """The bounds of one room."""
        limits = self.limits
        return RoomLimits(
            max_members=limits.max_members,
            max_known=limits.max_known,
            max_message=limits.max_message,
            max_update=limits.max_update,
            max_items=limits.max_items,
            max_document=limits.max_document,
            max_name=limits.max_name,
            max_objects=limits.max_objects,
            max_points=limits.max_points,
            max_chat=limits.max_chat,
            max_comments=limits.max_comments,
            lessons_per_minute=limits.lessons_per_minute,
            lesson_burst=limits.lesson_burst,
            viewer_rights=frozenset(self.viewers_may),
            max_asset=limits.max_asset,
            max_asset_pixels=limits.max_asset_pixels,
            edits_per_second=limits.messages_per_second,
            max_runs=limits.max_runs,
            max_runs_per_member=limits.max_runs_per_member,
            max_kept_runs=limits.max_kept_runs,
            resume_bytes=limits.resume_bytes,
            journal_bytes=limits.journal_bytes,
            empty_timeout=limits.empty_room_timeout,
            jam=self.jam,
        )

    def picture_limits(self) -> PictureLimits:
        """The bounds of a picture that comes in: bytes and pixels."""
        limits = self.limits
        return PictureLimits(
            bytes=limits.max_asset,
            pixels=limits.max_asset_pixels,
            side=limits.max_asset_side,
            file_bytes=limits.max_picture_file,
            source_pixels=limits.max_picture_pixels,
            workers=limits.picture_workers,
            waiting=limits.picture_queue,
        )

    def trace_limits(self) -> TraceLimits:
        """The bounds of a device trace; seconds."""
        return TraceLimits(seconds=self.limits.trace_timeout)

    def asset_bounds(self) -> AssetBounds:
        """How many assets a room keeps, and how many bytes."""
        return AssetBounds(self.limits.max_assets, self.limits.asset_bytes)

    def asset_grace(self) -> float:
        """Seconds."""
        return self.limits.asset_grace_days * 86_400

    def backlog_limits(self) -> BacklogLimits:
        """How much may wait for a slow client, in bytes."""
        return BacklogLimits(ordered_bytes=self.limits.queue_bytes, lane_bytes=self.limits.lane_bytes)


def load(file: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Settings from the command line (`overrides`; None means "not given"), the environment and a TOML file.

    Raises SettingsError with one line.
    """
    values = _read(file) if file is not None else {}

    class FromSources(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, values)

    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    try:
        return FromSources(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"setting {name}: {first['msg']}") from None
    except SourceError as error:
        wrong = (name for name in Settings.model_fields if f'"{name}"' in str(error))
        variables = ", ".join(f"ANTIPHON_{name.upper()}" for name in wrong)
        raise SettingsError(f"{variables} in the environment: not valid JSON") from None


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read the settings file {file}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"the settings file {file} is not valid TOML: {error}") from None
