"""Which voice a character gets at first: one of the language, that fits the name, and that few others have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from antiphon_proto.messages import VoiceInfo

_WOMEN: Final = re.compile(
    r"\b(?:MRS|MS|MISS|LADY|QUEEN|MOTHER|MUM|MOM|SISTER|GIRL|WOMAN|AUNT|GRANDMOTHER|GRANNY|WIFE|DAUGHTER|PRINCESS|NURSE|"
    r"WAITRESS|ACTRESS|МАТЬ|МАМА|СЕСТРА|ДЕВОЧКА|ДЕВУШКА|ЖЕНЩИНА|ТЁТЯ|ТЕТЯ|БАБУШКА|ЖЕНА|ДОЧЬ|КОРОЛЕВА|ПРИНЦЕССА|СТАРУХА)\b"
)
_MEN: Final = re.compile(
    r"\b(?:MR|SIR|LORD|KING|FATHER|DAD|BROTHER|BOY|MAN|UNCLE|GRANDFATHER|HUSBAND|SON|PRINCE|CAPTAIN|SERGEANT|FERRYMAN|"
    r"WAITER|ОТЕЦ|ПАПА|БРАТ|МАЛЬЧИК|МУЖЧИНА|ДЯДЯ|ДЕДУШКА|МУЖ|СЫН|КОРОЛЬ|ПРИНЦ|КАПИТАН|СЕРЖАНТ|СТАРИК|ПАРОМЩИК)\b"
)
_FEMALE_END: Final = re.compile(
    r"(?:[AЯА]|IE|LY|ENE|INE|ELLE|ETTE|EEN|ICE|BETH|ANN|JANE|ROSE|GRACE|CLAIRE|ALICE)$"
)
_MALE_ANYWAY: Final = frozenset(
    str.split(
        "LUKA NIKITA JOSHUA EZRA CHARLIE JAMIE BILLIE ARCHIE EDDIE FREDDIE WILLIE ROLLY BILLY LUCA НИКИТА ИЛЬЯ КУЗЬМА "
        "ФОМА ЛУКА САВВА САША ВАНЯ МИША ПЕТЯ КОЛЯ СЕРЁЖА ДИМА ПАША АЛЁША ВАСЯ МИТЯ ГРИША ЛЁША ВОЛОДЯ БОРЯ ЮРА КОСТЯ "
        "СТЁПА ФЕДЯ ЖЕНЯ"
    )
)


def gender_of(name: str) -> str:
    """`female`, `male` or empty, guessed from a cue: titles first, then how the name ends."""
    upper = name.upper()
    if _WOMEN.search(upper):
        return "female"
    if _MEN.search(upper):
        return "male"
    words = re.findall(r"\w+", upper)
    if not words:
        return ""
    first = words[0]
    return "female" if _FEMALE_END.search(first) and first not in _MALE_ANYWAY else "male"


def chosen(name: str, language: str, voices: Sequence[VoiceInfo], taken: Counter[str]) -> str | None:
    """The id of a voice; None where none speaks the language. `taken`: how many characters have each."""
    fitting = [one for one in voices if one.language.split("-")[0] in (language, "")]
    if not fitting:
        return None
    gender = gender_of(name)
    rank = {one.id: place for place, one in enumerate(fitting)}
    return min(fitting, key=lambda one: (one.gender not in ("", gender), taken[one.id], rank[one.id])).id
