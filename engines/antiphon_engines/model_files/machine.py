"""Free resources of this machine."""

from __future__ import annotations

from pathlib import Path


def free_memory() -> int | None:
    """Bytes that processes may still take, within the bound of this control group too; None where it is not told."""
    free: list[int] = []
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                free.append(int(line.split()[1]) * 1024)
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        if limit != "max":
            free.append(max(0, int(limit) - used))
    except (OSError, ValueError, IndexError):
        pass  # not Linux, or no control groups
    return min(free, default=None)
