"""The stock Node packages that benches and tests compare with, installed once from the lock file beside this module."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from antiphon_engines.api import EngineUnavailable

LOCKED = Path(__file__).parent / "node"
CACHE = Path("~/.cache/antiphon").expanduser()
SERVER = "node_modules/@y/websocket-server/src/server.js"


def node_folder() -> Path:
    """The folder of `node` and `npm`: PATH's, else the extra [web]'s. Raises EngineUnavailable."""
    found = shutil.which("node")
    if found and shutil.which("npm"):
        return Path(found).parent
    carried = Path(sys.executable).parent
    if (carried / "npm").exists():
        return carried
    raise EngineUnavailable("Node is needed for the comparison: pip install 'antiphon[web]'")


def install(cache_dir: Path) -> Path:
    """A folder whose `node_modules` holds the locked packages. Raises EngineUnavailable with one line."""
    target = cache_dir / "node-peers"
    lock = LOCKED / "package-lock.json"
    stamp = target / "node_modules" / ".antiphon-lock"
    if stamp.exists() and stamp.read_bytes() == lock.read_bytes():
        return target
    target.mkdir(parents=True, exist_ok=True)
    for source in LOCKED.iterdir():
        shutil.copy(source, target / source.name)
    folder = node_folder()
    done = subprocess.run(
        [
            folder / "npm",
            "ci",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--loglevel=error",
            "--fetch-retries=5",
        ],
        cwd=target,
        env={"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(Path.home())},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip() or "npm failed").splitlines()[-1]
        raise EngineUnavailable(f"cannot install the Node peers: {last}")
    stamp.write_bytes(lock.read_bytes())
    return target
