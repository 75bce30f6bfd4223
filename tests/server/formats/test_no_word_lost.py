"""Property: whatever a file of another program wraps its words in, each of them is in the text once, or is counted."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_proto.errors import PeerError
from antiphon_server.formats import docx, epub, html, markdown, odt, rtf
from antiphon_server.formats.manuscript import Manuscript
from server.formats.test_docx import paragraph, run, word_file
from server.formats.test_other_files import counts, open_document

# The wrappings of each format: "%" is the wrapped text. A lost wrapping names the notice that must say so.
Wrappings = Mapping[str, str]

DOCX_INLINE: Wrappings = {
    "ins": '<w:ins w:id="1" w:author="a">%</w:ins>',
    "moved": "<w:moveTo>%</w:moveTo>",
    "content control": "<w:sdt><w:sdtPr/><w:sdtContent>%</w:sdtContent></w:sdt>",
    "smart tag": "<w:smartTag><w:smartTagPr/>%</w:smartTag>",
    "custom": "<w:customXml>%</w:customXml>",
    "unknown": "<w:of2040>%</w:of2040>",
    "direction": '<w:bdo w:val="rtl">%</w:bdo>',
    "anchor": '<w:hyperlink w:anchor="x">%</w:hyperlink>',
    "field": '<w:fldSimple w:instr="AUTHOR">%</w:fldSimple>',
    "complex field": (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>REF x</w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r>%<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    ),
    "choice": "<mc:AlternateContent><mc:Choice>%</mc:Choice><mc:Fallback>%</mc:Fallback></mc:AlternateContent>",
    "ruby": "<w:r><w:ruby><w:rubyBase>%</w:rubyBase></w:ruby></w:r>",
}
DOCX_BLOCKS: Wrappings = {
    "table": "<w:tbl><w:tr><w:tc>%</w:tc><w:tc><w:p/></w:tc></w:tr></w:tbl>",
    "narrow table": "<w:tbl><w:tr><w:tc>%</w:tc></w:tr></w:tbl>",
    "row control": (
        "<w:tbl><w:sdt><w:sdtContent><w:tr><w:tc><w:p/></w:tc><w:sdt><w:sdtContent><w:tc>%</w:tc></w:sdtContent>"
        "</w:sdt></w:tr></w:sdtContent></w:sdt></w:tbl>"
    ),
    "control": "<w:sdt><w:sdtContent>%</w:sdtContent></w:sdt>",
    "box": "<w:p><w:r><w:drawing><wps:txbx><w:txbxContent>%</w:txbxContent></wps:txbx></w:drawing></w:r></w:p>",
    "old box": "<w:p><w:r><w:pict><v:textbox><w:txbxContent>%</w:txbxContent></v:textbox></w:pict></w:r></w:p>",
    "moved": "<w:moveTo>%</w:moveTo>",
    "deleted end": "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>x</w:t></w:r></w:p>%",
}
DOCX_LOST: Mapping[str, tuple[str, str]] = {
    "deletions": ("<w:del>%</w:del>", "deletions"),
    "moved away": ("<w:moveFrom>%</w:moveFrom>", "deletions"),
}
ODT_INLINE: Wrappings = {
    "span": '<text:span text:style-name="T">%</text:span>',
    "link": '<text:a xlink:href="https://a.example/">%</text:a>',
    "meta": "<text:meta>%</text:meta>",
    "field": "<text:author-name>%</text:author-name>",
    "reference": '<text:reference-mark-start text:name="a"/>%<text:reference-mark-end text:name="a"/>',
    "change": '<text:change-start text:change-id="c"/>%<text:change-end text:change-id="c"/>',
    "ruby": "<text:ruby><text:ruby-base>%</text:ruby-base></text:ruby>",
    "unknown": "<text:of2040>%</text:of2040>",
}
ODT_BLOCKS: Wrappings = {
    "table": (
        "<table:table><table:table-header-rows><table:table-row><table:table-cell>%</table:table-cell>"
        "<table:table-cell/></table:table-row></table:table-header-rows></table:table>"
    ),
    "section": "<text:section>%</text:section>",
    "list": "<text:list><text:list-item>%</text:list-item></text:list>",
    "numbered": '<text:numbered-paragraph text:level="2">%</text:numbered-paragraph>',
    "index": "<text:table-of-content><text:index-body>%</text:index-body></text:table-of-content>",
    "box": "<text:p><draw:frame><draw:text-box>%</draw:text-box></draw:frame></text:p>",
    "ellipse": "<text:p><draw:g><draw:ellipse>%</draw:ellipse></draw:g></text:p>",
    "shape of a page": "<draw:custom-shape>%</draw:custom-shape>",
    "note": (
        "<text:p>x<text:note><text:note-citation>1</text:note-citation><text:note-body>%</text:note-body>"
        "</text:note></text:p>"
    ),
}
ODT_LOST: Mapping[str, tuple[str, str]] = {
    "comment": ("<office:annotation><text:p>%</text:p></office:annotation>", "comments"),
    "hidden": ('<text:span text:style-name="H">%</text:span>', "hidden"),
}
RTF_INLINE: Wrappings = {
    "group": "{\\b %}",
    "link": '{\\field{\\*\\fldinst HYPERLINK "https://a.example/"}{\\fldrslt %}}',
    "field": "{\\field{\\*\\fldinst REF x}{\\fldrslt {\\i %}}}",
    "inserted": "{\\revised %}",
    "unknown": "{\\of %}",
    "formula": "{\\mmath{\\*\\moMath{\\mr %}}}",
    "behind data": "{\\pict\\bin3 }}{}%",
    "behind a mark": "{\\*\\bkmkstart x}{\\*\\bkmkend x}%",
}
RTF_BLOCKS: Wrappings = {
    "table": "\\trowd\\cellx1\\cellx2\\pard\\intbl %\\cell x\\cell\\row\\pard ",
    "note": "x{\\footnote\\pard %}\\par ",
    "box": "{\\shp{\\*\\shpinst{\\sp{\\sn a}{\\sv b}}{\\shptxt\\pard %}}}\\par ",
    "style": "\\pard\\s1 %\\pard ",
    "list": "\\pard\\ls1\\ilvl0 {\\listtext 1.\\tab}%\\pard ",
}
RTF_LOST: Mapping[str, tuple[str, str]] = {
    "comment": ("{\\*\\annotation %}", "comments"),
    "hidden": ("{\\v %}", "hidden"),
    "deleted": ("{\\deleted %}", "deletions"),
}


def odt_paragraph(inside: str) -> str:
    return f"<text:p>{inside}</text:p>"


def odt_file(body: str) -> Manuscript:
    hidden = '<style:style style:name="H"><style:text-properties text:display="none"/></style:style>'
    return odt.read(open_document(body, hidden))


def rtf_file(body: str) -> Manuscript:
    styles = r"{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 heading 1;}{\*\cs2 Other;}}"
    return rtf.read(f"{{\\rtf1\\ansi{styles}\\pard {body}}}".encode())


FORMATS: Mapping[
    str,
    tuple[
        Callable[[str], Manuscript],
        Callable[[str], str],
        Callable[[str], str],
        Wrappings,
        Wrappings,
        Mapping[str, tuple[str, str]],
    ],
] = {
    "docx": (lambda body: docx.read(word_file(body)), run, paragraph, DOCX_INLINE, DOCX_BLOCKS, DOCX_LOST),
    "odt": (odt_file, lambda word: word, odt_paragraph, ODT_INLINE, ODT_BLOCKS, ODT_LOST),
    "rtf": (rtf_file, lambda word: f"{word} ", lambda line: f"{line}\\par ", RTF_INLINE, RTF_BLOCKS, RTF_LOST),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_each_word_is_in_the_text_once_or_counted(name: str, data: st.DataObject) -> None:
    read, run_of, line_of, inline, blocks, lost = FORMATS[name]
    words = (f"w{number}q" for number in count())
    kept: list[str] = []
    said: Counter[str] = Counter()

    def line() -> str:
        parts = []
        for _ in range(data.draw(st.integers(1, 3))):
            word = next(words)
            part = run_of(word)
            if data.draw(st.integers(0, 5)) == 0:
                wrapping, code = lost[data.draw(st.sampled_from(sorted(lost)))]
                said[code] += 1
                part = wrapping.replace("%", part)
            else:
                kept.append(word)
                for how in data.draw(st.lists(st.sampled_from(sorted(inline)), max_size=3)):
                    part = inline[how].replace("%", part)
            parts.append(part)
        return line_of("".join(parts))

    def flow(depth: int) -> str:
        made = []
        for _ in range(data.draw(st.integers(1, 2))):
            how = data.draw(st.sampled_from(["", "", *sorted(blocks)])) if depth else ""
            # Some parts of RTF's tables and notes cannot hold another.
            inside = line() if not how or name == "rtf" else flow(depth - 1)
            made.append(blocks[how].replace("%", inside) if how else inside)
        return "".join(made)

    found = read("".join(flow(3) for _ in range(data.draw(st.integers(1, 3)))))
    text = found.text
    missing = [word for word in kept if text.count(word) != 1]
    assert not missing, text
    notices = counts(found)
    assert all(notices.get(code, 0) > 0 for code in said)


def book(pages: Mapping[str, bytes], encryption: str = "") -> bytes:
    items = "".join(f'<item id="{name}" href="{name}" media-type="x"/>' for name in pages)
    spine = "".join(f'<itemref idref="{name}"/>' for name in pages)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(
            "META-INF/container.xml",
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="OPS/book.opf"/></rootfiles></container>',
        )
        archive.writestr(
            "OPS/book.opf",
            f'<package xmlns="http://www.idpf.org/2007/opf"><manifest>{items}</manifest><spine>{spine}</spine></package>',
        )
        if encryption:
            archive.writestr(
                "META-INF/encryption.xml",
                '<encryption xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:EncryptedData><e:CipherData>'
                f'<e:CipherReference URI="{encryption}"/></e:CipherData></e:EncryptedData></encryption>',
            )
        for path, page in pages.items():
            archive.writestr(f"OPS/{path}", page)
    return stream.getvalue()


def test_old_books_have_other_encodings() -> None:
    def page(encoding: str, text: str) -> bytes:
        return f'<?xml version="1.0" encoding="{encoding}"?><html><body><p>{text}</p></body></html>'.encode(
            encoding
        )

    found = epub.read(
        book({
            "a.xhtml": page("windows-1251", "Лампа"),
            "b.xhtml": page("utf-16", "горела"),
            "c.xhtml": page("ISO-8859-1", "été"),
            "d.xhtml": "<html><body><p>ночь</p></body></html>".encode(),
        })
    )  # fmt: skip
    assert found.text == "Лампа\nгорела\nété\nночь"


def test_what_is_locked_is_refused_in_words() -> None:
    page = b"<html><body><p>x</p></body></html>"
    with pytest.raises(PeerError, match="encrypted"):
        epub.read(book({"a.xhtml": page}, "OPS/a.xhtml"))
    assert epub.read(book({"a.xhtml": page}, "OPS/font.otf")).text == "x"
    compound = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)
    for module in (docx, odt):
        with pytest.raises(PeerError, match="password"):
            module.read(compound)


def test_letters_of_two_bytes_may_end_like_a_mark_of_rtf() -> None:
    data = rb"{\rtf1\ansi\deff0{\fonttbl{\f0\fcharset128 M;}}\'95\\\'8e\'a6 \'95\'5c\par}"
    assert rtf.read(data).text == "表示 表"


def test_definitions_of_styles_are_no_formats_of_what_follows() -> None:
    data = (
        rb"{\rtf1{\stylesheet{\s1\outlinelevel0 heading 1;}{\*\cs10 Default Font;}{\*\ts11 Normal Table;}}"
        rb"first\par\pard\s1 Head\par}"
    )
    assert [(block.kind, block.text) for block in rtf.read(data).blocks] == [
        ("paragraph", "first"),
        ("heading", "Head"),
    ]


def test_a_field_that_never_ends_takes_no_words() -> None:
    begun = '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>PAGE</w:instrText></w:r>'
    body = paragraph(begun + run("one")) + paragraph(run("two"))
    assert docx.read(word_file(body)).text == "one\ntwo"


def test_words_drawn_as_art_are_kept() -> None:
    art = '<w:r><w:pict><v:shape><v:textpath string="DRAFT 2"/></v:shape></w:pict></w:r>'
    found = docx.read(word_file(paragraph(run("a ") + art)))
    assert (found.text, counts(found)) == ("a DRAFT 2", {"text_boxes": 1})


def test_a_paragraph_whose_end_was_deleted_goes_on_in_the_next() -> None:
    gone = "<w:rPr><w:del/></w:rPr>"
    body = (
        paragraph(run("One, "), gone)
        + paragraph(run("two."))
        + paragraph("", gone)
        + paragraph(run("Three."))
    )
    assert docx.read(word_file(body)).text == "One, two.\nThree."


def test_lists_of_rtf_that_are_written_by_hand_are_lists() -> None:
    """As pandoc writes them: hanging lines that begin with their number or mark."""
    lines = (
        (0, 0, "Words first."),
        (-360, 360, r"1.\tab one"),
        (-360, 720, r"\bullet \tab deep"),
        (0, 720, "Within the item."),
        (-360, 360, r"4.\tab four"),
        (0, 0, r"5.\tab no item"),
    )
    body = "".join(rf"{{\pard \fi{first} \li{left} {text}\par}}" for first, left, text in lines)
    found = rtf.read(f"{{\\rtf1\\ansi {body}}}".encode())
    assert [(b.kind, b.indent, b.start, b.text) for b in found.blocks] == [
        ("paragraph", 0, 0, "Words first."),
        ("ordered", 0, 0, "one"),
        ("bullet", 1, 0, "deep"),
        ("paragraph", 0, 0, "Within the item."),
        ("ordered", 0, 4, "four"),
        ("paragraph", 0, 0, "5.\tno item"),
    ]


def test_lines_of_markdown_that_look_like_definitions_are_shown() -> None:
    text = (
        "One[^b] and two[^a]. `[^a]`\n\n[^a]: First *note*.\n[^b]: Second,\ngoes on.\n\n    Its second part.\n\n"
        "[Anna]: Yes\n\n[far][home] [Anna](https://a.example/)\n\n[home]: https://b.example/\n[^c]: Nobody asks.\n\n"
        "```\n[x]: in code\n```\n"
    )
    found = markdown.read(text)
    assert found.text == (
        "One[1] and two[2]. [^a]\n[Anna]: Yes\nfar Anna\n[x]: in code\n\n[1] Second, goes on.\nIts second part.\n"
        "[2] First note.\n[3] Nobody asks."
    )
    assert counts(found) == {"footnotes": 3}
    assert [w.link for b in found.blocks for w in b.words if w.link] == [
        "https://b.example/",
        "https://a.example/",
    ]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "[a]: ",
                "[^a]",
                "[^a]: ",
                "[b]",
                "w ",
                "\n",
                "\n\n",
                "    ",
                "`",
                "```\n",
                "[",
                "]:",
                "> ",
                "- ",
                "\n1. ",
            ]
        )
    )
)
def test_no_line_of_markdown_loses_its_words(parts: list[str]) -> None:
    words = [f"q{number}z" for number in range(len(parts))]
    text = "".join(part + word for part, word in zip(parts, words, strict=True))
    found = markdown.read(text).text
    assert all(word in found for word in words), found


def test_words_of_a_page_that_stand_apart_do_not_run_together() -> None:
    names = (
        "details",
        "summary",
        "option",
        "textarea",
        "button",
        "legend",
        "center",
        "dl",
        "dialog",
        "menu",
        "xmp",
    )
    page = "".join(f"<{name}>{name}1</{name}>" for name in names)
    assert html.read(page).text.split("\n") == [f"{name}1" for name in names]


def test_words_of_a_page_that_nobody_sees_are_counted() -> None:
    unseen = "<noscript>Enable it</noscript><template><p>row</p></template><noscript><img src=x></noscript>"
    found = html.read(f"<p>Seen</p>{unseen}<audio src=x></audio><noscript>never ends")
    assert found.text == "Seen"
    assert counts(found) == {"hidden": 2, "objects": 1}
