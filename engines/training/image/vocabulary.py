"""What the model is taught to draw: nouns, colours, backgrounds, styles, and what is held out for the evaluation.

The vocabulary is narrow on purpose. A model of a few million parameters that sees some hundred thousand pictures on a
CPU can learn about a hundred things; it cannot learn fifteen thousand.
"""

import hashlib
from dataclasses import dataclass

__all__ = [
    "BACKGROUNDS",
    "COLOUR_SYNONYMS",
    "CONCEPTS",
    "CORE",
    "PALETTE",
    "PLAIN_STYLES",
    "STYLES",
    "Concept",
    "is_held_out",
]

PALETTE: dict[str, tuple[int, int, int]] = {
    "red": (222, 46, 44),
    "orange": (245, 138, 30),
    "yellow": (252, 206, 50),
    "green": (64, 168, 80),
    "blue": (48, 112, 222),
    "purple": (134, 70, 192),
    "pink": (242, 124, 176),
    "brown": (126, 80, 48),
    "black": (34, 34, 36),
    "gray": (134, 134, 138),
    "white": (250, 250, 250),
}
"""Colour words and their sRGB values; the order is the index that :mod:`colours` reports."""

COLOUR_SYNONYMS: dict[str, str] = {
    "crimson": "red",
    "scarlet": "red",
    "amber": "orange",
    "golden": "yellow",
    "gold": "yellow",
    "emerald": "green",
    "lime": "green",
    "navy": "blue",
    "azure": "blue",
    "violet": "purple",
    "magenta": "pink",
    "chocolate": "brown",
    "dark": "black",
    "grey": "gray",
    "silver": "gray",
}
"""Other words for the colours, which captions use now and then."""

BACKGROUNDS: dict[str, tuple[int, int, int]] = {
    "white": (255, 255, 255),
    "black": (24, 24, 28),
    "gray": (188, 190, 194),
    "red": (206, 52, 50),
    "orange": (247, 160, 70),
    "yellow": (250, 222, 110),
    "green": (104, 188, 116),
    "blue": (70, 130, 220),
    "light blue": (176, 216, 246),
    "purple": (140, 90, 190),
    "pink": (246, 186, 210),
}
"""Background words and their sRGB values."""

STYLES: dict[str, str] = {
    "fluent-emoji-flat": "flat",
    "fluent-emoji": "glossy",
    "noto": "soft",
    "twemoji": "simple",
    "ph": "logo",
}
"""One style word for each icon set, so that a caption with a style word nearly determines the picture."""

PLAIN_STYLES = frozenset({"flat", "soft", "simple"})
"""The styles that a caption may leave unsaid; they are also seen four times as often as the others."""


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing that the model can draw.

    ``noun`` is its name in captions, ``icons`` are names in the icon sets (several names give several pictures), and
    ``synonyms`` are other words that captions use for it now and then. A ``core`` concept is one that the denoiser
    learns even on a CPU; the autoencoder, the text encoder and the judge know all of them.
    """

    noun: str
    icons: tuple[str, ...]
    synonyms: tuple[str, ...] = ()
    core: bool = False


_TABLE = """
* happy face | grinning-face grinning-face-with-big-eyes | smiling face, smile, grin
* sad face | slightly-frowning-face frowning-face | frowning face, frown
* angry face | angry-face | mad face
love face | smiling-face-with-heart-eyes | face with heart eyes
cool face | smiling-face-with-sunglasses | face with sunglasses
* cat | cat-face | kitten, kitty
* dog | dog-face | puppy
* rabbit | rabbit-face | bunny, hare
* bear | bear | grizzly
panda | panda |
* fox | fox |
lion | lion |
* pig | pig-face | piglet, hog
* frog | frog | toad
monkey | monkey-face | ape
mouse | mouse-face |
unicorn | unicorn |
* penguin | penguin |
bird | bird |
* owl | owl |
* fish | fish | goldfish
octopus | octopus | squid
* whale | spouting-whale |
crab | crab | lobster
turtle | turtle | tortoise
butterfly | butterfly | moth
bee | honeybee | honeybee, wasp
ladybug | lady-beetle | ladybird, beetle
* pine tree | evergreen-tree | fir, spruce, evergreen
* tree | deciduous-tree | oak
* palm tree | palm-tree | palm
* cactus | cactus |
* sunflower | sunflower |
* tulip | tulip |
rose | rose |
flower | blossom | blossom, daisy
* mushroom | mushroom | toadstool
* apple | red-apple green-apple |
* banana | banana |
* strawberry | strawberry | berry
* cherries | cherries | cherry
* lemon | lemon |
tangerine | tangerine | mandarin
* pear | pear |
peach | peach |
watermelon | watermelon |
grapes | grapes | grape
pineapple | pineapple |
* carrot | carrot |
tomato | tomato |
pizza | pizza |
* burger | hamburger | hamburger
fries | french-fries | chips
* donut | doughnut | doughnut
* ice cream | soft-ice-cream | gelato
cake | birthday-cake | pie
coffee | hot-beverage | tea
beer | beer-mug | ale
lollipop | lollipop | candy
cookie | cookie | biscuit
* sun | sun | sunshine
* moon | crescent-moon | crescent
* cloud | cloud |
* star | star glowing-star |
* rainbow | rainbow |
* fire | fire | flame
* snowflake | snowflake | snow
* snowman | snowman-without-snow |
drop | droplet | droplet, water
* lightning | high-voltage | bolt
mountain | snow-capped-mountain | peak
* heart | red-heart orange-heart yellow-heart green-heart blue-heart purple-heart | love
* house | house | home, cottage
castle | castle | fortress
* car | automobile | automobile
bus | bus |
* airplane | airplane | plane, jet
* rocket | rocket | spaceship
* ufo | flying-saucer | spacecraft
boat | sailboat | sailboat, yacht
anchor | anchor |
* balloon | balloon |
* soccer ball | soccer-ball | football
basketball | basketball |
guitar | guitar |
* bell | bell |
* key | key |
lock | locked | padlock
* book | closed-book blue-book green-book orange-book |
* pencil | pencil | crayon
scissors | scissors |
* light bulb | light-bulb | bulb, lamp
* crown | crown |
* gem | gem-stone | diamond, jewel
* gift | wrapped-gift | present
* umbrella | umbrella | parasol
alarm clock | alarm-clock | clock
camera | camera |
trophy | trophy | cup
* top hat | top-hat | hat
glasses | glasses sunglasses | sunglasses, spectacles
* shirt | t-shirt |
shoe | running-shoe | sneaker
* ghost | ghost | spirit
robot | robot | android
* alien | alien |
* skull | skull |
* pumpkin | jack-o-lantern |
* bomb | bomb |
"""


def _parse(table: str) -> tuple[Concept, ...]:
    concepts = []
    for line in table.strip().splitlines():
        noun, icons, synonyms = (part.strip() for part in line.split("|"))
        words = tuple(word.strip() for word in synonyms.split(",") if word.strip())
        concepts.append(Concept(noun.removeprefix("* "), tuple(icons.split()), words, noun.startswith("* ")))
    return tuple(concepts)


CONCEPTS: tuple[Concept, ...] = _parse(_TABLE)

CORE = frozenset(concept.noun for concept in CONCEPTS if concept.core)
"""The nouns of the core concepts."""

HELD_OUT_SHARE = 0.2
"""Share of the (noun, colour) and of the (noun, background) pairs that no training picture shows."""


def is_held_out(noun: str, attribute: str) -> bool:
    """Tell whether the pair of a noun and an attribute (a colour, or ``"on <background>"``) is kept out of training.

    The choice is a hash, so that every stage and every machine agree without a file. Pairs with a white background
    are never held out, because the plain picture is always on white.
    """
    if attribute == "on white":
        return False
    digest = hashlib.sha256(f"{noun}/{attribute}".encode()).digest()
    return digest[0] < HELD_OUT_SHARE * 256
