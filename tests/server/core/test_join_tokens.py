from __future__ import annotations

import stat
from pathlib import Path

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_server.core.join_tokens import KeyUnavailable, Tokens, Unauthorized, link_path, load_key
from antiphon_server.core.seat import Grant

KEY = b"k" * 32


class At:
    """Unix seconds, as the test says."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_a_token_grants_what_it_was_issued_for() -> None:
    tokens = Tokens(KEY)
    assert tokens.verify(tokens.issue("room", "editor", "link")) == Grant("room", "editor", "link")


def test_a_token_ends_when_it_was_told_to() -> None:
    clock = At()
    tokens = Tokens(KEY, clock)
    token = tokens.issue("room", "viewer", "link", lifetime=60)
    clock.now += 59
    assert tokens.verify(token).role == "viewer"
    clock.now += 1
    with pytest.raises(Unauthorized, match="expired"):
        tokens.verify(token)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nonsense",
        "a.b.c",
        "x" * 5000,
        jwt.encode({"room": "room", "role": "owner", "link": "l"}, b"o" * 32, algorithm="HS256"),
        jwt.encode({"room": "room", "role": "owner", "link": "l"}, None, algorithm="none"),
        jwt.encode({"room": "room", "role": "owner", "link": "l"}, KEY * 2, algorithm="HS512"),
        jwt.encode({"room": "room", "role": "god", "link": "l"}, KEY, algorithm="HS256"),
        jwt.encode({"room": "", "role": "owner", "link": "l"}, KEY, algorithm="HS256"),
        jwt.encode({"room": 7, "role": "owner", "link": "l"}, KEY, algorithm="HS256"),
        jwt.encode({"role": "owner", "link": "l"}, KEY, algorithm="HS256"),
        jwt.encode({"room": "room", "role": "owner", "link": "l", "exp": "soon"}, KEY, algorithm="HS256"),
    ],
)
def test_anything_else_is_refused(token: str) -> None:
    with pytest.raises(Unauthorized):
        Tokens(KEY).verify(token)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.integers(0, 10_000), st.characters())
def test_a_changed_token_is_refused(at: int, replacement: str) -> None:
    tokens = Tokens(KEY)
    token = tokens.issue("room", "owner", "link")
    at %= len(token)
    changed = token[:at] + replacement + token[at + 1 :]
    try:
        grant = tokens.verify(changed)
    except Unauthorized:
        return
    # base64 ignores some bits of a group's last character: the same signed bytes, then.
    assert grant == Grant("room", "owner", "link")


def test_links_hold_the_token_where_no_server_and_no_referrer_sees_it() -> None:
    tokens = Tokens(KEY)
    path, _, fragment = tokens.link(Grant("room", "owner", "link")).partition("#")
    assert path == "/r/room"
    assert tokens.verify(fragment) == Grant("room", "owner", "link")
    assert link_path("a", "b") == "/r/a#b"


def test_the_key_is_made_once_and_is_nobody_elses(tmp_path: Path) -> None:
    path = tmp_path / "join.key"
    key = load_key(path)
    assert len(key) == 32
    assert load_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_key(tmp_path / "other.key") != key


def test_a_key_that_cannot_be_used_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyUnavailable, match=r"cannot use the signing key .*file"):
        load_key(tmp_path / "file" / "join.key")
    (tmp_path / "short.key").write_bytes(b"short")
    with pytest.raises(KeyUnavailable, match="not a signing key"):
        load_key(tmp_path / "short.key")
