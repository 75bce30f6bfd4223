"""Runs the engine, server and protocol tests without the lock: `ranges.py newest|oldest [pytest's arguments]`.

`newest` installs the versions that pyproject.toml resolves to today, as a user's installation does; `oldest` the lowest
versions that it admits. Each has its own environment (`.venv-newest`, `.venv-oldest`), which is recreated each time;
with arguments the environment is reused, and pytest runs with them only. Torch's version is the lock's at both ends.
Under `newest` every warning is an error, a third party's deprecation too: it shows what the next release will break.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = "prepare,image,music,documents,spelling,terminal,mcp,torch,gguf,dev"
SUITES = ("tests/proto", "tests/engines", "tests/server")
TORCH = "requirements/torch.txt"


def main(end: str, arguments: list[str]) -> None:
    venv = ROOT / f".venv-{end}"
    python = str(venv / "bin" / "python")
    if not arguments:
        install(end, venv, python)
    # `newest` says by `-W error` what pyproject.toml says of our own warnings alone.
    strict = ("-W", "error") if end == "newest" else ()
    run(
        python,
        "-m",
        "pytest",
        "-n",
        os.environ.get("JOBS", "2"),
        "--dist",
        "worksteal",
        *strict,
        *(arguments or SUITES),
    )


def install(end: str, venv: Path, python: str) -> None:
    run(sys.executable, "-m", "venv", "--clear", str(venv))
    # By pip, which finds the CPU's build where its settings say. The resolver of the rest is uv: pip's takes ten
    # minutes for the lowest versions.
    pip = (python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--progress-bar", "off")
    run(*pip, "-r", TORCH)
    uv = (sys.executable, "-m", "uv")
    chosen: tuple[str, ...] = ("-c", TORCH)
    if end == "oldest":
        lowest = str(venv / "lowest.txt")
        extras = [word for extra in EXTRAS.split(",") for word in ("--extra", extra)]
        command = (
            *uv,
            "pip",
            "compile",
            "--quiet",
            "--resolution",
            "lowest-direct",
            "--only-binary",
            ":all:",
        )
        run(*command, "--python", python, *chosen, "-o", lowest, *extras, "pyproject.toml")
        chosen = ("-c", lowest)
    run(*uv, "pip", "install", "--quiet", "--python", python, *chosen, "--editable", f".[{EXTRAS}]")
    run(*uv, "pip", "list", "--python", python, "--format", "freeze")


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
