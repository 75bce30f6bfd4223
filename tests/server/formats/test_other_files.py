"""OpenDocument, RTF and FDX as other programs write them; and hostile ones."""

from __future__ import annotations

import io
import zipfile

import pytest

from antiphon_proto.errors import PeerError
from antiphon_server.formats import epub, fdx, html, odt, rtf
from antiphon_server.formats.convert import convert
from antiphon_server.formats.jobs import Read, Refused
from antiphon_server.formats.manuscript import Block, Manuscript, Words, numbers

OASIS = {name: name for name in ("office", "text", "table", "style")} | {
    "draw": "drawing",
    "fo": "xsl-fo-compatible",
}
SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{full}:1.0"' for name, full in OASIS.items()
)
SPACES += ' xmlns:xlink="http://www.w3.org/1999/xlink"'


def open_document(body: str, styles: str = "") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(
            "content.xml",
            f"<office:document-content {SPACES}><office:automatic-styles>{styles}</office:automatic-styles>"
            f"<office:body><office:text>{body}</office:text></office:body></office:document-content>",
        )
    return stream.getvalue()


def counts(manuscript: Manuscript) -> dict[str, int]:
    return {notice.code: notice.count for notice in manuscript.notices}


def test_an_open_document_keeps_its_words_and_says_the_rest() -> None:
    styles = (
        '<style:style style:name="T1" style:family="text"><style:text-properties fo:font-weight="bold"/></style:style>'
        '<text:list-style style:name="L1"><text:list-level-style-number text:level="1" style:num-format="1"/>'
        '<text:list-level-style-bullet text:level="2"/></text:list-style>'
    )
    body = (
        '<text:h text:outline-level="2">Head</text:h>'
        '<text:p>One  \n <text:span text:style-name="T1">bold</text:span><text:s text:c="2"/><text:tab/>'
        '<text:a xlink:href="https://a.example/">link</text:a><text:note><text:note-citation>1</text:note-citation>'
        "<text:note-body><text:p>Whale oil.</text:p></text:note-body></text:note></text:p>"
        '<text:list text:style-name="L1"><text:list-item text:start-value="3"><text:p>a</text:p>'
        "<text:list><text:list-item>"
        "<text:p>b</text:p></text:list-item></text:list></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>c</text:p></table:table-cell><table:table-cell>"
        "<text:p>d</text:p></table:table-cell></table:table-row></table:table>"
        "<text:p>Pic<draw:frame><draw:image/></draw:frame>"
        "<draw:frame><draw:text-box><text:p>box</text:p></draw:text-box>"
        "</draw:frame></text:p><text:section><text:p>In a section.</text:p></text:section>"
    )
    found = odt.read(open_document(body, styles))
    assert found.text == "Head\nOne bold  \tlink[1]\na\nb\nc\td\nPic\nbox\nIn a section.\n\n[1] Whale oil."
    assert [(w.text, w.bold, w.link) for w in found.blocks[1].words][1:4] == [
        ("bold", True, ""),
        ("  \t", False, ""),
        ("link", False, "https://a.example/"),
    ]
    assert [(b.kind, b.indent) for b in found.blocks[2:4]] == [("ordered", 0), ("bullet", 1)]
    assert numbers(found.blocks)[2] == 3
    assert counts(found) == {"footnotes": 1, "tables": 1, "pictures": 1, "text_boxes": 1}


def test_rtf_as_other_programs_write_it() -> None:
    data = "".join((
        r"{\rtf1\ansi\ansicpg1251\deff0{\fonttbl{\f0\fcharset204 Times;}{\f1\fcharset128 Mincho;}}",
        r"{\stylesheet{\s0 Normal;}{\s1 heading 1;}}{\info{\title The Lamp}}{\*\unheard secret}",
        r"\pard\s1 \'cb\'e0\'ec\'ef\'e0\par\pard\plain One {\b bold\b0  not}{\f1 \'93\'94} \u1046?\u-10178?\u-8936?",
        r'{\field{\*\fldinst{HYPERLINK "https://a.example/"}}{\fldrslt link}}\line two{\v hid}{\deleted gone}\~x',
        r"{\footnote\pard {\super\chftn} Whale oil.}{\pict\pngblip 89504e47}\par",
        r"{\pntext 3.\tab}third\par",
        r"\trowd\cellx1\cellx2\pard\intbl a\cell b\cell\row\pard end\par}",
    )).encode()  # fmt: skip
    found = rtf.read(data)
    assert found.title == "The Lamp"
    assert found.text.split("\n") == [
        "Лампа", "One bold not灯 Ж\U0001f918link", "two\xa0x[1]", "third", "a\tb", "end", "", "[1]  Whale oil.",
    ]  # fmt: skip
    assert [w.text for w in found.blocks[1].words if w.bold] == ["bold"]
    assert [w.link for w in found.blocks[1].words if w.text == "link"] == ["https://a.example/"]
    assert [found.blocks[0].kind, found.blocks[3].kind] == ["heading", "ordered"]
    assert counts(found) == {"footnotes": 1, "tables": 1, "pictures": 1, "hidden": 1, "deletions": 1}


FDX = """<?xml version="1.0"?><FinalDraft DocumentType="Script" Version="5"><Content>
<Paragraph Type="Scene Heading" Number="7"><Text>int. pier - night</Text></Paragraph>
<Paragraph Type="Action"><Text>Rain. </Text><Text Style="Bold+Underline">Wind.</Text></Paragraph>
<Paragraph Type="Action"><Text>INT. is a word here.</Text></Paragraph>
<Paragraph Type="Character"><Text>Mira</Text></Paragraph>
<Paragraph Type="Parenthetical"><Text>(low)</Text></Paragraph>
<Paragraph Type="Dialogue"><Text>Go.</Text></Paragraph>
<Paragraph><DualDialogue><Paragraph Type="Character"><Text>A</Text></Paragraph>
<Paragraph Type="Dialogue"><Text>One</Text>
</Paragraph><Paragraph Type="Character"><Text>B</Text></Paragraph>
<Paragraph Type="Dialogue"><Text>Two</Text></Paragraph>
</DualDialogue></Paragraph><Paragraph Type="Transition"><Text>Smash cut.</Text></Paragraph></Content>
<TitlePage><Content><Paragraph Alignment="Center" Type="General"><Text>THE PIER</Text></Paragraph>
<Paragraph Alignment="Center" Type="General"><Text>written by</Text></Paragraph>
<Paragraph Alignment="Center" Type="General"><Text>Ada</Text></Paragraph></Content></TitlePage></FinalDraft>"""


def test_a_script_of_final_draft_becomes_fountain_as_it_is_typed() -> None:
    found = fdx.read(FDX.encode())
    assert found.title == "THE PIER"
    assert found.text == (
        "Title: THE PIER\nCredit: written by\nAuthor: Ada\n\nINT. PIER - NIGHT #7#\n\nRain. Wind.\n\n"
        "!INT. is a word here.\n\n@Mira\n(low)\nGo.\n\nA\nOne\n\nB ^\nTwo\n\n> Smash cut."
    )
    assert [w.text for b in found.blocks for w in b.words if w.bold and w.underline] == ["Wind."]
    assert fdx.read(fdx.write(found)) == found
    noted = (
        '<Paragraph Type="Action"><ScriptNote Name="n"><Paragraph><Text>too </Text><Text>loud</Text></Paragraph>'
        "</ScriptNote><Text>Rain.</Text></Paragraph>"
    )
    assert (
        fdx.read(f"<FinalDraft><Content>{noted}</Content></FinalDraft>".encode()).text == "Rain. [[too loud]]"
    )


def test_the_letters_of_a_formula_in_a_page_are_kept() -> None:
    page = "<p>So <math><mi>x</mi><mo>=</mo><mn>1</mn><annotation>x=1</annotation></math>.</p>"
    found = html.read(page)
    assert (found.text, counts(found)) == ("So x=1.", {"formulas": 1})


@pytest.mark.parametrize(
    "hostile",
    [
        '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]><FinalDraft>&c;</FinalDraft>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><FinalDraft/>',
        "<FinalDraft><Content>",
        "<Other/>",
        "",
    ],
)
def test_hostile_xml_is_refused(hostile: str) -> None:
    if hostile != '<!DOCTYPE a SYSTEM "file:///etc/passwd"><FinalDraft/>':
        with pytest.raises(PeerError):
            fdx.read(hostile.encode())
    else:  # never fetched
        assert fdx.read(hostile.encode()).text == ""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("content.xml", hostile)
    with pytest.raises(PeerError):
        odt.read(stream.getvalue())


@pytest.mark.parametrize("format", ["rtf", "odt", "docx", "fdx", "epub"])
def test_a_refusal_has_no_words_of_python(format: str) -> None:
    for data in (b"", b"PK\x03\x04", b"\x00" * 50, b"{\\rtf", "<а>".encode()):
        answer = convert(Read(format, data))
        if isinstance(answer, Refused):
            assert "Error" not in answer.message
            assert "object" not in answer.message


def test_groups_without_end_are_no_harm() -> None:
    assert rtf.read(b"{\\rtf1 a" + b"{" * 100_000 + b"b" + b"}" * 50).text == "ab"


def test_ruby_readings_stand_in_brackets() -> None:
    found = html.read(
        "<ruby>灯台<rp>(</rp><rt>とうだい</rt><rp>)</rp></ruby>の<ruby>光<rt>ひかり</rt></ruby>"
    )
    assert found.text == "灯台(とうだい)の光(ひかり)"
    assert counts(found) == {"readings": 2}


def test_a_book_has_a_file_for_each_chapter_at_the_level_that_has_them() -> None:
    chapters = [
        block
        for number in range(1, 62)
        for block in (Block((Words(f"Chapter {number}"),), "heading", 2), Block((Words("Words."),)))
    ]
    book = Manuscript((Block((Words("My Book"),), "heading", 1), *chapters), "My Book")
    with zipfile.ZipFile(io.BytesIO(epub.write(book))) as archive:
        assert sum(name.startswith("chapter") for name in archive.namelist()) == 61
    assert epub.read(epub.write(book)).blocks == book.blocks
