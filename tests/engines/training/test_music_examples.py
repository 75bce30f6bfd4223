"""The examples of the model card are made, on some seconds of music."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
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
            sound = np.concatenate([frame.to_ndarray() for frame in file.decode(audio=0)], axis=1)
        assert sound.shape == (2, pytest.approx(5 * 48_000, abs=4_000))
        assert 0.1 < abs(sound).max() < 1.0, "neither faint nor clipped"
        assert abs(sound.mean(axis=1)).max() < 1e-3, "no offset"
        loud = np.abs(sound[:, :192_000]).reshape(2, -1, 4800).max(axis=(0, 2))
        assert loud.min() > 1e-3, "no hole of a tenth of a second"
        with Image.open(tmp_path / f"example_{piece.name}.png") as roll:
            assert roll.width > 100
