"""Every decision says when it was made and whether it still holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DECISIONS = Path(__file__).parents[2] / "docs" / "decisions"
PAGES = sorted(DECISIONS.glob("[a-z]*.md"))
STATUS = re.compile(
    r"\*(?:Accepted|Open), 20\d\d-\d\d-\d\d[.;]"
    r"|\*Superseded on 20\d\d-\d\d-\d\d by "
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_section_begins_with_its_status_and_date(page: Path) -> None:
    sections = re.split(r"^## ", page.read_text(), flags=re.MULTILINE)[1:]
    assert sections
    for section in sections:
        title, _, body = section.partition("\n")
        assert STATUS.match(body.lstrip()), f"{page.name}: {title!r} has no line like *Accepted, 2026-11-30.*"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_supersedes_a_decision_is_named_with_a_link(page: Path) -> None:
    for line in re.findall(r"^\*Superseded[^*]*", page.read_text(), flags=re.MULTILINE):
        assert re.search(r"\]\([^)]+\)", line), f"{page.name}: {line}"


def test_the_table_of_contents_has_every_page() -> None:
    listed = set(re.findall(r"\]\(([a-z-]+\.md)\)", (DECISIONS / "README.md").read_text()))
    assert listed == {page.name for page in PAGES}
