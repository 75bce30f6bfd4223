"""The documents name files that exist, the map stays a map, and links inside the repository lead somewhere."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAP = ROOT / "ARCHITECTURE.md"
DOCUMENTS = [
    path
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "proto" / "PROTOCOL.md"])
    if not {"_build", "_generated", "_screenshots"} & set(path.relative_to(ROOT).parts)
]
PRESENT = [path for path in DOCUMENTS if path.parent.name != "decisions" and path.name != "CHANGELOG.md"]
"""Those that say how it is now; the others may name files of their time."""
KINDS = "py|ts|tsx|mjs|md|toml|json|jsonl|txt|css|sh|in"
_FILE = re.compile(rf"`([\w.-]+(?:/[\w.-]+)*\.(?:{KINDS}))`")
_FOLDER = re.compile(r"`([\w.-]+(?:/[\w.-]+)*/)`")
_CODE = re.compile(r"`[^`\n]*`")
_MODULE = re.compile(r"python -m (antiphon_[\w.]+\w)")
_LINK = re.compile(r"\]\(([^)#\s:]+)(?:#[^)\s]*)?\)")


@cache
def files() -> list[str]:
    """Files that git tracks or does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def matches(name: str) -> list[str]:
    return [path for path in files() if path == name or path.endswith(f"/{name}")]


def test_the_map_is_short() -> None:
    assert MAP.stat().st_size <= 15 * 1024


def test_the_map_names_files_that_exist_and_one_each() -> None:
    wrong = {name: found for name in _FILE.findall(MAP.read_text()) if len(found := matches(name)) != 1}
    assert not wrong


def test_the_map_names_folders_that_exist() -> None:
    folders = {f"/{path.rpartition('/')[0]}/" for path in files()}
    assert not [
        name for name in _FOLDER.findall(MAP.read_text()) if not any(f"/{name}" in each for each in folders)
    ]


@pytest.mark.parametrize("page", PRESENT, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_document_names_files_that_exist(page: Path) -> None:
    named = [name for name in _FILE.findall(page.read_text()) if "/" in name]
    assert not [name for name in named if not matches(name)]


@pytest.mark.parametrize("page", PRESENT, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_module_that_is_run_exists(page: Path) -> None:
    for module in _MODULE.findall(page.read_text()):
        path = module.replace(".", "/")
        assert matches(f"{path}.py") or matches(f"{path}/__main__.py"), module


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    made = ("_generated/", "_screenshots/")
    if page.parent.name == "_heads":
        return  # they become part of pages elsewhere
    wanted = [
        target
        for target in _LINK.findall(_CODE.sub("", page.read_text()))
        if "://" not in target and not any(part in target for part in made)
    ]
    assert not [target for target in wanted if not (page.parent / target).exists()]
