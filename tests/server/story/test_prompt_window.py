from __future__ import annotations

from antiphon_server.story.prompt_window import AFTER, BEFORE, window


def test_a_short_text_is_shown_whole() -> None:
    data = "Привет мир".encode()
    view = window(data, 12, 13)
    assert (view.before, view.selection, view.after) == ("Привет", " ", "мир")


def test_a_long_text_begins_at_a_paragraph_and_keeps_its_beginning_while_it_grows() -> None:
    line = "слово слово слово слово\n".encode()
    beginnings = set()
    for lines in range(100, 400):
        data = line * lines
        view = window(data, len(data), len(data))
        assert len(view.before.encode()) <= BEFORE
        assert view.before.startswith("слово слово слово слово\n")
        beginnings.add(len(data) - len(view.before.encode()))
    assert len(beginnings) <= 1 + (300 * len(line)) // (BEFORE // 2) + 1


def test_windows_never_cut_a_character() -> None:
    data = ("😀" * 5000).encode()
    view = window(data, 16000, 16000)
    assert set(view.before) == set(view.after) == {"😀"}
    assert len(view.after.encode()) <= AFTER
