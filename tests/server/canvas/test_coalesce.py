from __future__ import annotations

import pytest

from antiphon_server.canvas.coalesce import verdict


@pytest.mark.parametrize(
    ("begun", "elapsed", "remaining", "expected"),
    [
        (False, 0.0, None, "replace"),
        (False, 30.0, 9.0, "replace"),
        (True, 0.0, 9.0, "finish"),
        (True, 0.9, None, "finish"),
        (True, 1.0, None, "stop"),
        (True, 1.0, 0.6, "stop"),
        (True, 1.0, 0.5, "finish"),
        (True, 60.0, 0.1, "finish"),
    ],
)
def test_what_becomes_of_an_older_picture(
    begun: bool, elapsed: float, remaining: float | None, expected: str
) -> None:
    assert verdict(begun, elapsed, remaining) == expected
