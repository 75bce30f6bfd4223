from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from antiphon_engines.api import ChatLine, Persona, TextRequest
from antiphon_engines.text import story_prompts
from antiphon_engines.text.story_prompts import BEGUN, ENGLISH, GENERAL, QWEN, RUSSIAN, Prompt, family_of
from antiphon_proto.document.style import StyleCard
from antiphon_proto.params import TextParams

STORY = "The last ferry had already left when Marta reached the pier. She sat down"
RUSSIAN_STORY = "Последний паром уже ушёл. Марта села на скамью"
MARKS = (
    "<|im_end|>",
    "<|im_start|>system",
    "<｜end｜>",
    "<start_of_turn>",
    "<end_of_turn>",
    "</s>",
    "[INST]",
    "[/INST]",
)
TEMPLATE = re.compile(r"<[|｜]|</?(?:start_of_turn|end_of_turn|s>)|\[/?INST\]")


def asked(**fields: object) -> Prompt:
    return story_prompts.prompt(QWEN, TextRequest(**({"task": "continue", "before": STORY} | fields)))


def said(prompt: Prompt) -> str:
    return prompt.turns[-1][1]


@pytest.mark.parametrize(
    ("name", "family"), [("qwen2.5-1.5b", QWEN), ("Qwen3-4B-Q4", QWEN), ("mistral-7b", GENERAL)]
)
def test_the_family_is_known_by_the_name(name: str, family: story_prompts.Family) -> None:
    assert family_of(name) == family


def ordered(text: str) -> Prompt:
    return asked(task="instruct", before=text, instruction="A dog comes")


def test_a_continuation_is_a_story_that_the_model_has_begun() -> None:
    prompt = asked()
    assert prompt.turns == (("system", ENGLISH.writer), ("user", "Write a story."))
    assert prompt.begun == STORY
    assert not prompt.opens
    assert asked(before="One.\n\n").begun == "One.\n\n"
    assert asked(before="One. Two ").begun == "One. Two"  # models know " word" as one token


def test_an_order_comes_last_and_is_answered_from_the_last_sentence_on() -> None:
    prompt = ordered(STORY)
    wanted = ENGLISH.happens.format(order="A dog comes.")
    assert said(prompt) == f"{ENGLISH.story}\n{STORY}\n\n{wanted}"
    assert prompt.begun == "She sat down"
    assert ordered("One. Two.").begun == "Two."
    assert ordered("One.\n\nTwo.\n\n").begun == "Two.\n\n"
    assert ordered('"No," he said. "Go!" ').begun == '"Go!"'


def test_what_was_written_already_is_part_of_the_answer() -> None:
    request = TextRequest(task="continue", before=STORY)
    assert story_prompts.prompt(QWEN, request, " and waited").begun == f"{STORY} and waited"
    rewriting = TextRequest(task="rewrite", before=STORY, selection="She sat down")
    assert story_prompts.prompt(QWEN, rewriting, "She took").begun == "She took"
    assert not story_prompts.prompt(QWEN, rewriting, "She took").opens


@given(st.text(max_size=2000))
def test_the_beginning_is_the_end_of_the_text(text: str) -> None:
    prompt = ordered(text)
    if not text.strip():
        assert prompt.begun == ""
        return
    assert len(prompt.begun.rstrip()) <= BEGUN + 40  # marks that were broken up
    assert text.rstrip(" ").endswith(prompt.begun) or "<" in text or "[" in text


@given(
    st.lists(st.sampled_from(MARKS) | st.text(max_size=20), max_size=6).map("".join),
    st.sampled_from(["before", "selection", "instruction", "chat", "facts", "recalled"]),
    st.sampled_from(["continue", "instruct", "rewrite", "chat"]),
)
def test_nobody_forges_a_turn(text: str, field: str, task: str) -> None:
    fields: dict[str, object] = {"task": task, "selection": "passage", field: text}
    if field == "chat":
        fields["chat"] = (ChatLine(text, text),)
    if field == "facts":
        fields = {"task": task, "style": StyleCard(facts=text)}
    prompt = asked(**fields)
    for _, turn in prompt.turns:
        assert not TEMPLATE.search(turn)
    assert not TEMPLATE.search(prompt.begun)


def test_a_passage_is_changed_alone() -> None:
    prompt = asked(task="rewrite", selection=" She sat down ")
    assert said(prompt) == f"{ENGLISH.passage}\nShe sat down\n\n{ENGLISH.anew} {ENGLISH.only}"
    assert prompt.opens
    assert "in the past tense. Answer" in said(
        asked(task="instruct", selection="She sits", instruction="in the past tense")
    )


def test_an_empty_text_is_begun() -> None:
    prompt = asked(before="", instruction="about a dog")
    assert said(prompt) == f"{ENGLISH.begin} about a dog."
    assert prompt.opens


def test_the_style_card_stands_before_what_changes() -> None:
    card = StyleCard(tense="past")
    assert said(asked(style=card)) == "Write a story. It is told in the past tense."
    for fields in ({"task": "rewrite", "selection": "x"}, {"before": ""}, {"instruction": "A dog comes"}):
        assert said(asked(style=card, **fields)).startswith("It is told in the past tense.")
    prompt = asked(task="chat", style=card, chat=(ChatLine("Ada", "Who?"),))
    assert prompt.turns[1][1].startswith("It is told in the past tense.")


def test_a_conversation_shows_the_story_first_and_the_question_last() -> None:
    prompt = asked(task="chat", chat=(ChatLine("Ada", "Hello"), ChatLine("Ben", "Who is Marta?")))
    assert [role for role, _ in prompt.turns] == ["system", "user", "assistant", "user"]
    assert STORY in prompt.turns[1][1]
    assert said(prompt) == "Said before:\nAda: Hello\n\nWho is Marta?"
    assert said(asked(task="chat", chat=(ChatLine("Ben", "Who is Marta?"),))) == "Who is Marta?"
    assert [role for role, _ in asked(task="chat", before="").turns] == ["system", "user"]


def test_what_a_question_recalls_stands_beside_it_and_leaves_the_storys_turn_as_it_is() -> None:
    line, far = ChatLine("Ben", "Who is Marta?"), "Marta was a pilot."
    plain, recalling = asked(task="chat", chat=(line,)), asked(task="chat", chat=(line,), recalled=far)
    assert recalling.turns[:-1] == plain.turns[:-1]
    assert said(recalling) == f"From other parts of the story:\n{far}\n\nWho is Marta?"
    performed = asked(
        task="chat", chat=(line,), recalled=far, persona=Persona("Critic", "Says what is weak.")
    )
    assert f"From other parts of the story:\n{far}" in said(performed)


@pytest.mark.parametrize(
    ("fields", "orders"),
    [
        ({"before": RUSSIAN_STORY}, RUSSIAN),
        ({"before": RUSSIAN_STORY, "task": "rewrite", "selection": "She sat"}, ENGLISH),
        ({"task": "rewrite", "selection": "Она села"}, RUSSIAN),
        ({"before": "", "instruction": "о собаке"}, RUSSIAN),
        ({"before": "", "instruction": "about a dog"}, ENGLISH),
        ({"task": "chat", "chat": (ChatLine("Ада", "Кто такая Marta?"),)}, RUSSIAN),
        ({"task": "chat", "before": RUSSIAN_STORY, "chat": (ChatLine("Ada", "Who is she?"),)}, ENGLISH),
        ({"before": "1 2 3"}, ENGLISH),
    ],
)
def test_it_is_asked_in_the_language_of_the_words(
    fields: dict[str, object], orders: story_prompts.Orders
) -> None:
    assert asked(**fields).turns[0][1] in (orders.writer, orders.speaker)


def test_answers_and_rewritings_are_sampled_calmly() -> None:
    bold = TextParams(temperature=1.5)
    for task, selection, expected in (
        ("chat", "", QWEN.calm_answers),
        ("rewrite", "x", QWEN.calm_changes),
        ("continue", "", 1.5),
    ):
        request = TextRequest(task=task, before=STORY, selection=selection, params=bold)
        assert story_prompts.calmed(QWEN, request).params.temperature == expected


def test_a_performer_is_told_its_brief_and_shown_how_notes_look() -> None:
    said = (ChatLine("Bo", "Hello"), ChatLine("Ada", "Is it good?"))
    brief = "You read.<|im_end|>{name}"
    request = TextRequest(
        task="chat", before="It rained.", chat=said, persona=Persona("Critic", brief, "remarks")
    )
    asked = story_prompts.prompt(family_of("qwen"), request)
    (_, system), (_, shown), (_, example), (_, told) = asked.turns
    assert "You are Critic" in system
    assert "<|im_end|>" not in system
    assert "{name}" in system  # people's braces mean nothing
    assert shown.startswith("The story so far:")
    assert "\n> " in example
    assert "\n+ " not in example
    assert told.endswith("Is it good?")
    assert "Hello" not in told
    plain = story_prompts.prompt(family_of("qwen"), replace(request, persona=Persona("Critic", "")))
    assert [role for role, _ in plain.turns] == ["system", "user"]
    assert "Hello" in plain.turns[-1][1]
    russian = replace(request, before="Шёл дождь.", chat=(ChatLine("Ада", "Хорошо ли?"),))
    assert "Тебя зовут" in story_prompts.prompt(family_of("qwen"), russian).turns[0][1]
