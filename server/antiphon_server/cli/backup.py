"""`antiphon backup` and `antiphon restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DataDir = Annotated[Path | None, typer.Option(help="Folder of the rooms and the signing key")]
ConfigFile = Annotated[Path | None, typer.Option(help="Settings file (TOML)")]


def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder for the copy")],
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Copy rooms, pictures and the signing key, also while a server runs. Every file of the copy is hashed."""
    from antiphon_server.config import load
    from antiphon_server.store import backup

    manifest = backup.backup(load(config, {"data_dir": data_dir}).data_dir, folder)
    typer.echo(f"{manifest.rooms} rooms in {len(manifest.files)} files, {manifest.size} bytes: {folder}")


def restore(
    folder: Annotated[Path, typer.Argument(help="What `antiphon backup` made")],
    data_dir: DataDir = None,
    config: ConfigFile = None,
    check: Annotated[bool, typer.Option("--check", help="Only verify the backup")] = False,
) -> None:
    """Verify a backup and put it into a new data folder, for `antiphon serve --data-dir`."""
    from antiphon_server.config import load
    from antiphon_server.store import backup

    if check:
        manifest = backup.verify(folder)
        typer.echo(f"{folder} is whole: {manifest.rooms} rooms in {len(manifest.files)} files")
        return
    target = load(config, {"data_dir": data_dir}).data_dir
    manifest = backup.restore(folder, target)
    typer.echo(f"{manifest.rooms} rooms in {len(manifest.files)} files: {target}")
