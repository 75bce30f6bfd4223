"""Offline rendering: the file holds the notes, in each format; invalid jobs are refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import msgspec
import numpy as np
import pytest

from antiphon_engines.api import InvalidRequest
from antiphon_engines.audio.performer_api import Pcm
from antiphon_engines.audio.render import RenderJob, RenderNote, Track, parse, render
from antiphon_proto.document.jam import SAMPLE_RATE
from support.bands import loudness, partials


def job(folder: Path, cache_dir: Path, form: str = "wav", **options: Any) -> RenderJob:
    piano = Track(0, (RenderNote(0.5, 1.0, 60, 100), RenderNote(2.0, 1.0, 67, 100)))
    drums = Track(128, tuple(RenderNote(n / 2, 0.1, 38, 90) for n in range(6)), volume=0.2)
    given = {"tracks": (piano, drums), "format": form} | options
    return RenderJob(str(folder / f"out.{form}"), str(cache_dir), **given)


def read(path: Path) -> Pcm:
    with av.open(str(path)) as file:
        frames = [frame.to_ndarray() for frame in file.decode(audio=0)]
    packed = np.concatenate([frame.reshape(-1) for frame in frames])
    scale = 2**31 if packed.dtype == np.int32 else 1
    out: Pcm = (packed.astype(np.float64) / scale).astype(np.float32).reshape(-1, 2)
    return out


def test_each_format_holds_the_same_sound(tmp_path: Path, cache_dir: Path) -> None:
    sounds = {}
    for form in ("wav", "flac", "pcm"):
        request = job(tmp_path, cache_dir, form)
        done = render(request)
        assert done.seconds == 5.0
        path = Path(request.path)
        raw = np.frombuffer(path.read_bytes(), "<f4").reshape(-1, 2) if form == "pcm" else read(path)
        assert len(raw) == 5 * SAMPLE_RATE
        assert np.abs(raw).max() == pytest.approx(done.peak, abs=1e-4)
        sounds[form] = raw
    assert np.abs(sounds["wav"] - sounds["pcm"]).max() < 1e-6
    assert np.abs(sounds["flac"] - sounds["pcm"]).max() < 1e-6
    assert sorted(each.name for each in tmp_path.iterdir()) == ["out.flac", "out.pcm", "out.wav"]


def test_notes_sound_at_their_time_and_pitch(tmp_path: Path, cache_dir: Path) -> None:
    piano = Track(0, (RenderNote(0.5, 1.0, 60, 100), RenderNote(2.0, 1.0, 67, 100)))
    request = job(tmp_path, cache_dir, "pcm", tracks=(piano,))
    render(request)
    pcm = np.frombuffer(Path(request.path).read_bytes(), "<f4").reshape(-1, 2)
    assert loudness(pcm[: SAMPLE_RATE // 2]) == 0.0
    assert loudness(pcm[SAMPLE_RATE // 2 : SAMPLE_RATE]) > 0.005
    assert partials(pcm[SAMPLE_RATE : SAMPLE_RATE * 3 // 2], 60) > 20
    assert partials(pcm[SAMPLE_RATE * 9 // 4 : SAMPLE_RATE * 11 // 4], 67) > 20


def test_a_key_that_is_struck_again_sounds_for_its_own_length(tmp_path: Path, cache_dir: Path) -> None:
    organ = Track(16, (RenderNote(0.0, 1.0, 60, 100), RenderNote(0.5, 3.0, 60, 100)))
    request = job(tmp_path, cache_dir, "pcm", tracks=(organ,))
    render(request)
    pcm = np.frombuffer(Path(request.path).read_bytes(), "<f4").reshape(-1, 2)
    assert loudness(pcm[2 * SAMPLE_RATE : 3 * SAMPLE_RATE]) > 0.005
    assert loudness(pcm[-SAMPLE_RATE // 2 :]) < 0.002


def test_nothing_but_silence_has_the_length_that_was_asked_for(tmp_path: Path, cache_dir: Path) -> None:
    request = job(tmp_path, cache_dir, "wav", tracks=(), seconds=1.5)
    assert render(request).seconds == 1.5
    assert not read(Path(request.path)).any()


@pytest.mark.parametrize("encoded", ["json", "msgpack"])
def test_the_process_reads_a_job_and_writes_the_file(tmp_path: Path, cache_dir: Path, encoded: str) -> None:
    request = job(tmp_path, cache_dir, "flac")
    data = (msgspec.json if encoded == "json" else msgspec.msgpack).encode(request)
    command = [sys.executable, "-m", "antiphon_engines.audio.render"]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    *progress, last = map(json.loads, done.stdout.splitlines())
    assert last["seconds"] == 5.0
    assert all(0 < one["done"] <= one["seconds"] == 5.0 for one in progress)
    assert Path(request.path).is_file()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xff",
        b"{}",
        b'{"path": "x", "cache_dir": "y", "tracks": [{"program": 300, "notes": []}]}',
        b'{"path": "x", "cache_dir": "y", "tracks": [{"program": 0, "notes": [[0, 1, 60, 0]]}]}',
        b'{"path": "x", "cache_dir": "y", "tracks": [{"program": 0, "notes": [[0, 1e9, 60, 9]]}]}',
        b'{"path": "x", "cache_dir": "y", "tracks": [{"program": 0, "notes": [[10800, 10800, 60, 9]]}]}',
        msgspec.msgpack.encode(
            {"path": "x", "cache_dir": "y", "tracks": [{"program": 0, "notes": [[float("nan"), 1.0, 60, 9]]}]}
        ),
        b"[" * 100_000,
    ],
)
def test_what_is_no_job_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidRequest):
        parse(data)


def test_a_disk_that_says_no_leaves_nothing(tmp_path: Path, cache_dir: Path) -> None:
    with pytest.raises(InvalidRequest, match="cannot write"):
        render(job(tmp_path / "missing", cache_dir))
    assert not list(tmp_path.iterdir())
