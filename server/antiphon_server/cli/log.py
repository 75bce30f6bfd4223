"""`antiphon log`: checks of the rooms' ledgers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from antiphon_proto.errors import AntiphonError, ErrorCode, PeerError

if TYPE_CHECKING:
    from antiphon_server.store.ledger import SignedCheckpoint
    from antiphon_server.trust.notes import Checkpoint
    from antiphon_server.trust.verify import Report

app = typer.Typer(no_args_is_help=True, help="Ledgers of rooms: who did what, checkable by anybody.")


class CannotVerify(AntiphonError):
    """A file cannot be read or written; the message is one clear line."""

    code = ErrorCode.INVALID


@app.callback()
def log() -> None:
    """Ledgers of rooms: acts and their authors, checkable by anybody."""


@app.command()
def verify(
    target: Annotated[str, typer.Argument(help="A data folder, or a room's link")],
    room: Annotated[str, typer.Option(help="Of a data folder: this room only")] = "",
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="A checkpoint that was saved before: its leaves must stand there unchanged"),
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Write the newest checkpoint to this file")] = None,
    key: Annotated[
        str, typer.Option(help="The verifier key to trust, instead of the one that is found")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines.")] = False,
) -> None:
    """Make every hash of the ledger anew, compare it with the signed checkpoints, and name every damaged part. Exit
    status 1 when there is one."""
    saved = _saved(checkpoint, key)
    if target.startswith(("http://", "https://")):
        reports, newest = _remote(target, key, saved)
    else:
        reports, newest = _local(Path(target), room, saved, save is not None)
    if save is not None and newest is not None:
        _write(save, newest.note)
    damaged = any(report.damage for report in reports)
    if as_json:
        typer.echo(json.dumps({"ok": not damaged, "rooms": msgspec.to_builtins(reports)}, indent=1))
    else:
        for report in reports:
            for line in _lines(report):
                typer.echo(line)
        if not reports:
            typer.echo("no room has a ledger yet")
    raise typer.Exit(1 if damaged else 0)


def _local(
    folder: Path, room: str, saved: Checkpoint | None, with_newest: bool
) -> tuple[list[Report], SignedCheckpoint | None]:
    from antiphon_server.trust import data_folder

    if with_newest and not room:
        raise PeerError("--save needs --room: a checkpoint is of one room")
    name = saved.origin.rpartition("/")[2] if saved is not None else ""
    reports = data_folder.examine(folder, room or name, saved)
    return reports, data_folder.newest(folder, room) if with_newest else None


def _remote(link: str, key: str, saved: Checkpoint | None) -> tuple[list[Report], SignedCheckpoint | None]:
    from antiphon_server.cli.trace import address
    from antiphon_server.trust import remote
    from antiphon_server.trust.verify import Report, verify

    base, room, token = address(link, "", "")
    fetched = asyncio.run(remote.fetch(base, room, token, key))
    report = Report(room)
    verify(fetched.log, report, saved)
    return [report], fetched.checkpoint


def _saved(path: Path | None, key: str) -> Checkpoint | None:
    from antiphon_server.trust import notes

    if path is None:
        return None
    try:
        note = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotVerify(f"cannot read {path}: {error}") from None
    try:
        return notes.verify(note, notes.public_key(key)) if key else notes.read(note)
    except PeerError as error:
        raise CannotVerify(f"{path}: {error.message}") from None


def _write(path: Path, note: str) -> None:
    try:
        path.write_text(note, encoding="utf-8")
    except OSError as error:
        raise CannotVerify(f"cannot write {path}: {error.strerror or error}") from None


def _lines(report: Report) -> list[str]:
    state = "DAMAGED" if report.damage else "ok"
    later = f", {report.size - report.signed} after the newest" if report.size > report.signed else ""
    gone = f"; {report.erased} leaves of erased persons" if report.erased else ""
    leaves = f"{report.size} {'leaf' if report.size == 1 else 'leaves'}"
    signed = f"{report.checkpoints} checkpoint{'' if report.checkpoints == 1 else 's'}"
    head = f"room {report.room}: {state}, {leaves}, {signed}{later}{gone}"
    return [head, *(f"  {one}" for one in report.damage)]
