from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.api import ChatLine, InvalidRequest, TextRequest
from antiphon_engines.text.prompts import ONE_SENTENCE, PRIMED, RECALLED, STRIDE, build, calmed
from antiphon_engines.text.tokenizer import ChatMarkup
from antiphon_engines.text.wording import REWRITE
from antiphon_proto.document.style import StyleCard
from antiphon_proto.params import TextParams
from support.toy_model import ToyTokenizer

TOKENIZER = ToyTokenizer()


def text_of(ids: list[int]) -> str:
    return TOKENIZER.decode(ids)


def test_a_continuation_is_the_text_itself() -> None:
    prompt = build(TextRequest("continue", "Once upon", after=" the end"), TOKENIZER, 100)
    assert text_of(prompt.ids) == "Once upon"
    assert not prompt.space


def test_spaces_at_the_end_are_left_to_the_answer() -> None:
    prompt = build(TextRequest("continue", "Once upon  "), TOKENIZER, 100)
    assert text_of(prompt.ids) == "Once upon"
    assert prompt.space


def test_a_line_break_at_the_end_stays() -> None:
    prompt = build(TextRequest("continue", "Once upon\n"), TOKENIZER, 100)
    assert text_of(prompt.ids) == "Once upon\n"
    assert not prompt.space


def test_the_cut_stays_in_place_while_a_long_text_grows() -> None:
    budget = 4 * STRIDE
    text = "".join(f"{n:06d} " for n in range(1000))
    beginnings = set()
    for length in range(5 * STRIDE + 1, 6 * STRIDE, 16):
        ids = build(TextRequest("continue", text[:length].rstrip() + "."), TOKENIZER, budget).ids
        assert 3 * STRIDE - 16 <= len(ids) <= budget
        beginnings.add(text_of(ids[:6]))
    assert len(beginnings) == 1


def test_an_instruction_stands_behind_the_text() -> None:
    request = TextRequest("instruct", "A story.", instruction="Make it rain.")
    assert text_of(build(request, TOKENIZER, 200).ids) == "<user>A story.\n\nMake it rain.<ai>"


class SmallModel(ToyTokenizer):
    chat = ChatMarkup(opening="<user>", closing="<ai>", primed=True)


def test_a_small_models_answer_is_begun_with_the_text() -> None:
    request = TextRequest("instruct", "A story. ", instruction="It rains.")
    prompt = build(request, SmallModel(), 200)
    assert text_of(prompt.ids) == "<user>Write a story. What happens: It rains.<ai>A story."
    assert prompt.space


def test_a_small_model_goes_on_from_what_was_written() -> None:
    request = TextRequest("instruct", "x" * 900, instruction="It rains.")
    prompt = build(request, SmallModel(), 2000, list(b" and then"))
    assert text_of(prompt.ids).endswith("xxx and then")
    assert text_of(prompt.ids).count("x") <= PRIMED
    assert not prompt.space


@pytest.mark.parametrize(
    "request_",
    [
        TextRequest("instruct", "", instruction="A haiku."),
        TextRequest("instruct", "A story.", selection="story", instruction="Rhyme."),
    ],
    ids=["no text", "a passage"],
)
def test_without_a_text_to_go_on_a_small_model_is_asked_like_any_other(request_: TextRequest) -> None:
    assert build(request_, SmallModel(), 200) == build(request_, TOKENIZER, 200)


def test_an_instruction_about_a_passage_shows_that_passage() -> None:
    request = TextRequest("instruct", "A story.", selection="story", instruction="Rhyme.")
    assert text_of(build(request, TOKENIZER, 200).ids) == "<user>story\n\nRhyme.<ai>"


def test_an_instruction_without_text_stands_alone() -> None:
    request = TextRequest("instruct", "", instruction="Write a haiku.")
    assert text_of(build(request, TOKENIZER, 200).ids) == "<user>Write a haiku.<ai>"


def test_a_continuation_with_an_instruction_is_an_instruction() -> None:
    request = TextRequest("continue", "A story.", instruction="Go on.")
    assert text_of(build(request, TOKENIZER, 200).ids).startswith("<user>")


def test_what_was_written_comes_last_and_whole() -> None:
    request = TextRequest("instruct", "x" * 500, instruction="Go on.")
    ids = build(request, TOKENIZER, 100, list(b"already")).ids
    assert len(ids) <= 100
    assert text_of(ids).endswith("Go on.<ai>already")


@pytest.mark.parametrize(
    "request_",
    [
        TextRequest("continue", ""),
        TextRequest("instruct", "text", instruction=" "),
        TextRequest("instruct", "text", instruction="long " * 50),
        TextRequest("instruct", "text", selection="passage " * 50, instruction="Rhyme."),
    ],
    ids=["nothing to continue", "no instruction", "long instruction", "long passage"],
)
def test_what_cannot_be_served_is_refused(request_: TextRequest) -> None:
    with pytest.raises(InvalidRequest):
        build(request_, TOKENIZER, 100)


STYLE = StyleCard(tone="dry", person="First person", tense="past", avoid="storms", facts="Mira is five.")
NOTES = "It is told in the First person and in the past tense. Tone: dry."


def test_a_style_card_is_an_order_that_the_text_begins_to_fulfil() -> None:
    prompt = build(TextRequest("continue", "Once upon", style=STYLE), SmallModel(), 400)
    said = text_of(prompt.ids)
    assert said == f"<user>Write a story. {NOTES} What is true in it: Mira is five.<ai>Once upon"
    grown = build(TextRequest("continue", "Once upon a time", style=STYLE), SmallModel(), 400)
    assert grown.ids[: len(prompt.ids)] == prompt.ids


def test_a_larger_model_is_told_what_to_avoid() -> None:
    said = text_of(build(TextRequest("continue", "Once", style=STYLE), TOKENIZER, 400).ids)
    assert said == f"<user>Write a story. {NOTES} Avoid: storms. What is true in it: Mira is five.<ai>Once"


def test_with_a_style_card_an_empty_text_can_be_begun() -> None:
    assert build(TextRequest("continue", "", style=STYLE), TOKENIZER, 400).ids


def test_a_style_card_that_leaves_no_room_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="style card"):
        build(TextRequest("continue", "x" * 900, style=StyleCard(facts="y" * 500)), TOKENIZER, 400)


def test_the_style_card_stands_before_instructions() -> None:
    request = TextRequest("instruct", "A story.", instruction="It rains.", style=StyleCard(tense="past"))
    notes = "It is told in the past tense."
    assert text_of(build(request, TOKENIZER, 400).ids) == f"<user>{notes}\n\nA story.\n\nIt rains.<ai>"
    primed = text_of(build(request, SmallModel(), 400).ids)
    assert primed == f"<user>Write a story. {notes} What happens: It rains.<ai>A story."


@pytest.mark.parametrize(("instruction", "order"), [("", REWRITE), ("Shorter.", "Shorter.")])
def test_rewriting_is_about_the_passage(instruction: str, order: str) -> None:
    request = TextRequest("rewrite", "A story.", selection="story", instruction=instruction)
    assert text_of(build(request, TOKENIZER, 200).ids) == f"<user>story\n\n{order}<ai>"


def test_a_conversation_stands_behind_the_story_with_the_question_last() -> None:
    lines = (ChatLine("Bo", "I like\nit"), ChatLine("Ann", "What now?"))
    request = TextRequest("chat", "A story.", instruction="What now?", chat=lines)
    assert (
        text_of(build(request, TOKENIZER, 200).ids) == "<user>A story.\n\nBo: I like it\nAnn: What now?<ai>"
    )
    empty = TextRequest("chat", "", instruction="What now?", chat=lines[1:])
    assert text_of(build(empty, TOKENIZER, 200).ids) == "<user>Ann: What now?<ai>"


def test_a_small_model_is_asked_one_question_for_one_sentence() -> None:
    class Talker(ToyTokenizer):
        chat = ChatMarkup("<user>", "<ai>", primed=True, talking="<sys><user>", listened="<ai>read<user>")

    lines = (ChatLine("Bo", "I like it"), ChatLine("Ann", "What happens now?"))
    request = TextRequest("chat", "A story.", instruction="What happens now?", chat=lines)
    assert text_of(build(request, Talker(), 300).ids) == (
        f"<sys><user>Story: A story.<ai>read<user>What happens now?{ONE_SENTENCE}<ai>"
    )
    hello = TextRequest("chat", "", instruction="Hello!", chat=(ChatLine("Ann", "Hello!"),))
    assert text_of(build(hello, Talker(), 200).ids) == "<sys><user>Hello!<ai>"
    long = TextRequest("chat", "word " * 900, instruction="What happens now?")
    assert len(build(long, Talker(), 4000).ids) < RECALLED + 120
    with pytest.raises(InvalidRequest):
        build(long, Talker(), 60)


def test_only_a_small_model_talks_within_bounds() -> None:
    bold = TextParams(temperature=0.7, max_tokens=200, top_p=0.95)
    request = TextRequest("chat", "", instruction="Hello!", params=bold)
    assert calmed(request, TOKENIZER) is request
    assert calmed(request, SmallModel()).params == TextParams(max_tokens=60, temperature=0.2, top_p=0.9)
    story = TextRequest("continue", "A story.", params=bold)
    assert calmed(story, SmallModel()) is story


TEXTS = st.text(alphabet="ab .\nщ", max_size=400)


@settings(max_examples=200, deadline=None)
@given(
    before=TEXTS,
    selection=TEXTS,
    instruction=st.text(alphabet="go", min_size=1, max_size=80),
    facts=st.text(alphabet="xy ", max_size=120),
    budget=st.integers(16, 900),
    written=st.text(alphabet="w", max_size=30),
)
def test_no_prompt_passes_its_budget_and_a_passage_is_shown_whole_or_refused_with_figures(
    before: str, selection: str, instruction: str, facts: str, budget: int, written: str
) -> None:
    request = TextRequest(
        "instruct", before, selection=selection, instruction=instruction, style=StyleCard(facts=facts)
    )
    said = TOKENIZER.encode(written)
    try:
        ids = build(request, TOKENIZER, budget, said).ids
    except InvalidRequest as error:
        needed, room = map(int, re.findall(r"\d+", error.message))
        assert (needed > room, room) == (True, max(0, budget - len(said)))
        return
    assert len(ids) <= budget
    assert selection.strip() in text_of(ids)
    assert text_of(ids).endswith(written)
