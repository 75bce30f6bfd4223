"""A film as text for other programs: subtitles (SRT, VTT), an edit list (CMX 3600 EDL) and OpenTimelineIO. Each says
who made the film where its form lets it: `made_by` are lines of text.

All times are whole frames at 24 a second. Transitions follow the picture: for the first frames of a shot the one
before it goes on under it, so that shot needs as many frames more at its end (its handle).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from antiphon_proto.document.film import FPS
from antiphon_server.film.reel import Caption, Clip, captions, length

_HOUR: Final = 3600 * FPS
"""Where the record begins in an edit list: an hour, as editors are used to."""


def subtitles(clips: Sequence[Clip]) -> list[Caption]:
    """All that is read in a film."""
    return [one for clip in clips for one in captions(clip)]


def srt(clips: Sequence[Clip], title: str = "", made_by: Sequence[str] = ()) -> str:
    """SubRip. It knows no notes: who made the film is read after its end."""
    found = subtitles(clips)
    if made_by:
        end = length(clips)
        found.append(Caption(end, end + 5 * FPS, "", tuple(made_by)))
    parts = [
        f"{number}\n{_clock(one.start, ',')} --> {_clock(one.end, ',')}\n{_said(one)}\n"
        for number, one in enumerate(found, 1)
    ]
    return "\n".join(parts)


def vtt(clips: Sequence[Clip], title: str = "", made_by: Sequence[str] = ()) -> str:
    """WebVTT; `<v NAME>` says who speaks."""
    parts = ["WEBVTT\n"]
    if made_by:
        notes = "\n".join(one_line(line).replace("-->", "→") for line in made_by)
        parts.append(f"NOTE\n{notes}\n")
    for one in subtitles(clips):
        words = "\n".join(map(_escaped, one.lines))
        voice = _escaped(one.who).replace("\n", " ")
        said = f"<v {voice}>{words}" if voice else words
        parts.append(f"{_clock(one.start, '.')} --> {_clock(one.end, '.')}\n{said}\n")
    return "\n".join(parts)


def edl(clips: Sequence[Clip], title: str, made_by: Sequence[str] = ()) -> str:
    """CMX 3600. Each shot is a reel of its own that begins at 00:00:00:00; its name and words are comments. A dissolve
    or wipe is one event of two lines; a fade goes over black."""
    lines = [f"TITLE: {one_line(title) or 'FILM'}", "FCM: NON-DROP FRAME", ""]
    lines[2:2] = [f"* CREDITS: {one_line(line)}" for line in made_by]
    for number, clip in enumerate(clips, 1):
        record = _HOUR + clip.start
        own = f"{_code(0)} {_code(clip.frames)} {_code(record)} {_code(record + clip.frames)}"
        event = f"{number:03d}  {_reel(number):<8} V     "
        before = clips[number - 2] if number > 1 else None
        if clip.transition == "cut" or not clip.lead:
            lines.append(f"{event}C        {own}")
        else:
            if clip.transition == "fade" or before is None:
                source, at = "BL", _code(0)
            else:
                source, at = _reel(number - 1), _code(before.frames)
            lines.append(
                f"{number:03d}  {source:<8} V     C        {at} {at} {_code(record)} {_code(record)}"
            )
            how = "W001" if clip.transition == "wipe" else "D   "
            lines.append(f"{event}{how} {clip.lead:03d} {own}")
        lines.append(f"* FROM CLIP NAME: {name_of(clip, number)}")
        if clip.text:
            lines.append(f"* COMMENT: {one_line(clip.text)[:200]}")
    return "\n".join(lines) + "\n"


def otio(clips: Sequence[Clip], title: str, made_by: Sequence[str] = ()) -> str:
    """OpenTimelineIO's JSON, version 1 of its schemas: a video track of the shots with their transitions, and markers
    for titles. A transition lies behind the cut: its `out_offset` is the lead, its `in_offset` nothing."""
    children: list[dict[str, Any]] = []
    for number, clip in enumerate(clips, 1):
        if clip.lead and number > 1:
            kind = "SMPTE_Dissolve" if clip.transition == "dissolve" else "Custom_Transition"
            children.append(
                {
                    "OTIO_SCHEMA": "Transition.1",
                    "name": clip.transition,
                    "transition_type": kind,
                    "in_offset": _time(0),
                    "out_offset": _time(clip.lead),
                    "metadata": {"antiphon": {"transition": clip.transition}},
                }
            )
        after = clips[number].lead if number < len(clips) else 0
        children.append(
            {
                "OTIO_SCHEMA": "Clip.2",
                "name": name_of(clip, number),
                "source_range": _range(0, clip.frames),
                "media_references": {
                    "DEFAULT_MEDIA": {
                        "OTIO_SCHEMA": "MissingReference.1",
                        "name": clip.picture or clip.id,
                        "available_range": _range(0, clip.frames + after),
                        "metadata": {},
                    }
                },
                "active_media_reference_key": "DEFAULT_MEDIA",
                "markers": [
                    {
                        "OTIO_SCHEMA": "Marker.2",
                        "name": one.who,
                        "color": "GREEN",
                        "marked_range": _range(one.start - clip.start, one.end - one.start),
                        "metadata": {"antiphon": {"words": " ".join(one.lines)}},
                    }
                    for one in captions(clip)
                ],
                "effects": [],
                "enabled": True,
                "metadata": {
                    "antiphon": {
                        "shot": clip.id,
                        "size": clip.size,
                        "angle": clip.angle,
                        "move": clip.move,
                        "words": clip.text,
                        "cast": list(clip.cast),
                    }
                },
            }
        )
    track: dict[str, Any] = {
        "OTIO_SCHEMA": "Track.1",
        "name": "Picture",
        "kind": "Video",
        "children": children,
        "source_range": None,
        "effects": [],
        "markers": [],
        "enabled": True,
        "metadata": {},
    }
    timeline = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": title,
        "global_start_time": _time(_HOUR),
        "tracks": {
            "OTIO_SCHEMA": "Stack.1",
            "name": "tracks",
            "children": [track],
            "source_range": None,
            "effects": [],
            "markers": [],
            "enabled": True,
            "metadata": {},
        },
        "metadata": {"antiphon": {"frames": length(clips), "credits": list(made_by)}},
    }
    return json.dumps(timeline, ensure_ascii=False, indent=1)


def _time(frames: int) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(FPS), "value": float(frames)}


def _range(start: int, frames: int) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": _time(start), "duration": _time(frames)}


def _clock(frame: int, point: str) -> str:
    """Hours, minutes, seconds and thousandths, rounded to the next one."""
    thousandths = (frame * 1000 + FPS // 2) // FPS
    seconds, rest = divmod(thousandths, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{rest:03d}"


def _code(frame: int) -> str:
    seconds, rest = divmod(frame, FPS)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{rest:02d}"


def _said(one: Caption) -> str:
    # A blank line would end it, and "-->" begin another.
    lines = [f"{one.who}: {one.lines[0]}", *one.lines[1:]] if one.who else one.lines
    return "\n".join(one_line(line).replace("-->", "→") for line in lines)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def one_line(text: str) -> str:
    """Without line ends."""
    return " ".join(text.split())


def _reel(number: int) -> str:
    return f"S{number:05d}"


def name_of(clip: Clip, number: int) -> str:
    """Of a shot, in other programs."""
    return one_line(f"{number} {clip.who or clip.place or clip.kind}")[:80]
