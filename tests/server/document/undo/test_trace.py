"""How a text is cut into the pieces that undo works with."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_server.document.authorship import Owner, Span
from antiphon_server.document.deletions import OwnedPiece
from antiphon_server.document.undo.stretches import Pieces, owned_pieces

TEXTS = st.lists(
    st.tuples(
        st.text(st.sampled_from("abё語😀"), min_size=1, max_size=6), st.sampled_from([None, {"bold": True}])
    ),
    max_size=6,
)


def by_character(pieces: list[OwnedPiece]) -> list[tuple[str, dict[str, Any], str]]:
    return [(character, one.attributes, one.owner.author) for one in pieces for character in one.text]


@settings(max_examples=150, derandomize=True, deadline=None)
@given(TEXTS, st.lists(st.integers(1, 4), min_size=1), st.lists(st.integers(1, 5), min_size=1))
def test_a_text_is_cut_by_owner_and_taken_in_parts_of_any_length(
    text: list[tuple[str, dict[str, Any] | None]], owned: list[int], taken: list[int]
) -> None:
    characters = [(character, attributes or {}) for part, attributes in text for character in part]
    spans, owners = [], []
    while len(owners) < len(characters):
        number = len(spans)
        ours = characters[len(owners) : len(owners) + owned[number % len(owned)]]
        spans.append(Span(sum(len(one.encode()) for one, _ in ours), Owner(f"p{number}")))
        owners += [f"p{number}"] * len(ours)
    expected = [(one, attributes, owner) for (one, attributes), owner in zip(characters, owners, strict=True)]
    pieces = list(owned_pieces(text, spans))
    assert by_character(pieces) == expected
    held, at, number = Pieces(pieces), 0, 0
    while at < len(expected):
        part = expected[at : at + taken[number % len(taken)]]
        assert by_character(list(held.take(sum(len(one.encode()) for one, _, _ in part)))) == part
        at, number = at + len(part), number + 1
    assert held.take(1) == ()


def test_a_long_piece_is_encoded_once_however_many_parts_are_taken() -> None:
    encoded = []

    class Long(str):
        def encode(self, *_: Any, **__: Any) -> bytes:
            encoded.append(len(self))
            return super().encode()

    owner = Owner("p")
    assert len(list(owned_pieces([(Long("a" * 1000), None)], [Span(1, owner)] * 1000))) == 1000
    held = Pieces([OwnedPiece(Long("a" * 1000), {}, owner)])
    assert [held.take(1)[0].text for _ in range(1000)] == ["a"] * 1000
    assert encoded == [1000, 1000]
