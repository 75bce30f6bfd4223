"""Any server with OpenAI's interface for speech: `POST {base}/audio/speech` -> a WAV file.

It tells no times of phonemes: the mouth follows loudness."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Final

from antiphon_engines.api import Voice
from antiphon_engines.speech.espeak import wave_sound
from antiphon_engines.speech.sentences import spoken
from antiphon_engines.speech.speaker import Sound, SpeakerFailed

_MOST: Final = 20_000_000
"""Bytes of one sentence."""
DEFAULT_VOICES: Final = ("alloy", "ash", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer")
"""What servers of this interface know, where the spec names none."""


class RemoteSpeaker:
    """Implements `Speaker`. `base` is the address up to `/v1`; `timeout` is seconds of silence."""

    backend = "openai"
    on_device = False
    awake = True

    def __init__(self, base: str, model: str, voices: Sequence[str], key: str, timeout: float) -> None:
        self.name = model
        self.voices = tuple(Voice(f"remote:{name}", "", "", name) for name in voices or DEFAULT_VOICES)
        self._url = f"{base.rstrip('/')}/audio/speech"
        self._model = model
        self._key = key
        self._timeout = timeout

    def units(self, text: str, voice: Voice) -> list[str]:
        return spoken(text)

    def speak(self, piece: str, voice: Voice, speed: float) -> Sound:
        asked = {
            "model": self._model,
            "input": piece,
            "voice": voice.id.partition(":")[2],
            "speed": speed,
            "response_format": "wav",
        }
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(self._url, json.dumps(asked).encode(), headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:
                data = answer.read(_MOST + 1)
        except urllib.error.HTTPError as error:
            said = error.read(300).decode(errors="replace")
            raise SpeakerFailed(
                f"the speech server answered {error.code}: {' '.join(said.split())[:200]}"
            ) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise SpeakerFailed(f"the speech server cannot be reached: {str(reason)[:200]}") from error
        if len(data) > _MOST:
            raise SpeakerFailed("the speech server gave too much for one sentence")
        return wave_sound(data, "the speech server")

    def wake(self) -> None:
        """Nothing to load."""

    def rest(self) -> None:
        """Nothing to free."""

    def close(self) -> None:
        """Requests under way end by their time limit."""
