"""The lock names every package that pyproject.toml asks for, within its range, with hashes and no address."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
RUN = ("prepare", "image", "music", "film", "documents", "spelling", "terminal", "mcp", "gguf")
DEV = (*RUN, "torch", "tensorrt-rtx", "browser", "dev")
BOUNDED = ("transformers", "diffusers", "onnxruntime", "pycrdt", "xllamacpp", "tokenizers")
"""We ride on their internals."""


def locked(part: str) -> dict[str, list[str]]:
    """Name -> versions, of one part of the lock; torch's is the same in each."""
    text = (LOCK / f"{part}.txt").read_text() + (LOCK / "torch.txt").read_text()
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE):
        found.setdefault(canonicalize_name(name), []).append(version)
    return found


def wanted(extras: tuple[str, ...]) -> list[Requirement]:
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in EXTRAS[extra])]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize(("part", "extras"), [("run", RUN), ("dev", DEV)])
def test_each_range_holds_one_locked_version(part: str, extras: tuple[str, ...]) -> None:
    versions = locked(part)
    for requirement in wanted(extras):
        name = canonicalize_name(requirement.name)
        assert name in versions, f"{name} is not in requirements/{part}.txt; run: make lock"
        [version] = versions[name]
        assert requirement.specifier.contains(version, prereleases=True), (
            f"{requirement} is locked at {version}"
        )


def test_the_parts_agree() -> None:
    run, dev, docs = locked("run"), locked("dev"), locked("docs")
    assert {name: run[name] for name in run if name in dev} == {
        name: dev[name] for name in run if name in dev
    }
    assert {name: dev[name] for name in docs if name in dev} == {
        name: docs[name] for name in docs if name in dev
    }


@pytest.mark.parametrize("part", ["run", "dev", "docs", "node"])
def test_everything_has_hashes_and_nothing_an_address(part: str) -> None:
    text = (LOCK / f"{part}.txt").read_text()
    assert "://" not in text
    pins = re.findall(
        r"^[A-Za-z0-9._-]+==.*(?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?)+$", text, re.MULTILINE
    )
    assert len(pins) == len(re.findall(r"^[A-Za-z0-9]", text, re.MULTILINE)) > 0


def test_what_we_ride_on_has_an_upper_bound() -> None:
    every = [
        Requirement(line)
        for line in [*PROJECT["dependencies"], *(each for extra in EXTRAS.values() for each in extra)]
    ]
    for requirement in every:
        if requirement.name in BOUNDED:
            assert any(each.operator in ("<", "==") for each in requirement.specifier), requirement


def test_all_is_all_but_cuda() -> None:
    [every] = [Requirement(line) for line in EXTRAS["all"]]
    assert every.extras == {*RUN, "torch", "browser"}


def test_an_upgrade_moves_the_bounds_behind_what_was_tested() -> None:
    lock = runpy.run_path(str(ROOT / ".ci" / "lock.py"))
    text = (ROOT / "pyproject.toml").read_text()
    bounded = {found.group(1) for found in lock["_BOUND"].finditer(text)}
    assert bounded >= set(BOUNDED) - {"pycrdt"}  # which is pinned
    tested = {"transformers": "6.1.0", "xllamacpp": "2027.1.5", "onnx-ir": "2.0"}
    raised = lock["_BOUND"].sub(lambda found: lock["_raise"](found, tested), text)
    assert '"transformers>=5,<6.2"' in raised
    assert ",<2027.2" in raised
    assert re.search(r'"onnx-ir>=[\d.]+,<2\.1"', raised)
    assert "<0.43" in raised  # a package that was not resolved keeps its bound
    free = lock["_BOUND"].sub(r'"\1\2\4"', text)
    assert '"transformers>=5"' in free
    assert tomllib.loads(raised).keys() == tomllib.loads(free).keys()
