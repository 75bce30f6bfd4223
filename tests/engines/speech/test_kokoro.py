"""The prepared voices: `make test-models` fetches them, and a recogniser that reads back what they say."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from antiphon_engines.api import EngineUnavailable, SpeechRequest
from antiphon_engines.config import WorkerConfig
from antiphon_engines.model_files import packaged_speech
from antiphon_engines.speech import spec
from antiphon_engines.speech.engine import SpeechEngine
from antiphon_proto.document.film import FPS
from support.drive import Result, run
from support.recogniser import Recogniser, word_errors

pytestmark = [pytest.mark.speech_model, pytest.mark.slow]
LINES: list[str] = json.loads((Path(__file__).parent / "lines.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def engine() -> Iterator[SpeechEngine]:
    cache = Path(os.environ.get("ANTIPHON_CACHE_DIR", "~/.cache/antiphon")).expanduser()
    try:
        packaged_speech.prepared(cache)
    except EngineUnavailable as error:
        pytest.skip(error.message)
    later = spec.later(WorkerConfig(cache_dir=str(cache), speech_model="kokoro-82m", threads=2))
    assert later is not None
    engine = later.build()
    yield engine
    engine.close()


def samples(result: Result) -> np.ndarray:
    assert result.done.reason == "end"
    return (
        np.concatenate([np.frombuffer(one.pcm, "<i2") for one in result.spoken]).astype(np.float32) / 32_768
    )


def test_the_mouth_closes_with_the_lips(engine: SpeechEngine) -> None:
    """Between vowels p and b stop the sound: where the mouth is closed it is quiet, within a frame."""
    [result] = run(engine, SpeechRequest("A puppy, a baby, a paper, a hobby.", "af_heart"))
    [sentence] = result.spoken
    sound, rate = samples(result), sentence.rate
    shapes = [*sentence.mouth]
    closed = [
        (one.second, shapes[place + 1].second)
        for place, one in enumerate(shapes[:-1])
        if one.shape == "closed" and place
    ]
    assert len(closed) >= 6
    window = rate // 100
    loud = np.array([np.abs(sound[at : at + window]).mean() for at in range(0, len(sound) - window, window)])
    near = 1 / FPS
    for begins, ends in closed:
        around = loud[max(0, int((begins - near) * 100)) : int((ends + near) * 100) + 1]
        assert around.min() < 0.5 * np.median(loud[loud > 0.01])


def test_the_sound_is_as_long_as_its_phonemes(engine: SpeechEngine) -> None:
    [result] = run(engine, SpeechRequest("You are late. Nobody crosses the water after dark.", "bm_george"))
    for one in result.spoken:
        assert abs(one.mouth[-1].second - len(one.pcm) / 2 / one.rate) <= 0.35  # it ends at rest
        assert one.mouth[-1].shape == "rest"


def test_a_recogniser_reads_the_lines_back(engine: SpeechEngine) -> None:
    recogniser = Recogniser.found()
    if recogniser is None:
        pytest.skip("no recogniser: make test-models fetches it")
    voices = ("af_heart", "am_michael", "bf_emma", "bm_george", "af_bella")
    errors = words = 0
    for number, line in enumerate(LINES):
        [result] = run(engine, SpeechRequest(line, voices[number % len(voices)]))
        wrong, count = word_errors(line, recogniser.words(samples(result), result.spoken[0].rate))
        errors, words = errors + wrong, words + count
    print(f"word error rate {errors / words:.3f} of {words} words")
    assert errors / words <= 0.05
