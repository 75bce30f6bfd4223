"""Print the folder that holds a usable `node` and `npm`: PATH's when it is new enough, else the one of
the extra [web] beside this Python."""

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
    carried = Path(sys.executable).parent
    if not (carried / "npm").exists():
        sys.exit("no node of version 20 or newer on PATH, and the extra [web] is not installed")
    print(carried)


main()
