"""espeak-ng as a program: robotic, but in many languages, Russian among them.

It is under the GPL, so it is started as a process of its own where people have installed it, and never linked. It
tells no times of phonemes here: the mouth follows loudness."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from typing import Final

import numpy as np

from antiphon_engines.api import Voice
from antiphon_engines.speech.mouths import from_loudness
from antiphon_engines.speech.sentences import spoken
from antiphon_engines.speech.speaker import Sound, SpeakerFailed

PROGRAM: Final = "espeak-ng"
_WORDS: Final = 150
"""Words a minute at speed 1."""
_SECONDS: Final = 20.0
VOICES: Final = (
    Voice("espeak:ru", "ru", "male", "espeak-ng"),
    Voice("espeak:ru+f2", "ru", "female", "espeak-ng"),
    Voice("espeak:ru+m7", "ru", "male", "espeak-ng 2"),
    Voice("espeak:ru+f4", "ru", "female", "espeak-ng 2"),
)


def find() -> str | None:
    """The program's path; None where it is not installed."""
    return shutil.which(PROGRAM)


class EspeakSpeaker:
    """Implements `Speaker`."""

    name = "espeak-ng"
    backend = "espeak-ng"
    on_device = False
    voices: tuple[Voice, ...] = VOICES
    awake = True

    def __init__(self, program: str) -> None:
        self._program = program

    def units(self, text: str, voice: Voice) -> list[str]:
        return spoken(text)

    def speak(self, piece: str, voice: Voice, speed: float) -> Sound:
        name = voice.id.partition(":")[2]
        command = [
            self._program,
            "-v",
            name,
            "-s",
            str(round(_WORDS * speed)),
            "-b",
            "1",
            "--stdin",
            "--stdout",
        ]
        try:
            done = subprocess.run(
                command, input=piece.encode(), capture_output=True, timeout=_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SpeakerFailed(f"{PROGRAM} cannot speak: {str(error)[:200]}") from error
        if done.returncode != 0:
            reason = done.stderr.decode(errors="replace").strip()[:200]
            raise SpeakerFailed(f"{PROGRAM} ended with status {done.returncode}: {reason}")
        return wave_sound(done.stdout, PROGRAM)

    def wake(self) -> None:
        """Nothing to load."""

    def rest(self) -> None:
        """Nothing to free."""

    def close(self) -> None:
        """Each sentence has a process of its own, which ends by itself."""


def wave_sound(data: bytes, source: str) -> Sound:
    """A WAV file of 16 bits as sound; several channels become one. Programs that write to a pipe do not know the
    length: it is that of the data. Raises SpeakerFailed."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            if file.getsampwidth() != 2:
                raise SpeakerFailed(f"{source} gave sound of {8 * file.getsampwidth()} bits, not 16")
            channels, rate = file.getnchannels(), file.getframerate()
            frames = file.readframes(min(file.getnframes(), len(data) // (2 * channels)))
    except (wave.Error, EOFError) as error:
        raise SpeakerFailed(f"{source} gave no WAV file: {error}") from error
    if not 4000 <= rate <= 192_000:
        raise SpeakerFailed(f"{source} gave sound at {rate} Hz")
    whole = frames[: len(frames) // (2 * channels) * 2 * channels]
    samples = np.frombuffer(whole, "<i2").reshape(-1, channels)
    pcm = samples[:, 0] if channels == 1 else samples.mean(axis=1).astype(np.int16)
    return Sound(pcm, rate, from_loudness(pcm, rate))
