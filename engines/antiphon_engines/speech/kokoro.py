"""Kokoro-82M (Apache-2.0) on ONNX Runtime: the graph, its voices, and the times of its phonemes.

The graph takes tokens of phonemes, a row of the voice's table (there is one for each length) and a speed. Its second
output, which `model_files.packaged_speech` adds, is how many units of 25 ms each token lasts; they sum up to the audio
exactly."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from antiphon_engines.api import Voice
from antiphon_engines.model_files.packaged_speech import DURATIONS, MODEL, VOICES
from antiphon_engines.speech import sentences
from antiphon_engines.speech.english import English
from antiphon_engines.speech.mouths import from_phonemes
from antiphon_engines.speech.speaker import Sound, SpeakerFailed, Unspeakable

NAME: Final = "kokoro-82m"
RATE: Final = 24_000
UNIT: Final = 600
"""Samples of one unit of the durations."""
_LEAD: Final = 2
"""Units that stay of the silence before the first phoneme, which has a dozen."""
_MOST_TOKENS: Final = 480
"""Of one piece; the voices' tables have 510 rows."""
_SYMBOLS: Final = {
    symbol: int(number)
    for number, symbol in (
        pair.split("=")
        for pair in str.split(
            "1=; 2=: 3=, 4=. 5=! 6=? 9=— 10=… 24=A 25=I 31=O 33=Q 35=S 36=T 39=W 41=Y 42=ᵊ 43=a 44=b 45=c 46=d "
            "47=e 48=f 50=h 51=i 52=j 53=k 54=l 55=m 56=n 57=o 58=p 59=q 60=r 61=s 62=t 63=u 64=v 65=w 66=x 67=y "
            "68=z 69=ɑ 70=ɐ 71=ɒ 72=æ 76=ɔ 81=ð 82=ʤ 83=ə 85=ɚ 86=ɛ 87=ɜ 92=ɡ 102=ɪ 112=ŋ 119=θ 123=ɹ 125=ɾ 131=ʃ "
            "133=ʧ 135=ʊ 138=ʌ 147=ʒ 148=ʔ 156=ˈ 157=ˌ 158=ː 177=ᵻ"
        )
    )
} | {" ": 16}


class KokoroSpeaker:
    """Implements `Speaker`. `folder` is what `packaged_speech.prepare` made."""

    name = NAME
    backend = "onnxruntime"
    on_device = True
    voices = VOICES

    def __init__(self, folder: Path, threads: int) -> None:
        self._folder = folder
        self._threads = threads
        self._session: Any = None
        self._english: dict[bool, English] = {}
        self._tables: dict[str, NDArray[np.float32]] = {}
        self._lock = threading.Lock()
        """The memory is freed by a timer's thread, never while a piece is spoken."""

    def units(self, text: str, voice: Voice) -> list[str]:
        speech = self._phonemes_of(voice)
        found = [piece for piece in sentences.sentences(text) if speech(piece)]
        if not found:
            raise Unspeakable("there are no words in this line that an English voice can say")
        return found

    def speak(self, piece: str, voice: Voice, speed: float) -> Sound:
        symbols = [one for one in self._phonemes_of(voice)(piece) if one in _SYMBOLS][:_MOST_TOKENS]
        if not symbols:
            raise Unspeakable("there are no words in this line that an English voice can say")
        with self._lock:
            audio, durations = self._run(symbols, self._table(voice), speed)
        lead = max(0, int(durations[0]) - _LEAD)
        timed = [(" ", float(durations[0] - lead))]
        timed += [(symbol, float(units)) for symbol, units in zip(symbols, durations[1:-1], strict=True)]
        timed.append((" ", float(durations[-1])))
        unit = UNIT / RATE
        return Sound(
            (np.clip(audio[lead * UNIT :], -1, 1) * 32767).astype(np.int16),
            RATE,
            from_phonemes((symbol, units * unit) for symbol, units in timed),
        )

    @property
    def awake(self) -> bool:
        return self._session is not None

    def wake(self) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        # Threads that wait actively take the device from whoever comes next.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            with self._lock:
                self._session = onnxruntime.InferenceSession(
                    str(self._folder / MODEL), options, providers=["CPUExecutionProvider"]
                )
        except Exception as error:  # the runtime's own kinds derive from nothing in common
            raise SpeakerFailed(f"the voices' model cannot be loaded: {str(error)[:200]}") from error

    def rest(self) -> None:
        with self._lock:
            self._session = None
            self._tables.clear()

    def close(self) -> None:
        self.rest()

    def _run(
        self, symbols: list[str], table: NDArray[np.float32], speed: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        tokens = np.array([[0, *(_SYMBOLS[one] for one in symbols), 0]], np.int64)
        given = {
            "tokens": tokens,
            "style": table[min(len(symbols), len(table)) - 1][None],
            "speed": np.array([speed], np.float32),
        }
        audio, durations = self._session.run(["audio", DURATIONS], given)
        return audio.ravel(), np.asarray(durations).ravel()

    def _phonemes_of(self, voice: Voice) -> Any:
        british = voice.language == "en-gb"
        if british not in self._english:
            self._english[british] = English(self._folder, british=british)
        return self._english[british].phonemes

    def _table(self, voice: Voice) -> NDArray[np.float32]:
        if voice.id not in self._tables:
            table = np.fromfile(self._folder / f"{voice.id}.bin", np.float32).reshape(-1, 256)
            self._tables[voice.id] = table
        return self._tables[voice.id]
