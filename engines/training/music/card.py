"""Write the evaluation table of the model card from the numbers of `evaluate`.

    python -m training.music.card --json ../tests/bench/results/music_model_eval.json

Replaces the text between the two marks in MODEL_CARD.md; the rest of the card is written by hand.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from antiphon_engines.audio.symbolic.loader import FOLDER

BEGIN: Final = "<!-- evaluation -->"
END: Final = "<!-- end of evaluation -->"
_ON_CHORD_TARGET: Final = 0.65
_NLL_TARGET: Final = 0.15
_IN_KEY_TARGET: Final = 0.90
_SPEED_TARGET: Final = 4.0


def _row(name: str, *values: float | str | None) -> str:
    cells = [
        value if isinstance(value, str) else "-" if value is None else f"{value:.3f}" for value in values
    ]
    return f"| {name} | " + " | ".join(cells) + " |"


def _verdict(met: bool) -> str:
    return "met" if met else "missed"


def targets(report: dict[str, Any]) -> list[str]:
    """Rows: the target, the results of the bare model and of the model with help, and whether they meet the target."""
    rows = ["| target | bare model | with the engine's help | |", "| --- | --- | --- | --- |"]
    bare, helped = report["model"], report["model_with_help"]
    chords = [side["following"]["mixed"]["on_chord"] for side in (bare, helped)]
    verdicts = " / ".join(_verdict(value >= _ON_CHORD_TARGET) for value in chords)
    rows.append(_row("people's notes on the band's chord >= .65, mixed lags", *chords, verdicts))
    below = report["likelihood"]["below_best_ngram"]
    rows.append(
        _row("NLL >= 15 % below the best n-gram", f"{below:.1%} below", "-", _verdict(below >= _NLL_TARGET))
    )
    keys = [side["in_key"] for side in (bare, helped)]
    rows.append(_row("notes in the key asked for >= .90", *keys, _verdict(min(keys) >= _IN_KEY_TARGET)))
    parts = [side["consonant_on_strong_beats"]["all"] for side in (bare, helped)]
    shown = [f"{p['played']:.3f} against {p['shuffled']:.3f}, p = {p['p']:.4f}" for p in parts]
    rows.append(
        _row(
            "consonance on strong beats above shuffled, all lags",
            *shown,
            " / ".join(_verdict(p["p"] < 0.05) for p in parts),
        )
    )
    speed = report["speed"]["real_time_factor_cpu"]
    rows.append(
        _row("four roles >= 4 times real time", f"{speed:.1f} times", "-", _verdict(speed >= _SPEED_TARGET))
    )
    return rows


def following(report: dict[str, Any]) -> list[str]:
    """Rows of people's notes on the band's chord, lag by lag."""
    sides = (report["model"]["following"], report["model_with_help"]["following"])
    rows = [
        "| lag, ticks (ms at 120 a minute) | bare | its chance | with help | its chance |",
        "| --- " * 5 + "|",
    ]
    for lag in sides[0]["by_lag"]:
        values = [side["by_lag"][lag][name] for side in sides for name in ("on_chord", "chance")]
        rows.append(_row(f"{lag} ({int(lag) * 500 // 12})", *values))
    rows.append(_row("mixed", *(side["mixed"][name] for side in sides for name in ("on_chord", "chance"))))
    return rows


def consonance(report: dict[str, Any]) -> list[str]:
    """Rows of consonance on strong beats, by lag, with shuffling and hindsight for comparison."""
    sides = [report[name]["consonant_on_strong_beats"] for name in ("model", "model_with_help")]
    rows = [
        "| consonant on strong beats, lag | bare | shuffled | p | with help | shuffled | p |",
        "| --- " * 7 + "|",
    ]
    for lag in sides[0]["by_lag"]:
        rows.append(
            _row(lag, *(side["by_lag"][lag][k] for side in sides for k in ("played", "shuffled", "p")))
        )
    rows.append(_row("all", *(side["all"][k] for side in sides for k in ("played", "shuffled", "p"))))
    best = report["hindsight"]["consonant_on_strong_beats"]["all"]
    return [*rows, _row("hindsight", *([best[k] for k in ("played", "shuffled", "p")] * 2))]


def likelihood(report: dict[str, Any]) -> list[str]:
    """Rows of negative log-likelihood by kind of token."""
    table = report["likelihood"]["nll"]
    kinds = list(table["model"])
    rows = ["| nats a target | " + " | ".join(kinds) + " |", "| --- " * (len(kinds) + 1) + "|"]
    return rows + [_row(name, *(row[kind] for kind in kinds)) for name, row in table.items()]


def render(report: dict[str, Any]) -> str:
    """The tables as Markdown."""
    return "\n".join(
        [*targets(report), "", *following(report), "", *consonance(report), "", *likelihood(report)]
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Fill in the card."""
    parser = argparse.ArgumentParser(description="numbers -> model card")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--card", type=Path, default=FOLDER / "MODEL_CARD.md")
    options = parser.parse_args(argv)
    before, _, rest = options.card.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    table = render(json.loads(options.json.read_text(encoding="utf-8")))
    options.card.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
