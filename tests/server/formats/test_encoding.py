"""The encodings of people's text files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.errors import PeerError
from antiphon_server.formats.convert import convert
from antiphon_server.formats.encoding import OFFERED, decode
from antiphon_server.formats.jobs import Found, Read

TEXTS = {
    "windows-1251": "Лампа горела всю ночь, и никто не спал. Ветер выл в трубе, как собака.",
    "koi8-r": "Лампа горела всю ночь, и никто не спал. Ветер выл в трубе, как собака.",
    "ibm866": "Лампа горела всю ночь, и никто не спал. Ветер выл в трубе, как собака.",
    "windows-1252": "Elle était déjà là, près du phare, où l'on n'entendait rien.",
    "windows-1250": "Žluťoučký kůň úpěl ďábelské ódy na pobřeží moře.",
    "windows-1253": "Η θάλασσα ήταν ήσυχη όλη τη νύχτα και κανείς δεν κοιμήθηκε.",
    "windows-1255": "המנורה דלקה כל הלילה ואיש לא ישן. הרוח יללה בארובה כמו כלב.",
    "shift_jis": "灯台の光は一晩中消えなかった。風が煙突の中で犬のように鳴いていた。",
    "euc-jp": "灯台の光は一晩中消えなかった。風が煙突の中で犬のように鳴いていた。",
    "gb18030": "灯塔的灯亮了一整夜，谁也没有睡。风在烟囱里像狗一样叫着。",
    "big5": "燈塔的燈亮了一整夜，誰也沒有睡。風在煙囪裡像狗一樣叫著。",
    "euc-kr": "등대의 불은 밤새 꺼지지 않았고 아무도 잠들지 못했다.",
    "utf-16": "Лампа горела. 灯台",
    "koi8-u": "Світло маяка горіло всю ніч; її донька поїхала ще влітку.",
    "iso-8859-5": "Лампа горела всю ночь, и никто не спал.",
    "iso-8859-2": "Zażółć gęślą jaźń, powiedział źrebak świętując.",
    "iso-2022-jp": "灯台の光は一晩中消えなかった。",
}
CODECS = {"shift_jis": "cp932", "euc-kr": "cp949"}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_read_or_offered_as_it_was(name: str) -> None:
    text = TEXTS[name]
    data = text.encode(CODECS.get(name, name))
    found = decode(data)
    if found.text != text:
        assert not found.sure, f"{name} was taken for {found.encoding}"
        assert name in [choice.encoding for choice in found.choices]
    assert decode(data, name).text == text


@pytest.mark.parametrize("name", ["windows-1251", "windows-1252", "koi8-r", "shift_jis", "gb18030"])
def test_the_first_guess_is_right_where_it_matters_most(name: str) -> None:
    assert decode((TEXTS[name] + "\r\n").encode(CODECS.get(name, name)) * 2).text == f"{TEXTS[name]}\n" * 2


def test_utf_8_is_sure_also_when_a_byte_is_wrong() -> None:
    text = "Лампа горела. " * 100
    assert decode(text.encode()).sure
    found = decode(text.encode()[:-2] + b"\xd0")
    assert (found.encoding, found.replaced) == ("utf-8", 1)
    answer = convert(Read("txt", text.encode()[:-2] + b"\xd0"))
    assert isinstance(answer, Found)
    assert [(notice.code, notice.count) for notice in answer.notices] == [("characters", 1)]


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_encodings_need_no_mark(codec: str) -> None:
    for text in (
        "Plain words, many of them.",
        "Лампа горела всю ночь.\nВетер выл.",
        "風が犬のように鳴いていた。\n" * 3,
    ):
        assert decode(text.encode(codec)).text == text


def test_a_zero_in_a_text_of_utf_8_makes_it_no_wide_one() -> None:
    assert decode("Лампа горела\0 всю ночь. And so on.".encode()).encoding == "utf-8"


def test_a_page_may_say_what_it_is() -> None:
    page = '<meta charset="windows-1251"><p>Лампа</p>'.encode("windows-1251")
    answer = convert(Read("html", page))
    assert isinstance(answer, Found)
    assert answer.ops[0]["insert"] == "Лампа\n"


def test_no_other_codec_of_python_can_be_asked_for() -> None:
    for name in ("rot13", "zlib", "idna", "unicode_escape", "x" * 500):
        with pytest.raises(PeerError):
            decode(b"x", name)


@given(st.binary(max_size=200), st.sampled_from(["", *OFFERED]))
def test_any_bytes_become_text(data: bytes, encoding: str) -> None:
    found = decode(data, encoding)
    assert "\r" not in found.text
    assert found.encoding in OFFERED or found.encoding.startswith(("utf-", "iso-2022"))
