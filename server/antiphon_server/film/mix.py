"""What a film sounds like, a frame at a time: the sound of each shot from its place in it, one voice over the
other."""

from __future__ import annotations

import wave
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from antiphon_proto.document.film import FPS, LEAD_FRAMES
from antiphon_server.film.reel import Clip, length

RATE: Final = 48_000
STEP: Final = RATE // FPS
"""Samples of a frame."""
_LONGEST: Final = 600 * RATE


class Mix:
    """The sounds of a film, decoded when they are first heard. `paths`: asset -> file. Frames are asked for in their
    order. Raises ImportError without PyAV and NumPy."""

    def __init__(self, clips: Sequence[Clip], paths: Mapping[str, str]) -> None:
        import numpy

        self._numpy = numpy
        self._waiting = [
            (clip.start + LEAD_FRAMES, paths[clip.sound]) for clip in clips if paths.get(clip.sound)
        ]
        self._waiting.reverse()
        self._heard: list[tuple[Any, int]] = []
        """Samples, and how many of them were heard."""
        self.silent = not self._waiting

    def frame(self, number: int) -> Any:
        """The samples of a frame: mono, -1 to 1, `STEP` of them."""
        while self._waiting and self._waiting[-1][0] <= number:
            self._heard.append((self._decoded(self._waiting.pop()[1]), 0))
        mixed = self._numpy.zeros(STEP, self._numpy.float32)
        going: list[tuple[Any, int]] = []
        for samples, at in self._heard:
            part = samples[at : at + STEP]
            mixed[: len(part)] += part
            if at + STEP < len(samples):
                going.append((samples, at + STEP))
        self._heard = going
        return mixed.clip(-1, 1)

    def _decoded(self, path: str) -> Any:
        import av

        parts = []
        total = 0
        resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        with av.open(path) as source:
            for found in source.decode(audio=0):
                for one in resampler.resample(found):
                    samples = one.to_ndarray().reshape(-1)
                    parts.append(samples)
                    total += len(samples)
                if total > _LONGEST:
                    break
            parts += [one.to_ndarray().reshape(-1) for one in resampler.resample(None)]
        return self._numpy.concatenate(parts) if parts else self._numpy.zeros(0, self._numpy.float32)


def stems(
    path: str, clips: Sequence[Clip], paths: Mapping[str, str], made_by: Sequence[str], tell: Any
) -> None:
    """Write a ZIP with a WAV file for each who speaks, all as long as the film, and who made it. `tell` is called with
    the frames that are done."""
    names = list(dict.fromkeys(clip.who for clip in clips if paths.get(clip.sound)))
    frames = length(clips)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for done, name in enumerate(names):
            voice = Mix([clip for clip in clips if clip.who == name], paths)
            with (
                archive.open(f"{done + 1:02d} {_fit(name)}.wav", "w") as entry,
                wave.open(entry, "wb") as out,
            ):
                out.setnchannels(1)
                out.setsampwidth(2)
                out.setframerate(RATE)
                # Said before, since a ZIP is written in one go.
                out.setnframes(frames * STEP)
                for number in range(frames):
                    out.writeframesraw((voice.frame(number) * 32767).astype("<i2").tobytes())
                    if number % 240 == 0:
                        tell((done * frames + number) // len(names))
        archive.writestr("credits.txt", "\n".join(made_by) + "\n")
    if not Path(path).stat().st_size:
        raise OSError("the file is empty")


def _fit(name: str) -> str:
    kept = "".join(letter if letter.isalnum() or letter in " -_" else " " for letter in name)
    return " ".join(kept.split())[:60] or "voice"
