"""Speakers that are programs and servers."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest
from aiohttp import web

from antiphon_engines.speech.espeak import VOICES, EspeakSpeaker, wave_sound
from antiphon_engines.speech.remote import RemoteSpeaker
from antiphon_engines.speech.speaker import SpeakerFailed
from support.openai_server import serving


def wav(seconds: float = 0.5, *, rate: int = 22_050, channels: int = 1) -> bytes:
    out = io.BytesIO()
    samples = np.full(round(seconds * rate) * channels, 8000, "<i2")
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return out.getvalue()


def test_several_channels_become_one() -> None:
    sound = wave_sound(wav(channels=2), "it")
    assert (len(sound.pcm), sound.rate) == (11_025, 22_050)
    assert sound.mouth[0].shape == "open"


@pytest.mark.parametrize("data", [b"", b"RIFF", b"<html>", wav()[:30], wav(rate=400)])
def test_what_is_no_sound_is_refused(data: bytes) -> None:
    with pytest.raises(SpeakerFailed):
        wave_sound(data, "it")


def script(folder: Path, body: str) -> str:
    program = folder / "espeak-ng"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return str(program)


def test_the_program_gets_the_words_and_gives_the_sound(tmp_path: Path) -> None:
    (tmp_path / "said.wav").write_bytes(wav())
    program = script(
        tmp_path, f'echo "$@" > {tmp_path}/asked; cat > {tmp_path}/words; cat {tmp_path}/said.wav'
    )
    sound = EspeakSpeaker(program).speak("Привет; rm -rf /", VOICES[1], 1.2)
    assert len(sound.pcm) == 11_025
    assert (tmp_path / "words").read_text() == "Привет; rm -rf /"
    assert (tmp_path / "asked").read_text().split()[:4] == ["-v", "ru+f2", "-s", "180"]


def test_a_program_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(SpeakerFailed, match="status 3: no voice"):
        EspeakSpeaker(script(tmp_path, "echo no voice >&2; exit 3")).speak("Go", VOICES[0], 1.0)
    with pytest.raises(SpeakerFailed):
        EspeakSpeaker(str(tmp_path / "gone")).speak("Go", VOICES[0], 1.0)


def test_a_server_speaks() -> None:
    async def reply(request: web.Request) -> web.Response:
        return web.Response(body=wav(), content_type="audio/wav")

    async def refusal(request: web.Request) -> web.Response:
        return web.Response(status=429, text="slow down")

    with serving() as server:
        server.reply(reply, refusal)
        speaker = RemoteSpeaker(server.url, "tiny", ("anna",), "secret", 30.0)
        assert len(speaker.speak("Go!", speaker.voices[0], 1.5).pcm) == 11_025
        [asked] = server.received
        assert asked.body == {
            "model": "tiny", "input": "Go!", "voice": "anna", "speed": 1.5, "response_format": "wav",
        }  # fmt: skip
        assert asked.headers["Authorization"] == "Bearer secret"
        with pytest.raises(SpeakerFailed, match="429: slow down"):
            speaker.speak("Go!", speaker.voices[0], 1.0)
    with pytest.raises(SpeakerFailed, match="cannot be reached"):
        RemoteSpeaker("http://127.0.0.1:9/v1", "tiny", (), "", 5.0).speak("Go!", speaker.voices[0], 1.0)
