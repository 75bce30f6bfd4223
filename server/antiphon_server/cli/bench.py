"""`antiphon bench NAME`: measure, and say which targets are met."""

from __future__ import annotations

import enum
from importlib import import_module
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console

from antiphon_proto.errors import AntiphonError
from antiphon_server.bench.report import Report


class Bench(enum.StrEnum):
    """Each is a module of `antiphon_server.bench` with `run(long) -> Report`."""

    AUDIO = "audio"
    HOSTILE = "hostile"
    IMAGE = "image"
    MIXED = "mixed"
    RELAY = "relay"
    ROOM = "room"
    TEXT = "text"
    TYPING = "typing"


class CannotSave(AntiphonError):
    """The copy cannot be written; the message is one clear line."""


def bench(
    name: Annotated[Bench, typer.Argument(help="What to measure")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
    long: Annotated[
        bool, typer.Option("--long", help="Take longer than 3 minutes, for steadier figures.")
    ] = False,
    seconds: Annotated[
        float | None,
        typer.Option(
            min=1,
            max=3600,
            help="Of each part of `audio` (30, long: 300), `mixed` (300), `hostile` (8, long: 12).",
        ),
    ] = None,
    short: Annotated[bool, typer.Option("--short", help="`hostile` and `typing` in half a minute")] = False,
    frames: Annotated[
        int | None, typer.Option(min=100, help="Of `hostile`: how many (100,000; long: a million)")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Of `text`: a GGUF model, step by step beside llama.cpp's server")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Folder to leave a copy in")] = None,
) -> None:
    """Measure Antiphon beside its alternatives. Exit status 0 when it could be measured."""
    module = import_module(f"antiphon_server.bench.{name}")
    if seconds is not None and name not in (Bench.AUDIO, Bench.HOSTILE, Bench.MIXED):
        raise typer.BadParameter("only `audio`, `hostile` and `mixed` take --seconds")
    given: dict[str, object] = {} if seconds is None else {"seconds": seconds}
    if name is Bench.TEXT:
        given["model"] = model
    elif model is not None:
        raise typer.BadParameter("only `text` takes --model")
    if name is Bench.HOSTILE:
        given |= {"short": short, "frames": frames}
    elif frames is not None:
        raise typer.BadParameter("only `hostile` takes --frames")
    elif name is Bench.TYPING:
        given["short"] = short
    elif short:
        raise typer.BadParameter("only `hostile` and `typing` take --short")
    report = cast(Report, module.run(long, **given))
    if as_json:
        typer.echo(report.to_json())
    else:
        report.show(Console())
    if save is not None:
        try:
            path = report.save(save)
        except OSError as error:
            raise CannotSave(f"cannot save the figures in {save}: {error.strerror or error}") from None
        typer.echo(f"saved {path}", err=True)
