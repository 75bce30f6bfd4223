"""`make test` needs a real Chromium: use the one that is there, install Debian's when that can be done, or say how."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PATIENT = ("-o", "Acquire::Retries=5", "-o", "DPkg::Lock::Timeout=600")
"""A mirror that stutters is asked again, and another installation that is under way is waited for."""


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
        done = subprocess.run(["apt-get", *PATIENT, *command], check=False, **quiet)  # type: ignore[call-overload]
        # An index that one source did not give may still know the package.
        if done.returncode and command[0] == "install":
            sys.exit("apt-get install failed; the browser tests need Chromium")


if __name__ == "__main__":
    main()
