"""How an English word that no dictionary has is probably said: a small recurrent network, in numpy.

The weights are those of the package `g2p-en` (Apache-2.0): one layer of 256 gated recurrent units reads the letters,
another one writes phonemes of the CMU dictionary."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

_LETTERS: Final = {letter: number for number, letter in enumerate("abcdefghijklmnopqrstuvwxyz", 3)}
_END_OF_WORD: Final = 2
_SOUNDS: Final = str.split(
    "- - - - AA0 AA1 AA2 AE0 AE1 AE2 AH0 AH1 AH2 AO0 AO1 AO2 AW0 AW1 AW2 AY0 AY1 AY2 B CH D DH EH0 EH1 "
    "EH2 ER0 ER1 ER2 EY0 EY1 EY2 F G HH IH0 IH1 IH2 IY0 IY1 IY2 JH K L M N NG OW0 OW1 OW2 OY0 OY1 OY2 P R "
    "S SH T TH UH0 UH1 UH2 UW UW0 UW1 UW2 V W Y Z ZH"
)
_START, _STOP = 2, 3
_UNITS: Final = 256
_MOST: Final = 20
"""Phonemes of one word."""
_LONGEST: Final = 24
"""Letters that are read as one word."""
_SYMBOLS: Final = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "W", "AY": "I", "B": "b", "CH": "ʧ", "D": "d", "DH": "ð",
    "EH": "ɛ", "ER": "ɜɹ", "EY": "A", "F": "f", "G": "ɡ", "HH": "h", "IH": "ɪ", "IY": "i", "JH": "ʤ", "K": "k",
    "L": "l", "M": "m", "N": "n", "NG": "ŋ", "OW": "O", "OY": "Y", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ",
    "T": "t", "TH": "θ", "UH": "ʊ", "UW": "u", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip
_STRESS: Final = {"0": "", "1": "ˈ", "2": "ˌ"}

Array = NDArray[np.float32]


class UnknownWords:
    """`file` holds the weights."""

    def __init__(self, file: Path) -> None:
        with np.load(file) as stored:
            self._weights: dict[str, Array] = {name: stored[name] for name in stored.files}

    def said(self, word: str) -> str:
        """The phonemes of a word of letters a to z; longer ones are read in parts."""
        parts = [word[at : at + _LONGEST] for at in range(0, len(word), _LONGEST)]
        return "".join(self._said(part) for part in parts)

    def _said(self, word: str) -> str:
        state = np.zeros(_UNITS, np.float32)
        for letter in (*(_LETTERS[one] for one in word), _END_OF_WORD):
            state = self._step("enc", self._weights["enc_emb"][letter], state)
        sound, found = _START, []
        for _ in range(_MOST):
            state = self._step("dec", self._weights["dec_emb"][sound], state)
            sound = int(np.argmax(self._weights["fc_w"] @ state + self._weights["fc_b"]))
            if sound == _STOP:
                break
            found.append(_SOUNDS[sound])
        return "".join(map(_symbol, found))

    def _step(self, side: str, given: Array, state: Array) -> Array:
        weights = self._weights
        of_input = weights[f"{side}_w_ih"] @ given + weights[f"{side}_b_ih"]
        of_state = weights[f"{side}_w_hh"] @ state + weights[f"{side}_b_hh"]
        gates = 1 / (1 + np.exp(-(of_input[: 2 * _UNITS] + of_state[: 2 * _UNITS])))
        fresh = np.tanh(of_input[2 * _UNITS :] + gates[:_UNITS] * of_state[2 * _UNITS :])
        mixed: Array = (1 - gates[_UNITS:]) * fresh + gates[_UNITS:] * state
        return mixed


def _symbol(sound: str) -> str:
    name, stress = (sound[:-1], sound[-1]) if sound[-1].isdigit() else (sound, "0")
    symbol = _SYMBOLS.get(name, "")
    if stress == "0" and name in ("AH", "ER"):
        return "ə" if name == "AH" else "əɹ"
    return _STRESS[stress] + symbol
