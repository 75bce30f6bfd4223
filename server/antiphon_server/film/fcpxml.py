"""A film as FCPXML 1.10, which Final Cut Pro and DaVinci Resolve read: the shots on one line, each a medium of its own
that is not there yet, with transitions, markers for what is said, and who made the film as a note.

All times are whole frames: `N/24s`. A transition begins at the cut, and shows the handle of the shot before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree

from antiphon_proto.document.film import FPS
from antiphon_server.film.effects import HEIGHT, WIDTH
from antiphon_server.film.interchange import name_of, one_line
from antiphon_server.film.reel import Clip, captions, length

_DISSOLVE: Final = "FxPlug:4731E73A-8DAC-4113-9A30-AE85B1761265"
_START: Final = 3600 * FPS


def fcpxml(clips: Sequence[Clip], title: str, made_by: Sequence[str] = ()) -> str:
    """The whole document."""
    root = ElementTree.Element("fcpxml", version="1.10")
    resources = ElementTree.SubElement(root, "resources")
    ElementTree.SubElement(
        resources, "format", id="r1", name="FFVideoFormat720p24", frameDuration=_time(1), width=str(WIDTH),
        height=str(HEIGHT),
    )  # fmt: skip
    ElementTree.SubElement(resources, "effect", id="r2", name="Cross Dissolve", uid=_DISSOLVE)
    for number, clip in enumerate(clips, 1):
        after = clips[number].lead if number < len(clips) else 0
        asset = ElementTree.SubElement(
            resources, "asset", id=f"shot{number}", name=_said(name_of(clip, number)), start=_time(0),
            duration=_time(clip.frames + after), hasVideo="1", format="r1",
        )  # fmt: skip
        ElementTree.SubElement(asset, "media-rep", kind="original-media", src=f"./shots/S{number:05d}.mov")
    event = ElementTree.SubElement(ElementTree.SubElement(root, "library"), "event", name="Antiphon")
    project = ElementTree.SubElement(event, "project", name=_said(title) or "Film")
    sequence = ElementTree.SubElement(
        project, "sequence", format="r1", duration=_time(length(clips)), tcStart=_time(_START), tcFormat="NDF"
    )
    if made_by:
        ElementTree.SubElement(sequence, "note").text = _said("\n".join(made_by), lines=True)
    spine = ElementTree.SubElement(sequence, "spine")
    for number, clip in enumerate(clips, 1):
        if clip.lead and number > 1:
            change = ElementTree.SubElement(
                spine, "transition", name=clip.transition.title(), offset=_time(_START + clip.start),
                duration=_time(clip.lead),
            )  # fmt: skip
            ElementTree.SubElement(change, "filter-video", ref="r2", name=clip.transition.title())
        shot = ElementTree.SubElement(
            spine, "asset-clip", ref=f"shot{number}", name=_said(name_of(clip, number)),
            offset=_time(_START + clip.start), start=_time(0), duration=_time(clip.frames), format="r1", tcFormat="NDF",
        )  # fmt: skip
        if clip.text:
            ElementTree.SubElement(shot, "note").text = _said(clip.text)
        for one in captions(clip):
            ElementTree.SubElement(
                shot, "marker", start=_time(one.start - clip.start), duration=_time(1),
                value=_said(f"{one.who}: {' '.join(one.lines)}" if one.who else " ".join(one.lines)),
            )  # fmt: skip
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n{body}\n'


def _time(frames: int) -> str:
    return f"{frames}/{FPS}s" if frames else "0s"


def _said(text: str, lines: bool = False) -> str:
    """Without what XML cannot hold."""
    parts = [one_line(part) for part in text.split("\n")] if lines else [one_line(text)]
    return "\n".join(
        "".join(letter for letter in part if letter >= " " and not 0xFFFE <= ord(letter) <= 0xFFFF)
        for part in parts
    )
