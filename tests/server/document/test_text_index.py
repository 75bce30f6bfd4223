from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_server.document.text_index import EMBED, Splice, is_boundary, scrub, size, snap, splices


def test_snap_moves_back_to_the_beginning_of_a_character() -> None:
    data = "aя😀".encode()
    assert [snap(data, at) for at in range(-1, 9)] == [0, 0, 1, 1, 3, 3, 3, 3, 7, 7]


@given(st.text(), st.integers(-5, 400))
@settings(deadline=None, derandomize=True)
def test_snap_always_gives_a_boundary(text: str, at: int) -> None:
    data = scrub(text).encode()
    assert is_boundary(data, snap(data, at))


def test_scrub_leaves_only_what_utf8_can_hold() -> None:
    assert scrub("a\ud800b\0c😀") == "a?bc😀"


def test_size_counts_bytes() -> None:
    assert size("abc") == 3
    assert size("aя😀") == 7


def test_splices_count_in_the_text_as_it_becomes() -> None:
    delta = [
        {"retain": 2},
        {"insert": "яю", "attributes": {"bold": True}},
        {"delete": 3},
        {"retain": 1},
        {"insert": {"image": "x"}},
    ]
    assert splices(delta) == (
        Splice(2, inserted=4, text="яю", attributes={"bold": True}),
        Splice(6, deleted=3),
        Splice(7, inserted=1, text=EMBED),
    )


def test_splices_tell_what_was_removed() -> None:
    before = [("ab", None), ("яю", {"ai": "r"}), ({"image": "x"}, None), ("c", None)]
    found = splices([{"retain": 1}, {"delete": 3}, {"insert": "zz"}, {"delete": 3}], before)
    assert found[0].removed == (("b", {}), ("я", {"ai": "r"}))
    assert found[2].removed == (("ю", {"ai": "r"}), ({"image": "x"}, {}))
