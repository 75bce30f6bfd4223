"""The voices in what a film is exported as: each at its frame."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from antiphon_engines.api import Spoken
from antiphon_proto.document.film import FPS, LEAD_FRAMES, TAIL_FRAMES
from antiphon_server.file_exports import FileExports
from antiphon_server.film.exports import work
from antiphon_server.film.mix import RATE as MIXED
from antiphon_server.film.mix import STEP, Mix
from antiphon_server.film.reel import length, reel
from antiphon_server.film.render import RenderJob, RenderParts
from antiphon_server.film.voices.sound_file import wave_file
from support.patience import PATIENCE

RATE = 24_000
ANNA, BEN = "a" * 64, "b" * 64
SHOTS = [
    {"id": "t", "kind": "title", "seconds": 0.25},
    {"id": "s", "kind": "speech", "seconds": 9.0, "auto": 9.0, "sound": ANNA, "spoken": 0.5},
    {"id": "u", "kind": "speech", "seconds": 0.75, "auto": 9.0, "sound": BEN, "spoken": 0.25},
]


def tone(seconds: float, rate: int) -> bytes:
    samples = (12_000 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)).astype("<i2")
    return wave_file([Spoken(samples.tobytes(), rate)], "test")


SOUNDS = {ANNA: tone(0.5, RATE), BEN: tone(0.25, 22_050)}


@pytest.fixture
def sounds(tmp_path: Path) -> dict[str, str]:
    found = {}
    for asset, data in SOUNDS.items():
        path = tmp_path / asset
        path.write_bytes(data)
        found[asset] = str(path)
    return found


def spans(samples: np.ndarray) -> list[tuple[float, float]]:
    """Where it is loud, in frames of the film."""
    loud = [frame for frame in range(len(samples) // STEP) if _loud(samples, frame)]
    found: list[tuple[float, float]] = []
    for frame in loud:
        if found and found[-1][1] == frame:
            found[-1] = found[-1][0], frame + 1
        else:
            found.append((frame, frame + 1))
    return found


def _loud(samples: np.ndarray, frame: int) -> bool:
    part = samples[frame * STEP : (frame + 1) * STEP].astype(float)
    return bool(np.abs(part).mean() > 800)


def test_a_shot_is_as_long_as_its_line_unless_people_chose_a_length() -> None:
    title, said, chosen = reel(SHOTS)
    assert said.frames == LEAD_FRAMES + FPS // 2 + TAIL_FRAMES
    assert (chosen.frames, chosen.start) == (18, title.frames + said.frames)
    assert reel([{**SHOTS[1], "sound": ""}])[0].frames == 9 * FPS


def test_each_line_is_heard_in_its_shot(sounds: dict[str, str]) -> None:
    pytest.importorskip("av")
    clips = reel(SHOTS)
    first, second = (clip.start + LEAD_FRAMES for clip in clips[1:])
    mix = Mix(clips, sounds)
    samples = np.concatenate([mix.frame(number) for number in range(length(clips))]) * 32_767
    assert spans(samples) == [(first, first + 12), (second, second + 6)]
    assert Mix(clips, {}).silent  # files that are gone


@pytest.mark.parametrize(("kind", "codec"), [("mp4", "aac"), ("webm", "opus")])
async def test_movies_carry_the_voices_at_their_frames(kind: str, codec: str, sounds: dict[str, str]) -> None:
    av = pytest.importorskip("av")
    pytest.importorskip("skia")
    clips = reel(SHOTS)

    async def read(asset: str) -> bytes:
        return SOUNDS[asset]

    exports = FileExports(1, 600)
    job = RenderJob(
        kind, "", RenderParts(SHOTS, {}, [], ["Synthetic voices: test"]), dict.fromkeys(sounds, ""), 360
    )
    export = await exports.begin("room", kind, "film", work(job, length(clips), read), "here")
    assert export.task is not None
    await asyncio.wait({export.task}, timeout=PATIENCE)
    assert (export.state, export.problem) == ("done", "")
    with av.open(str(export.path)) as movie:
        [stream] = movie.streams.audio
        assert stream.codec_context.name in (codec, f"lib{codec}")
        assert "Synthetic voices" in str(movie.metadata)
        heard = np.zeros(length(clips) * STEP + 4 * MIXED)
        resampler = av.AudioResampler("s16", "mono", MIXED)
        for frame in movie.decode(audio=0):
            at = round(float(frame.pts * frame.time_base) * MIXED)
            for part in resampler.resample(frame):
                samples = part.to_ndarray().ravel()
                low = max(0, -at)
                heard[at + low : at + len(samples)] = samples[low:]
    await exports.close()
    found = spans(heard)
    wanted = [(clips[1].start + LEAD_FRAMES, 12), (clips[2].start + LEAD_FRAMES, 6)]
    assert len(found) == 2
    for (start, end), (frame, frames) in zip(found, wanted, strict=True):
        assert abs(start - frame) <= 1
        assert abs(end - start - frames) <= 1
