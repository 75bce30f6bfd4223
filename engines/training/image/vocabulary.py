"""Vocabulary of the model: nouns, colours, backgrounds, styles, and the combinations held out for the evaluation. The
nouns are the emoji that are recognisable at 128 px and that the sets draw alike, chosen on contact sheets; the core
ones, with a star, can be learned on a CPU. The file is long because the table is: one line per noun.
"""

import hashlib
from dataclasses import dataclass

__all__ = [
    "BACKGROUNDS",
    "COLOUR_SYNONYMS",
    "CONCEPTS",
    "CORE",
    "HOMONYMS",
    "ONE_WAY",
    "PALETTE",
    "PLAIN_STYLES",
    "RUSSIAN_COLOURS",
    "STYLES",
    "UNCOUNTED",
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
"""Synonyms of the colours, which some captions use."""

RUSSIAN_COLOURS: dict[str, tuple[str, str]] = {
    "red": ("красн", "ый ая ое ого ую ом ые"),
    "orange": ("оранжев", "ый ая ое ого ую ом ые"),
    "yellow": ("жёлт", "ый ая ое ого ую ом ые"),
    "green": ("зелён", "ый ая ое ого ую ом ые"),
    "blue": ("син", "ий яя ее его юю ем ие"),
    "light blue": ("голуб", "ой ая ое ого ую ом ые"),
    "purple": ("фиолетов", "ый ая ое ого ую ом ые"),
    "pink": ("розов", "ый ая ое ого ую ом ые"),
    "brown": ("коричнев", "ый ая ое ого ую ом ые"),
    "black": ("чёрн", "ый ая ое ого ую ом ые"),
    "gray": ("сер", "ый ая ое ого ую ом ые"),
    "white": ("бел", "ый ая ое ого ую ом ые"),
}
"""Stem and endings (three genders, two accusatives, prepositional, plural) of the Russian colour words."""

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
    "noto-v1": "classic",
    "twemoji": "simple",
    "emojione": "bold",
    "ph": "logo",
}
"""One style word for each icon set, so that a caption with a style word nearly determines the picture."""

PLAIN_STYLES = frozenset({"flat", "soft", "classic", "simple", "bold"})
"""The styles that a caption may leave unsaid; they are also seen twice as often as the others."""

HOMONYMS = frozenset({"bug", "horse", "mouse", "train", "boat"})
"""Names that mean another thing in the one-colour set (a chess piece, a pointing device, a front view)."""

ONE_WAY = frozenset({"music note", "check mark", "medal", "moon", "piano"})
"""Nouns whose drawings are not mirrored."""

UNCOUNTED = frozenset({
    "fire", "lightning", "wave", "rain cloud", "island", "mountain", "volcano", "tornado", "rainbow", "earth",
    "fries", "popcorn", "sushi", "meat", "bread", "honey", "cherries", "grapes", "pancakes", "glasses", "headphones",
    "scissors", "jeans", "socks", "spider web", "sparkles", "broken heart", "explosion", "santa", "poop",
})  # fmt: skip
"""Nouns that captions do not count: masses, pairs and landscapes."""


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing that the model can draw.

    ``noun`` is its name in captions, ``icons`` are names in the icon sets (several names give several pictures),
    ``synonyms`` are other words that some captions use for it, and ``russian`` the words of Russian captions. The
    denoiser learns a ``core`` concept even on a CPU; the other stages use all concepts.
    """

    noun: str
    icons: tuple[str, ...]
    synonyms: tuple[str, ...] = ()
    russian: tuple[str, ...] = ()
    core: bool = False


_TABLE = """
* happy face | grinning-face grinning-face-with-big-eyes | smiling face, smile, grin, smiley | улыбка, смайлик
* sad face | slightly-frowning-face frowning-face | frowning face, frown | грусть
* angry face | angry-face | mad face | злость
love face | smiling-face-with-heart-eyes | face with heart eyes | влюблённость
cool face | smiling-face-with-sunglasses | face with sunglasses |
crying face | loudly-crying-face crying-face | tears | плач
laughing face | face-with-tears-of-joy grinning-squinting-face | laugh, joy | смех
winking face | winking-face | wink |
surprised face | astonished-face face-with-open-mouth | shocked face, wow | удивление
clown | clown-face | jester | клоун
devil | smiling-face-with-horns angry-face-with-horns | demon, imp | чёрт, дьявол
poop | pile-of-poo | poo | какашка
* cat | cat-face cat | kitten, kitty | кошка, кот, котёнок
* dog | dog-face dog | puppy | собака, пёс, щенок
* rabbit | rabbit-face rabbit | bunny, hare | кролик, заяц
* bear | bear | grizzly | медведь, мишка
panda | panda | | панда
koala | koala | | коала
* fox | fox | | лиса, лис
wolf | wolf | | волк
lion | lion | | лев
tiger | tiger-face tiger | | тигр
* pig | pig-face pig | piglet, hog | свинья, поросёнок
* frog | frog | toad | лягушка, жаба
monkey | monkey-face monkey | ape | обезьяна
mouse | mouse-face mouse | | мышь, мышка
squirrel | chipmunk | chipmunk | белка, бурундук
cow | cow-face cow | calf | корова
horse | horse-face horse | pony | лошадь, конь
unicorn | unicorn | | единорог
sheep | ewe ram | lamb | овца, баран
goat | goat | | коза, козёл
deer | deer | reindeer, moose | олень
camel | camel two-hump-camel | | верблюд
elephant | elephant | mammoth | слон
rhino | rhinoceros | rhinoceros | носорог
bat | bat | | летучая
* penguin | penguin | | пингвин
bird | bird | sparrow | птица, птичка
chick | front-facing-baby-chick baby-chick hatching-chick | baby chicken | цыплёнок
chicken | chicken | hen | курица
duck | duck | | утка
eagle | eagle | hawk, falcon | орёл
dove | dove | pigeon | голубь
* owl | owl | | сова
* fish | fish tropical-fish | goldfish | рыба, рыбка
dolphin | dolphin | | дельфин
shark | shark | | акула
octopus | octopus | kraken | осьминог
* whale | spouting-whale whale | | кит
crab | crab | lobster | краб
shell | spiral-shell | seashell | ракушка
turtle | turtle | tortoise | черепаха
snake | snake | serpent | змея
crocodile | crocodile | alligator | крокодил
dragon | dragon-face dragon | | дракон
snail | snail | slug | улитка
butterfly | butterfly | moth | бабочка
bee | honeybee | honeybee, wasp | пчела
ant | ant | | муравей
ladybug | lady-beetle | ladybird, beetle | жук
caterpillar | bug | worm | гусеница
spider | spider | | паук
spider web | spider-web | cobweb | паутина
paw print | paw-prints | paw | лапа
* pine tree | evergreen-tree | fir, spruce, evergreen | ель, сосна
christmas tree | christmas-tree | | ёлка
* tree | deciduous-tree | oak | дерево, дуб
* palm tree | palm-tree | palm | пальма
* cactus | cactus | | кактус
* sunflower | sunflower | | подсолнух
* tulip | tulip | | тюльпан
rose | rose | | роза
flower | blossom cherry-blossom | blossom, daisy | цветок, ромашка
seedling | seedling | sprout, plant | росток
clover | four-leaf-clover shamrock | shamrock | клевер
maple leaf | maple-leaf | | клён
leaf | fallen-leaf leaf-fluttering-in-wind | leaves | лист
* mushroom | mushroom | toadstool | гриб
* apple | red-apple green-apple | | яблоко
* banana | banana | | банан
* strawberry | strawberry | berry | клубника
* cherries | cherries | cherry | вишня
* lemon | lemon | | лимон
tangerine | tangerine | mandarin, clementine | мандарин, апельсин
* pear | pear | | груша
peach | peach | apricot | персик
watermelon | watermelon | | арбуз
grapes | grapes | grape | виноград
pineapple | pineapple | | ананас
avocado | avocado | | авокадо
* carrot | carrot | | морковь, морковка
corn | ear-of-corn | maize | кукуруза
tomato | tomato | | помидор
eggplant | eggplant | aubergine | баклажан
chili pepper | hot-pepper | chili, chilli | перец
bread | bread | loaf, toast | хлеб
croissant | croissant | | круассан
pancakes | pancakes | pancake | блины
cheese | cheese-wedge | | сыр
egg | egg | | яйцо
meat | meat-on-bone | ribs | мясо
pizza | pizza | | пицца
* burger | hamburger | hamburger, cheeseburger | бургер, гамбургер
hot dog | hot-dog | | хотдог
fries | french-fries | chips |
popcorn | popcorn | | попкорн
sushi | sushi | | суши
* donut | doughnut | doughnut | пончик
* ice cream | soft-ice-cream ice-cream | gelato | мороженое
cake | birthday-cake | | торт
chocolate | chocolate-bar | | шоколад
candy | candy | sweet, bonbon | конфета
lollipop | lollipop | | леденец
cookie | cookie | biscuit | печенье
honey | honey-pot | | мёд
coffee | hot-beverage | tea, espresso | кофе, чай
wine | wine-glass | | вино
cocktail | cocktail-glass tropical-drink | martini | коктейль
beer | beer-mug | ale | пиво
knife | kitchen-knife | | нож
* sun | sun sun-with-face | sunshine | солнце
* moon | crescent-moon | crescent | луна, месяц
earth | globe-showing-americas globe-showing-europe-africa globe-showing-asia-australia | globe, planet | земля, планета
* cloud | cloud | | облако, туча
rain cloud | cloud-with-rain | rain, rainy cloud | дождь
tornado | tornado | cyclone, hurricane | торнадо
* star | star glowing-star | | звезда
* rainbow | rainbow | | радуга
* fire | fire | flame | огонь, пламя
* snowflake | snowflake | snow | снежинка, снег
* snowman | snowman-without-snow | | снеговик
drop | droplet | droplet, water | капля, вода
wave | water-wave | sea, ocean | волна, море
* lightning | high-voltage | bolt, thunder | молния
volcano | volcano | | вулкан
mountain | snow-capped-mountain mountain | peak | гора
island | desert-island | | остров
* heart | red-heart orange-heart yellow-heart green-heart blue-heart purple-heart | love | сердце, любовь
broken heart | broken-heart | |
* house | house | home, cottage | дом, домик
church | church | chapel | церковь
castle | castle | fortress | замок
factory | factory | plant works | завод, фабрика
tent | tent | camp | палатка
* car | automobile | automobile | машина, автомобиль
taxi | taxi | cab | такси
ambulance | ambulance | |
fire truck | fire-engine | fire engine |
bus | bus | | автобус
truck | delivery-truck articulated-lorry | lorry, van | грузовик
tractor | tractor | | трактор
bicycle | bicycle | bike | велосипед
motorcycle | motorcycle | motorbike | мотоцикл
train | locomotive | locomotive | поезд, паровоз
traffic light | vertical-traffic-light | | светофор
* airplane | airplane | plane, jet | самолёт
helicopter | helicopter | | вертолёт
* rocket | rocket | spaceship | ракета
* ufo | flying-saucer | spacecraft | нло
boat | sailboat | sailboat, yacht | парусник, лодка
ship | passenger-ship ship | liner | корабль
anchor | anchor | | якорь
* balloon | balloon | | шарик, шар
* soccer ball | soccer-ball | football, ball | мяч
basketball | basketball | | баскетбол
baseball | baseball | | бейсбол
medal | sports-medal 1st-place-medal | | медаль
trophy | trophy | cup | кубок
puzzle | puzzle-piece | jigsaw | пазл
gamepad | video-game | controller, console | геймпад
teddy bear | teddy-bear | teddy |
guitar | guitar | | гитара
violin | violin | fiddle | скрипка
trumpet | trumpet | | труба
drum | drum | | барабан
piano | musical-keyboard | keys | пианино
music note | musical-note musical-notes | melody, music, note | нота, музыка
microphone | microphone | mic | микрофон
headphones | headphone | headphone, earphones | наушники
palette | artist-palette | paint | палитра
paintbrush | paintbrush | brush | кисть, кисточка
* bell | bell | | колокол, колокольчик
* key | key old-key | | ключ
lock | locked | padlock | замочек
shield | shield | | щит
sword | dagger crossed-swords | dagger, swords | меч, кинжал
hammer | hammer | | молоток
axe | axe | hatchet | топор
gear | gear | cog | шестерёнка
* book | closed-book blue-book green-book orange-book | | книга, книжка
open book | open-book | |
envelope | envelope love-letter | letter, mail, email | письмо, конверт
package | package | box, parcel | посылка, коробка
* pencil | pencil crayon | crayon | карандаш
scissors | scissors | | ножницы
* light bulb | light-bulb | bulb, lamp | лампа, лампочка
candle | candle | | свеча
telephone | telephone | | телефон
smartphone | mobile-phone | mobile, cellphone | смартфон
computer | desktop-computer | monitor, screen | компьютер
laptop | laptop | notebook | ноутбук
television | television | tv | телевизор
camera | camera camera-with-flash | | камера, фотоаппарат
magnifying glass | magnifying-glass-tilted-left magnifying-glass-tilted-right | magnifier, search | лупа
telescope | telescope | | телескоп
pill | pill | medicine | таблетка
* crown | crown | | корона
* gem | gem-stone | diamond, jewel | алмаз, бриллиант
ring | ring | | кольцо
money bag | money-bag | money | деньги, мешок
* gift | wrapped-gift | present | подарок
ribbon | ribbon | | бант, лента
* umbrella | umbrella umbrella-with-rain-drops | parasol | зонт, зонтик
alarm clock | alarm-clock | clock | будильник
watch | watch | | часы
hourglass | hourglass-done hourglass-not-done | | песочные
door | door | gate | дверь
chair | chair seat | seat | стул, кресло
couch | couch-and-lamp | sofa | диван
bed | bed | | кровать
* top hat | top-hat | hat | шляпа, цилиндр
graduation cap | graduation-cap | |
glasses | glasses sunglasses | sunglasses, spectacles | очки
* shirt | t-shirt | tshirt | футболка, рубашка
jeans | jeans | trousers, pants | джинсы, штаны
dress | dress | gown | платье
socks | socks | sock | носки
shoe | running-shoe mans-shoe | sneaker | ботинок, кроссовок
boot | womans-boot hiking-boot | boots | сапог
handbag | handbag purse clutch-bag | purse, bag | сумка
backpack | backpack | rucksack | рюкзак
hand | raised-hand hand-with-fingers-splayed | palm hand | рука, ладонь
thumbs up | thumbs-up | like | лайк
eye | eye | | глаз
mouth | mouth | lips | рот, губы
brain | brain | | мозг
bone | bone | | кость
* ghost | ghost | spirit | призрак, привидение
robot | robot | android | робот
* alien | alien | | инопланетянин, пришелец
santa | santa-claus | | санта
* skull | skull | | череп
* pumpkin | jack-o-lantern | | тыква
* bomb | bomb | | бомба
explosion | collision | boom, bang | взрыв
speech bubble | speech-balloon | |
flag | triangular-flag | | флаг, флажок
check mark | check-mark | checkmark, tick | галочка
sparkles | sparkles | sparkle, glitter | блёстки
"""


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _parse(table: str) -> tuple[Concept, ...]:
    concepts = []
    for line in table.strip().splitlines():
        noun, icons, synonyms, russian = (part.strip() for part in line.split("|"))
        core = noun.startswith("* ")
        name = noun.removeprefix("* ")
        concepts.append(Concept(name, tuple(icons.split()), _words(synonyms), _words(russian), core))
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
