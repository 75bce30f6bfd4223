"""The sound of a film: each voice from the first frame of its shot, in movies and as stems."""

from __future__ import annotations

import wave
import zipfile
from pathlib import Path
from typing import Any

import pytest

from antiphon_proto.document.film import LEAD_FRAMES
from antiphon_server.film.mix import RATE, STEP, Mix, stems
from antiphon_server.film.reel import reel

numpy = pytest.importorskip("numpy")
pytest.importorskip("av")


def tone(path: Path, seconds: float, level: float) -> str:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(24_000)
        out.writeframes((numpy.full(int(seconds * 24_000), level) * 32767).astype("<i2").tobytes())
    return str(path)


def test_voices_begin_with_their_shots_and_go_on_over_the_cut(tmp_path: Path) -> None:
    paths = {"a": tone(tmp_path / "a.wav", 1.5, 0.25), "b": tone(tmp_path / "b.wav", 0.5, 0.5)}
    shots: list[dict[str, Any]] = [
        {"seconds": 1},
        {"seconds": 1, "sound": "a", "who": "ANNA"},
        {"seconds": 1, "sound": "b", "who": "BOB"},
    ]
    mix = Mix(reel([*shots, {"seconds": 1, "sound": "gone"}]), paths)
    levels = [float(mix.frame(number)[STEP // 2]) for number in range(96)]
    assert not mix.silent
    assert levels[: 24 + LEAD_FRAMES] == [0.0] * (24 + LEAD_FRAMES)
    assert levels[30] == pytest.approx(0.25, abs=0.01)
    assert levels[50 + LEAD_FRAMES] == pytest.approx(0.75, abs=0.01)  # both
    assert levels[66:] == [0.0] * 30
    assert Mix(reel(shots), {}).silent

    made = tmp_path / "voices.zip"
    told: list[int] = []
    stems(str(made), reel(shots), paths, ["Cast: ANNA; BOB"], told.append)
    with zipfile.ZipFile(made) as archive:
        assert archive.namelist() == ["01 ANNA.wav", "02 BOB.wav", "credits.txt"]
        assert archive.read("credits.txt").decode() == "Cast: ANNA; BOB\n"
        with archive.open("02 BOB.wav") as entry, wave.open(entry) as voice:
            assert (voice.getframerate(), voice.getnframes()) == (RATE, 3 * RATE)
            samples = numpy.frombuffer(voice.readframes(3 * RATE), "<i2")
    begins = 2 * RATE + LEAD_FRAMES * STEP
    assert abs(int(samples[begins - 2000 : begins - 100].max())) == 0
    assert samples[begins + 4000] == pytest.approx(16383, abs=400)
    assert told
