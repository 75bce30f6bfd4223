"""The film of a document's state, as a helper process answers it: reports as JSON, files as text."""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon_server.film.breakdown import as_csv, breakdown
from antiphon_server.film.credits import Credits, CreditSources, credits_of
from antiphon_server.film.fcpxml import fcpxml
from antiphon_server.film.interchange import edl, otio, srt, vtt
from antiphon_server.film.reel import fields_of, reel
from antiphon_server.film.render import RenderParts
from antiphon_server.film.sheet import planned, sheet
from antiphon_server.film.voices.lines import said

TEXTS: Final = {"srt": srt, "vtt": vtt, "edl": edl, "otio": otio, "fcpxml": fcpxml}


def screened(state: bytes, task: str, language: str, title: str, sources: CreditSources | None) -> bytes:
    """The answer to a task of `work.jobs.Screen`."""
    if task == "plan":
        return msgspec.json.encode(planned(state))
    found = sheet(state)
    if task == "sheet":
        return msgspec.json.encode(found)
    if task == "lines":
        return msgspec.json.encode(said(found))
    shots = [fields_of(shot) for shot in found.shots]
    named = credits_of(sources, shots) if sources is not None else Credits((), (), (), ())
    if task == "render":
        parts = RenderParts(shots, found.cast, named.cards(language), named.lines(language))
        return msgspec.json.encode(parts)
    if (write := TEXTS.get(task)) is not None:
        return write(reel(shots, found.cast), title, named.lines(language)).encode()
    table = breakdown(found.scenes, (shot.scene for shot in found.shots))
    if task == "csv":
        return as_csv(table, language, named.lines(language)).encode()
    return msgspec.json.encode(table)
