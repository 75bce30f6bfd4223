"""Stage 5, evaluate: play along with held-out tunes and measure; raw numbers to JSON, two piano rolls to PNG.

    python -m training.music.evaluate --data build/music --json music_model_eval.json --rolls build/music

The weights are those that `pack` wrote (or ``--weights``). Everything is drawn from fixed seeds: the same weights and
token file give the same numbers, except the speeds.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from antiphon_engines.audio.symbolic.controls import CHORD_TEMPERATURE, FOLLOW, KEY_LOCK, Controls
from antiphon_engines.audio.symbolic.decoder import Decoder
from antiphon_engines.audio.symbolic.loader import FOLDER, load_decoder, load_model
from antiphon_engines.audio.symbolic.performer import Performer
from antiphon_engines.audio.symbolic.tokens import (
    IDS,
    KINDS,
    LAGS,
    TEMPO_BORDERS,
    Bar,
    Key,
    decode,
    encode,
    transposition,
)

from . import measures
from .batches import KIND
from .build_tokens import held_out, read_tunes
from .harmony import Tone
from .measures import Take, share
from .ngrams import Ids, NGrams, longest_shared
from .pieces import Tune, arranged
from .rolls import piano_roll

HELP: Final = {"follow": FOLLOW, "key_lock": KEY_LOCK, "chord_temperature": CHORD_TEMPERATURE}
"""The engine's help, as in the jam, reported in addition to the bare model."""
_LAG_SHARES: Final = {0: 0.20, 3: 0.15, 6: 0.25, 12: 0.25, 24: 0.15}
"""How the lags are mixed in the one headline number (as in the project's first attempt, so that they compare)."""
_TEMPI: Final = (60.0, 80.0, 100.0, 120.0, 142.0, 165.0)
_GRID: Final = (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384)
_FOREVER: Final = 10**9

assert len(_TEMPI) == len(TEMPO_BORDERS) + 1


@dataclass
class Session:
    """A take and its cost."""

    take: Take
    ids: Ids
    cpu_seconds: float
    music_seconds: float
    tokens: int


def controls_of(bar: Bar, lag: int, **settings: Any) -> Controls:
    """Controls that match ``bar``."""
    return Controls(
        styles={bar.style: 1.0},
        key=bar.key,
        beats_per_minute=_TEMPI[bar.tempo if bar.tempo is not None else 3],
        beats=bar.beats,
        density=bar.density,
        roles=bar.roles,
        lag=lag,
        **settings,
    )


def perform(
    decoder: Decoder, asked: Sequence[Bar], people: Sequence[Tone], lag: int, seed: int, **settings: Any
) -> Session:
    """Let the model play ``asked`` along with ``people``; it learns of each note ``lag`` ticks after it sounds."""
    length = asked[0].ticks
    people = [tone for tone in people if tone.tick < len(asked) * length]
    started = time.process_time()
    performer = Performer(decoder, controls_of(asked[0], lag, **settings), seed)
    for tone in people:
        performer.on_note(tone.tick, tone.pitch)
        performer.release(tone.tick + tone.duration, tone.pitch)
    notes = []
    for number, bar in enumerate(asked):
        notes += performer.advance(_FOREVER, (number + 1) * length)
        following = asked[min(number + 1, len(asked) - 1)]
        performer.controls = controls_of(following, lag, **settings)
        del bar
    spent = time.process_time() - started
    beats = len(asked) * asked[0].beats
    chords = [chord for tick, chord in performer.chords if tick < len(asked) * length]
    ids = np.array(encode(performer.transcript()[: len(asked) - 1]), np.int64)
    seconds = beats * 60 / _TEMPI[asked[0].tempo if asked[0].tempo is not None else 3]
    return Session(Take(list(asked), notes, chords, list(people)), ids, spent, seconds, performer.tokens_fed)


def references(tunes: Sequence[Tune], count: int, bars: int, part: str = "melody") -> list[Take]:
    """Arrangements with hindsight of held-out tunes: the controls to set, and the reference to compare with."""
    takes = []
    for index, tune in enumerate(tunes):
        piece = arranged(tune, 500_000 + index, part, faults=False)
        asked = piece.to_bars()[:bars]
        if len(asked) < bars:
            continue
        stop = bars * asked[0].ticks
        notes = [n._replace(tick=n.tick + i * bar.ticks) for i, bar in enumerate(asked) for n in bar.notes]
        people = [tone for tone in piece.people if tone.tick < stop]
        takes.append(Take(asked, notes, piece.chords[: bars * piece.bar_beats], people))
        if len(takes) == count:
            break
    return takes


def pooled(takes: Sequence[Take], measure: Callable[[Take], Sequence[bool]]) -> float | None:
    """The share over all takes together."""
    return share([hit for take in takes for hit in measure(take)])


# Likelihood -----------------------------------------------------------------------------------------------


def likelihoods(data: Path, weights: Path, pieces: int, context: int) -> dict[str, Any]:
    """Mean negative log-likelihood in nats a target, by kind, of the model and of n-grams; chords guessed right."""
    with np.load(data / "tokens.npz") as file:
        played, offsets, out = file["tokens"], file["offsets"], file["held_out"]
        wanted = played ^ file["mended"]
    chosen = np.flatnonzero(out)[:pieces]
    training = np.flatnonzero(~np.repeat(out, np.diff(offsets)))
    grams = NGrams(played[training].astype(np.int64), 5, wanted[training].astype(np.int64))
    del training
    model = load_model(weights)
    sums = {name: np.zeros(len(KINDS)) for name in ("unigram", "bigram", "5-gram", "model")}
    counts = np.zeros(len(KINDS))
    right: dict[int, list[bool]] = {lag: [] for lag in LAGS}
    for index in chosen:
        place = slice(offsets[index], min(offsets[index] + context, offsets[index + 1]))
        ids, asked = played[place].astype(np.int64), wanted[place].astype(np.int64)
        kinds = KIND[ids][4:]
        odds = grams.probabilities(ids, asked)
        with torch.inference_mode():
            logits = model(input_ids=torch.from_numpy(ids)[None]).logits[0, 3:-1].float()
        nll = cross_entropy(logits, torch.from_numpy(asked[4:]), reduction="none").numpy()
        counts += np.bincount(kinds, minlength=len(KINDS))
        rows = {
            "unigram": -np.log(odds[1]),
            "bigram": -np.log(odds[2]),
            "5-gram": -np.log(odds[5]),
            "model": nll,
        }
        for name, row in rows.items():
            sums[name] += np.bincount(kinds, row, len(KINDS))
        lag_id = int(ids[7])
        lag = next(lag for lag in LAGS if IDS[f"LAG_{lag}"] == lag_id)
        chords = kinds == KINDS.index("chord")
        if any(bar.heard for bar in decode(ids.tolist())):
            right[lag] += (logits.argmax(-1).numpy() == asked[4:])[chords].tolist()
    table = {}
    for name, total in sums.items():
        by_kind = {k: total[i] / counts[i] for i, k in enumerate(KINDS) if i and counts[i]}
        table[name] = {"all": total[1:].sum() / counts[1:].sum()} | by_kind
    best = min(table[name]["all"] for name in ("unigram", "bigram", "5-gram"))
    return {
        "pieces": len(chosen),
        "targets": int(counts[1:].sum()),
        "nll": table,
        "below_best_ngram": 1 - table["model"]["all"] / best,
        "chord_top1_by_lag": {lag: share(hits) for lag, hits in right.items()},
    }


# Playing along --------------------------------------------------------------------------------------------


@cache
def _decoder(weights: Path) -> Decoder:
    return load_decoder(weights)


def _session(job: tuple[Path, Take, int, int, dict[str, Any]]) -> Session:
    weights, take, lag, seed, settings = job
    return perform(_decoder(weights), take.asked, take.people, lag, seed, **settings)


def accompany(
    weights: Path, takes: Sequence[Take], lags: Sequence[int], workers: int, **settings: Any
) -> list[list[Session]]:
    """One session a lag and take."""
    jobs = [
        (weights, take, lag, 7 * index + lag, settings) for lag in lags for index, take in enumerate(takes)
    ]
    if workers > 1:
        with ProcessPoolExecutor(workers) as pool:
            sessions = list(pool.map(_session, jobs))
    else:
        sessions = list(map(_session, jobs))
    return [sessions[place * len(takes) : (place + 1) * len(takes)] for place in range(len(lags))]


def following(by_lag: dict[int, list[Take]], references: Sequence[Take]) -> dict[str, Any]:
    """Human notes on the band's chord, by lag and mixed, with chance, a still band and hindsight for comparison."""
    table = {
        lag: {
            "on_chord": pooled(takes, measures.people_on_chord),
            "chance": pooled(takes, lambda take: measures.people_on_chord(take, 3)),
        }
        for lag, takes in by_lag.items()
    }
    total = sum(_LAG_SHARES[lag] for lag in table)
    mixed = {
        name: sum(_LAG_SHARES[lag] * (row[name] or 0.0) for lag, row in table.items()) / total
        for name in ("on_chord", "chance")
    }
    return {
        "by_lag": table,
        "mixed": mixed,
        "hindsight": pooled(references, measures.people_on_chord),
        "tonic_only": pooled(references, measures.people_on_tonic),
    }


def consonance(by_lag: dict[int, list[Take]], rng: np.random.Generator) -> dict[str, Any]:
    """Consonant intervals between people and band on strong beats, by lag and pooled, with shuffled accompaniment. The
    few dozen takes of one lag have too few intervals to tell a difference of 0.02 from chance; hence the pool.
    """

    def compared(takes: Sequence[Take]) -> dict[str, float]:
        played, shuffled, p = measures.consonance_against_shuffled(takes, 400, rng)
        return {"played": played, "shuffled": shuffled, "p": p}

    everything = [take for takes in by_lag.values() for take in takes]
    return {"by_lag": {lag: compared(takes) for lag, takes in by_lag.items()}, "all": compared(everything)}


def musical(takes: Sequence[Take]) -> dict[str, Any]:
    """The measures that need no comparison of lags."""
    repetition = {
        f"rhythm_similarity_{d}_bars": float(
            np.mean([value for take in takes if (value := measures.rhythm_repetition(take, d)) is not None])
        )
        for d in (1, 4)
    }
    density = [row for take in takes for row in measures.densities(take)]
    return {
        "in_key": pooled(takes, measures.in_key),
        "on_own_chord": pooled(takes, measures.on_own_chord),
        "onsets_per_beat": float(
            np.mean([measures.onsets_per_beat(take, 0, len(take.asked)) for take in takes])
        ),
        "density_exact": share([asked == played for asked, _, played in density]),
        "density_within_one": share([abs(asked - played) <= 1 for asked, _, played in density]),
        "chords_of_four_notes": share(
            [len(chord.pitch_classes()) > 3 for take in takes for chord in take.chords]
        ),
        "chord_changes_per_bar": float(
            np.mean(
                [
                    sum(a != b for a, b in zip(t.chords, t.chords[1:], strict=False)) / len(t.asked)
                    for t in takes
                ]
            )
        ),
    } | repetition


# Controls -------------------------------------------------------------------------------------------------

_PROBE: Final = Bar(beats=4, style="pop", key=Key(0, "maj"), tempo=3, density=2, roles=frozenset("BCD"))


def _bars(first: Bar, count: int, **changes: Any) -> list[Bar]:
    return [replace(first, number=i % 8, **changes) for i in range(count)]


def steering(decoder: Decoder, seeds: int) -> dict[str, Any]:
    """Change one control at a time on sessions without players and measure whether the music follows. The changes are
    in the middle of a section of eight bars: the training set has none there, but people make them.
    """
    density: list[tuple[float, float]] = []
    turned: dict[str, float] = {}
    for first, then in ((1, 4), (4, 1)):
        plan = _bars(_PROBE, 3, density=first) + _bars(_PROBE, 5, density=then)
        takes = [perform(decoder, plan, [], 0, seed).take for seed in range(seeds)]
        turned[f"{first} to {then}"] = float(
            np.mean([measures.onsets_per_beat(take, 3, 5) for take in takes])
        )
    for asked in range(5):
        for seed in range(seeds):
            take = perform(decoder, _bars(_PROBE, 8, density=asked), [], 0, seed).take
            density.append((asked, measures.onsets_per_beat(take, 0, 8)))
    means = {asked: float(np.mean([v for a, v in density if a == asked])) for asked in range(5)}
    styles = ("rock", "bossa", "reggae", "funk", "house", "jazz")
    plays = {
        style: [
            perform(decoder, _bars(_PROBE, 8, style=style), [], 0, seed).take.notes for seed in range(seeds)
        ]
        for style in styles
    }
    corpus = _style_profiles(styles)
    nearest = [
        max(styles, key=lambda s: float((corpus[s] * measures.drum_profile(notes, 48)).sum())) == style
        for style, takes in plays.items()
        for notes in takes
    ]
    switched, keyed = [], []
    for seed in range(seeds):
        before, after = styles[seed % len(styles)], styles[(seed + 2) % len(styles)]
        plan = _bars(_PROBE, 5, style=before) + _bars(_PROBE, 8, style=after)
        take = perform(decoder, plan, [], 0, seed).take
        late = [n for n in take.notes if 6 * 48 <= n.tick < 10 * 48]
        profile = measures.drum_profile(late, 48)
        switched.append(float((corpus[after] * profile).sum()) > float((corpus[before] * profile).sum()))
        plan = _bars(_PROBE, 3) + _bars(_PROBE, 4, key=Key(5 + seed % 4, "maj"))
        take = perform(decoder, plan, [], 0, seed).take
        keyed.append(
            Take(take.asked[3:], [n._replace(tick=n.tick - 144) for n in take.notes if n.tick >= 144], [], [])
        )
    present = []
    for roles in ("B", "BD", "CD", "BCPD", "MBCD"):
        for seed in range(seeds):
            take = perform(decoder, _bars(_PROBE, 8, roles=frozenset(roles)), [], 0, seed).take
            played = [{n.role for n in take.notes if n.tick // 48 == bar} for bar in range(8)]
            present += [role in bar for bar in played for role in roles]
    return {
        "onsets_per_beat_by_density": means,
        "onsets_per_beat_after_a_change": turned,
        "density_rank_correlation": measures.rank_correlation(density),
        "style_recognised_by_drums": share(nearest),
        "style_chance": 1 / len(styles),
        "style_switch_followed_within_a_bar": share(switched),
        "in_new_key_from_first_bar": pooled(keyed, measures.in_key),
        "asked_roles_that_play_in_a_bar": share(present),
    }


def _style_profiles(styles: Sequence[str]) -> dict[str, Any]:
    """Mean drum profile of riff pieces of each style, from the arranger itself."""
    sums: dict[str, Any] = {style: np.zeros((18, 48)) for style in styles}
    seed = 90_000_000
    found = dict.fromkeys(styles, 0)
    while min(found.values()) < 12 and seed < 90_004_000:
        piece = arranged(None, seed, faults=False)
        seed += 1
        style = piece.styles[0]
        if piece.bar_beats == 4 and set(piece.styles) == {style} and style in found:
            sums[style] += measures.drum_profile(piece.notes, 48)
            found[style] += 1
    return {style: total / max(1e-9, float(np.linalg.norm(total))) for style, total in sums.items()}


def answering(decoder: Decoder, tunes: Sequence[Tune], count: int, bars: int) -> dict[str, Any]:
    """People play a phrase, the band's lead answers in the next: does it, in key, and in a like rhythm?"""
    played, hits, alike, other = [], [], [], []
    references_ = references(tunes, count, bars, "trade")
    answers: list[tuple[set[int], set[int]]] = []
    for index, reference in enumerate(references_):
        take = perform(decoder, reference.asked, reference.people, 6, index).take
        for number, bar in enumerate(take.asked):
            if "M" in bar.roles:
                played.append(any(n.role == "M" and n.tick // take.bar == number for n in take.notes))
        hits += measures.in_key(replace(take, notes=[n for n in take.notes if n.role == "M"]))
        call = {tone.tick % take.bar for tone in take.people}
        answer = {n.tick % take.bar for n in take.notes if n.role == "M"}
        if call and answer:
            answers.append((call, answer))
    for index, (call, answer) in enumerate(answers):
        stranger = answers[(index + 1) % len(answers)][0]
        alike.append(len(call & answer) / len(call | answer))
        other.append(len(stranger & answer) / len(stranger | answer))
    return {
        "pieces": len(references_),
        "asked_bars_with_lead": share(played),
        "lead_in_key": share(hits),
        "rhythm_like_the_call": float(np.mean(alike)) if alike else None,
        "rhythm_like_another_call": float(np.mean(other)) if other else None,
    }


# Copying and speed ----------------------------------------------------------------------------------------


def _canonical(ids: Ids) -> Ids:
    """The band's own tokens, moved to the tonic C of the first bar's key."""
    key = next((bar.key for bar in decode(ids[:9].tolist()) if bar.key), Key(0, "maj"))
    moved = np.array(transposition(-key.tonic), np.int64)[ids]
    return moved[KIND[moved] > 0]


def copying(data: Path, sessions: Sequence[Session]) -> dict[str, Any]:
    """Longest run of the band's tokens that is also in the training set, in any key; held-out pieces for comparison."""
    with np.load(data / "tokens.npz") as file:
        tokens, offsets, out = file["tokens"], file["offsets"], file["held_out"]
    pieces = [tokens[offsets[i] : offsets[i + 1]].astype(np.int64) for i in range(len(out))]
    training = np.concatenate([_canonical(piece) for piece, o in zip(pieces, out, strict=True) if not o])
    ours = [_canonical(session.ids) for session in sessions]
    size = int(np.median([len(stream) for stream in ours]))
    real = [_canonical(piece)[:size] for piece, o in zip(pieces, out, strict=True) if o][: len(ours)]
    result = {}
    for name, streams in (("model", ours), ("held_out_pieces", real)):
        longest = longest_shared(streams, training, _GRID)
        result[name] = {"median": float(np.median(longest)), "longest": max(longest), "tokens_a_stream": size}
    return result


def speed(decoder: Decoder, seconds: float = 60.0) -> dict[str, float]:
    """Four roles and a person: seconds of music a second of one core's time."""
    bar = replace(_PROBE, roles=frozenset("BCPD"), density=3, tempo=4)
    bars = int(seconds / (4 * 60 / _TEMPI[4])) + 1
    people = [Tone(tick, 6, 60 + tick // 6 % 5 * 2) for tick in range(0, bars * 48, 6)]
    wall = time.perf_counter()
    session = perform(decoder, _bars(bar, bars), people, 6, 0)
    wall = time.perf_counter() - wall
    return {
        "tokens": session.tokens,
        "tokens_per_cpu_second": session.tokens / session.cpu_seconds,
        "real_time_factor_cpu": session.music_seconds / session.cpu_seconds,
        "real_time_factor_wall": session.music_seconds / wall,
        "tokens_per_second_of_music": session.tokens / session.music_seconds,
    }


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """All measures."""
    torch.set_num_threads(1)
    decoder = load_decoder(options.weights)
    tunes = [tune for tune in read_tunes(options.data / "tunes.jsonl") if held_out(tune.melody)]
    hindsight = references(tunes, options.pieces, options.bars)
    report: dict[str, Any] = {"pieces": len(hindsight), "bars": options.bars}
    report["speed"] = speed(decoder)
    report["likelihood"] = likelihoods(options.data, options.weights, 4 * options.pieces, 1024)
    bare = accompany(options.weights, hindsight, LAGS, options.workers)
    report["model"] = played_along(bare, hindsight, np.random.default_rng(0))
    report |= helped(options, hindsight)
    report["steering"] = steering(decoder, options.seeds)
    report["answering"] = answering(decoder, tunes, max(2, options.pieces // 2), options.bars)
    report["copying"] = copying(options.data, bare[LAGS.index(6)])
    _roll(options, "roll_bare", bare, 1)
    return report


def helped(options: argparse.Namespace, hindsight: Sequence[Take]) -> dict[str, Any]:
    """The parts of the report that the engine's help changes, with the results of hindsight."""
    runs = accompany(options.weights, hindsight, LAGS, options.workers, **HELP)
    _roll(options, "roll_helped", runs, 4)
    deals = np.random.default_rng(2)
    return {
        "help": HELP,
        "model_with_help": played_along(runs, hindsight, np.random.default_rng(1)),
        "hindsight": {"consonant_on_strong_beats": consonance({0: list(hindsight)}, deals)}
        | musical(hindsight),
    }


def played_along(
    runs: Sequence[Sequence[Session]], hindsight: Sequence[Take], rng: np.random.Generator
) -> dict[str, Any]:
    """The measures of one session a lag and take."""
    by_lag = {lag: [session.take for session in sessions] for lag, sessions in zip(LAGS, runs, strict=True)}
    return {
        "following": following(by_lag, hindsight),
        "consonant_on_strong_beats": consonance(by_lag, rng),
    } | musical(by_lag[6])


def _roll(options: argparse.Namespace, name: str, runs: Sequence[Sequence[Session]], index: int) -> None:
    """Eight bars of one take at lag 6, where rolls are wanted."""
    if options.rolls:
        sessions = runs[LAGS.index(6)]
        take = sessions[min(index, len(sessions) - 1)].take
        title = (
            f"{take.asked[0].style}, lag 6; red: people, blue: bass, green: chords, olive: pad, below: drums"
        )
        short = replace(take, asked=take.asked[:8], **_cut(take, 8))
        piano_roll(short, title, options.rolls / f"{name}.png")


def _cut(take: Take, bars: int) -> dict[str, Any]:
    stop = bars * take.bar
    return {
        "notes": [n for n in take.notes if n.tick < stop],
        "chords": take.chords[: bars * take.asked[0].beats],
        "people": [t for t in take.people if t.tick < stop],
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Run stage 5."""
    parser = argparse.ArgumentParser(description="measure the packed model on held-out tunes")
    parser.add_argument("--data", type=Path, default=Path("build/music"))
    parser.add_argument("--weights", type=Path, default=FOLDER)
    parser.add_argument("--json", type=Path, default=Path("build/music/evaluation.json"))
    parser.add_argument("--rolls", type=Path, default=None, help="folder for two piano rolls")
    parser.add_argument("--pieces", type=int, default=40)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--bars", type=int, default=16, help="of each tune")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument(
        "--help-only",
        action="store_true",
        help="measure only what the engine's help changes; the rest of --json stays",
    )
    options = parser.parse_args(argv)
    if options.help_only:
        report = json.loads(options.json.read_text(encoding="utf-8"))
        tunes = [tune for tune in read_tunes(options.data / "tunes.jsonl") if held_out(tune.melody)]
        report |= helped(options, references(tunes, report["pieces"], report["bars"]))
    else:
        report = evaluate(options)
    options.json.write_text(json.dumps(report, indent=1, default=float) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=1, default=float))


if __name__ == "__main__":
    main()
