"""Which models serve, which could, and changing them while the server runs.

People know models by their names; specs, which may be paths and addresses of this machine, stay here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec.structs import replace

from antiphon_engines import automatic
from antiphon_engines.api import (
    Absent,
    AudioFacts,
    EngineInfo,
    EngineUnavailable,
    ImageFacts,
    Modality,
    Remark,
    SpeechFacts,
)
from antiphon_engines.audio import spec as music
from antiphon_engines.host.host import HostState
from antiphon_engines.image import spec as image_spec
from antiphon_engines.speech import spec as speech
from antiphon_engines.text import spec as text_spec
from antiphon_proto.errors import Denied, NotFound
from antiphon_proto.messages import (
    AudioModel,
    Better,
    Building,
    ImageModel,
    ModelInfo,
    SpeechModel,
    VoiceInfo,
)
from antiphon_server.config import Settings
from antiphon_server.model_fetcher import Children, ModelFetcher

_LINE = 200
"""Characters of a note, or of a value in it."""


class Host(Protocol):
    """The interface of the engine host."""

    @property
    def state(self) -> HostState:
        """As in `EngineHost`."""
        ...

    @property
    def models(self) -> Mapping[Modality, str]:
        """As in `EngineHost`."""
        ...

    def use(self, modality: Modality, model: str) -> None:
        """As in `EngineHost`."""
        ...


class ModelSwitcher:
    """Of the models that are set. Raises EngineUnavailable for a spec among them that names none.

    `changed` is called when the state of a fetch has changed (`infos`)."""

    def __init__(
        self, settings: Settings, host: Host, changed: Callable[[], None], children: Children | None = None
    ) -> None:
        self._host = host
        self._cache_dir = settings.cache_dir.expanduser()
        self._fetcher = ModelFetcher(
            self._cache_dir,
            settings.threads,
            use=lambda spec: host.use("text", spec),
            changed=changed,
            children=children,
        )
        self._owners = settings.models_by == "owners"
        self._text_model = settings.text_model
        self._names = {
            "text": _named("text", settings.text_model, settings.text_models),
            "image": _named("image", settings.image_model, settings.image_models),
            "audio": _named("audio", settings.music_model, settings.music_models),
            "speech": _named("speech", settings.speech_model, settings.speech_models),
        }

    def infos(self) -> tuple[ModelInfo, ...]:
        """The name of the model, for people: known by the settings before it has loaded."""
        state = self._host.state
        ready = state.status == "ready"
        if not state.engines:
            name = self.name("text", self._text_model)
            return (_noted(ModelInfo("text", name, "", ready), _state_note(state)),)
        serving = tuple(_serving(engine, state) for engine in state.engines)
        missing = tuple(
            _noted(
                ModelInfo(absent.modality, self.name(absent.modality, absent.name), "", False),
                Remark(absent.reason, "loading")
                if absent.loading
                else Remark(absent.reason, "absent", (absent.reason,)),
            )
            for absent in state.absent
        )
        return tuple(self._with_news(info, state.coming) for info in serving + missing)

    def choices(self, modality: Modality) -> tuple[str, ...]:
        """Names of the models that are set for a modality."""
        return tuple(self._names[modality].values())

    def name(self, modality: Modality, spec: str) -> str:
        """The name of a spec; the spec itself where it has none."""
        return self._names[modality].get(spec, spec)

    def ask(self, modality: Modality, name: str) -> None:
        """An owner of a room chooses. Raises Denied where that is the operator's, and as `use`."""
        if not self._owners:
            raise Denied("which model serves is chosen by the operator of this server")
        self.use(modality, name)

    def use(self, modality: Modality, name: str) -> None:
        """Let the model of that name serve. Raises NotFound for one that is not set, and EngineUnavailable."""
        for spec, known in self._names[modality].items():
            if known == name:
                if modality == "text" and automatic.is_fetched_by_name(self._cache_dir, spec):
                    self._fetcher.begin(spec, tries=False)
                    return
                if modality == "text":
                    self._fetcher.withdraw()
                self._host.use(modality, spec)
                return
        known = ", ".join(self.choices(modality)) or "none"
        raise NotFound(f"there is no {modality} model {name!r} among those set: {known}")

    def improve(self) -> None:
        """Have the best text model serve that this machine takes, where a smaller one does (`text_model = "auto"`)."""
        best = automatic.LADDER[0]
        if self._host.models.get("text") == best:
            return
        obstacle = automatic.missing_obstacle(best) or automatic.memory_obstacle()
        if obstacle is None:
            self._fetcher.begin(best, tries=True)
        else:
            self._fetcher.stay(best, obstacle)

    async def close(self) -> None:
        """Cancel the current fetch; the next one continues it."""
        await self._fetcher.close()

    def _better(self) -> Better | None:
        """Told until the engine has heard of it: it serves, is being loaded, or could not be."""
        for name in (self._host.models.get("text"), *(each.name for each in self._host.state.coming)):
            if name is not None:
                self._fetcher.serves(name)
        return self._fetcher.better

    def _with_news(self, info: ModelInfo, coming: tuple[Absent, ...]) -> ModelInfo:
        mine = next((each for each in coming if each.modality == info.modality), None)
        offered = self.choices(info.modality)
        return replace(
            info,
            choices=offered if self._owners and len(offered) > 1 else (),
            coming=self.name(mine.modality, mine.name) if mine is not None and mine.loading else "",
            refused=f"{self.name(mine.modality, mine.name)}: {mine.reason}"[:_LINE]
            if mine is not None and not mine.loading
            else "",
            better=self._better() if info.modality == "text" else None,
        )


def _named(modality: Modality, first: str, others: tuple[str, ...]) -> dict[str, str]:
    """Spec -> name; of two models of one name the second is known by its spec."""
    found: dict[str, str] = {}
    for spec in dict.fromkeys((first, *others)):
        name = _describe(modality, spec)
        if name:
            found[spec] = spec if name in found.values() else name
    return found


def _describe(modality: Modality, spec: str) -> str:
    """The name of a spec; empty for `none`, and the spec itself where it names nothing on this machine now."""
    describe = {
        "text": text_spec.describe,
        "image": image_spec.describe,
        "audio": music.describe,
        "speech": speech.describe,
    }[modality]
    try:
        described = describe(spec)
    except EngineUnavailable:
        return spec
    return "" if described is None else described.name


def _serving(engine: EngineInfo, state: HostState) -> ModelInfo:
    ready = state.status == "ready"
    info = ModelInfo(
        engine.modality,
        engine.name,
        engine.device,
        ready,
        image=_image_model(engine.image, engine.adapters),
        audio=_audio_model(engine.audio),
        backend=engine.backend,
        beside=engine.beside,
        building=tuple(Building(each.part, each.backend, each.fraction) for each in engine.building),
        speech=_speech_model(engine.speech),
    )
    return _noted(info, engine.note if ready else _state_note(state))


def _state_note(state: HostState) -> Remark:
    """Why nothing answers now. While a model loads, the server's own text names it only."""
    return Remark(state.message, state.status, () if state.status == "starting" else (state.message,))


def _noted(info: ModelInfo, note: Remark) -> ModelInfo:
    return replace(
        info,
        note=note.text[:_LINE],
        note_key=note.key,
        note_values=tuple(value[:_LINE] for value in note.values),
    )


def _image_model(facts: ImageFacts | None, adapters: tuple[str, ...]) -> ImageModel | None:
    if facts is None:
        return None
    return ImageModel(
        facts.width,
        facts.height,
        facts.steps,
        facts.guidance,
        facts.max_pixels,
        tuple(facts.samplers),
        facts.strength,
        adapters,
        tuple(facts.styles),
    )


def _audio_model(facts: AudioFacts | None) -> AudioModel | None:
    if facts is None:
        return None
    lead_ms = 1000 * facts.lead
    return AudioModel(
        facts.hears, tuple(facts.controls), tuple(facts.roles), lead_ms, facts.pre_skip, tuple(facts.prompts)
    )


def _speech_model(facts: SpeechFacts | None) -> SpeechModel | None:
    if facts is None:
        return None
    voices = tuple(VoiceInfo(one.id, one.language, one.gender, one.name) for one in facts.voices)
    return SpeechModel(voices, facts.weights)
