"""Checked folders: a manifest of every file's size and SHA-256, written last, before the folder gets its name.

A folder without a manifest is unfinished; one whose files differ from it is damaged. The cheap check compares sizes and
modification times (cheap enough for a running server), the full one hashes everything."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from antiphon_engines.api import EngineUnavailable

NAME = "manifest.json"


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(folder: Path, recipe: str) -> None:
    """Describe all files of `folder`. `recipe` names how they were made."""
    files = {
        path.name: {"size": path.stat().st_size, "mtime_ns": path.stat().st_mtime_ns, "sha256": sha256(path)}
        for path in sorted(folder.iterdir())
        if path.name != NAME
    }
    (folder / NAME).write_text(json.dumps({"recipe": recipe, "files": files}, indent=1), encoding="utf-8")


def check(folder: Path, recipe: str, *, full: bool) -> bool:
    """False when there is no finished folder of this recipe. Raises EngineUnavailable when it is damaged."""
    try:
        manifest: dict[str, Any] = json.loads((folder / NAME).read_text(encoding="utf-8"))
        if manifest["recipe"] != recipe:
            return False
        for name, known in manifest["files"].items():
            _check_file(folder / name, known, full)
    except FileNotFoundError:
        if (folder / NAME).exists():
            raise EngineUnavailable(
                f"the prepared model in {folder.name} lacks a file; prepare it again"
            ) from None
        return False
    except NotADirectoryError:
        return False
    except OSError as error:
        raise EngineUnavailable(f"cannot read the prepared model in {folder}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineUnavailable(f"the manifest of the prepared model in {folder.name} is damaged") from error
    return True


def intact(folder: Path, recipe: str, progress: Callable[[str, float], None]) -> bool:
    """Whether every file of the folder is as its manifest says, by hash. `progress` hears of a check that is made."""
    if not (folder / NAME).exists():
        return False
    progress("verify", 0.0)
    try:
        whole = check(folder, recipe, full=True)
    except EngineUnavailable:
        return False  # damaged: make it again
    if whole:
        progress("verify", 1.0)
    return whole


def _check_file(path: Path, known: dict[str, Any], full: bool) -> None:
    status = path.stat()
    same = status.st_size == known["size"]
    # Another modification time alone (a copied cache) is no damage, but then the content has to prove itself.
    if same and (full or status.st_mtime_ns != known["mtime_ns"]):
        same = sha256(path) == known["sha256"]
    if not same:
        raise EngineUnavailable(f"{path.parent.name}/{path.name} is damaged; prepare the model again")
