"""Final Draft's files (FDX, XML): read into Fountain as it is typed, and written from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from antiphon_proto.errors import PeerError
from antiphon_server.formats import fountain
from antiphon_server.formats.emphasis import escaped
from antiphon_server.formats.manuscript import Block, Manuscript, Notice, Words, join, trimmed
from antiphon_server.formats.notices import Tally
from antiphon_server.formats.script import Part, script

_TYPES: Final = {
    "scene": "Scene Heading",
    "action": "Action",
    "character": "Character",
    "parenthetical": "Parenthetical",
    "dialogue": "Dialogue",
    "lyric": "Singing",
    "transition": "Transition",
    "centered": "Action",
}
_KINDS: Final = {
    **{name: kind for kind, name in _TYPES.items() if kind != "centered"},
    "Shot": "action", "General": "action", "Cast List": "action", "Lyrics": "lyric", "New Act": "centered",
    "End of Act": "centered",
}  # fmt: skip
_SPEECH: Final = ("parenthetical", "dialogue", "lyric")
_FORCES: Final = {"scene": ".", "action": "!", "character": "@", "transition": "> ", "lyric": "~"}
_TITLE_KEYS: Final = {
    "title",
    "credit",
    "author",
    "authors",
    "source",
    "draft date",
    "contact",
    "copyright",
    "date",
    "notes",
    "revision",
}


def read(data: bytes) -> Manuscript:
    """Raises PeerError for other files; entities and document types are refused."""
    try:
        root: Element = fromstring(data)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise PeerError(f"the file is damaged: {error}") from None
    if root.tag != "FinalDraft":
        raise PeerError("this is no file of Final Draft")
    title = _title_page(root.find("TitlePage/Content"))
    lines = [*[Block(join([Words(line)])) for line in title]]
    body = root.find("Content")
    before = ""
    for paragraph, dual in _paragraphs(body if body is not None else ()):
        kind = _KINDS.get(paragraph.get("Type", ""), "action")
        words = _words(paragraph)
        words += [Words(f" [[{note}]]") for note in _notes(paragraph)]
        if not "".join(each.text for each in words).strip():
            continue
        if before and not (kind in _SPEECH and before in ("character", *_SPEECH)):
            lines.append(Block())
        lines.append(Block(join(_typed(words, kind, paragraph, dual=dual))))
        before = kind
    name = next((line.partition(":")[2].strip() for line in title if line.lower().startswith("title:")), "")
    return Manuscript(_forced(trimmed(lines), len(title)), name)


def write(manuscript: Manuscript) -> bytes:
    made = script(manuscript)
    root = Element("FinalDraft", DocumentType="Script", Template="No", Version="5")
    content = SubElement(root, "Content")
    page_break = False
    parts = list(made.parts)
    at = 0
    while at < len(parts):
        part = parts[at]
        if part.kind == "page_break":
            page_break, at = True, at + 1
            continue
        end = _speech_end(parts, at)
        if (
            part.kind == "character"
            and end < len(parts)
            and parts[end].kind == "character"
            and parts[end].dual
        ):
            both = SubElement(SubElement(content, "Paragraph"), "DualDialogue")
            end = _speech_end(parts, end)
            for each in parts[at:end]:
                _paragraph(both, each)
        else:
            for each in parts[at:end]:
                element = _paragraph(content, each)
                if page_break:
                    element.set("StartsNewPage", "Yes")
                    page_break = False
        at = end
    if made.title:
        page = SubElement(SubElement(root, "TitlePage"), "Content")
        for key, values in made.title.items():
            for value in values:
                line = _paragraph(
                    page,
                    Part(
                        "action", (Words(f"{key.capitalize()}: {value}" if key not in _CENTRED else value),)
                    ),
                )
                line.set("Alignment", "Center" if key in _CENTRED else "Left")
                line.set("Type", "General")
    made_bytes: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return made_bytes


def unprinted(manuscript: Manuscript) -> tuple[Notice, ...]:
    """Lines of which Final Draft's script has nothing: sections, synopses, notes and boneyards."""
    lines = [fountain.line_of(block) for block in manuscript.blocks]
    tally = Tally()
    for what in fountain.parsed(lines):
        if what.kind in ("section", "synopsis", "note") or (what.hidden and what.kind != "title_page"):
            tally.add("unprinted")
    return tally.notices()


_CENTRED: Final = ("title", "credit", "author", "authors", "source")


def _speech_end(parts: Sequence[Part], at: int) -> int:
    """The index behind a speech, or behind the one part."""
    end = at + 1
    if parts[at].kind == "character":
        while end < len(parts) and parts[end].kind in _SPEECH and not parts[end].apart:
            end += 1
    return end


def _paragraph(parent: Element, part: Part) -> Element:
    element = SubElement(parent, "Paragraph", Type=_TYPES[part.kind])
    if part.kind == "centered":
        element.set("Alignment", "Center")
    if part.number:
        element.set("Number", part.number)
    for words in part.words:
        style = "+".join(
            name
            for name, wanted in (
                ("Bold", words.bold),
                ("Italic", words.italic),
                ("Underline", words.underline),
                ("Strikeout", words.strike),
            )
            if wanted
        )
        text = SubElement(element, "Text", {"Style": style} if style else {})
        text.text = words.text
    return element


def _paragraphs(content: Iterable[Element]) -> Iterable[tuple[Element, bool]]:
    """Each paragraph, and whether it is the second character of a dual dialogue."""
    for paragraph in content:
        both = paragraph.find("DualDialogue")
        if both is None:
            if paragraph.tag == "Paragraph":
                yield paragraph, False
            continue
        speakers = 0
        for inner in both.findall("Paragraph"):
            speakers += inner.get("Type") == "Character"
            yield inner, inner.get("Type") == "Character" and speakers > 1


def _notes(paragraph: Element) -> list[str]:
    """The texts of a paragraph's notes, as notes of Fountain."""
    notes = (" ".join(text.text or "" for text in note.iter("Text")) for note in paragraph.iter("ScriptNote"))
    return [" ".join(note.replace("[[", "").replace("]]", "").split()) for note in notes if note.strip()]


def _words(paragraph: Element) -> list[Words]:
    words: list[Words] = []
    for text in paragraph.findall("Text"):
        style = text.get("Style", "").split("+")
        plain = escaped((text.text or "").replace("\n", " "))
        words.append(
            Words(plain, "Bold" in style, "Italic" in style, "Underline" in style, "Strikeout" in style)
        )
    return words


def _typed(words: list[Words], kind: str, paragraph: Element, *, dual: bool) -> list[Words]:
    """The line as Fountain has it; a line that would be read as another kind gets its mark in `_forced`."""
    text = "".join(each.text for each in words).strip()
    if kind == "lyric":
        return [Words("~"), *words]
    if kind == "centered" or paragraph.get("Alignment") == "Center" and kind == "action":
        return [Words("> "), *words, Words(" <")]
    if kind == "parenthetical" and not text.startswith("("):
        return [Words("("), *words, Words(")")]
    if kind == "scene":
        number = paragraph.get("Number", "").strip()
        words = [Words(text.upper())] if not any(each.style != Words("").style for each in words) else words
        forced = [] if fountain.elements([text]) == ["scene"] else [Words(".")]
        return [*forced, *words, *([Words(f" #{number}#")] if number else [])]
    if kind == "character":
        forced = [] if fountain.elements([text, "x"])[0] == "character" else [Words("@")]
        return [*forced, *words, *([Words(" ^")] if dual else [])]
    if kind == "transition" and fountain.elements([text]) != ["transition"]:
        return [Words("> "), *words]
    if kind == "action" and fountain.elements([text]) != ["action"]:
        return [Words("!"), *words]
    return words


def _forced(blocks: tuple[Block, ...], title: int) -> tuple[Block, ...]:
    """A blank line between the title page and the script."""
    return (*blocks[:title], Block(), *blocks[title:]) if title and len(blocks) > title else blocks


def _title_page(content: Element | None) -> list[str]:
    """The title page's lines as entries. The first is the title; author and source are found by their words."""
    found: list[str] = []
    keys: set[str] = set()
    for paragraph in content if content is not None else ():
        text = "".join(each.text or "" for each in paragraph.iter("Text")).strip()
        if not text:
            continue
        said = text.partition(":")[0].lower() if ":" in text else ""
        lowered = text.lower()
        if said in _TITLE_KEYS:
            found.append(text)
            continue
        if not found:
            key = "Title"
        elif lowered.startswith("based on"):
            key = "Source"
        elif "Author" not in keys and (lowered == "by" or lowered.endswith(" by")):
            key = "Credit"
        elif "Author" not in keys and paragraph.get("Alignment") == "Center":
            key = "Author"
        else:
            key = "Contact"
        found.append(f"    {text}" if key in keys else f"{key}: {text}")
        keys.add(key)
    return found
