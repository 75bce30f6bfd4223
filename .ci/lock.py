"""The lock: every package that `make run`, `make test` and CI install, with its hashes, for all platforms at once.

    .venv/bin/python .ci/lock.py write adds new packages of pyproject.toml; locked ones stay .venv/bin/python
    .ci/lock.py upgrade resolves the newest of everything, and keeps it if the whole check passes

Compiled requirements (`requirements/*.txt`) rather than `pylock.toml`: every pip since 20.3 installs them with hashes,
the pip of Debian 12 too, and they name no address of an index.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = Path("requirements")
OLDEST = "3.11"
NEWEST = "3.14"
RUN = ("prepare", "image", "music", "film", "documents", "spelling", "terminal", "mcp", "gguf")
DEV = (*RUN, "torch", "tensorrt-rtx", "browser", "dev")
SOURCES = ("tensorrt-rtx", "tensorrt-rtx-cu13")
"""Metadata alone, and published as sources; everything else is a wheel."""
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
_BOUND = re.compile(r'"([A-Za-z0-9._-]+)((?:\[[^\]]*\])?>=[^",;]+),<([0-9.]+)((?: *;[^"]*)?)"')


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("command", choices=("write", "upgrade"))
    if parser.parse_args().command == "write":
        before = pins(ROOT)
        compile_lock(ROOT)
        report(before, pins(ROOT))
    else:
        upgrade()


def upgrade() -> None:
    """Try the newest of everything in a copy of the checkout; take its lock and bounds if the whole check passes."""
    with tempfile.TemporaryDirectory(prefix="antiphon-upgrade-") as scratch:
        trial = Path(scratch) / "antiphon"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(trial)], check=True)
        for name in ("pyproject.toml", str(LOCK)):
            replace(ROOT / name, trial / name)
        project = trial / "pyproject.toml"
        project.write_text(_BOUND.sub(r'"\1\2\4"', project.read_text()))
        compile_lock(trial, "--upgrade")
        before, after = pins(ROOT), pins(trial)
        if not report(before, after):
            return
        project.write_text(
            _BOUND.sub(lambda found: _raise(found, after), (ROOT / "pyproject.toml").read_text())
        )
        compile_lock(trial)  # against the new bounds: must change nothing
        done = subprocess.run(["make", "-C", str(trial), "check", "test"], check=False)
        if done.returncode:
            sys.exit("The check failed with the newest packages: the lock stays as it is.")
        for name in ("pyproject.toml", str(LOCK)):
            replace(trial / name, ROOT / name)
    print("The check passed: pyproject.toml and requirements/ hold the new versions.")


def _raise(found: re.Match[str], versions: dict[str, str]) -> str:
    """The upper bound after the version that was tested: the next minor release."""
    name, lower, upper, marker = found.groups()
    tested = versions.get(name.lower())
    if tested is not None:
        major, minor = (tested.split(".") + ["0"])[:2]
        depth = len(upper.split("."))
        upper = f"{int(major) + 1}" if depth == 1 else f"{major}.{int(minor) + 1}"
    return f'"{name}{lower},<{upper}{marker}"'


def compile_lock(root: Path, *options: str) -> None:
    """Write `requirements/*.txt` of the checkout `root`. Ends the program when something has no wheel."""
    _compile(root, "run", options, ["pyproject.toml", str(LOCK / "build.in")], RUN)
    _compile(root, "dev", [*options, "-c", str(LOCK / "run.txt")], ["pyproject.toml"], DEV)
    shared = ["-c", str(LOCK / "run.txt"), "-c", str(LOCK / "dev.txt")]
    _compile(root, "docs", [*options, *shared], [str(LOCK / "docs.in")], ())
    _compile(root, "node", options, [str(LOCK / "node.in")], ())
    for part in ("run", "dev", "docs", "node"):
        for machine in ("x86_64", "aarch64"):
            for python in (OLDEST, NEWEST):
                _wheels_exist(root, part, machine, python)


def _compile(
    root: Path, part: str, options: list[str] | tuple[str, ...], sources: list[str], extras: tuple[str, ...]
) -> None:
    target = LOCK / f"{part}.txt"
    command = [
        *("uv", "pip", "compile", "--quiet", "--universal", "--python-version", OLDEST),
        # One version for all Pythons: all people test and run the same.
        *("--fork-strategy", "fewest", "--generate-hashes", "--no-header", "--no-annotate"),
        *("--no-emit-package", "torch", "-c", str(LOCK / "torch.txt"), "-o", str(target)),
        *_only_wheels(),
        *options,
        *(word for extra in extras for word in ("--extra", extra)),
        *sources,
    ]
    if subprocess.run(command, cwd=root, env=_environment(), check=False).returncode:
        sys.exit(f"{target} cannot be resolved.")
    path = root / target
    path.write_text(
        f"# Made by `make lock` from {' and '.join(sources)}: Python {OLDEST} to {NEWEST}, Linux, x86_64 and aarch64.\n"
        + path.read_text()
    )


def _wheels_exist(root: Path, part: str, machine: str, python: str) -> None:
    command = [
        *("uv", "pip", "install", "--quiet", "--dry-run", "--no-deps", "--target", tempfile.gettempdir()),
        *("--python-platform", f"{machine}-manylinux_2_28", "--python-version", python),
        *("-r", str(LOCK / f"{part}.txt"), *_only_wheels()),
    ]
    done = subprocess.run(command, cwd=root, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{part}.txt does not install with Python {python} on {machine}:\n{done.stderr}")


def _only_wheels() -> list[str]:
    return ["--only-binary", ":all:", *(word for name in SOURCES for word in ("--no-binary", name))]


def _environment() -> dict[str, str]:
    """uv stands beside this Python."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def pins(root: Path) -> dict[str, str]:
    """Name -> version, of the whole lock."""
    found: dict[str, str] = {}
    for path in sorted((root / LOCK).glob("*.txt")):
        found.update(_PIN.findall(path.read_text()))
    return found


def report(before: dict[str, str], after: dict[str, str]) -> bool:
    """Print the changed versions; returns whether there are any."""
    moved = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    for name in moved:
        print(f"  {name}: {before.get(name, 'new')} -> {after.get(name, 'gone')}")
    print(
        f"{len(moved)} of {len(after)} packages moved"
        if moved
        else "Nothing moved: the lock holds the newest already"
    )
    return bool(moved)


def replace(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


if __name__ == "__main__":
    main()
