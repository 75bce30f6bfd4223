from __future__ import annotations

import pytest
from msgspec.structs import replace

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.config import WorkerConfig, checked, decode, encode

CONFIG = WorkerConfig(cache_dir="cache", api_key="sk-secret")


def test_it_crosses_the_border_whole() -> None:
    assert decode(encode(CONFIG)) == CONFIG
    assert checked(CONFIG) == CONFIG


def test_the_key_is_not_shown() -> None:
    assert "sk-secret" not in repr(CONFIG)
    assert "sk-secret" not in f"{CONFIG}"
    assert "api_key='***'" in repr(CONFIG)
    assert "api_key=''" in repr(replace(CONFIG, api_key=""))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("threads", 0),
        ("context", 1),
        ("max_jobs", 10_000),
        ("max_queue", 0),
        ("device", "tpu"),
        ("text_model", ""),
    ],
)
def test_fields_have_bounds(field: str, value: object) -> None:
    with pytest.raises(EngineUnavailable, match=field):
        checked(replace(CONFIG, **{field: value}))


@pytest.mark.parametrize("data", [b"", b"\xff", b"\x80", b"\x81\xa1x\x01"])
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(EngineUnavailable, match="not valid"):
        decode(data)
