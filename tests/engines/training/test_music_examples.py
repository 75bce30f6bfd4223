"""The examples of the model card are made, on some seconds of music."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from PIL import Image

from training.music import examples


def test_both_examples_are_rendered_and_drawn(
    tmp_path: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examples, "SECONDS", 5.0)
    examples.main(["--out", str(tmp_path), "--cache", str(cache_dir)])
    for piece in examples.PIECES:
        with av.open(str(tmp_path / f"example_{piece.name}.opus")) as file:
            samples = sum(frame.samples for frame in file.decode(audio=0))
        assert samples == pytest.approx(5 * 48_000, abs=4_000)
        with Image.open(tmp_path / f"example_{piece.name}.png") as roll:
            assert roll.width > 100
