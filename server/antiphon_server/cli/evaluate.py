"""`antiphon eval`: scores a model in tasks that a program checks, and the checker of spelling by planted faults."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(no_args_is_help=True, help="What a model can do, in tasks that a program checks.")


@app.command("text")
def evaluate_text(
    model: Annotated[
        str | None, typer.Option(help="A text model, as `serve --text-model` takes it; default: the one set")
    ] = None,
    split: Annotated[
        Literal["test", "dev", "all"], typer.Option(help="`dev` is what prompts are tuned on")
    ] = "test",
    seeds: Annotated[int, typer.Option(min=1, max=20, help="How often each task is done")] = 3,
    kind: Annotated[str | None, typer.Option(help="One kind of task only")] = None,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Tasks side by side")] = 4,
    threads: Annotated[int | None, typer.Option(min=1, max=256)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, every answer included.")] = False,
    cache_dir: Annotated[Path | None, typer.Option(help="Folder of prepared models")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings file (TOML)")] = None,
) -> None:
    """Do 80 small writing tasks and say which share was done right. Takes minutes."""
    import msgspec
    from msgspec.structs import replace

    from antiphon_engines.config import checked
    from antiphon_engines.text import spec as text_spec
    from antiphon_server.config import load
    from antiphon_server.evaluation.runner import Outcome, evaluate
    from antiphon_server.evaluation.tasks import all_tasks

    settings = load(config, {"cache_dir": cache_dir, "text_model": model})
    kinds = tuple(dict.fromkeys(task.kind for task in all_tasks()))
    if kind is not None and kind not in kinds:
        raise typer.BadParameter(f"there is no kind {kind}: {', '.join(kinds)}")
    tasks = [task for task in all_tasks() if split in ("all", task.split) and kind in (None, task.kind)]
    # One of each kind after the other: a run that is broken off has results of all kinds.
    tasks.sort(key=lambda task: int(task.name.partition("/")[2]))
    worker = settings.worker_config()
    worker = replace(worker, max_jobs=at_once, max_batch=at_once, threads=threads or worker.threads)
    errors = Console(stderr=True)

    def on_outcome(outcome: Outcome) -> None:
        errors.print(f"{outcome.task} {'; '.join(outcome.fails) or 'right'}", highlight=False, markup=False)

    engine = text_spec.build(checked(worker))
    try:
        summary = evaluate(engine, tasks, range(1, seeds + 1), split=split, on_outcome=on_outcome)
    finally:
        engine.close()
    if as_json:
        typer.echo(msgspec.json.encode(summary).decode())
        return
    table = Table("kind", "right")
    for name, share in summary.kinds.items():
        table.add_row(name, f"{share:.2f}")
    table.add_row("all", f"{summary.share:.2f}")
    Console().print(table)


@contextmanager
def _only_ours() -> Iterator[None]:
    """What a library prints goes to standard error."""
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


@app.command("spelling")
def evaluate_spelling(
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object, what was missed included.")
    ] = False,
) -> None:
    """Check 60 planted faults and 2,000 clean words in each language, English and Russian."""
    import msgspec

    from antiphon_server.evaluation.spelling.measure import Figures, measure
    from antiphon_server.http.client_files import DICTIONARIES
    from antiphon_server.spelling.checker import Checkers
    from antiphon_server.spelling.findings import Finding, Language, Passage

    checkers = Checkers(DICTIONARIES)
    figures: list[Figures] = []
    languages: tuple[Language, ...] = ("en", "ru")
    for language in languages:

        def check(text: str, language: Language = language) -> tuple[Finding, ...]:
            (found,) = checkers.check((Passage(text, language),))
            if found is None:
                raise typer.BadParameter(f"{language} cannot be checked here: see the warning above")
            return found

        with _only_ours():
            figures.append(measure(language, check))
    if as_json:
        typer.echo(msgspec.json.encode(figures).decode())
        return
    table = Table(
        "language", "found", "right first", "false alarms", "clean words", "ms a passage, median and most"
    )
    for one in figures:
        found, first = f"{one.found} of {one.planted}", f"{one.first} of {one.planted}"
        median, most = one.milliseconds
        words = f"{one.clean_words:,}"
        table.add_row(one.language, found, first, str(one.false_alarms), words, f"{median:g}, {most:g}")
    Console().print(table)


@app.command("contradictions")
def evaluate_contradictions(
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object, misses and false ones included.")
    ] = False,
) -> None:
    """Look for 60 planted contradictions, among 40 pairs of sentences that are none. Takes seconds."""
    import msgspec

    from antiphon_server.evaluation.contradictions import measured

    if as_json:
        score = measured()
        shares = {"recall": score.recall, "precision": score.precision}
        typer.echo(msgspec.json.encode({**msgspec.to_builtins(score), **shares}).decode())
        return
    table = Table("language", "planted", "found", "recall", "precision")
    for name, languages in (("English", ("en",)), ("Russian", ("ru",)), ("both", ("en", "ru"))):
        score = measured(languages)
        table.add_row(
            name, str(score.planted), str(score.found), f"{score.recall:.2f}", f"{score.precision:.2f}"
        )
    Console().print(table)


@app.command("search")
def evaluate_search(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    cache_dir: Annotated[Path | None, typer.Option(help="Folder of prepared models.")] = None,
) -> None:
    """Look for 40 passages, English and Russian, by what they mean in both languages and by their words."""
    import msgspec

    from antiphon_engines.api import EngineUnavailable
    from antiphon_engines.embedding import prepare
    from antiphon_engines.embedding.encoder import Encoder
    from antiphon_server.config import load
    from antiphon_server.evaluation.search import measured

    settings = load(None, {"cache_dir": cache_dir})
    encoder: Encoder | None = None
    try:
        encoder = Encoder(*prepare.find(settings.cache_dir.expanduser()))
    except EngineUnavailable as error:
        typer.echo(f"words alone: {error.message}", err=True)
    figures = measured(encoder)
    if as_json:
        typer.echo(msgspec.json.encode(figures).decode())
        return
    table = Table("queries", "first", "among five", "of", "others shown")
    for one in figures.shares:
        table.add_row(one.kind, str(one.first), str(one.five), str(one.queries), f"{one.others:g}")
    Console().print(table)
    typer.echo("one search: median {:g} ms, most {:g} ms".format(*figures.milliseconds))
