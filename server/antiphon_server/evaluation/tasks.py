"""The tasks of `antiphon eval text`: 80, of nine kinds. Every fourth of a kind is of the split `dev`, on which prompts
are tuned; figures are given of the others.

The stories are written for this file; they stand in no corpus.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from msgspec import Struct

from antiphon_engines.api import ChatLine, TextRequest
from antiphon_proto.params import TextParams
from antiphon_server.evaluation import checks
from antiphon_server.evaluation.checks import Check

Split = Literal["dev", "test"]
_PROSE: Final = TextParams(max_tokens=60, alternatives=0, whole_sentences=True)
_ANSWER: Final = TextParams(max_tokens=60, temperature=0.7, alternatives=0)
_CHANGE: Final = TextParams(max_tokens=90, alternatives=0)
_DEV: Final = 4


class Task(Struct, frozen=True):
    """`name` is `kind/number`."""

    name: str
    kind: str
    split: Split
    request: TextRequest
    checks: tuple[Check, ...]

    def fails(self, answer: str) -> list[str]:
        """Why the answer does not do; empty when it does."""
        return [why for check in self.checks if (why := check(answer))]


_PAST_STORIES: Final = (
    "The bakery on Quill Street opened at four. Nora had the key, and she let herself in without a sound. The ovens were cold.",
    "Old Pell kept bees behind the signal box. Every evening he walked down with his lamp and counted the hives.",
    "They buried the radio under the apple tree. Nobody in the village spoke of it again, but Ines remembered the place.",
    "The lift stopped between two floors. Hugo pressed the bell, and then he pressed it again.",
    "When the river froze, the mill fell silent. Greta went out on the ice with a rope around her waist.",
)
_PRESENT_STORIES: Final = (
    "The queue for the ferry does not move. Tomas counts his coins and looks at the gulls on the wall.",
    "Rain runs down the window of the night bus. Ada holds the parcel on her knees and does not open it.",
    "The teacher writes one word on the board. Nobody reads it aloud. At the back Milo raises his hand.",
    "It is market day, and the square smells of fish. Old Vera pushes her cart between the stalls.",
    "Snow lies on the tracks. The signal stays red, and the driver climbs down from the engine.",
)
_FIRST_STORIES: Final = (
    "I was nine when my uncle brought the piano home. It came up the stairs in two pieces, and I carried the stool.",
    "My sister never told me what she saw in the barn. I asked her every summer, and every summer she changed the subject.",
    "I live above the harbour office. From my window I see every boat that comes in, and most of them I know by sound.",
    "I took the wrong coat from the hook. In its pocket I found a ticket, a key and a list of names.",
    "My first day at the lighthouse began with fog. I could not find the door.",
)
_THIRD_STORIES: Final = (
    "Leo had never repaired a clock before. He laid the wheels out on the table in the order in which they had come.",
    "Mrs. Abel watered the graves on Sundays. She talked to her husband first, then to the others.",
    "The boy hid behind the stove. He heard his father come in and set down the axe.",
    "Sabine sold the last of her goats in May. She walked home with the empty rope in her hand.",
    "The captain did not sleep. He stood at the rail and listened to the ice.",
)
_NAMES: Final = (
    ("Ottilie found the letter on Monday. Her brother Bertram denied everything, and the dog Tuck had eaten the envelope.", ("Ottilie", "Bertram", "Tuck")),
    ("Kasimir and Lou shared one bicycle. On Fridays it was Lou's.", ("Kasimir", "Lou")),
    ("Nobody believed Philippa when she said that the statue had moved.", ("Philippa",)),
    ("\"You first,\" said Anselm. Judit shook her head and looked down into the shaft.", ("Anselm", "Judit")),
    ("Captain Oyelaran had one rule: nobody whistled on the Marigold.", ("Oyelaran", "Marigold")),
    ("Zofia kept the shop, and Emil kept the books. Neither of them trusted the other with the cat.", ("Zofia", "Emil")),
    ("Every night Wendel climbed the tower and lit the lamp for his daughter Runa.", ("Wendel", "Runa")),
    ("The twins, Pia and Ruben, were born on two different days.", ("Pia", "Ruben")),
)  # fmt: skip
_PASSAGE: Final = (
    "The old man walks to the harbour every morning. He buys bread, feeds the gulls and talks to the sailors."
)
_CELLAR: Final = "She opened the cellar door and went down the stairs. The lamp in her hand shook, and somewhere water dripped."
_FIRST: Final = "I took my hat and left the house. I did not lock the door."
_LONG: Final = (
    "It was very late, and because it was so very late and because the rain had been falling for such a long time, "
    "Martin, who was really extremely tired, decided in the end that it would probably be best to stay at the inn."
)
_CHANGES: Final[Sequence[tuple[str, str, tuple[Check, ...]]]] = (
    (_PASSAGE, "Put it into the past tense.", (checks.tense("past"), checks.keeps(_PASSAGE, 0.4))),
    (_CELLAR, "Put it into the present tense.", (checks.tense("present"), checks.keeps(_CELLAR, 0.4))),
    (
        _FIRST,
        "Tell it in the third person, about a man named Karl.",
        (checks.person("third"), checks.has("Karl")),
    ),
    (_LONG, "Make it much shorter.", (checks.length(5, 30), checks.has("Martin", "inn", "rain"))),
    (
        _CELLAR,
        "Replace the lamp by a candle.",
        (checks.has("candle"), checks.lacks("lamp"), checks.has("cellar")),
    ),
    (
        _PASSAGE,
        "Make the old man an old woman.",
        (checks.has("woman"), checks.has("she"), checks.lacks("he", "man")),
    ),
    (_CELLAR, "Add that she hears a cat.", (checks.has("cat"), checks.has("cellar"))),
    (_PASSAGE, "", (checks.other_than(_PASSAGE), checks.has("man", "he"), checks.length(10, 60))),
    (
        _CELLAR,
        "",
        (checks.other_than(_CELLAR), checks.has("door", "stairs", "lamp", "light"), checks.length(10, 60)),
    ),
    (_FIRST, "Put it into the present tense.", (checks.tense("present"), checks.person("first"))),
    (_PASSAGE, "Name the old man Jonas.", (checks.has("Jonas"), checks.keeps(_PASSAGE, 0.4))),
    (_LONG, "Write it as two short sentences.", (checks.sentences(1, 3), checks.length(5, 36))),
)
_LENGTHS: Final[Sequence[tuple[str, tuple[Check, ...]]]] = (
    ("Describe the harbour in one sentence.", (checks.sentences(1, 1),)),
    ("Describe the storm in exactly two sentences.", (checks.sentences(2, 2),)),
    ("Tell the whole story in at most fifteen words.", (checks.length(3, 18),)),
    ("List three things on the table, one on each line, without a comment.", (checks.lines(3),)),
    ("Give the story a title of at most five words.", (checks.length(1, 6),)),
    ("Write one short sentence that ends the story.", (checks.sentences(1, 1), checks.length(2, 30))),
    ("Name the hero with one word.", (checks.length(1, 3),)),
    ("Write a dialogue of two lines between two sailors.", (checks.lines(2),)),
)
_TALE: Final = (
    "Mina was seven when the circus came to Brask. Her father, a blacksmith, shod the circus horses, and for his pay he "
    "asked for a ticket. The tent was green. In it Mina saw a bear named Gustav, who could ride a bicycle, and a woman in "
    "silver who walked on a rope. On the way home it snowed. Mina lost her left glove by the bridge, and her father gave "
    "her his own. The next morning the circus had gone, but on the gate hung the glove, and in it lay a silver button. "
    "Mina kept the button in a tea tin for forty years. When her own daughter, Lise, turned seven, she sewed it on "
    "Lise's coat."
)
_QUESTIONS: Final = (
    ("What colour was the tent?", ("green",)),
    ("What was the bear's name?", ("Gustav",)),
    ("What was the trade of Mina's father?", ("blacksmith", "smith")),
    ("What did Mina lose by the bridge?", ("glove",)),
    ("What lay in the glove?", ("button",)),
    ("How old was Mina when the circus came?", ("seven", "7")),
    ("To which place did the circus come?", ("Brask",)),
    ("What could the bear do?", ("bicycle", "bike", "ride")),
    ("What is the name of Mina's daughter?", ("Lise",)),
    ("In what did Mina keep the button?", ("tin",)),
    ("What was the weather on the way home?", ("snow",)),
    ("What did her father ask for as his pay?", ("ticket",)),
    ("How long did Mina keep the button?", ("forty", "40")),
    ("Where did Mina sew the button in the end?", ("coat",)),
)
_JSON: Final = (
    ("Give the persons of the story as a JSON list of objects with the keys \"name\" and \"role\", and nothing else.", [{"name": str, "role": str}]),
    ("Give the title and the place of the story as a JSON object with the keys \"title\" and \"place\", and nothing else.", {"title": str, "place": str}),
    ("Give three things of the story as a JSON list of strings, and nothing else.", [str]),
    ("Give the bear as a JSON object with the keys \"name\" and \"skill\", and nothing else.", {"name": str, "skill": str}),
    ("Give Mina as a JSON object with the keys \"name\" (a string) and \"age\" (a number), and nothing else.", {"name": str, "age": int}),
    ("Give two scenes as a JSON list of objects with the keys \"number\" (a number) and \"what\" (a string), and nothing else.", [{"number": int, "what": str}]),
)  # fmt: skip
_RUSSIAN: Final = (
    "Последний трамвай ушёл в полночь. Вера стояла на остановке и ждала, хотя ждать было уже нечего.",
    "Дед чинил лодку каждую весну. Внук сидел рядом и подавал ему гвозди.",
    "В деревне знали, что мельник не спит по ночам. Окно его светилось до утра.",
    "Я приехал в город осенью. Шёл дождь, и меня никто не встречал.",
    "Снег пошёл утром. К вечеру дороги не стало видно, и почтальон остался у нас.",
)
_RUSSIAN_TALE: Final = (
    "Кота звали Барсик, и жил он у аптекаря. Аптекарь был строг, но по вечерам играл на скрипке. Однажды Барсик принёс "
    "ему красную пуговицу от мундира."
)
_RUSSIAN_QUESTIONS: Final = (
    ("Как звали кота?", ("Барсик",)),
    ("На чём играл аптекарь?", ("скрипк",)),
    ("Какого цвета была пуговица?", ("красн",)),
)
_PLAIN: Final = (
    "Chapter Two\n\nThe house was empty when they came back.",
    "She wrote three words on the wall and underlined the second.",
    "To be or not to be a plumber: that was what Edgar asked himself under the sink.",
    '"What do you want?" asked the ghost. It sounded tired.',
)


def _continue(text: str, *more: Check) -> tuple[TextRequest, tuple[Check, ...]]:
    request = TextRequest(task="continue", before=text, params=_PROSE)
    return request, (checks.not_empty, checks.no_meta, checks.tidy, *more)


def _change(passage: str, order: str, *more: Check) -> tuple[TextRequest, tuple[Check, ...]]:
    request = TextRequest(
        task="instruct" if order else "rewrite",
        before="",
        selection=passage,
        instruction=order,
        params=_CHANGE,
    )
    return request, (checks.not_empty, checks.no_meta, checks.tidy, *more)


def _chat(story: str, question: str, *more: Check) -> tuple[TextRequest, tuple[Check, ...]]:
    request = TextRequest(
        task="chat",
        before=story,
        instruction=question,
        chat=(ChatLine("Ada", question),),
        params=_ANSWER,
    )
    return request, (checks.not_empty, *more)


def _kinds() -> dict[str, Iterable[tuple[TextRequest, tuple[Check, ...]]]]:
    tale = "Three sailors sat in the harbour inn while the storm went on. "
    return {
        "tense": [
            *(_continue(story, checks.tense("past"), checks.english) for story in _PAST_STORIES),
            *(_continue(story, checks.tense("present"), checks.english) for story in _PRESENT_STORIES),
        ],
        "person": [
            *(_continue(story, checks.person("first")) for story in _FIRST_STORIES),
            *(_continue(story, checks.person("third")) for story in _THIRD_STORIES),
        ],
        "rewrite": [_change(passage, order, *more) for passage, order, more in _CHANGES],
        "length": [
            (
                TextRequest(
                    task="chat",
                    before=tale,
                    instruction=order,
                    chat=(ChatLine("Ada", order),),
                    params=_ANSWER,
                ),
                (checks.not_empty, checks.no_meta, *more),
            )
            for order, more in _LENGTHS
        ],
        "answer": [_chat(_TALE, question, checks.has(*right)) for question, right in _QUESTIONS],
        "names": [_continue(story, checks.has(*names), checks.english) for story, names in _NAMES],
        "json": [_chat(_TALE, order, checks.json_like({"shape": shape})) for order, shape in _JSON],
        "russian": [
            *(_continue(story, checks.russian) for story in _RUSSIAN),
            *(
                _chat(_RUSSIAN_TALE, question, checks.russian, checks.has(*right))
                for question, right in _RUSSIAN_QUESTIONS
            ),
        ],
        "plain": [_continue(story, checks.english, checks.length(8, 90)) for story in _PLAIN],
    }


def all_tasks() -> tuple[Task, ...]:
    """All 80."""
    return tuple(
        Task(f"{kind}/{number}", kind, "dev" if number % _DEV == _DEV - 1 else "test", request, given)
        for kind, made in _kinds().items()
        for number, (request, given) in enumerate(made)
    )
