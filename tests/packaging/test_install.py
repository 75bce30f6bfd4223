"""Setting up from the lock: real pip and real environments, with an index of small wheels of our own."""

from __future__ import annotations

import hashlib
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.wheel_index import add_wheel

INSTALL = Path(__file__).parents[2] / ".ci" / "install.py"
BACKEND = """
import zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "tree-1.0-py3-none-any.whl"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        wheel.writestr("tree-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: tree\\nVersion: 1.0\\n")
        tags = "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr("tree-1.0.dist-info/WHEEL", tags)
        wheel.writestr("tree-1.0.dist-info/RECORD", "")
    return name
"""


class Checkout:
    """A folder with the set-up script, a lock of one package, and an index that serves it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = folder / "index"
        self.index.mkdir(parents=True)
        for name in (".ci", "requirements", "backend"):
            (folder / name).mkdir()
        shutil.copyfile(INSTALL, folder / ".ci" / "install.py")
        (folder / "backend" / "backend.py").write_text(BACKEND)
        (folder / "pyproject.toml").write_text(
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["backend"]\n'
            '[project]\nname = "tree"\nversion = "1.0"\n'
        )
        add_wheel(self.index, "torch-in-name", "1.0", {"torch_in_name.py": b""})
        (folder / "requirements" / "torch.txt").write_text("torch-in-name==1.0\n")
        add_wheel(self.index, "locked", "1.0", {"locked.py": b"NUMBER = 1\n"})
        self.lock(self.digest("locked", "1.0"))

    def digest(self, name: str, version: str) -> str:
        return hashlib.sha256((self.index / f"{name}-{version}-py3-none-any.whl").read_bytes()).hexdigest()

    def lock(self, digest: str, version: str = "1.0") -> None:
        (self.folder / "requirements" / "run.txt").write_text(
            f"locked=={version} \\\n    --hash=sha256:{digest}\n"
        )

    def command(self) -> list[str]:
        return [sys.executable, str(self.folder / ".ci" / "install.py"), "run"]

    def environment(self, **more: str) -> dict[str, str]:
        own = {
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.index),
            "PIP_CONFIG_FILE": os.devnull,
            "SETUP_PAUSE": "0",
        }
        return {**os.environ, **own, **more}

    def install(self, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(), env=self.environment(**more), capture_output=True, text=True, check=False
        )

    def has(self, module: str) -> bool:
        code = f"import {module}"
        done = subprocess.run(
            [self.folder / ".venv/bin/python", "-c", code], capture_output=True, check=False
        )
        return done.returncode == 0

    @property
    def whole(self) -> bool:
        return (self.folder / ".stamps" / "run").exists()


@pytest.mark.slow
def test_what_is_interrupted_is_not_whole_and_goes_on_where_it_was(tmp_path: Path) -> None:
    tree = Checkout(tmp_path / "tree")
    offline = tree.install(
        PIP_NO_INDEX="", PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_FIND_LINKS="", PIP_RETRIES="1"
    )
    assert offline.returncode != 0
    assert offline.stderr.splitlines()[-1].startswith("Set-up failed. The package index cannot be reached")
    assert not tree.whole

    tree.lock("0" * 64)
    wrong = tree.install()
    assert wrong.stderr.splitlines()[-1].startswith(
        "Set-up failed. The package index gave another file for locked==1.0"
    )
    assert not tree.whole
    assert not tree.has("locked")

    tree.lock(tree.digest("locked", "1.0"))
    done = tree.install()
    assert (done.returncode, done.stderr) == (0, "")
    assert tree.whole
    assert tree.has("locked")
    assert tree.has("torch_in_name")
    again = tree.install(PIP_FIND_LINKS="/nowhere")  # nothing to fetch, and nothing is
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")

    add_wheel(tree.index, "locked", "2.0", {"locked.py": b"NUMBER = 2\n"})
    tree.lock(tree.digest("locked", "2.0"), "2.0")
    assert tree.install().returncode == 0  # a lock that moved is followed
    assert "locked-2.0.dist-info" in {path.name for path in tree.folder.glob(".venv/lib/*/site-packages/*")}


@pytest.mark.slow
def test_two_at_once_take_turns(tmp_path: Path) -> None:
    tree = Checkout(tmp_path / "tree")
    both = [
        subprocess.Popen(tree.command(), env=tree.environment(), stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    told = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted("Installing" in each for each in told) == [False, True]
    assert sum("Another set-up of this checkout is under way" in each for each in told) == 1
    assert tree.whole


@pytest.fixture
def script() -> dict[str, Any]:
    return runpy.run_path(str(INSTALL))


def test_what_cannot_work_is_told_before_anything_is_fetched(
    script: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    namespace = script["main"].__globals__
    monkeypatch.setitem(namespace, "STAMPS", str(tmp_path / "stamps"))
    monkeypatch.setitem(namespace, "OLDEST", (99, 1))
    with pytest.raises(script["SetUpFailed"], match=r"Python 99\.1 or newer is needed; this is 3"):
        script["main"](["run"])
    assert not (tmp_path / "stamps").exists()
    (tmp_path / "stamps").mkdir()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 5_000_000))
    with pytest.raises(script["SetUpFailed"], match="needs 3500 MB of free disk space; .* has 5"):
        script["install"]("run")


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "The disk is full",
        ),
        (
            "WARNING: Retrying after connection broken by 'NewConnectionError'\nERROR: No matching",
            "cannot be reached",
        ),
        ("ERROR: Invalid requirement: 'x'\n[notice] A new release", "pip failed: ERROR: Invalid requirement"),
        ("", "pip failed: it gave no reason"),
    ],
)
def test_pip_is_put_into_one_line(script: dict[str, Any], output: str, line: str) -> None:
    told, _ = script["explain"](output)
    assert line in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("npm error code ENOSPC\nnpm error nospc", "The disk is full"),
        ("npm error code EINTEGRITY\nnpm error sha512-x", "gave another file"),
        ("npm error code ENOTFOUND", "cannot be reached"),
        ("npm error missing script", "npm failed: npm error missing script"),
    ],
)
def test_npm_is_put_into_one_line(script: dict[str, Any], output: str, line: str) -> None:
    assert line in script["explain_npm"](output)
