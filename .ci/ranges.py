"""Runs the engine, server and protocol tests without the lock: `ranges.py newest|oldest`.

`newest` installs what pip resolves from pyproject.toml today, as for somebody who installs the package; `oldest` the
lowest versions that it admits. Each has an environment of its own (`.venv-newest`, `.venv-oldest`), made anew each
time. Under `newest` every warning is an error, a third party's deprecation too: it says what the next release breaks.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = "prepare,image,music,documents,terminal,torch,gguf,dev"
SUITES = ("tests/proto", "tests/engines", "tests/server")
_PIP = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--progress-bar", "off")


def main(end: str) -> None:
    venv = ROOT / f".venv-{end}"
    python = venv / "bin" / "python"
    run(sys.executable, "-m", "venv", "--clear", str(venv))
    run(str(python), *_PIP, "-r", "requirements/torch.txt")
    chosen: tuple[str, ...] = ()
    if end == "oldest":
        lowest = venv / "lowest.txt"
        uv = str(Path(sys.executable).with_name("uv"))
        extras = [word for extra in EXTRAS.split(",") for word in ("--extra", extra)]
        run(
            *(uv, "pip", "compile", "--quiet", "--resolution", "lowest-direct", "--only-binary", ":all:"),
            *(
                "--python",
                str(python),
                "-c",
                "requirements/torch.txt",
                "-o",
                str(lowest),
                *extras,
                "pyproject.toml",
            ),
        )
        chosen = ("-c", str(lowest))
    run(str(python), *_PIP, *chosen, "--editable", f".[{EXTRAS}]")
    run(str(python), "-m", "pip", "list", "--format", "freeze")
    strict = ("-W", "error") if end == "newest" else ()
    run(str(python), "-m", "pytest", "-n", os.environ.get("JOBS", "2"), *strict, *SUITES)


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main(sys.argv[1])
