"""`make test` needs a real Chromium: use the one that is there, install Debian's when that can be done, or say how."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def find() -> str | None:
    """The path of a Chromium, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def main() -> None:
    if find():
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit("The browser tests need Chromium: sudo apt-get install chromium fonts-noto-color-emoji")
    print("Installing Chromium for the browser tests", flush=True)
    quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "chromium", "fonts-noto-color-emoji"]):
        if subprocess.run(["apt-get", *command], check=False, **quiet).returncode:  # type: ignore[call-overload]
            sys.exit(f"apt-get {command[0]} failed; the browser tests need Chromium")


if __name__ == "__main__":
    main()
