"""The package that `make wheel` builds serves a page and a model where there is no checkout and no Node."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.async_api import expect

from support.pages import Company, chromium
from support.server import TEXT_ALONE, serving

ROOT = Path(__file__).parents[2]
BUILD = (sys.executable, "-m", "hatchling", "build", "--directory")
TREE = ("proto", "engines", "server", "clients/python", ".ci", "requirements")
FILES = ("pyproject.toml", "README.md", "LICENSE")


def checkout(folder: Path) -> Path:
    """The files of this checkout that a package is built from, without the web client."""
    for name in TREE:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("static", "__pycache__"))
    for name in FILES:
        shutil.copyfile(ROOT / name, folder / name)
    return folder


def test_a_package_without_the_web_client_is_not_built(tmp_path: Path) -> None:
    command = [*BUILD, str(tmp_path / "dist"), "--target", "wheel"]
    done = subprocess.run(
        command, cwd=checkout(tmp_path / "tree"), capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert done.stderr.strip().splitlines()[-1].endswith("Run: make wheel")
    assert not list((tmp_path / "dist").glob("*.whl"))


def names(wheel: Path) -> dict[str, int]:
    """A wheel's files: name -> CRC."""
    with zipfile.ZipFile(wheel) as packed:
        return {entry.filename: entry.CRC for entry in packed.infolist()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, whose web client `make test` has built."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([*BUILD, str(folder), "--target", "wheel"], cwd=ROOT, check=True, capture_output=True)
    [made] = folder.glob("*.whl")
    return made


@pytest.mark.slow
def test_the_sdist_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([*BUILD, str(tmp_path), "--target", "sdist"], cwd=ROOT, check=True, capture_output=True)
    [sdist] = tmp_path.glob("*.tar.gz")
    shutil.unpack_archive(sdist, tmp_path, filter="data")
    [tree] = [path for path in tmp_path.iterdir() if path.is_dir()]
    subprocess.run(
        [*BUILD, str(tmp_path / "dist"), "--target", "wheel"], cwd=tree, check=True, capture_output=True
    )
    [made] = (tmp_path / "dist").glob("*.whl")
    assert names(made) == names(wheel)
    assert "antiphon_server/static/index.html" in names(wheel)


@pytest.mark.slow
@pytest.mark.e2e
async def test_the_installed_wheel_serves_a_room(
    wheel: Path, tmp_path: Path, cache_dir: Path, embedded_text_model: Path
) -> None:
    await asyncio.to_thread(install, wheel, tmp_path / "venv", tmp_path / "locked.txt")
    environment = {"PATH": str(tmp_path / "venv" / "bin"), "HOME": str(tmp_path), "PYTHONPATH": ""}
    antiphon = str(tmp_path / "venv" / "bin" / "antiphon")
    await asyncio.to_thread(prepare, antiphon, cache_dir, tmp_path, environment)
    async with (
        serving(
            tmp_path / "data",
            f"--cache-dir={cache_dir}",
            *TEXT_ALONE,
            environment=environment,
            command=(antiphon,),
        ) as served,
        chromium() as browser,
    ):
        company = Company(browser)
        ada = await company.person("Ada", (await served.new_room())["links"]["owner"])
        await ada.write("The lighthouse keeper opened the door and ")
        await ada.continue_here()
        await expect(ada.ai.first).to_have_text(re.compile(r"\w"))
        await company.close()


def prepare(antiphon: str, cache_dir: Path, folder: Path, environment: dict[str, str]) -> None:
    command = [antiphon, "models", "prepare", "smollm2-135m", "--cache-dir", str(cache_dir)]
    everything = {**os.environ, **environment}
    done = subprocess.run(command, cwd=folder, env=everything, capture_output=True, text=True, check=False)
    assert "smollm2-135m is ready" in done.stdout, done.stderr


def install(wheel: Path, venv: Path, locked: Path) -> None:
    """Into a new environment, at the lock's versions. By uv: pip, which `make` uses, takes half a minute more."""
    pins = re.findall(
        r"^[\w.-]+==[^\s\\]+(?: ;[^\\\n]*)?", (ROOT / "requirements" / "run.txt").read_text(), re.MULTILINE
    )
    locked.write_text("\n".join(pins))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(venv)]
    subprocess.run([*uv, "--only-binary", ":all:", "-c", str(locked), str(wheel)], check=True)
