"""`antiphon mcp`: the client of this distribution, in this process's place."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer


def mcp(
    room: Annotated[str, typer.Argument(help="An invite link: http://host:8080/r/ROOM#TOKEN")],
    name: Annotated[str, typer.Option(help="What the others see")] = "Agent",
    http: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, help="Port of loopback for streamable HTTP (default: standard input and output)"
        ),
    ] = None,
) -> None:
    """Serve a room to an agent over the Model Context Protocol, with the link's rights, marked as an agent."""
    port = ["--http", str(http)] if http is not None else []
    sys.stdout.flush()
    os.execv(
        sys.executable,
        [sys.executable, "-P", "-m", "antiphon_client.mcp", "--name", name, *port, "--", room],
    )
