from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from antiphon_engines.api import Absent, Building, EngineInfo, ImageFacts, Modality, Remark
from antiphon_engines.host.host import HostState
from antiphon_proto import messages
from antiphon_proto.errors import Denied, NotFound
from antiphon_server.config import Settings
from antiphon_server.model_switcher import ModelSwitcher

TEXT = EngineInfo("text", "smollm2-135m", "cpu", "onnxruntime", 8, 8)


class Host:
    def __init__(self, state: HostState) -> None:
        self.state = state
        self.models: dict[Modality, str] = {}
        self.used: list[tuple[str, str]] = []

    def use(self, modality: Modality, model: str) -> None:
        self.used.append((modality, model))


def desk(state: HostState, **settings: Any) -> tuple[ModelSwitcher, Host]:
    host = Host(state)
    given = Settings(**{"image_model": "none", "music_model": "none", **settings})
    return ModelSwitcher(given, host, lambda: None), host


READY = HostState("ready", (TEXT,))
SET = {"text_models": ("http://127.0.0.1:9/v1#big",), "models_by": "owners"}


def test_people_see_names_and_never_specs() -> None:
    models, host = desk(READY, **SET)
    [info] = models.infos()
    assert info.choices == ("smollm2-135m", "big")
    assert info.backend == "onnxruntime"
    models.ask("text", "big")
    assert host.used == [("text", "http://127.0.0.1:9/v1#big")]
    with pytest.raises(NotFound, match="among those set: smollm2-135m, big"):
        models.ask("text", "http://127.0.0.1:9/v1#big")
    with pytest.raises(NotFound, match="none"):
        models.ask("image", "embedded")


def test_where_the_operator_chooses_owners_do_not() -> None:
    models, host = desk(READY, text_models=SET["text_models"])
    assert models.infos()[0].choices == ()
    with pytest.raises(Denied, match="operator"):
        models.ask("text", "big")
    models.use("text", "big")
    assert len(host.used) == 1


def test_what_comes_and_what_could_not_is_told_by_name() -> None:
    coming = Absent("text", "http://127.0.0.1:9/v1#big", "it is being loaded", loading=True)
    models, host = desk(HostState("ready", (TEXT,), coming=(coming,)), **SET)
    assert (models.infos()[0].coming, models.infos()[0].refused) == ("big", "")
    host.state = HostState("ready", (TEXT,), coming=(Absent("text", coming.name, "nobody answers"),))
    assert (models.infos()[0].coming, models.infos()[0].refused) == ("", "big: nobody answers")


def test_adapters_and_plans_are_told() -> None:
    facts = ImageFacts(128, 128, 8, 3.0, 1 << 20, ("lcm",))
    building = (Building("denoiser", "onnxruntime", 0.5),)
    painter = EngineInfo(
        "image", "tiny", "cpu", "torch", 8, 8, image=facts, building=building, adapters=("soft",)
    )
    models, _ = desk(HostState("ready", (painter,)), image_model="embedded")
    [info] = models.infos()
    assert info.image is not None
    assert info.image.adapters == ("soft",)
    assert info.building == (messages.Building("denoiser", "onnxruntime", 0.5),)


def test_before_anything_is_loaded_the_settings_say_what_will_be() -> None:
    models, _ = desk(HostState("starting", message="starting the engine worker"))
    [info] = models.infos()
    assert (info.name, info.ready, info.note) == ("smollm2-135m", False, "starting the engine worker")
    assert (info.note_key, info.note_values) == ("starting", ())


def test_notes_are_named_for_interfaces_in_other_languages() -> None:
    remote = replace(TEXT, note=Remark("served by h", "remote", ("h",)))
    brush = Absent("image", "brush", "its file is damaged")
    band = Absent("audio", "band", "it is being loaded", loading=True)
    models, host = desk(HostState("ready", (remote,), absent=(brush, band)))
    told = [(info.note, info.note_key, info.note_values) for info in models.infos()]
    assert told == [
        ("served by h", "remote", ("h",)),
        ("its file is damaged", "absent", ("its file is damaged",)),
        ("it is being loaded", "loading", ()),
    ]
    host.state = HostState("failed", (remote,), "x" * 300)
    [info] = models.infos()
    assert (info.note_key, info.note_values) == ("failed", ("x" * 200,))
