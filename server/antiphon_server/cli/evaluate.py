"""`antiphon eval`: scores a model in tasks that a program checks, and the checker of spelling by planted faults."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from antiphon_server.evaluation.tasks import Task

app = typer.Typer(no_args_is_help=True, help="What a model can do, in tasks that a program checks.")


Model = Annotated[
    str | None, typer.Option(help="A text model, as `serve --text-model` takes it; default: the one set")
]
Split = Annotated[Literal["test", "dev", "all"], typer.Option(help="`dev` is what prompts are tuned on")]
Seeds = Annotated[int, typer.Option(min=1, max=20, help="How often each task is done")]
AtOnce = Annotated[int, typer.Option(min=1, max=64, help="Tasks side by side")]
Threads = Annotated[int | None, typer.Option(min=1, max=256)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object, every answer included.")]
CacheDir = Annotated[Path | None, typer.Option(help="Folder of prepared models")]
Config = Annotated[Path | None, typer.Option(help="Settings file (TOML)")]


@app.command("text")
def evaluate_text(
    model: Model = None,
    split: Split = "test",
    seeds: Seeds = 3,
    kind: Annotated[str | None, typer.Option(help="One kind of task only")] = None,
    at_once: AtOnce = 4,
    threads: Threads = None,
    as_json: AsJson = False,
    cache_dir: CacheDir = None,
    config: Config = None,
) -> None:
    """Do 80 small writing tasks and say which share was done right. Takes minutes."""
    from antiphon_server.evaluation.tasks import all_tasks

    tasks = list(all_tasks())
    kinds = tuple(dict.fromkeys(task.kind for task in tasks))
    if kind is not None and kind not in kinds:
        raise typer.BadParameter(f"there is no kind {kind}: {', '.join(kinds)}")
    tasks = [task for task in tasks if kind in (None, task.kind)]
    # One of each kind after the other: a run that is broken off has results of all kinds.
    tasks.sort(key=lambda task: int(task.name.partition("/")[2]))
    settings = {"cache_dir": cache_dir, "text_model": model}
    _score(tasks, split, seeds, at_once, threads, as_json, config, settings)


@app.command("story")
def evaluate_story(
    model: Model = None,
    split: Split = "test",
    seeds: Seeds = 1,
    at_once: AtOnce = 1,
    threads: Threads = None,
    as_json: AsJson = False,
    cache_dir: CacheDir = None,
    config: Config = None,
) -> None:
    """Ask 40 questions about a story of 2,200 words, as in the chat of its room. Takes minutes."""
    from antiphon_server.evaluation.story_questions import story_tasks

    settings = {"cache_dir": cache_dir, "text_model": model}
    _score(story_tasks(), split, seeds, at_once, threads, as_json, config, settings)


def _score(
    tasks: Sequence[Task],
    split: Literal["test", "dev", "all"],
    seeds: int,
    at_once: int,
    threads: int | None,
    as_json: bool,
    config: Path | None,
    changes: Mapping[str, object],
) -> None:
    """Do the tasks of the split and print which share was done right; progress goes to standard error."""
    import msgspec
    from msgspec.structs import replace

    from antiphon_engines.config import checked
    from antiphon_engines.text import spec as text_spec
    from antiphon_server.config import load
    from antiphon_server.evaluation.runner import Outcome, evaluate

    worker = load(config, changes).worker_config()
    worker = replace(worker, max_jobs=at_once, max_batch=at_once, threads=threads or worker.threads)
    errors = Console(stderr=True)

    def on_outcome(outcome: Outcome) -> None:
        errors.print(f"{outcome.task} {'; '.join(outcome.fails) or 'right'}", highlight=False, markup=False)

    chosen = [task for task in tasks if split in ("all", task.split)]
    engine = text_spec.build(checked(worker))
    try:
        summary = evaluate(engine, chosen, range(1, seeds + 1), split=split, on_outcome=on_outcome)
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
    """A library's prints go to standard error."""
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
