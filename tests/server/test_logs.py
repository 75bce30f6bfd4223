from __future__ import annotations

import io
import json
import logging

import pytest

from antiphon_server.core.join_tokens import Tokens
from antiphon_server.logs import JsonFormatter, TextFormatter, configure, redact

TOKEN = Tokens(b"k" * 32).issue("room", "owner", "link")


@pytest.mark.parametrize(
    "line",
    [
        f"GET /yjs/room?token={TOKEN}&name=a HTTP/1.1",
        f"Authorization: Bearer {TOKEN}",
        f'{{"token": "{TOKEN}"}}',
        f"/r/room#{TOKEN}",
        "session=very-secret-session",
        "api_key: 'sk-very-secret'",
    ],
)
def test_no_line_holds_a_secret(line: str) -> None:
    shown = redact(line)
    assert TOKEN not in shown
    assert "very-secret" not in shown
    assert "***" in shown


def test_lines_for_machines_are_json_and_for_people_short() -> None:
    streams = {formatter: io.StringIO() for formatter in (JsonFormatter, TextFormatter)}
    logger = logging.Logger("antiphon.test")
    for formatter, stream in streams.items():
        handler = logging.StreamHandler(stream)
        handler.setFormatter(formatter())
        logger.addHandler(handler)
    try:
        raise ValueError(f"token={TOKEN}")
    except ValueError:
        logger.exception("it %s", "failed", extra={"room": "r1"})
    line = json.loads(streams[JsonFormatter].getvalue())
    assert line["message"] == "it failed"
    assert line["level"] == "error"
    assert line["room"] == "r1"
    assert "ValueError" in line["exception"]
    assert TOKEN not in line["exception"]
    assert "it failed room=r1" in streams[TextFormatter].getvalue()


def test_debug_lines_are_ours_and_not_every_sql_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    root, shown = logging.getLogger(), io.StringIO()
    monkeypatch.setattr(root, "handlers", [])
    before = root.level
    try:
        configure("text", "debug", shown)
        logging.getLogger("aiosqlite").debug("executing INSERT")
        logging.getLogger("antiphon_server.rooms.room").debug("ours")
    finally:
        root.setLevel(before)
    assert "ours" in shown.getvalue()
    assert "INSERT" not in shown.getvalue()
