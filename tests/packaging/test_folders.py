"""A folder of a package holds at most 20 modules: beyond that it is split by subject (docs/decisions/structure.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_MOST = 20
_PACKAGES = (
    "proto/antiphon_proto",
    "engines/antiphon_engines",
    "server/antiphon_server",
    "clients/python/antiphon_client",
)


@pytest.mark.parametrize("package", _PACKAGES)
def test_no_folder_holds_more_than_twenty_modules(package: str) -> None:
    folders = [_ROOT / package, *(path for path in (_ROOT / package).rglob("*") if path.is_dir())]
    sizes = {
        str(folder.relative_to(_ROOT)): sum(not one.name.startswith("__") for one in folder.glob("*.py"))
        for folder in folders
    }
    assert any(sizes.values())
    assert {name: size for name, size in sizes.items() if size > _MOST} == {}
