"""The recipe of the embedded music model: its readers and measures, and every stage once in a tiny configuration."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from antiphon_engines.audio.symbolic import loader
from antiphon_engines.audio.symbolic.tokens import BOS, EOS, KINDS, VOCABULARY, Bar, Chord, Key, Note, decode
from training.music import asked_chords, build_tokens, data, measures, ngrams, variants
from training.music.abc_reader import parse_key, parse_length, played_out, read_tune
from training.music.companions import late
from training.music.harmony import SCALES, Tone, foreseen, harmonise
from training.music.measures import Take
from training.music.pieces import Tune, arranged

SCALE = (0, 2, 4, 5, 7, 9, 11)


def abc(title: str, letters: str) -> str:
    """An ABC tune of eight repeated bars in D that begins with ``letters``."""
    rng = random.Random(title)
    bars = [letters] + ["".join(rng.choice("DEFGABcdefg") for _ in range(8)) for _ in range(7)]
    return f"X: 1\nT: {title}\nM: 4/4\nL: 1/8\nK: D\n|: " + " | ".join(bars) + " :|\n"


def tune(seed: int = 0, bars: int = 16) -> Tune:
    """A tune in C major."""
    rng = random.Random(seed)
    melody = tuple(Tone(tick, 6, 60 + rng.choice(SCALE)) for tick in range(0, bars * 48, 6))
    return Tune("miscFolk", f"tune {seed}", melody, 4, False, 0, "maj")


def test_abc_fields_lengths_and_modes() -> None:
    assert parse_key("Gm")[1:] == (7, "min")
    assert parse_key("F#m") == (3, 6, "min")
    assert parse_key("D mixolydian") == (1, 2, "mix")
    assert parse_key("Bb") == (-2, 10, "maj")
    assert [float(parse_length(text)) for text in ("", "3", "/", "3/2", "//")] == [1, 3, 0.5, 1.5, 0.25]


def test_abc_repeats_endings_ties_tuplets_and_accidentals() -> None:
    lines = [
        "X:1",
        "T:Test",
        "M:4/4",
        "L:1/4",
        "K:G",
        "|: F ^c c =F | (3G/G/G/ G>A B/-B/ |1 G4 :|2 A4 |",
        "c4 | d4 | e4 |]",
    ]
    lines += ["G G G G | A A A A | B B B B |"]
    found = read_tune(lines, "test")
    assert found is not None
    pitches = [tone.pitch for tone in found.melody]
    assert pitches[:4] == [66, 73, 73, 65]
    ticks = [tone.tick for tone in found.melody]
    assert ticks[4:7] == [48, 52, 56]
    assert [(t.tick, t.duration) for t in found.melody[7:10]] == [(60, 18), (78, 6), (84, 12)]
    whole = [tone for tone in found.melody if tone.duration == 48]
    assert [(tone.tick // 48, tone.pitch) for tone in whole] == [(2, 67), (5, 69), (6, 72), (7, 74), (8, 76)]
    assert (found.bar_beats, found.tonic, found.mode) == (4, 7, "maj")


def test_a_tune_that_does_not_fit_its_bars_is_refused() -> None:
    assert read_tune(["X:1", "M:4/4", "L:1/4", "K:C", "C D E F G A | " * 8], "test") is None
    assert read_tune(["X:1", "M:5/4", "L:1/4", "K:C", "C D E F G | " * 8], "test") is None
    assert played_out([]) == []


def test_chords_fit_the_melody_that_they_were_made_for() -> None:
    for root in (0, 5, 7):
        members = sorted(Chord(root, "maj").pitch_classes())
        melody = [Tone(tick, 12, 60 + members[tick // 12 % 3]) for tick in range(0, 8 * 48, 12)]
        chords = [c for seed in range(8) for c in harmonise(melody, 0, "maj", 4, 8, random.Random(seed))]
        assert len(chords) == 8 * 32
        assert np.mean([Chord(root, "maj") == chord for chord in chords]) > 0.5


def test_an_arrangement_keeps_the_melody_and_the_band_keeps_to_its_chords() -> None:
    piece = arranged(tune(), 3, "melody", faults=False)
    assert [(t.tick, t.pitch) for t in piece.people] == [
        (t.tick, t.pitch + piece.people[0].pitch - tune().melody[0].pitch)
        for t in tune().melody
        if t.tick in {p.tick for p in piece.people}
    ]
    bars = piece.to_bars()
    assert all({note.role for note in bar.notes} <= bar.roles for bar in bars)
    ids = piece.to_tokens()
    assert (ids[0], ids[-1]) == (BOS, EOS)
    assert decode(ids) == bars


def test_the_band_plays_what_a_late_listener_would_and_is_asked_for_what_fits() -> None:
    pieces = [arranged(tune(seed), seed, "melody") for seed in range(12)]
    for piece in pieces:
        played, asked = piece.to_example()
        different = {
            VOCABULARY[index].split("_")[0]
            for index, other in zip(played, asked, strict=True)
            if index != other
        }
        assert different == {"CHORD"}
        assert decode(played) == piece.to_bars()
    fits = [
        [
            tone.pitch % 12 in chords[tone.tick // 12].pitch_classes()
            for piece in pieces
            for tone in piece.people
            for chords in [choose(piece)]
        ]
        for choose in (lambda piece: piece.wanted, lambda piece: piece.chords)
    ]
    assert np.mean(fits[0]) > np.mean(fits[1]) + 0.05


def test_what_is_heard_late_is_not_foreseen() -> None:
    melody = tune().melody
    for lag in (0, 6, 24):
        chords = foreseen(melody, [0] * 64, "maj", 4, lag, random.Random(1))
        for beat in (5, 16, 31):
            known = [tone for tone in melody if tone.tick <= beat * 12 - lag]
            assert (
                foreseen(known, [0] * 64, "maj", 4, lag, random.Random(1))[: beat + 1] == chords[: beat + 1]
            )


def test_chords_come_late_by_whole_beats() -> None:
    chords = [Chord(0, "maj"), Chord(5, "maj"), Chord(7, "maj")]
    assert late(chords, 1) == [chords[0], *chords[:2]]


@pytest.mark.parametrize("kind", ["other_mode", "half_time", "spliced"])
def test_variations_stay_tunes_of_their_mode_and_meter(kind: str) -> None:
    tunes = [tune(seed) for seed in range(6)]
    rng = random.Random(3)
    made = variants.spliced(tunes, rng) if kind == "spliced" else getattr(variants, kind)(tunes[0])
    assert made.melody
    assert all((tone.pitch - made.tonic) % 12 in SCALES[made.mode] for tone in made.melody)
    assert list(made.melody) == sorted(made.melody)
    assert made.mode == ("min" if kind == "other_mode" else "maj")
    if kind == "half_time":
        assert made.melody[1].tick == 2 * tunes[0].melody[1].tick


def test_trading_alternates_people_and_lead() -> None:
    piece = arranged(tune(), 5, "trade", faults=False)
    with_people = {t.tick // 48 for t in piece.people}
    with_lead = {bar for bar in range(piece.bars) if "M" in piece.roles[bar]}
    assert with_people
    assert with_lead
    assert not with_people & with_lead


def take(notes: list[Note], people: list[Tone], chords: list[Chord]) -> Take:
    asked = [Bar(key=Key(0, "maj"), density=1) for _ in range(len(chords) // 4)]
    return Take(asked, notes, chords, people)


def test_measures_on_music_that_is_known() -> None:
    chords = [Chord(0, "maj")] * 8 + [Chord(7, "maj")] * 8
    people = [Tone(0, 24, 64), Tone(100, 6, 67), Tone(150, 6, 65)]
    notes = [Note(0, "C", 60, 24), Note(0, "C", 61, 24), Note(0, "D", 0, 0), Note(96, "B", 43, 12)]
    played = take(notes, people, chords)
    assert measures.people_on_chord(played) == [True, True, False]
    assert measures.people_on_tonic(played) == [True, True, False]
    assert measures.in_key(played) == [True, False, True]
    assert measures.on_own_chord(played) == [True, False, True]
    assert measures.consonance(measures.strong_beats(played)) == (2, 2)
    assert measures.onsets_per_beat(played, 0, 4) == 3 / 16
    assert measures.rank_correlation([(0, 1.0), (1, 2.0), (2, 5.0)]) == pytest.approx(1.0)


def test_n_grams_give_probabilities_and_find_copies() -> None:
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 6, 4000)
    model = ngrams.NGrams(ids, 3)
    context = ids[100:102]
    rows = [model.probabilities(np.array([*context, following]))[3][0] for following in range(544)]
    assert sum(rows) == pytest.approx(1.0, abs=1e-9)
    stream = np.concatenate([rng.integers(100, 200, 30), ids[500:540], rng.integers(100, 200, 30)])
    assert ngrams.longest_shared([stream, stream[:20]], ids, (4, 16, 32, 64)) == [32, 0]


def test_variants_of_a_tune_are_held_out_together() -> None:
    melody = tune().melody
    moved = [tone._replace(pitch=tone.pitch + 7) for tone in melody]
    assert build_tokens.held_out(melody) == build_tokens.held_out(moved)


def test_an_arrangement_is_the_same_in_every_process() -> None:
    """Sets of names are in another order in each; draws must not be."""
    program = (
        "from training.music.pieces import arranged\n"
        "for seed in range(8):\n"
        "    piece = arranged(None, seed, faults=True)\n"
        "    print(piece.notes, piece.chords, piece.people, [sorted(roles) for roles in piece.roles])\n"
    )
    path = os.pathsep.join(sys.path)
    told = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    ]
    assert told[0]
    assert told[0] == told[1] == told[2]


def test_every_stage_runs_in_a_tiny_configuration(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from training.music import evaluate, pack, train

    book = tmp_path / "corpus" / "ryansMammoth"
    book.mkdir(parents=True)
    titles = [f"Tune {number}" for number in range(60)]
    rng = random.Random(0)
    openings = ["".join(rng.choice("DEFGAB") for _ in range(8)) for _ in titles]
    tunes = [abc(title, opening) for title, opening in zip(titles, openings, strict=True)]
    (book / "book.abc").write_text("\n".join(tunes), encoding="utf-8")
    work = tmp_path / "work"
    data.main(["--out", str(work), "--corpus", str(tmp_path / "corpus")])
    build_tokens.main(["--data", str(work), "--arrangements", "3", "--riffs", "2"])
    with np.load(work / "tokens.npz") as stored:
        assert 0 < stored["held_out"].sum() < len(stored["held_out"])
    run = tmp_path / "run"
    settings = ["--data", str(work), "--out", str(run), "--size", "tiny", "--rows", "2", "--context", "192"]
    train.main([*settings, "--steps", "2", "--threads", "1"])
    train.main([*settings, "--steps", "20", "--threads", "1", "--fresh", "0.5"])
    curves = [json.loads(line) for line in (run / "curves.jsonl").read_text(encoding="utf-8").splitlines()]
    assert curves[-1]["step"] == 20
    assert any(line.get("resumed") for line in curves)
    assert set(curves[-1]["held_out"]) <= {*KINDS, "all"}
    assert all(a["tokens"] <= b["tokens"] for a, b in pairwise(curves))
    weights = tmp_path / "weights"
    assert pack.pack(run, weights) < 200_000
    loader.verify(weights)
    evaluate.main(
        [
            "--data",
            str(work),
            "--weights",
            str(weights),
            "--json",
            str(tmp_path / "report.json"),
            "--pieces",
            "1",
        ]
        + ["--seeds", "1", "--bars", "6", "--rolls", str(tmp_path)]
    )
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert set(report["likelihood"]["nll"]) == {"unigram", "bigram", "5-gram", "model"}
    assert 0 <= report["model"]["following"]["mixed"]["on_chord"] <= 1
    assert (tmp_path / "roll_bare.png").stat().st_size > 1000
    (tmp_path / "roll_helped.png").unlink()
    again = ["--data", str(work), "--weights", str(weights), "--json", str(tmp_path / "report.json")]
    evaluate.main([*again, "--help-only", "--rolls", str(tmp_path)])
    assert (tmp_path / "roll_helped.png").exists()
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == report


def test_chords_that_are_struck_are_answered(tmp_path: Path) -> None:
    asked_chords.main(["--rounds", "3", "--json", str(tmp_path / "asked.json")])
    report = json.loads((tmp_path / "asked.json").read_text(encoding="utf-8"))
    assert report["all"]["rounds"] == 3
    assert report["all"]["answered"]["within 3"] == 1.0
    assert report["outside the key"]["by chance"]["within 3"] == 0.0
