"""`antiphon trust`: an operator's duties to the people of the rooms."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Duties to the people of the rooms.")


@app.callback()
def trust() -> None:
    """Duties to the people of the rooms."""


@app.command()
def erase(
    participant: Annotated[str, typer.Argument(help="The member's id, as GET /api/rooms/ROOM has it")],
    room: Annotated[str, typer.Option(help="The room's id, as in /r/ID")],
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the rooms and the signing key")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings file (TOML)")] = None,
) -> None:
    """Erase a person's name from a room, and the keys of their commitments in its ledger; checkpoints stay valid.
    The server must not run. Exit status 1 when the name still stands in texts that people wrote."""
    from antiphon_server.config import load
    from antiphon_server.rooms.erasure import erase

    done = asyncio.run(erase(load(config, {"data_dir": data_dir}).data_dir, room, participant))
    typer.echo(f"{participant} is erased; backups that were made before still have the name")
    for table, count in sorted(done.left.items()):
        typer.echo(f"the name still stands in {count} rows of {table}: people wrote it there")
    raise typer.Exit(1 if done.left else 0)
