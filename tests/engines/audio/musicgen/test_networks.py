"""MusicGen whose networks run from plans: the same codes and sound, from a take-over in the middle of a stream on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from antiphon_engines.api import EngineUnavailable  # noqa: E402
from antiphon_engines.audio.musicgen import band as musicgen  # noqa: E402
from antiphon_engines.audio.musicgen.band import MusicgenMusician, MusicgenSource  # noqa: E402
from antiphon_engines.config import WorkerConfig  # noqa: E402
from antiphon_proto.document.jam import BandControls, Prompt, Transport  # noqa: E402
from support import tiny_musicgen  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
ROCK = BandControls(prompts=(Prompt("rock"),), temperature=1.0)


def load(folder: Path, **settings: Any) -> MusicgenMusician:
    config = WorkerConfig(str(folder / "cache"), music_model=str(folder), device="cpu", threads=1, **settings)
    return musicgen.load(str(folder), config, local=True)


def stream(musician: MusicgenMusician) -> MusicgenSource:
    source = MusicgenSource(musician._model, musician.networks, musician._tokenizer, 5)
    source.direct(ROCK, Transport())
    return source


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("musicgen")
    tiny_musicgen.write(place)
    return place


@pytest.fixture(scope="module")
def planned(folder: Path) -> Iterator[MusicgenMusician]:
    """Still on torch: its plans are being built."""
    musician = load(folder, music_backend="onnxruntime")
    yield musician
    musician.close()


def test_a_band_plays_on_through_the_take_over(planned: MusicgenMusician, folder: Path) -> None:
    plain = load(folder)
    assert planned.backend == plain.backend == "torch"
    one, other = stream(planned), stream(plain)
    np.testing.assert_array_equal(one.more(), other.more())
    assert planned.acceleration is not None
    planned.acceleration.wait()
    assert {slot.backend for slot in planned.networks.slots.values()} == {"onnxruntime"}
    assert planned.backend == "onnxruntime"
    for _ in range(3):
        found, expected = one.more(), other.more()
        assert torch.equal(one._codes, other._codes), "the very same codes"
        np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())
    plain.close()


def test_new_words_reach_the_plan(planned: MusicgenMusician, folder: Path) -> None:
    plain = load(folder)
    takes = []
    for musician in (planned, plain):
        source = stream(musician)
        source.more()
        source.direct(BandControls(prompts=(Prompt("slow jazz, a trumpet"),), temperature=1.0), Transport())
        source.more()
        takes.append(source._codes)
    assert torch.equal(*takes)
    plain.close()


@pytest.mark.parametrize(
    ("setting", "decoder", "codec"),
    [
        ("bf16", "bf16", "bf16"),
        ("music_decoder=bf16", "bf16", "fp32"),
        ("codec_decoder=bf16", "fp32", "bf16"),
    ],
)
def test_each_network_has_its_precision(folder: Path, setting: str, decoder: str, codec: str) -> None:
    musician = load(folder, music_precision=setting)
    assert musician.networks.decoder.precision == decoder
    assert musician.networks.codec.precision == codec
    sound = stream(musician).more()
    assert np.isfinite(sound).all()
    assert sound.any()
    musician.close()


@pytest.mark.parametrize("name", ["music_precision", "music_backend"])
def test_a_setting_that_means_nothing_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(EngineUnavailable, match=name):
        load(folder, **{name: "denoiser=torch"})
