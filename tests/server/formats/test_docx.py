"""Word files as other programs write them: no word is lost, and every change of form is told."""

from __future__ import annotations

import io
import zipfile

import pytest

from antiphon_proto.errors import PeerError
from antiphon_server.formats import docx
from antiphon_server.formats.manuscript import Manuscript, numbers

TRANSITIONAL = (
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
)
STRICT = (
    "http://purl.oclc.org/ooxml/wordprocessingml/main",
    "http://purl.oclc.org/ooxml/officeDocument/relationships",
)


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(inside: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{inside}</w:p>"


def word_file(
    body: str, parts: dict[str, str] | None = None, links: str = "", spaces: tuple[str, str] = TRANSITIONAL
) -> bytes:
    """`parts`: the content of word/{kind}.xml, by the kind of its relationship."""
    main, relationships = spaces
    others = " ".join(f'xmlns:{name}="{name}"' for name in ("a", "m", "v", "mc", "wps"))
    root = f'xmlns:w="{main}" xmlns:r="{relationships}" {others}'
    related = "".join(
        f'<Relationship Id="{kind}" Type="{relationships}/{kind}" Target="{kind}.xml"/>'
        for kind in parts or {}
    )
    opc = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
    files = {
        "_rels/.rels": (
            f'<Relationships {opc}><Relationship Id="r" Type="{relationships}/officeDocument"'
            ' Target="word/document.xml"/></Relationships>'
        ),
        "word/document.xml": f"<w:document {root}><w:body>{body}</w:body></w:document>",
        "word/_rels/document.xml.rels": f"<Relationships {opc}>{related}{links}</Relationships>",
        **{f"word/{kind}.xml": f"<w:part {root}>{inside}</w:part>" for kind, inside in (parts or {}).items()},
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return stream.getvalue()


def counts(manuscript: Manuscript) -> dict[str, int]:
    return {notice.code: notice.count for notice in manuscript.notices}


WRAPPED = {
    "a hyperlink": '<w:hyperlink r:id="l">{}</w:hyperlink>',
    "a link to a place in the file": '<w:hyperlink w:anchor="x">{}</w:hyperlink>',
    "a tracked insertion": '<w:ins w:id="1" w:author="Ed">{}</w:ins>',
    "a tracked move": '<w:moveTo w:id="1">{}</w:moveTo>',
    "a content control": "<w:sdt><w:sdtPr/><w:sdtContent>{}</w:sdtContent></w:sdt>",
    "a smart tag": '<w:smartTag w:element="place">{}</w:smartTag>',
    "custom XML": '<w:customXml w:element="x">{}</w:customXml>',
    "a simple field": '<w:fldSimple w:instr=" AUTHOR ">{}</w:fldSimple>',
    "a direction": '<w:dir w:val="rtl">{}</w:dir>',
    "what no standard knows": "<w:unheard>{}</w:unheard>",
    "two of them": "<w:smartTag><w:ins><w:sdt><w:sdtContent>{}</w:sdtContent></w:sdt></w:ins></w:smartTag>",
    "a choice": (
        "<mc:AlternateContent><mc:Choice>{}</mc:Choice>"
        "<mc:Fallback><w:r><w:t>no</w:t></w:r></mc:Fallback></mc:AlternateContent>"
    ),
    "a field of many parts": (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>PAGEREF x</w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r>{}<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    ),
}  # fmt: skip
LINK = '<Relationship Id="l" Type="x/hyperlink" Target="https://a.example/" TargetMode="External"/>'


@pytest.mark.parametrize("spaces", [TRANSITIONAL, STRICT], ids=["transitional", "strict"])
@pytest.mark.parametrize("wrapped", WRAPPED.values(), ids=WRAPPED)
def test_words_are_read_in_whatever_they_are_wrapped(wrapped: str, spaces: tuple[str, str]) -> None:
    body = paragraph(run("Ask at ") + wrapped.format(run("the office", "<w:b/>")) + run(" before noon."))
    found = docx.read(word_file(body, links=LINK, spaces=spaces))
    assert found.text == "Ask at the office before noon."
    assert [words.text for words in found.blocks[0].words if words.bold] == ["the office"]
    block = docx.read(
        word_file(f"<w:sdt><w:sdtContent>{body}</w:sdtContent></w:sdt>", links=LINK, spaces=spaces)
    )
    assert block.text == found.text


def test_links_keep_their_addresses() -> None:
    field = (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
        '<w:r><w:instrText> HYPERLINK "https://b.example/" </w:instrText></w:r>'
        f'<w:r><w:fldChar w:fldCharType="separate"/></w:r>{run("b")}<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )
    found = docx.read(
        word_file(paragraph(f'<w:hyperlink r:id="l">{run("a")}</w:hyperlink>{field}'), links=LINK)
    )
    assert [(w.text, w.link) for w in found.blocks[0].words] == [
        ("a", "https://a.example/"),
        ("b", "https://b.example/"),
    ]


def test_what_was_deleted_is_out_and_what_was_inserted_is_in() -> None:
    gone = "<w:del><w:r><w:delText>always</w:delText></w:r></w:del><w:moveFrom><w:r><w:t>x</w:t></w:r></w:moveFrom>"
    found = docx.read(
        word_file(paragraph(run("She was ") + f"<w:ins>{run('never ')}</w:ins>{gone}" + run("alone.")))
    )
    assert found.text == "She was never alone."
    assert counts(found) == {"insertions": 1, "deletions": 2}


def test_notes_stand_at_the_end_with_their_numbers() -> None:
    body = paragraph(run("Lamp.") + '<w:r><w:footnoteReference w:id="2"/></w:r>') + paragraph(
        run("Fog.") + '<w:r><w:endnoteReference w:id="5"/></w:r>'
    )
    first = paragraph("<w:r><w:footnoteRef/></w:r>" + run("Whale oil.")) + paragraph(run("More."))
    notes = {
        "footnotes": f'<w:footnote w:id="2">{first}</w:footnote>',
        "endnotes": f'<w:endnote w:id="5">{paragraph(run("In June."))}</w:endnote>',
    }
    found = docx.read(word_file(body, notes))
    assert found.text == "Lamp.[1]\nFog.[2]\n\n[1] Whale oil.\nMore.\n[2] In June."
    assert counts(found) == {"footnotes": 2}


def test_boxes_tables_pictures_formulas_and_hidden_words_are_said() -> None:
    def box(text: str) -> str:
        return f"<w:txbxContent>{paragraph(run(text))}</w:txbxContent>"

    shape = f"<w:r><w:drawing><wps:txbx>{box('boxed')}</wps:txbx></w:drawing></w:r>"
    alternate = (
        f"<w:r><mc:AlternateContent><mc:Choice><w:drawing>{box('once')}</w:drawing></mc:Choice>"
        f"<mc:Fallback><w:pict><v:x>{box('once')}</v:x></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )
    picture = "<w:r><w:drawing><a:blip/></w:drawing></w:r>"
    formula = "<m:oMath><m:r><m:t>x=1</m:t></m:r></m:oMath>"
    first, second = paragraph(run("a")) + paragraph(run("b")), paragraph(run("c"))
    table = f"<w:tbl><w:tr><w:tc>{first}</w:tc><w:tc>{second}</w:tc></w:tr></w:tbl>"
    body = (
        paragraph(run("One") + shape + alternate + picture + formula + run("secret", "<w:vanish/>")) + table
    )
    found = docx.read(word_file(body))
    assert found.text == "Onex=1\nboxed\nonce\na b\tc"
    assert counts(found) == {"tables": 1, "pictures": 1, "formulas": 1, "text_boxes": 2, "hidden": 1}
    # A formula, or words, beside the paragraphs; a table in a cell.
    inner = f"<w:tbl><w:tr><w:tc>{first}</w:tc><w:tc>{second}</w:tc></w:tr></w:tbl>"
    nested = f"<w:tbl><w:tr><w:tc>{inner}{first}</w:tc><w:tc>{second}</w:tc></w:tr></w:tbl>"
    found = docx.read(word_file(f"<m:oMathPara>{formula}</m:oMathPara>{run('loose')}{nested}"))
    assert found.text == "x=1\nloose\na b c a b\tc"
    assert counts(found) == {"tables": 2, "formulas": 1}


def test_diagrams_and_charts_keep_their_words() -> None:
    def point(key: str, text: str, kind: str = "node") -> str:
        words = f"<d:t><a:bodyPr/><a:p><a:r><a:rPr/><a:t>{text}</a:t></a:r></a:p></d:t>" if text else "<d:t/>"
        return f'<d:pt modelId="{key}" type="{kind}">{words}</d:pt>'

    def link(start: str, end: str, order: int) -> str:
        return f'<d:cxn srcId="{start}" destId="{end}" srcOrd="{order}"/>'

    points = [point("0", "", "doc"), *(point(key, key) for key in ("second", "first", "below", "alone"))]
    links = [link("0", "second", 1), link("0", "first", 0), link("first", "below", 0)]
    diagram = (
        f'<d:ptLst xmlns:d="d">{"".join(points)}</d:ptLst><d:cxnLst xmlns:d="d">{"".join(links)}</d:cxnLst>'
    )

    def cells(name: str, *texts: str) -> str:
        inside = "".join(f'<pt idx="{at}"><v>{text}</v></pt>' for at, text in enumerate(texts))
        return f"<{name}><cache>{inside}</cache></{name}>"

    series = f"<ser><tx><v>Rain</v></tx>{cells('cat', 'May', 'June')}{cells('val', '3', '5')}</ser>"
    chart = f"<title><a:p><a:r><a:t>The weather</a:t></a:r></a:p></title>{series}"
    body = paragraph(
        run("Look:")
        + '<w:r><w:drawing><d:relIds xmlns:d="d" r:dm="diagramData"/></w:drawing></w:r>'
        + '<w:r><w:drawing><c:chart xmlns:c="c" r:id="chart"/></w:drawing></w:r>'
        + '<w:r><w:drawing><c:chart xmlns:c="c" r:id="missing"/></w:drawing></w:r>'
    )
    found = docx.read(word_file(body, {"diagramData": diagram, "chart": chart}))
    assert found.text == "Look:\nfirst\nbelow\nsecond\nalone\nThe weather\n\tRain\nMay\t3\nJune\t5"
    assert counts(found) == {"graphics": 2, "objects": 1}


def test_ruby_readings_stand_in_brackets() -> None:
    ruby = f"<w:r><w:ruby><w:rubyPr/><w:rt>{run('ひかり')}</w:rt><w:rubyBase>{run('光')}</w:rubyBase></w:ruby></w:r>"
    found = docx.read(word_file(paragraph(ruby + run("の"))))
    assert found.text == "光(ひかり)の"


def test_lists_keep_their_levels_and_numbers_without_styles() -> None:
    levels = "".join(
        f'<w:lvl w:ilvl="{level}"><w:start w:val="1"/><w:numFmt w:val="{form}"/></w:lvl>'
        for level, form in enumerate(("decimal", "bullet", "lowerLetter"))
    )
    numbering = (
        f'<w:abstractNum w:abstractNumId="0">{levels}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
        '<w:num w:numId="2"><w:abstractNumId w:val="0"/>'
        '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="4"/></w:lvlOverride></w:num>'
    )

    def item(text: str, num: int, level: int) -> str:
        return paragraph(run(text), f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{num}"/></w:numPr>')

    body = item("a", 1, 0) + item("b", 1, 1) + item("c", 1, 0) + paragraph(run("between")) + item("d", 1, 0)
    body += item("e", 2, 0) + item("f", 2, 2) + item("g", 0, 0) + item("h", 77, 1)
    found = docx.read(word_file(body, {"numbering": numbering}))
    assert [(b.text, b.kind, b.indent) for b in found.blocks] == [
        ("a", "ordered", 0), ("b", "bullet", 1), ("c", "ordered", 0), ("between", "paragraph", 0), ("d", "ordered", 0),
        ("e", "ordered", 0), ("f", "ordered", 2), ("g", "paragraph", 0), ("h", "bullet", 1),
    ]  # fmt: skip
    assert numbers(found.blocks) == [1, 0, 2, 0, 3, 4, 1, 0, 0]


def test_kinds_come_from_styles_of_any_name_and_their_parents() -> None:
    styles = (
        '<w:style w:type="paragraph" w:styleId="h"><w:name w:val="heading 2"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="mine"><w:name w:val="Kapitel"/><w:basedOn w:val="h"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="loop"><w:name w:val="Loop"/><w:basedOn w:val="loop"/></w:style>'
        '<w:style w:type="character" w:styleId="s"><w:name w:val="Strong"/><w:rPr><w:b/></w:rPr></w:style>'
    )
    body = (
        paragraph(run("A"), '<w:pStyle w:val="mine"/>')
        + paragraph(run("B"), '<w:outlineLvl w:val="0"/>')
        + paragraph(run("C", '<w:rStyle w:val="s"/>') + run("D", "<w:dstrike/>"), '<w:pStyle w:val="loop"/>')
        + paragraph(run("abc"), "<w:bidi/>")
    )
    found = docx.read(word_file(body, {"styles": styles}))
    assert [(b.kind, b.level) for b in found.blocks[:3]] == [("heading", 2), ("heading", 1), ("paragraph", 0)]
    assert [(w.bold, w.strike) for w in found.blocks[2].words] == [(True, False), (False, True)]
    assert found.blocks[3].rtl


@pytest.mark.parametrize(
    "broken",
    [
        b"PK\x03\x04 no zip",
        word_file("</w:body>"),
        word_file("")[:-40],
        word_file('<!DOCTYPE a [<!ENTITY b "ha">]>'),
    ],
)
def test_damage_is_a_clear_error(broken: bytes) -> None:
    with pytest.raises(PeerError, match="damaged"):
        docx.read(broken)
