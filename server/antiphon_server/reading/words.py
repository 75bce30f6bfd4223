"""The words that the rules know, each with its meaning; base forms in English and Russian."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final


def _table(lines: str) -> dict[str, str]:
    """Lines of `meaning: word, word` -> word -> meaning."""
    found: dict[str, str] = {}
    for one in lines.strip().splitlines():
        meaning, _, words = one.partition(":")
        found.update((word.strip(), meaning.strip()) for word in words.split(","))
    return found


def either(words: Iterable[str]) -> str:
    """A pattern for any of the words, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


COLOURS: Final = _table("""
green: green, зелёный, зеленый, изумрудный
brown: brown, hazel, карий, коричневый, каштановый, chestnut
blue: blue, голубой, синий, azure
grey: grey, gray, silver, silvery, серый, седой, серебряный, серебристый
black: black, raven-black, jet-black, чёрный, черный, вороной
dark: dark, тёмный, темный
blond: blond, blonde, fair, golden, светлый, белокурый, русый, золотой, золотистый
red: red, ginger, auburn, рыжий, красный
white: white, белый
yellow: yellow, жёлтый, желтый
""")
SAME: Final = frozenset(
    {
        frozenset(pair)
        for pair in (
            ("dark", "black"), ("dark", "brown"), ("dark", "grey"), ("grey", "white"), ("blond", "yellow"),
            ("dark", "blue"), ("dark", "green"),
        )
    }
)  # fmt: skip
"""Colours that two people may give to the same thing."""
BODY: Final = _table("""
eyes: eyes, eye, глаз
hair: hair, волос, волосы, коса
beard: beard, борода
moustache: moustache, ус, усы
""")
THINGS: Final = _table("""
car: car, машина, автомобиль
boat: boat, лодка, катер
house: house, дом
door: door, дверь
horse: horse, mare, stallion, лошадь, конь, кобыла
dog: dog, собака, пёс
cat: cat, кошка, кот
""")
KIN: Final = _table("""
brother: brother, брат
sister: sister, сестра
husband: husband, муж
wife: wife, жена
father: father, отец
mother: mother, мать
son: son, сын
daughter: daughter, дочь
dog's name: dog, собака, пёс
cat's name: cat, кот, кошка
horse's name: horse, mare, лошадь, конь, кобыла
""")
JOBS: Final = _table("""
carpenter: carpenter, плотник
teacher: teacher, учитель, учительница
nurse: nurse, медсестра
lawyer: lawyer, адвокат
doctor: doctor, physician, surgeon, врач, доктор, хирург
baker: baker, пекарь
smith: blacksmith, smith, кузнец
sailor: sailor, моряк, матрос
soldier: soldier, солдат
fisherman: fisherman, рыбак
tailor: tailor, dressmaker, портной, портниха
painter: painter, художник, художница
clerk: clerk, конторщик, чиновник
priest: priest, священник
farmer: farmer, фермер
mason: mason, каменщик
cook: cook, повар, кухарка
engineer: engineer, инженер
journalist: journalist, журналист
waiter: waiter, waitress, официант, официантка
driver: driver, шофёр, водитель
policeman: policeman, detective, полицейский, следователь, сыщик
""")
ORDINALS: Final = _table("""
1: first, первый
2: second, второй
3: third, третий
4: fourth, четвёртый
5: fifth, пятый
6: sixth, шестой
7: seventh, седьмой
8: eighth, восьмой
9: ninth, девятый
""")
SIDES: Final = _table("""
left: left, левый
right: right, правый
""")
PAIRS: Final = _table("""
scarred cheek: cheek, щека
lame leg: leg, foot, knee, нога, колено
arm: arm, hand, рука
bad eye: eye, глаз
""")
COUNTED: Final = _table("""
sons: sons, son, сын
daughters: daughters, daughter, дочь
children: children, ребёнок, ребенок
brothers: brothers, brother, брат
sisters: sisters, sister, сестра
""")
SIZES: Final = _table("""
tall: tall, высокий, высокий рост
short: short, маленький рост, низкий рост, низенький, small
""")
STRANGERS: Final = re.findall(
    r"\w+",
    "незнакомец незнакомка мужчина женщина девушка парень старик старуха мальчик девочка ребёнок ребенок сосед соседка "
    "прохожий хозяин хозяйка гость друг подруга враг человек девица юноша король королева князь граф барин брат сестра "
    "муж жена отец мать сын дочь доктор врач учитель учительница солдат священник художник",
)
"""Of whom something may be, in Russian, who has no name."""
NUMBERS: Final[Mapping[str, int]] = (
    {
        word: value
        for words in (
            "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
            "seventeen eighteen nineteen",
            "один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать четырнадцать "
            "пятнадцать шестнадцать семнадцать восемнадцать девятнадцать",
        )
        for value, word in enumerate(words.split(), 1)
    }
    | {
        word: 10 * value
        for words in (
            "twenty thirty forty fifty sixty seventy eighty ninety",
            "двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто",
        )
        for value, word in enumerate(words.split(), 2)
    }
    | {
        f"{ten}-{one}": 10 * tens + ones
        for tens, ten in enumerate(
            ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2
        )
        for ones, one in enumerate(
            ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], 1
        )
    }
    | {"сорока": 40, "две": 2}
)
LAME: Final = re.compile(
    r" (?:scar|scars|scarred|limp|limped|limps|lame|dragged|drags|wooden|lost|blind|missing|шрам|рубец|хромать|хромой"
    r"|волочить|протез|слепой|потерять)(?= )"
)
"""The properties that make one of two sides worth knowing."""
CHANGES: Final = re.compile(
    r" (?:dye[ds]?|painted|repainted|became|become|grew|moved to|used to|no longer|once|before that|until|by then|"
    r"(?:years?|months?|winters?|summers?) later|перекрасить|выкрасить|покрасить|стать|становиться|переехать|раньше|"
    r"прежде|когда-то|больше не|спустя|через \w+ год|поседеть|бывший|former|first husband|first wife|late)(?= )"
)
"""Signs that a sentence tells of a change, or of another time than the rest."""


def number(first: str, second: str | None) -> int | None:
    """The number that one or two words say; None where they say none."""
    value = int(first) if first.isdigit() else NUMBERS[first]
    if second is not None and value % 10 == 0 and 0 < NUMBERS[second] < 10:
        value += NUMBERS[second]
    return value if 0 < value < 150 else None
