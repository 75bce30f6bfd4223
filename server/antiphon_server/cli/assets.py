"""`antiphon assets`: the stored pictures."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from antiphon_server.assets.collector import Collected
    from antiphon_server.config import Settings

app = typer.Typer(help="Pictures of the rooms.", no_args_is_help=True)


@app.callback()
def assets() -> None:
    """Pictures of the rooms."""


@app.command()
def collect(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Delete nothing, say what would go")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the rooms")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings file (TOML)")] = None,
) -> None:
    """Delete pictures that no room refers to and that are older than `limits.asset_grace_days`. A running server does
    so by itself; this is for a folder that no server uses."""
    from antiphon_server.config import load

    settings = load(config, {"data_dir": data_dir})
    done = asyncio.run(_collect(settings, dry_run))
    typer.echo(f"{'would delete' if dry_run else 'deleted'} {done.count} pictures, {done.bytes} bytes")


async def _collect(settings: Settings, dry: bool) -> Collected:
    from antiphon_server.assets.collector import Collector
    from antiphon_server.assets.file_store import AssetFiles
    from antiphon_server.store.sqlite import SqliteStore

    rooms = SqliteStore(settings.data_dir / "rooms.sqlite")
    await rooms.open()
    assets = AssetFiles(settings.data_dir / "assets")
    try:
        return await Collector(rooms, assets, grace=settings.asset_grace()).collect(dry=dry)
    finally:
        await assets.close()
        await rooms.close()
