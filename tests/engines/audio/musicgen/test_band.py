"""MusicGen through the real classes with random weights: our loop equals `generate`, and goes on for ever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from antiphon_engines.api import AudioSteer, EngineUnavailable, PlayedNote, Segment  # noqa: E402
from antiphon_engines.audio import building, spec  # noqa: E402
from antiphon_engines.audio.musicgen import band as musicgen  # noqa: E402
from antiphon_engines.audio.musicgen.band import MusicgenMusician, MusicgenSource  # noqa: E402
from antiphon_engines.audio.musicgen.networks import MusicgenNetworks  # noqa: E402
from antiphon_engines.config import WorkerConfig  # noqa: E402
from antiphon_proto.document.jam import SAMPLE_RATE, BandControls, Prompt, Transport  # noqa: E402
from support import tiny_musicgen  # noqa: E402
from support.bands import asking, band, loudness  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
ROCK = BandControls(prompts=(Prompt("rock"),), temperature=1.0)


def source(channels: int = 1, seed: int = 1) -> MusicgenSource:
    model = tiny_musicgen.model(channels)
    return MusicgenSource(model, MusicgenNetworks(model), tiny_musicgen.tokenizer(), seed)


def musician() -> MusicgenMusician:
    return MusicgenMusician(tiny_musicgen.model(), tiny_musicgen.tokenizer(), "tiny", torch.device("cpu"))


@pytest.mark.parametrize("channels", [1, 2])
def test_our_loop_gives_the_codes_and_the_sound_of_generate(
    channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(musicgen, "_TOP_K", 1)
    model, told = tiny_musicgen.model(channels), tiny_musicgen.tokenizer()
    inputs = told(["rock, 110 bpm"], return_tensors="pt")
    with torch.inference_mode():
        whole = model.generate(
            input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], max_new_tokens=43
        )[0].numpy()
    ours = source(channels)
    ours._resampler._swr = None
    ours.direct(ROCK, Transport())
    streamed = np.concatenate([ours.more() for _ in range(3)]).T
    hop = 640
    assert streamed.shape == (2, 30 * hop)
    # generate's last frames lack their neighbours to the right; ours see four of them.
    expected = whole[:, : 30 * hop]
    assert np.abs(streamed[: len(expected)] - expected).max() < 0.02 * np.abs(expected).max()


def test_equal_seeds_give_equal_sound_and_others_do_not() -> None:
    takes = []
    for seed in (1, 1, 2):
        stream = source(seed=seed)
        stream.direct(ROCK, Transport())
        takes.append(stream.more())
    assert np.array_equal(takes[0], takes[1])
    assert not np.array_equal(takes[0], takes[2])


def test_weighted_prompts_are_a_weighted_sum() -> None:
    stream = source()
    one, other = (stream._encode([Prompt(text)], 120) for text in ("rock", "jazz"))
    mixed = stream._encode([Prompt("rock", 0.75), Prompt("jazz", 0.25)], 120)
    assert torch.allclose(mixed, 0.75 * one + 0.25 * other, atol=1e-5)
    alone = stream._encode([Prompt("rock", 0.5), Prompt("jazz", 0.0)], 120)
    assert torch.allclose(alone, one, atol=1e-5)
    assert not mixed[1].any(), "guidance compares with no words at all"


def test_a_full_window_goes_on_from_its_own_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(musicgen, "_WINDOW", 60)
    monkeypatch.setattr(musicgen, "_KEPT", 20)
    stream = source()
    stream.direct(ROCK, Transport())
    known = torch.zeros((4, 0), dtype=torch.long)
    for _ in range(10):
        stream.more()
        assert int(stream._codes.max()) < 64
        assert torch.equal(stream._codes[:, : known.shape[1]], known), "what was played is not rewritten"
        known = stream._codes.clone()


def test_a_long_stream_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in (("_WINDOW", 40), ("_KEPT", 10), ("_BEFORE", 10)):
        monkeypatch.setattr(musicgen, name, size)
    stream = source()
    stream.direct(ROCK, Transport())
    samples = sum(len(stream.more()) for _ in range(15))
    assert samples == pytest.approx(15 * 9600, abs=100)
    assert stream._codes.shape[1] < 120


def test_new_prompts_change_what_comes_and_not_what_was() -> None:
    takes = []
    for later in ("rock", "jazz"):
        stream = source()
        stream.direct(ROCK, Transport())
        first = stream.more()
        stream.direct(BandControls(prompts=(Prompt(later),), temperature=1.0), Transport())
        takes.append((first, np.concatenate([stream.more() for _ in range(3)])))
    assert np.array_equal(takes[0][0], takes[1][0])
    assert not np.array_equal(takes[0][1], takes[1][1])


def test_it_streams_through_the_engine_and_stops_with_the_transport() -> None:
    segments = (Segment(0, Transport(playing=True)), Segment(SAMPLE_RATE, Transport(beat=2.0)))
    take = band(asking(ROCK, *segments), musician())
    take.play([(0.1, 60)])
    take.engine.steer(take.session, AudioSteer(controls=BandControls(prompts=(Prompt("jazz"),))))
    take.engine.push(take.session, [PlayedNote(0, "x", 999, 5)])
    take.until(3)
    assert take.failure is None
    assert not take.notes
    pcm = take.pcm()
    assert loudness(pcm[SAMPLE_RATE // 2 : SAMPLE_RATE]) > 2e-4
    # The rest rings out; how loud a random model is differs by the release of transformers.
    assert loudness(pcm[-3000:]) < 0.02 * loudness(pcm[: SAMPLE_RATE // 4])
    assert take.frames[-1].pts < 1.6 * SAMPLE_RATE


def test_a_folder_is_loaded_by_its_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_musicgen.write(tmp_path)
    config = WorkerConfig(str(tmp_path), music_model=str(tmp_path), device="cpu")
    assert spec.describe(str(tmp_path)) is not None
    later: Any = spec.later(config)
    engine = later.build()
    assert engine.info.modality == "audio"
    assert engine.info.audio.hears == "nothing"
    engine.close()


def test_what_is_no_musicgen_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="not a MusicGen"):
        spec.parse(str(tmp_path))
    (tmp_path / "config.json").write_text('{"model_type": "musicgen"}')
    with pytest.raises(EngineUnavailable, match="cannot be loaded as MusicGen"):
        building.build_musicgen(str(tmp_path), WorkerConfig("unused", device="cpu"), local=True)
