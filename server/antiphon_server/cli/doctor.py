"""`antiphon doctor`: the state of this machine, the needs of the chosen model, and the commands to install missing
parts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from antiphon_server.cli import backend_checks, installation
from antiphon_server.cli.installation import Check
from antiphon_server.rooms.quarantine import kept_aside

_MARKS = {"ok": "[green]ok[/]", "missing": "[red]missing[/]", "absent": "[dim]-[/]"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    text_model: Annotated[
        str | None, typer.Option(help="Check for this model instead of the one that is set")
    ] = None,
    cache_dir: Annotated[Path | None, typer.Option(help="Folder of prepared models")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the rooms and the signing key")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings file (TOML)")] = None,
) -> None:
    """Show installed and missing parts, the devices that models will run on, and whether every room still has all of
    its durable edits. Exit status 1 when the chosen model cannot run, or edits are missing."""
    from antiphon_server.cli import inspection
    from antiphon_server.config import load

    settings = load(config, {"cache_dir": cache_dir, "data_dir": data_dir, "text_model": text_model})
    checks = installation.examine(settings.cache_dir.expanduser(), settings.text_spec, settings.engine.device)
    checks += inspection.examine(settings.data_dir)
    checks += backend_checks.examine(settings.worker_config())
    checks.append(_rooms(settings.data_dir / "rooms.sqlite"))
    healthy = all(check.state != "missing" for check in checks)
    if as_json:
        typer.echo(json.dumps({"ok": healthy, "checks": msgspec.to_builtins(checks)}, indent=1))
    else:
        Console().print(_table(checks))
    raise typer.Exit(0 if healthy else 1)


def _rooms(database: Path) -> Check:
    aside = kept_aside(database)
    if not aside:
        return Check("kept aside", "ok", "nothing that is stored had to be kept aside")
    some = ", ".join(f"{room} ({count})" for room, count in list(aside.items())[:10])
    return Check(
        "rooms",
        "absent",
        f"{sum(aside.values())} stored changes of {len(aside)} rooms are kept aside: {some}",
    )


def _table(checks: list[Check]) -> Table:
    table = Table("", "", "", "to get it", box=None, header_style="dim", pad_edge=False)
    table.columns[0].no_wrap = True
    for check in checks:
        table.add_row(check.name, _MARKS[check.state], escape(check.detail), escape(check.remedy))
    return table
