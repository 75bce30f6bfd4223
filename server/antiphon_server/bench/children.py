"""Subjects of a bench in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from antiphon_engines.host.worker_process import environment


def measured(module: str, arguments: Sequence[str], patience: float) -> dict[str, Any]:
    """The figures on the last line that the module wrote, with an engine worker's environment; after `patience` seconds
    it is ended. `error` is set where it failed."""
    command = [sys.executable, "-P", "-m", module, *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as child:
        try:
            output, complaint = child.communicate(timeout=max(patience, 0.0))
        except subprocess.TimeoutExpired:
            child.kill()
            output, _ = child.communicate()
            complaint = f"stopped after {patience:.0f} s"
    lines = output.strip().splitlines()
    figures: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    if child.returncode != 0:
        figures["error"] = (complaint.strip().splitlines() or [f"exit status {child.returncode}"])[-1][:300]
    return figures
