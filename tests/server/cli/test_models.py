from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from antiphon_engines.catalogue import CATALOGUE, VOICES
from antiphon_engines.embedding import prepare as meaning
from antiphon_engines.model_files.packaged_gguf import TermsNotAccepted
from antiphon_engines.model_files.prepare import Progress
from antiphon_engines.text import spec as text_spec
from antiphon_proto.errors import AntiphonError
from antiphon_server.cli import reporting
from antiphon_server.cli.main import app

runner = CliRunner()


@contextmanager
def raises_on_purpose(match: str) -> Iterator[None]:
    with pytest.raises(AntiphonError, match=match) as caught:
        yield
    assert "\n" not in caught.value.message


def call(*arguments: str) -> str:
    result = runner.invoke(app, ["models", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_list_says_what_there_is(tmp_path: Path) -> None:
    rows = json.loads(call("list", "--json", "--cache-dir", str(tmp_path)))
    names = [*(card.name for card in (*CATALOGUE, VOICES)), meaning.NAME]
    assert [row["name"] for row in rows] == names
    assert [row["ready"] for row in rows] == [False] * len(names)
    assert all("antiphon models prepare" in row["problem"] for row in rows)
    assert [row["name"] for row in rows if row["chosen"]] == [CATALOGUE[0].name, VOICES.name]
    assert rows[2]["terms_url"] == "https://ai.google.dev/gemma/terms"


def test_list_for_people(tmp_path: Path) -> None:
    table = call("list", "--cache-dir", str(tmp_path))
    assert all(card.name in table for card in (*CATALOGUE, VOICES))
    assert "Gemma Terms" in table
    assert "OpenAI-compatible" in table


def test_terms_have_to_be_accepted(tmp_path: Path) -> None:
    with pytest.raises(TermsNotAccepted, match="--accept-terms"):
        call("prepare", "gemma3-270m", "--cache-dir", str(tmp_path / "cache"))
    assert not (tmp_path / "cache").exists()


def test_accepting_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def prepare(
        cache_dir: Path, spec: str, *, accept_terms: bool, progress: Progress, source: Path | None
    ) -> Path:
        progress("download", 0.5)
        seen.append((cache_dir, spec, accept_terms, source))
        return cache_dir / "model"

    monkeypatch.setattr(text_spec, "prepare", prepare)
    said = call("prepare", "gemma3-270m", "--accept-terms", "--cache-dir", str(tmp_path))
    assert f"gemma3-270m is ready: {tmp_path / 'model'}" in said.replace("\n", "")
    call("prepare", "--cache-dir", str(tmp_path), "--from", "copy.gguf")
    assert seen == [
        (tmp_path, "gemma3-270m", True, None),
        (tmp_path, "smollm2-135m", False, Path("copy.gguf")),
    ]


def test_what_needs_no_preparing(tmp_path: Path) -> None:
    assert "needs no preparing" in call("prepare", "http://h/v1#m", "--cache-dir", str(tmp_path))


def test_wrong_names() -> None:
    with raises_on_purpose("did you mean gemma3-270m"):
        call("prepare", "gemma-270m")


def test_errors_are_one_line_on_stderr_and_a_status() -> None:
    command = [
        sys.executable,
        "-c",
        "from antiphon_server.cli.main import main; main()",
        "models",
        "prepare",
        "nonsense",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("antiphon: there is no model 'nonsense'; known names: ")
    assert done.stderr.count("\n") == 1


def test_a_log_shows_a_line_per_quarter() -> None:
    written = io.StringIO()
    report = reporting.Lines(Console(file=written, width=80))
    for percent in range(101):
        report("download", percent / 100)
    report("verify", 1.0)
    assert written.getvalue().split("\n") == [
        "download 0%", "download 25%", "download 50%", "download 75%", "download 100%", "verify 100%", "",
    ]  # fmt: skip


def test_bars_are_shown_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with reporting.reporting() as report:
        report("download", 0.5)
        report("download", 1.0)
        report("verify", 1.0)
    shown = capsys.readouterr().err
    assert shown.count("download") >= 1
    assert "verify" in shown
