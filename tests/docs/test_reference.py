"""The pages that are made when the site is built say all that the program says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from typer.main import get_command

from antiphon_server.cli.bench import Bench
from antiphon_server.cli.main import app
from antiphon_server.http.openapi import OPERATIONS, document

ROOT = Path(__file__).parents[2]
EXTENSIONS = ROOT / "docs" / "_extensions"


def test_the_http_page_has_every_operation_with_its_query_and_body() -> None:
    page = runpy.run_path(str(EXTENSIONS / "http_page.py"))["http_page"](document())
    sections = dict(re.findall(r"^### `(.+)`$\n([^#]*)", page, re.MULTILINE))
    assert sections.keys() == {f"{one.method} {one.path}" for one in OPERATIONS}
    for one in OPERATIONS:
        section = sections[f"{one.method} {one.path}"]
        assert one.summary in section
        assert all(f"query `{name}`" in section for name in one.query)
        assert ("- body" in section) == (one.body is not None)
        assert all(f"answers {status}" in section for status in one.answers)


def test_pages_of_the_repository_link_to_pages_of_the_site() -> None:
    page = runpy.run_path(str(EXTENSIONS / "repository_pages.py"))["repository_page"]
    text = page(ROOT, "contributing")
    assert "](architecture.md)" in text
    assert "](../glossary.md)" in text
    assert "](docs/" not in text


def test_the_readme_lists_every_command() -> None:
    line = re.search(r"lists the commands:([^.]*)\.", (ROOT / "README.md").read_text())
    assert line is not None
    assert set(re.findall(r"`(\w+)`", line[1])) == set(get_command(app).commands)  # type: ignore[attr-defined]


def test_every_bench_is_described() -> None:
    page = (ROOT / "docs" / "operating" / "measuring.md").read_text()
    described = re.findall(r"^\| `antiphon bench (\w+)`", page, re.MULTILINE)
    assert sorted(described) == sorted(Bench)
