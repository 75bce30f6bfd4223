"""Names of genres beyond the styles that the band knows, each with the style that is nearest; and Russian words.

Russian words change their endings, so their beginnings are listed.
"""

from __future__ import annotations

from typing import Final

NEAR: Final[dict[str, str]] = {
    "afrobeat": "funk", "afrobeats": "funk", "highlife": "samba", "soukous": "samba", "amapiano": "house",
    "dubstep": "techno", "drumstep": "techno", "dnb": "techno", "jungle": "techno", "breakbeat": "techno",
    "hardstyle": "techno", "gabber": "techno", "psytrance": "techno", "idm": "techno", "ebm": "techno",
    "synthwave": "disco", "vaporwave": "lofi", "chillwave": "lofi", "nujazz": "jazz", "eurodance": "house",
    "grime": "hiphop", "drill": "hiphop", "phonk": "hiphop", "crunk": "hiphop", "reggaeton": "latin",
    "flamenco": "latin", "rumba": "latin", "bolero": "latin", "mariachi": "latin", "chacha": "latin", "tejano": "latin",
    "fado": "ballad", "chanson": "waltz", "klezmer": "march", "polka": "march", "oompah": "march", "ragtime": "jazz",
    "dixieland": "jazz", "manouche": "jazz", "fusion": "jazz", "cooljazz": "jazz", "bluegrass": "country",
    "americana": "country", "rockabilly": "rock", "postrock": "rock", "shoegaze": "rock", "emo": "rock",
    "britrock": "rock", "psychedelic": "rock", "prog": "rock", "progressive": "rock", "newwave": "disco",
    "metalcore": "metal", "grindcore": "metal", "nwobhm": "metal", "rocksteady": "reggae", "dancehall": "reggae",
    "zouk": "reggae", "calypso": "samba", "soca": "samba", "forro": "samba", "choro": "bossa", "mpb": "bossa",
    "sega": "samba", "raga": "ambient", "gamelan": "ambient", "minimalism": "classical", "minimalist": "classical",
    "opera": "classical", "requiem": "chorale", "gregorian": "chorale", "medieval": "chorale", "renaissance": "chorale",
    "madrigal": "chorale", "mazurka": "waltz", "minuet": "waltz", "polonaise": "classical", "etude": "classical",
    "impressionism": "classical", "schlager": "pop", "jpop": "pop", "citypop": "funk", "soundtrack": "ambient",
    "videogame": "pop", "chiptune": "techno", "shanty": "folk", "balkan": "march", "bhangra": "disco",
    "bollywood": "disco", "kizomba": "latin", "electroswing": "jazz", "trip": "hiphop", "triphop": "hiphop",
}  # fmt: skip
"""Genre -> style."""

RUSSIAN: Final[dict[str, str]] = {
    "джаз": "jazz", "свинг": "jazz", "бибоп": "jazz", "диксиленд": "jazz", "рэгтайм": "jazz", "регтайм": "jazz",
    "блюз": "blues", "рок": "rock", "гранж": "rock", "панк": "rock", "хардрок": "hardrock", "метал": "metal",
    "поп": "pop", "эстрад": "pop", "баллад": "ballad", "романс": "ballad", "колыбельн": "ballad", "лирич": "ballad",
    "фолк": "folk", "народн": "folk", "бардов": "folk", "костр": "folk", "кантри": "country", "босса": "bossa",
    "боссанов": "bossa", "самб": "samba", "карнавал": "samba", "регги": "reggae", "рэгги": "reggae", "ска": "ska",
    "фанк": "funk", "соул": "funk", "диско": "disco", "хаус": "house", "клубн": "house", "техно": "techno",
    "транс": "techno", "электрон": "techno", "дабстеп": "techno", "хипхоп": "hiphop", "хип": "hiphop",
    "рэп": "hiphop", "реп": "hiphop", "трэп": "hiphop", "лофай": "lofi", "эмбиент": "ambient", "амбиент": "ambient",
    "космическ": "ambient", "атмосферн": "ambient", "медитац": "ambient", "вальс": "waltz", "марш": "march",
    "военн": "march", "кельт": "celtic", "ирланд": "celtic", "шотланд": "celtic", "хорал": "chorale",
    "церковн": "chorale", "хоров": "chorale", "классич": "classical", "классик": "classical", "барокко": "classical",
    "симфон": "classical", "оркестр": "classical", "латин": "latin", "сальс": "latin", "румб": "latin",
    "фламенко": "latin", "танго": "tango", "госпел": "gospel", "спиричуэл": "gospel", "шансон": "waltz",
    "афробит": "funk", "ретровейв": "disco",
}  # fmt: skip
"""Beginning of a word -> style; the longest that fits counts."""

RUSSIAN_DENSITY: Final[dict[str, float]] = {
    "медлен": 0.3, "спокойн": 0.25, "тих": 0.2, "нежн": 0.25, "мягк": 0.3, "прост": 0.25, "редк": 0.1, "пуст": 0.0,
    "быстр": 0.8, "энергич": 0.8, "плотн": 0.9, "насыщен": 0.8, "бешен": 1.0, "весёл": 0.7, "весел": 0.7,
}  # fmt: skip
RUSSIAN_BRIGHTNESS: Final[dict[str, float]] = {
    "тёмн": 0.1, "темн": 0.1, "мрачн": 0.1, "тёпл": 0.3, "тепл": 0.3, "глух": 0.05, "мягк": 0.3, "ярк": 0.85,
    "светл": 0.8, "звонк": 0.9, "солнечн": 0.8, "весёл": 0.7, "весел": 0.7, "резк": 0.9,
}  # fmt: skip
