"""`antiphon models`: lists models, and prepares them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.audio import spec as music
from antiphon_engines.catalogue import CATALOGUE, VOICES, EmbeddedCard, PackagedGgufCard, SpeechCard
from antiphon_engines.embedding import prepare as meaning
from antiphon_engines.model_files import packaged_speech
from antiphon_engines.model_files.prepare import Progress as Report
from antiphon_engines.text import spec as text_spec
from antiphon_server.cli.model_switch import use_model
from antiphon_server.cli.reporting import reporting

app = typer.Typer(no_args_is_help=True, help="The models that Antiphon knows by name.")

CacheDir = Annotated[Path | None, typer.Option(help="Folder of prepared models (default: ~/.cache/antiphon)")]
ConfigFile = Annotated[Path | None, typer.Option(help="Settings file (TOML); every setting can stand there")]


app.command("use")(use_model)


@app.command("list")
def list_models(
    cache_dir: CacheDir = None,
    config: ConfigFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array instead of a table.")] = False,
) -> None:
    """List the models, their terms, and which are ready."""
    from antiphon_server.config import load

    settings = load(config, {"cache_dir": cache_dir})
    cache = settings.cache_dir.expanduser()
    chosen = {
        settings.text_spec,
        packaged_speech.NAME if settings.speech_model == "auto" else settings.speech_model,
    }
    rows = [_row(card, cache, chosen) for card in (*CATALOGUE, VOICES)] + [_meaning_row(cache)]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    Console().print(
        _table(rows), *(f"{row['name']}: {row['note']}" for row in rows), _OTHERS, sep="\n", highlight=False
    )


@app.command("prepare")
def prepare_model(
    name: Annotated[str | None, typer.Argument(help="Which model; by default the one that is set.")] = None,
    accept_terms: Annotated[
        bool, typer.Option("--accept-terms", help="I have read the model's terms and accept them.")
    ] = False,
    source: Annotated[
        Path | None, typer.Option("--from", help="A copy of the model's file, instead of fetching it.")
    ] = None,
    cache_dir: CacheDir = None,
    config: ConfigFile = None,
) -> None:
    """Fetch a model and get it ready to run. Quick when it is ready already; goes on where it was interrupted."""
    from antiphon_server.config import load

    if name in (meaning.NAME, packaged_speech.NAME):
        folder = load(config, {"cache_dir": cache_dir}).cache_dir.expanduser()
        with reporting() as report:
            if name == meaning.NAME:
                path = meaning.prepare(folder, report, source)
            else:
                path = packaged_speech.prepare(folder, report)
        typer.echo(f"{name} is ready: {path}")
        return
    settings = load(config, {"cache_dir": cache_dir, "text_model": name})
    model = settings.text_spec
    with reporting() as report:
        made = text_spec.prepare(
            settings.cache_dir.expanduser(),
            model,
            accept_terms=accept_terms,
            progress=report,
            source=source,
        )
        if name is None:
            _prepare_music(settings.cache_dir.expanduser(), settings.music_model, report)
    if made is None:
        typer.echo(f"{model} needs no preparing: it is {text_spec.describe(model).note}.")
    else:
        typer.echo(f"{model} is ready: {made}")


def _prepare_music(cache_dir: Path, spec: str, report: Report) -> None:
    """The files of the band; a server without a band is better than none."""
    try:
        music.prepare(cache_dir, spec, report)
    except EngineUnavailable as error:
        typer.echo(f"there will be no band: {error.message}", err=True)


_OTHERS = (
    "* is the one that is set. Also: a path to a .gguf file or a transformers folder, a hub repository "
    "(organisation/name), or any OpenAI-compatible server (http://host:port/v1#model)."
)


def _row(
    card: EmbeddedCard | PackagedGgufCard | SpeechCard, cache_dir: Path, chosen: set[str]
) -> dict[str, Any]:
    problem = ""
    try:
        if isinstance(card, SpeechCard):
            packaged_speech.prepared(cache_dir)
        else:
            text_spec.locate(cache_dir, card)
    except EngineUnavailable as error:
        problem = error.message
    return {
        "name": card.name,
        "title": card.title,
        "backend": card.backend,
        "download_mb": card.download_mb,
        "license": card.license,
        "terms_url": card.terms_url,
        "note": card.note,
        "chosen": card.name in chosen,
        "ready": not problem,
        "problem": problem,
    }


def _meaning_row(cache_dir: Path) -> dict[str, Any]:
    problem = ""
    try:
        meaning.find(cache_dir)
    except EngineUnavailable as error:
        problem = error.message
    return {
        "name": meaning.NAME,
        "title": meaning.TITLE,
        "backend": "onnxruntime",
        "download_mb": meaning.DOWNLOAD_MB,
        "license": meaning.LICENSE,
        "terms_url": "",
        "note": "For search by meaning, in a hundred languages. It writes nothing.",
        "chosen": False,
        "ready": not problem,
        "problem": problem,
    }


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table("name", "model", "download", "licence", "ready")
    table.columns[0].no_wrap = table.columns[2].no_wrap = True
    for row in rows:
        ready = "[green]yes[/]" if row["ready"] else "no"
        chosen = " *" if row["chosen"] else ""
        table.add_row(row["name"] + chosen, row["title"], f"{row['download_mb']} MB", row["license"], ready)
    return table
