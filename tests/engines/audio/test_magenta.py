"""The adapter for Magenta RealTime against a scripted module with the package's documented surface: its weights can be
fetched only from outside."""

from __future__ import annotations

import importlib.machinery
import sys

import numpy as np
import pytest

from antiphon_engines.api import AudioSteer, EngineUnavailable, PlayedNote, Segment
from antiphon_engines.audio import building, magenta, spec
from antiphon_engines.audio.magenta import MagentaMusician
from antiphon_engines.config import WorkerConfig
from antiphon_proto.document.jam import SAMPLE_RATE, BandControls, Prompt, Transport
from support import scripted_magenta
from support.bands import Take, asking, band, loudness, partials


def playing(
    controls: BandControls | None = None, *segments: Segment
) -> tuple[Take, scripted_magenta.MagentaRT2Jax]:
    system = scripted_magenta.MagentaRT2Jax()
    return band(asking(controls, *segments), MagentaMusician(system, "mrt2_base", "jax")), system


def test_a_frame_is_one_frame_and_the_state_goes_on() -> None:
    take, system = playing()
    take.until(1)
    assert len(system.calls) == len(take.frames) == 25
    assert loudness(take.pcm()) > 0.005


def test_prompts_are_a_weighted_mean_of_embeddings_made_once() -> None:
    take, system = playing(BandControls(prompts=(Prompt("aa", 0.75), Prompt("aaaaaa", 0.25))))
    take.until(0.2)
    assert system.calls[-1]["mulan_tokens_25hz"] == pytest.approx(np.full(768, 3.0))
    change = BandControls(prompts=(Prompt("aa", 0.25), Prompt("aaaaaa", 0.75)), temperature=1.5)
    take.engine.steer(take.session, AudioSteer(controls=change))
    take.until(0.4)
    assert system.calls[-1]["mulan_tokens_25hz"] == pytest.approx(np.full(768, 5.0))
    assert system.calls[-1]["temperature"] == 1.5
    assert system.embedded == ["aa", "aaaaaa"]
    take.engine.steer(take.session, AudioSteer(controls=BandControls(prompts=())))
    take.until(0.6)
    assert "mulan_tokens_25hz" not in system.calls[-1]


def test_keys_that_are_held_are_conditioning_and_heard() -> None:
    take, system = playing()
    take.until(0.2)
    take.play([(0.2, 69)], "ada")
    take.play([(0.2, 69), (0.2, 72)], "bob")
    take.until(0.3)
    roll = system.calls[5]["pianoroll_with_onsets_tokens"]
    assert (len(roll), roll[69], roll[72], roll[60]) == (128, 2, 2, -1)
    take.engine.push(take.session, [PlayedNote(0, "bob", 69, 0), PlayedNote(0, "bob", 72, 0)])
    take.until(1)
    roll = system.calls[-1]["pianoroll_with_onsets_tokens"]
    assert (roll[69], roll[72]) == (1, -1)
    assert partials(take.pcm()[SAMPLE_RATE // 2 :], 69) > 50


def test_a_key_that_was_let_go_within_a_frame_is_heard_once() -> None:
    take, system = playing()
    take.until(0.2)
    take.engine.push(take.session, [PlayedNote(0, "ada", 60, 90), PlayedNote(1, "ada", 60, 0)])
    take.until(0.32)
    states = [call["pianoroll_with_onsets_tokens"][60] for call in system.calls[4:]]
    assert states.count(2) == 1
    assert set(states) == {-1, 2}


def test_drums_and_free_play() -> None:
    take, system = playing(BandControls(roles=frozenset({"bass"}), mode="free"))
    take.until(0.1)
    assert system.calls[-1]["drum_pianoroll_tokens"] == [0]
    assert "pianoroll_with_onsets_tokens" not in system.calls[-1]
    take.engine.steer(take.session, AudioSteer(controls=BandControls()))
    take.until(0.3)
    assert system.calls[-1]["drum_pianoroll_tokens"] == [-1]
    assert "pianoroll_with_onsets_tokens" in system.calls[-1]


def test_it_is_silent_while_the_transport_stands_still() -> None:
    take, _ = playing(None, Segment(0, Transport(playing=True)), Segment(SAMPLE_RATE, Transport(beat=2.0)))
    take.until(4)
    assert loudness(take.pcm()[-4000:]) < 1e-4


def test_the_spec_names_it_and_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    assert spec.parse("magenta-rt") == spec.MagentaModel("mrt2_base")
    assert spec.parse("magenta-rt:mrt2_small") == spec.MagentaModel("mrt2_small")
    scripted_magenta.__spec__ = importlib.machinery.ModuleSpec(magenta.MODULE, None)
    monkeypatch.setitem(sys.modules, magenta.MODULE, scripted_magenta)
    engine = building.build_magenta("mrt2_small", WorkerConfig("unused"))
    assert engine.info.name == "mrt2_small"
    assert engine.info.audio is not None
    assert engine.info.audio.hears == "notes"
    with pytest.raises(EngineUnavailable, match="No default checkpoint"):
        building.build_magenta("huge", WorkerConfig("unused"))


def test_what_is_not_installed_is_told_with_the_command_that_brings_it() -> None:
    absent = spec.later(WorkerConfig("unused", music_model="magenta-rt"))
    assert absent is not None
    assert "pip install 'antiphon[magenta]'" in getattr(absent, "reason", "")
