"""A speaker that hums: a tone for each piece, and the longer the more letters it has."""

from __future__ import annotations

import threading

import numpy as np

from antiphon_engines.api import MouthAt, Voice
from antiphon_engines.speech.sentences import sentences
from antiphon_engines.speech.speaker import Sound, SpeakerFailed, Unspeakable

RATE = 24_000
SECONDS_A_LETTER = 0.05
VOICES = (
    Voice("fake_anna", "en-us", "female", "Anna"),
    Voice("fake_ben", "en-gb", "male", "Ben"),
    Voice("fake_olga", "ru", "female", "Olga"),
)


class FakeSpeaker:
    """Implements `Speaker`. A piece with `BREAK` fails; `hold` stops pieces until it is set."""

    name = "fake-voices"
    backend = "tones"
    voices: tuple[Voice, ...] = VOICES

    def __init__(self, *, on_device: bool = True) -> None:
        self.on_device = on_device
        self.spoken: list[str] = []
        self.loads = 0
        self.hold = threading.Event()
        self.hold.set()
        self.rested = threading.Event()
        self._awake = False

    def units(self, text: str, voice: Voice) -> list[str]:
        found = [piece for piece in sentences(text) if any(letter.isalnum() for letter in piece)]
        if not found:
            raise Unspeakable("there are no words in this line")
        return found

    def speak(self, piece: str, voice: Voice, speed: float) -> Sound:
        self.hold.wait(30)
        if "BREAK" in piece:
            raise SpeakerFailed("the fake voice broke")
        self.spoken.append(piece)
        seconds = SECONDS_A_LETTER * len(piece) / speed
        hertz = 200 + 40 * (sum(map(ord, voice.id)) % 10)
        tone = np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)
        mouth = (
            MouthAt(0.0, "open"),
            MouthAt(round(seconds / 2, 4), "closed"),
            MouthAt(round(seconds, 4), "rest"),
        )
        return Sound((tone * 9000).astype(np.int16), RATE, mouth)

    @property
    def awake(self) -> bool:
        return self._awake

    def wake(self) -> None:
        self.loads += 1
        self._awake = True

    def rest(self) -> None:
        self._awake = False
        self.rested.set()

    def close(self) -> None:
        self.rest()
