"""Pages that are written when the site is built: settings, command line, HTTP API, and files of the repository.

They go to `docs/_generated`, which is not committed: `settings.md` from the settings classes and the docstrings of
their fields, `command-line.md` from Typer, `http-api.md` from the OpenAPI document that the server also serves.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from http_page import http_page
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from repository_pages import PAGES, repository_page
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer

from antiphon_server.config import Settings
from antiphon_server.http.openapi import document

ROOT = Path(__file__).resolve().parents[2]


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("builder-inited", generate)
    return {"parallel_read_safe": True}


def generate(app: Sphinx) -> None:
    """Write the files; those that would not change keep their time, so that Sphinx does not read them again."""
    target = Path(app.srcdir) / "_generated"
    target.mkdir(exist_ok=True)
    write(target / "settings.md", settings_page())
    write(target / "command-line.md", command_line_page())
    write(target / "http-api.md", f"# HTTP API\n\n{head('http-api')}\n{http_page(document())}")
    for name in PAGES:
        write(target / f"{name}.md", repository_page(ROOT, name))


def write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def head(name: str) -> str:
    """The hand-written text above the generated part."""
    return (ROOT / "docs" / "_heads" / f"{name}.md").read_text()


# Settings ---------------------------------------------------------------------------------------------


def settings_page() -> str:
    parts = [f"# Settings\n\n{head('settings')}\n"]
    plain = [(name, field) for name, field in Settings.model_fields.items() if not nested(field)]
    parts.append(table(Settings, plain))
    for name, field in Settings.model_fields.items():
        if inner := nested(field):
            parts.append(f"\n## `[{name}]`\n\n{inner.__doc__ or ''}\n\n")
            parts.append(table(inner, list(inner.model_fields.items())))
    return "".join(parts)


def nested(field: FieldInfo) -> type[BaseModel] | None:
    """The class of a section of the settings."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def table(owner: type[BaseModel], fields: list[tuple[str, FieldInfo]]) -> str:
    words = ModuleAnalyzer.for_module(owner.__module__).find_attr_docs()
    rows = ["| setting | default | meaning |\n|---|---|---|\n"]
    for name, field in fields:
        said = " ".join(" ".join(words.get((owner.__name__, name), [])).split())
        shown = [said] if said else []
        if allowed := ", ".join(bounds(field)):
            shown.append(f"({allowed})")
        rows.append(f"| `{name}` | {default(field)} | {cell(' '.join(shown))} |\n")
    return "".join(rows)


def bounds(field: FieldInfo) -> Iterator[str]:
    """The bounds of a number, or the allowed words."""
    low = next((bound for each in field.metadata if (bound := getattr(each, "ge", None)) is not None), None)
    above = next((bound for each in field.metadata if (bound := getattr(each, "gt", None)) is not None), None)
    high = next((bound for each in field.metadata if (bound := getattr(each, "le", None)) is not None), None)
    if high is not None:
        yield (
            f"{number(low)} to {number(high)}"
            if low is not None
            else f"over {number(above)}, up to {number(high)}"
        )
    choices = getattr(field.annotation, "__args__", ())
    if choices and all(isinstance(each, str) for each in choices):
        yield "one of " + ", ".join(f"`{each}`" for each in choices)


def number(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}" if abs(value) > 9_999 else str(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    match value:
        case bool() | None:
            return "not set" if value is None else str(value).lower()
        case int() | float():
            return number(value)
        case str() | Path():
            return f"`{value}`" if str(value) else "empty"
        case tuple() | frozenset() | dict():
            return ", ".join(f"`{each}`" for each in sorted(map(str, value))) or "empty"
        case _:  # a secret
            return "empty"


def cell(text: str) -> str:
    return text.replace("|", "\\|")


# Command line -----------------------------------------------------------------------------------------


def command_line_page() -> str:
    """Typer's own pages, a heading lower."""
    entry = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]["antiphon"]
    module = entry.partition(":")[0]
    done = subprocess.run(
        [sys.executable, "-m", "typer", module, "utils", "docs", "--name", "antiphon"],
        capture_output=True,
        text=True,
        check=True,
    )
    _, _, body = done.stdout.partition("\n")
    return f"# Command line\n{body}"
