"""The guides call the parts of the interface by the words that stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STRINGS = ROOT / "clients" / "web" / "src" / "strings"
GUIDES = sorted((ROOT / "docs" / "guide").glob("*.md"))
KEY = re.compile(r"(Ctrl|Tab|Alt|Shift|Esc|Enter|Backspace|F\d+|[A-Z]|[,.])([+ ].*)?")
LABEL = {"en": re.compile(r"(?<!\*)\*([A-Z×+][^*\n]*(?:\n[^*\n]+)?)\*(?!\*)"), "ru": re.compile(r"«([^»]+)»")}


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_what_a_guide_names_stands_in_the_interface(page: Path) -> None:
    language = "ru" if page.stem == "russian" else "en"
    interface = (STRINGS / f"{language}.ts").read_text()
    labels = [" ".join(label.split()) for label in LABEL[language].findall(page.read_text())]
    assert labels
    parts = [part for label in labels if not KEY.fullmatch(label) for part in label.split(" … ")]
    assert not [part for part in parts if part not in interface and part != "…"]
