"""On a dictionary of a few words; `test_kokoro` speaks with the real one."""

from __future__ import annotations

import json

import numpy as np
import pytest

from antiphon_engines.speech.english import English, _read

SURE = {
    "the": "ði", "to": "tu", "a": "A", "I": "ˈI", "go": "ɡˌO", "open": "ˈOpən", "box": "bˈɑks", "light": "lˈIt",
    "house": "hˈWs", "wait": "wˈAt", "late": "lˈAt", "mister": "mˈɪstəɹ", "Smith": "smˈɪθ", "N": "ˈɛn", "B": "bˈi",
    "C": "sˈi", "try": "tɹˈI", "are": "ɑɹ", "you": "ju", "two": "tˈu", "percent": "pəɹsˈɛnt",
    "wind": {"DEFAULT": "wˈɪnd", "VERB": "wˈInd"}, "read": {"DEFAULT": "ɹˈid", "VBN": "ɹˈɛd"},
    "have": "hæv",
}  # fmt: skip


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> English:
    folder = tmp_path_factory.mktemp("dictionary")
    (folder / "us_gold.json").write_text(json.dumps(SURE))
    (folder / "us_silver.json").write_text("{}")
    chance = np.random.default_rng(1)
    shapes = {
        "emb": {"enc": (29, 256), "dec": (74, 256)}, "w_ih": (768, 256), "w_hh": (768, 256), "b_ih": (768,),
        "b_hh": (768,),
    }  # fmt: skip
    weights = {"fc_w": chance.normal(size=(74, 256)), "fc_b": chance.normal(size=74)}
    for side in ("enc", "dec"):
        for name, shape in shapes.items():
            size = shape[side] if isinstance(shape, dict) else shape
            weights[f"{side}_{name}"] = chance.normal(size=size) / 16
    np.savez(folder / "unknown_words.npz", **{name: one.astype(np.float32) for name, one in weights.items()})
    _read.cache_clear()
    return English(folder, british=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Are you late? Wait!", "ɑɹ ju lˈAt? wˈAt!"),
        ("The open box, the light.", "ði ˈOpən bˈɑks, ðə lˈIt."),  # by the sound that follows
        ("Go to a house", "ɡˌO tʊ ɐ hˈWs"),
        ("Mr. Smith", "mˈɪstəɹ smˈɪθ"),
        ("boxes lights Smith's", "bˈɑksᵻz lˈIts smˈɪθs"),
        ("waited tries waiting", "wˈAtᵻd tɹˈIz wˈAtɪŋ"),
        ("a lighthouse", "ɐ lˈIthˌWs"),
        ("the wind. to wind", "ðə wˈɪnd. tə wˈInd"),  # by the word before
        ("I read. I have read", "ˈI ɹˈid. ˈI hæv ɹˈɛd"),
        ("NBC", "ˌɛnbˌisˈi"),
        ("2%", "tˈu pəɹsˈɛnt"),
        ("“Go…” — «light»", "ɡˌO… lˈIt"),
    ],
)
def test_words_sound_as_they_are_said(english: English, text: str, said: str) -> None:
    assert english.phonemes(text) == said


@pytest.mark.parametrize("text", ["", "…!?", "👍", "привет", "— —"])
def test_what_is_no_english_has_no_sound(english: English, text: str) -> None:
    assert english.phonemes(text) == ""


def test_an_unknown_word_is_guessed_and_stays_the_same(english: English) -> None:
    once, again = english.phonemes("zxqvy"), english.phonemes("zxqvy")
    assert once == again
    assert english.phonemes("q" * 1000).count(" ") == 0  # in parts, without a fault
