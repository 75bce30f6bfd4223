"""Stage 1, data: music21's corpus -> ``tunes.jsonl`` and ``scores.jsonl``.

    python -m training.music.data --out build/music

Only these parts of the corpus are read; all are music in the public domain with no restriction in the files
(sources and licences are in the model card): O'Neill's Music of Ireland, Ryan's Mammoth Collection, Aird's Airs,
miscellaneous folk tunes (ABC); Bach chorales, and quartets by Haydn, Mozart and Beethoven (MusicXML).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from .abc_reader import read_book
from .build_tokens import Score
from .pieces import Tune
from .score_reader import read_score

TUNE_BOOKS: Final = ("ryansMammoth", "airdsAirs", "oneills1850", "miscFolk")
SCORES: Final = ("bach", "haydn", "mozart", "beethoven", "corelli")


def corpus_folder() -> Path:
    """Where the installed music21 package keeps its corpus; the package itself is not imported (that takes seconds)."""
    spec = find_spec("music21")
    if spec is None or spec.origin is None:
        raise SystemExit("the data stage needs the music21 package: pip install -r requirements.txt")
    return Path(spec.origin).parent / "corpus"


def unique_tunes(corpus: Path, books: Sequence[str] = TUNE_BOOKS) -> Iterator[Tune]:
    """The tunes of the books; one that begins like an earlier one (24 notes, in any key) is left out."""
    seen: set[tuple[tuple[int, int], ...]] = set()
    for book in books:
        for path in sorted((corpus / book).glob("*.abc")):
            for tune in read_book(path.read_text(encoding="utf-8", errors="replace"), book):
                if tune is None:
                    continue
                pairs = zip(tune.melody[:24], tune.melody[1:25], strict=False)
                opening = tuple((b.tick - a.tick, b.pitch - a.pitch) for a, b in pairs)
                if opening not in seen:
                    seen.add(opening)
                    yield tune


def four_part_scores(corpus: Path, composers: Sequence[str] = SCORES) -> Iterator[Score]:
    """The four-part scores of the composers."""
    for composer in composers:
        for path in sorted((corpus / composer).rglob("*")):
            if path.suffix in (".mxl", ".xml", ".musicxml"):
                score = read_score(path, "bach" if composer == "bach" else "classical")
                if score is not None:
                    yield score


def tune_row(tune: Tune) -> dict[str, Any]:
    """A tune as a line of tunes.jsonl."""
    return {
        "source": tune.source, "title": tune.title, "bar_beats": tune.bar_beats, "triplet": tune.triplet,
        "tonic": tune.tonic, "mode": tune.mode, "melody": tune.melody,
    }  # fmt: skip


def score_row(score: Score) -> dict[str, Any]:
    """A score as a line of scores.jsonl."""
    return {
        "source": score.source, "title": score.title, "bar_beats": score.bar_beats, "tonic": score.key.tonic,
        "mode": score.key.mode, "parts": score.parts,
    }  # fmt: skip


def main(argv: Sequence[str] | None = None) -> None:
    """Run stage 1."""
    parser = argparse.ArgumentParser(description="music21's corpus -> tunes.jsonl, scores.jsonl")
    parser.add_argument("--out", type=Path, default=Path("build/music"))
    parser.add_argument(
        "--corpus", type=Path, default=None, help="the corpus folder, if music21 is not installed"
    )
    options = parser.parse_args(argv)
    corpus = options.corpus or corpus_folder()
    options.out.mkdir(parents=True, exist_ok=True)
    for name, rows in (
        ("tunes.jsonl", map(tune_row, unique_tunes(corpus))),
        ("scores.jsonl", map(score_row, four_part_scores(corpus))),
    ):
        count = 0
        with (options.out / name).open("w", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(row) + "\n")
                count += 1
        print(f"{count} in {options.out / name}")


if __name__ == "__main__":
    main()
