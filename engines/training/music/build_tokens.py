"""Stage 2, tokens: tunes and scores -> one file of token ids (``tokens.npz``).

    python -m training.music.build_tokens --data build/music --arrangements 6 --riffs 4000

``tokens.npz`` holds ``tokens`` (uint16 ids in one row, as played), ``mended`` (uint16, ``tokens`` XOR the target ids: 0
except at chords that another should replace), ``offsets`` (int64, where each piece starts, and the end), ``source``
(uint8, index into SOURCES), ``held_out`` (bool) and the vocabulary's SHA-256. Held-out pieces are chosen by tune, so no
arrangement of a held-out tune is ever trained on.
"""

from __future__ import annotations

import argparse
import json
import random
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from antiphon_engines.audio.symbolic.tokens import TICKS_PER_BEAT, Key, fingerprint

from .harmony import Tone, label
from .pieces import MAX_BARS, Tune, arranged, part_score
from .variants import varied

SOURCES: Final = ("oneills1850", "ryansMammoth", "airdsAirs", "miscFolk", "bach", "classical", "riff")
HELD_OUT_SHARE: Final = 20
_PLAIN_TURNS: Final = 2
_RIFF_SEED: Final = 77_000_000


class Encoded(NamedTuple):
    """One training piece."""

    ids: list[int]
    asked: list[int]
    source: int
    held_out: bool


class Score(NamedTuple):
    """A four-part score on a grid, soprano first: ticks from a bar line."""

    source: str
    title: str
    bar_beats: int
    key: Key
    parts: tuple[tuple[Tone, ...], ...]


def held_out(tones: Sequence[Tone]) -> bool:
    """Whether a melody belongs to the held-out twentieth: by the intervals that it begins with, in any key."""
    opening = [b.pitch - a.pitch for a, b in zip(tones[:8], tones[1:9], strict=False)]
    return zlib.crc32(repr(opening).encode()) % HELD_OUT_SHARE == 0


def _tones(rows: Iterable[Sequence[int]]) -> tuple[Tone, ...]:
    return tuple(Tone(*row) for row in rows)


def read_tunes(path: Path) -> list[Tune]:
    """The tunes of stage 1."""
    with path.open(encoding="utf-8") as file:
        rows: list[dict[str, Any]] = [json.loads(line) for line in file]
    return [
        Tune(
            r["source"], r["title"], _tones(r["melody"]), r["bar_beats"], r["triplet"], r["tonic"], r["mode"]
        )
        for r in rows
    ]


def read_scores(path: Path) -> list[Score]:
    """The four-part scores of stage 1."""
    with path.open(encoding="utf-8") as file:
        rows: list[dict[str, Any]] = [json.loads(line) for line in file]
    return [
        Score(
            r["source"],
            r["title"],
            r["bar_beats"],
            Key(r["tonic"], r["mode"]),
            tuple(map(_tones, r["parts"])),
        )
        for r in rows
    ]


def encode_tune(job: tuple[Tune | None, int]) -> list[Encoded]:
    """One arrangement of a tune, or a riff piece."""
    tune, seed = job
    source = "riff" if tune is None else tune.source
    out = held_out(tune.melody) if tune else seed % HELD_OUT_SHARE == 0
    return [Encoded(*arranged(tune, seed).to_example(), SOURCES.index(source), out)]


def encode_score(job: tuple[Score, int]) -> list[Encoded]:
    """A score in excerpts of at most MAX_BARS bars."""
    score, seed = job
    length = score.bar_beats * TICKS_PER_BEAT
    bars = -(-max(tone.tick + tone.duration for part in score.parts for tone in part) // length)
    chords = label(score.parts, bars * score.bar_beats)
    style = "chorale" if score.source == "bach" else "classical"
    out = []
    for first in range(0, bars, MAX_BARS):
        count = min(MAX_BARS, bars - first)
        start, stop = first * length, (first + count) * length
        parts = [
            [t._replace(tick=t.tick - start) for t in part if start <= t.tick < stop] for part in score.parts
        ]
        if count < 4 or not all(parts):
            continue
        span = chords[first * score.bar_beats : (first + count) * score.bar_beats]
        piece = part_score(parts, span, style, score.key, score.bar_beats, count, seed + first)
        out.append(Encoded(*piece.to_example(), SOURCES.index(score.source), held_out(score.parts[0])))
    return out


def encode_all(
    tunes: Sequence[Tune], scores: Sequence[Score], arrangements: int, riffs: int, workers: int
) -> Iterator[Encoded]:
    """All pieces: each tune and score ``arrangements`` times, and ``riffs`` riff pieces.

    After the first arrangements there are variations of the training tunes in place of the tunes.
    """
    jobs: list[tuple[Tune | None, int]] = [
        (tune, 1_000_003 * turn + index)
        for turn in range(min(arrangements, _PLAIN_TURNS))
        for index, tune in enumerate(tunes)
    ]
    known = [tune for tune in tunes if not held_out(tune.melody)]
    for turn in range(_PLAIN_TURNS, arrangements):
        seeds = [1_000_003 * turn + index for index in range(len(known))]
        jobs += [(varied(known, random.Random(seed)), seed) for seed in seeds]
    jobs += [(None, _RIFF_SEED + index) for index in range(riffs)]
    score_jobs = [
        (score, 1_000 * index + turn) for turn in range(arrangements) for index, score in enumerate(scores)
    ]
    if workers <= 1:
        for batch in (*map(encode_tune, jobs), *map(encode_score, score_jobs)):
            yield from batch
        return
    with ProcessPoolExecutor(workers) as pool:
        for batch in pool.map(encode_tune, jobs, chunksize=64):
            yield from batch
        for batch in pool.map(encode_score, score_jobs, chunksize=16):
            yield from batch


def write(pieces: list[Encoded], path: Path) -> None:
    """Write ``tokens.npz``; pieces are shuffled with a fixed seed."""
    random.Random(0).shuffle(pieces)
    lengths = [len(piece.ids) for piece in pieces]
    played = np.concatenate([np.array(piece.ids, np.uint16) for piece in pieces])
    asked = np.concatenate([np.array(piece.asked, np.uint16) for piece in pieces])
    np.savez_compressed(
        path,
        tokens=played,
        mended=played ^ asked,
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        source=np.array([piece.source for piece in pieces], np.uint8),
        held_out=np.array([piece.held_out for piece in pieces], np.bool_),
        vocabulary=np.array(fingerprint()),
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Run stage 2."""
    parser = argparse.ArgumentParser(description="tunes and scores -> tokens.npz")
    parser.add_argument("--data", type=Path, default=Path("build/music"))
    parser.add_argument("--arrangements", type=int, default=6)
    parser.add_argument("--riffs", type=int, default=4000)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args(argv)
    tunes, scores = read_tunes(options.data / "tunes.jsonl"), read_scores(options.data / "scores.jsonl")
    pieces = list(encode_all(tunes, scores, options.arrangements, options.riffs, options.workers))
    write(pieces, options.data / "tokens.npz")
    by_source = {name: sum(len(p.ids) for p in pieces if p.source == i) for i, name in enumerate(SOURCES)}
    print(f"{len(pieces)} pieces, {sum(p.held_out for p in pieces)} held out, tokens: {by_source}")


if __name__ == "__main__":
    main()
