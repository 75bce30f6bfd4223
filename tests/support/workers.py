"""The engine worker of a server that is a process of its own."""

from __future__ import annotations

import psutil


def worker_of(server: int) -> psutil.Process:
    """The worker of the server with this process id. Other children come and go meanwhile."""
    found = [child for child in psutil.Process(server).children() if _is_worker(child)]
    assert len(found) == 1, found
    return found[0]


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "antiphon_engines.worker" in process.cmdline()
    except psutil.NoSuchProcess:  # and ZombieProcess, which is one
        return False
