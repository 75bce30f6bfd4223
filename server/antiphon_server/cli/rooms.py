"""`antiphon rooms`: an operator's commands for rooms, without being their owner."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(no_args_is_help=True, help="Rooms of this server, for its operator.")


@app.callback()
def rooms() -> None:
    """Rooms of this server, for its operator."""


@app.command()
def link(
    room: Annotated[str, typer.Argument(help="The room's id, as in /r/ID")],
    role: Annotated[Literal["owner", "editor", "viewer"], typer.Option()] = "owner",
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the rooms and the signing key")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings file (TOML)")] = None,
) -> None:
    """Print an invite link, for an owner who has lost theirs. The server may run meanwhile."""
    from antiphon_proto.errors import NotFound
    from antiphon_server.cli import inspection
    from antiphon_server.config import load
    from antiphon_server.core.join_tokens import Tokens, load_key
    from antiphon_server.core.seat import Grant

    settings = load(config, {"data_dir": data_dir})
    record = inspection.records(settings.data_dir / inspection.DATABASE, [room]).get(room)
    if record is None:
        raise NotFound(f"there is no room {room!r} in {settings.data_dir}")
    tokens = Tokens(load_key(settings.data_dir / "join.key"), lifetime=settings.limits.token_days * 86_400)
    base = settings.public_url or f"http://127.0.0.1:{settings.port}"
    typer.echo(base + tokens.link(Grant(room, role, record.record.links[role])))
