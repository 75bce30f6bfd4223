from __future__ import annotations

import pytest

from antiphon_engines.text.gguf.tokenizer import GgufTokenizer


@pytest.mark.parametrize("text", ["Mira opened the door.", "Жил-был кот 🐈", "", "  two\n\nlines ", "a\0b"])
def test_texts_come_back(tokenizer: GgufTokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text.split("\0")[0] + ("\0b" if "\0" in text else "")


def test_a_text_cannot_forge_a_turn(tokenizer: GgufTokenizer) -> None:
    [mark] = tokenizer.encode("<|im_start|>", special=True)
    assert mark in tokenizer.end_ids
    assert mark not in tokenizer.encode("<|im_start|>")
    assert tokenizer.decode([mark]) == ""


def test_a_character_in_parts_is_incomplete_until_its_last(tokenizer: GgufTokenizer) -> None:
    ids = tokenizer.encode("ж")
    assert len(ids) == 2
    assert tokenizer.decode(ids[:1]) == "\ufffd"


def test_the_template_stands_around_the_turns(tokenizer: GgufTokenizer) -> None:
    markup = tokenizer.markup(("system", "user"))
    assert markup is not None
    assert markup.first == "<|im_start|>system\n"
    assert markup.rest == (
        (0, "<|im_end|>\n<|im_start|>user\n"),
        (1, "<|im_end|>\n<|im_start|>assistant\n"),
    )


def test_which_tokens_begin_with_a_space(tokenizer: GgufTokenizer) -> None:
    assert tokenizer.spaced[tokenizer.encode(" t")].all()
    assert not tokenizer.spaced[tokenizer.encode("t")].any()
