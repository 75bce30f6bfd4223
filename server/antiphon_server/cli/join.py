"""`antiphon join`: the client of this distribution, in this process's place."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer


def join(
    room: Annotated[str, typer.Argument(help="An invite link: http://host:8080/r/ROOM#TOKEN")],
    name: Annotated[str | None, typer.Option(help="What the others see (default: your user name)")] = None,
) -> None:
    """Join a room in the terminal: see who is there, write in the live text, ask the AI."""
    named = ["--name", name] if name else []
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-P", "-m", "antiphon_client.terminal", *named, "--", room])
