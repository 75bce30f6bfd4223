"""Data folders of earlier versions open in this one, with all that was in them (`support.data_folder` makes them)."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from support.data_folder import EXPECTED, FOLDERS, read
from support.server import running

PACKED = sorted(FOLDERS.glob("*.zip"))


def test_there_is_a_folder_of_each_schema_that_was_released() -> None:
    assert {path.stem for path in PACKED} >= {"schema-3", "schema-3-killed", "schema-4"}


@pytest.mark.parametrize("packed", PACKED, ids=lambda path: path.stem)
async def test_a_folder_of_an_earlier_version_opens_whole(packed: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with zipfile.ZipFile(packed) as folder:
        folder.extractall(data)
    expected = json.loads((data / EXPECTED).read_text())
    room, tokens = expected.pop("room"), expected.pop("tokens")
    for _ in range(2):  # also after this version has written its own
        async with running(data) as live:
            assert await read(live.url, f"{live.url}/r/{room}#{tokens['owner']}") == expected
