"""Prepares one model for a server that runs: `python -m antiphon_engines.prepare_process CACHE NAME`.

A process of its own, at low priority: people's requests come first. It says how far it is in lines of JSON, `{"stage":
"download", "fraction": 0.5}`, the last one `{"error": "..."}` where it fails (exit status 1)."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.text import spec as text_spec


def main() -> int:
    """Prepare the model; returns the exit status."""
    cache_dir, name = sys.argv[1:]
    if hasattr(os, "nice"):
        os.nice(10)

    def report(stage: str, fraction: float) -> None:
        print(json.dumps({"stage": stage, "fraction": fraction}), flush=True)

    try:
        text_spec.prepare(Path(cache_dir), name, accept_terms=False, progress=report)
    except EngineUnavailable as error:
        print(json.dumps({"error": error.message}), flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
