"""Stops a build of a wheel or an sdist that would hold no web client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CLIENT = Path("server/antiphon_server/static/index.html")


class WebClientHook(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Raises SystemExit with one line; an editable install is left alone, for `make` builds the client after it."""
        if version != "editable" and not (Path(self.root) / CLIENT).is_file():
            raise SystemExit(
                "The web client is not built, so this package would serve no page. Run: make wheel"
            )
