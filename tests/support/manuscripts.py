"""Random texts with every format that the room has."""

from __future__ import annotations

from hypothesis import strategies as st

from antiphon_server.formats.manuscript import (
    LISTS,
    Block,
    Kind,
    Manuscript,
    Words,
    first_strong,
    join,
    numbered,
)

LETTERS = st.sampled_from("abcXYZ яЖё 雪月 ö ñ é *_#>`[]()&<\\.!-+=~|1){}\"' 👩‍👩‍👧 🎻 שלום مرحبا")
LINES = st.text(LETTERS, min_size=1, max_size=24).map(lambda text: " ".join(text.split())).filter(bool)
LINKS = st.sampled_from(["", "", "", "https://a.example/x?y=1&z=2", "mailto:a@b.example"])
KINDS: tuple[Kind, ...] = ("paragraph", "heading", "quote", "bullet", "ordered")


@st.composite
def lines(draw: st.DrawFn) -> tuple[Words, ...]:
    """Styled words with a plain blank between them, as people style words."""
    parts: list[Words] = []
    for index, text in enumerate(draw(st.lists(LINES, min_size=1, max_size=3))):
        if index:
            parts.append(Words(" "))
        bold, italic, underline, strike = (draw(st.booleans()) for _ in range(4))
        parts.append(Words(text, bold, italic, underline, strike, draw(LINKS)))
    return join(parts)


@st.composite
def manuscripts(draw: st.DrawFn, kinds: tuple[Kind, ...] = KINDS) -> Manuscript:
    """Lists go one level deeper at a time, and start where they like."""
    blocks: list[Block] = []
    wanted: list[int] = []
    for _ in range(draw(st.integers(0, 7))):
        kind = draw(st.sampled_from(kinds))
        before = blocks[-1] if blocks else Block()
        deepest = min(before.indent + 1, 8) if before.kind in LISTS else 0
        words = draw(lines())
        blocks.append(
            Block(
                words,
                kind,
                draw(st.integers(1, 6)) if kind == "heading" else 0,
                draw(st.integers(0, deepest)) if kind in LISTS else 0,
                rtl=draw(st.booleans()) and first_strong("".join(each.text for each in words)) != "rtl",
            )
        )
        wanted.append(draw(st.sampled_from([0, 0, 1, 3, 7])) if kind == "ordered" else 0)
    return Manuscript(numbered(blocks, wanted), draw(st.sampled_from(["", "The <Title> & Ночь"])))
