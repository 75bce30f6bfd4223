"""A jam's record as a file, in a process of its own: `python -m antiphon_server.jam.export_process` reads an
`ExportJob` (MessagePack) on standard input and writes the file that it names.

Reading a record, scoring and rendering grow with its length, so none of it runs in the gateway. Standard output gets
lines of JSON with the progress of sound, {"done", "seconds"}. Exit status 0 when the file is written, 2 for what cannot
be made and 3 for sound that is too long, each with one line on standard error that says why.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct, to_builtins

from antiphon_engines.api import EngineUnavailable, InvalidRequest
from antiphon_server.jam.midi import midi
from antiphon_server.jam.recording import JamEvent, Person, decode
from antiphon_server.jam.score import Score, score
from antiphon_server.jam.sessions import Session, sessions

FileKind = Literal["mid", "wav", "flac", "json", "zip", "sessions"]
"""`zip`: stems, one FLAC for each track. `sessions`: JSON about the sessions of the record."""
FAILED, TOO_LONG = 2, 3
"""Exit statuses."""
_NICE: Final = 10
"""Live playing has priority."""


class ExportJob(Struct, frozen=True):
    """`entries`: bodies of the record, in order, from its beginning. Without times the last session. `names`:
    participant -> name. `parts` None: all, else (part, key) of `score.Track`. `longest`: seconds of sound."""

    path: str
    cache_dir: str
    kind: FileKind
    entries: tuple[bytes, ...]
    room: str
    names: dict[str, str]
    from_ms: float | None = None
    to_ms: float | None = None
    parts: tuple[tuple[str, str], ...] | None = None
    longest: float = 3 * 3600.0


def run(job: ExportJob) -> int:
    """Write the file; the exit status. Raises InvalidRequest, EngineUnavailable, OSError."""
    events = [event for body in job.entries for event in decode(body)]
    if job.kind == "sessions":
        Path(job.path).write_bytes(
            msgspec.json.encode([_session(events, job, one) for one in sessions(events)])
        )
        return 0
    chosen = _chosen(events, job)
    if job.kind == "json":
        Path(job.path).write_bytes(_ledger(events, job, chosen))
        return 0
    parts = None if job.parts is None else frozenset(job.parts)
    made = score(events, chosen.from_ms, chosen.to_ms, job.names, parts)
    if job.kind == "mid":
        Path(job.path).write_bytes(midi(made, chosen.name or f"Jam {job.room}"))
        return 0
    if made.length_ms > 1000 * job.longest:
        seconds = round(made.length_ms / 1000)
        print(f"{seconds} s of sound; a file holds {job.longest:g} s: choose a part", file=sys.stderr)
        return TOO_LONG
    from antiphon_engines.audio import render

    sound = msgspec.convert(_sound(made, job), render.RenderJob)
    render.render(render.checked(sound), lambda done: _tell(done, made.length_ms / 1000))
    return 0


def _chosen(events: list[JamEvent], job: ExportJob) -> Session:
    """What is asked for: the last session of what lies between the times, which cut it where they are given."""
    low = 0.0 if job.from_ms is None else job.from_ms
    high = float("inf") if job.to_ms is None else job.to_ms
    found = sessions([event for event in events if isinstance(event, Person) or low <= event.at_ms < high])
    known = sessions(events)
    last = found[-1] if found else Session(low, low)
    name = next((one.name for one in known if one.from_ms <= last.from_ms < one.to_ms), "")
    return Session(
        last.from_ms if job.from_ms is None else low, last.to_ms if job.to_ms is None else high, name
    )


def _session(events: list[JamEvent], job: ExportJob, one: Session) -> dict[str, Any]:
    made = score(events, one.from_ms, one.to_ms, job.names)
    return {
        "from_ms": one.from_ms,
        "to_ms": one.to_ms,
        "name": one.name,
        "people": [job.names.get(person, person) for person in one.people],
        "parts": [
            {"part": part, "key": key, "name": name}
            for (part, key), name in {(track.part, track.key): track.name for track in made.tracks}.items()
        ]
        + ([{"part": "band", "key": "all", "name": "Band"}] if made.takes else []),
    }


def _ledger(events: list[JamEvent], job: ExportJob, chosen: Session) -> bytes:
    """The credits of a jam."""
    low, high = chosen.from_ms, chosen.to_ms
    inside = plain([event for event in events if low <= event.at_ms < high])
    people = {event.participant: event.name for event in events if isinstance(event, Person)}
    body = {
        "room": job.room,
        "name": chosen.name,
        "from_ms": low,
        "to_ms": high,
        "people": people,
        "events": inside,
    }
    return msgspec.json.encode(body)


def plain(events: list[JamEvent]) -> list[dict[str, Any]]:
    """As JSON has them; sound stays out, it comes as a file."""
    found: list[dict[str, Any]] = [to_builtins(event) for event in events]
    for event in found:
        event.pop("opus", None)
    return found


def _sound(made: Score, job: ExportJob) -> dict[str, Any]:
    """The job of the renderer."""
    stems = job.kind == "zip"
    return {
        "path": job.path,
        "cache_dir": job.cache_dir,
        "format": "flac" if stems else job.kind,
        "stems": stems,
        "seconds": made.length_ms / 1000,
        "tracks": [
            {
                "name": track.name,
                "program": track.program,
                "kit": track.kit,
                "bus": "band" if track.part == "band" else "people",
                "volume": track.levels[0].volume,
                "pan": track.levels[0].pan,
                "levels": [(one.at_ms / 1000, one.volume, one.pan) for one in track.levels[1:]],
                "notes": [
                    (max(0.0, note.start_ms / 1000), note.duration_ms / 1000, note.pitch, note.velocity)
                    for note in track.notes
                ],
            }
            for track in made.tracks
        ],
        "tones": [(tone.at_ms / 1000, tone.brightness) for tone in made.tones],
        "takes": [{"start": max(0.0, take.start_ms / 1000), "packets": take.packets} for take in made.takes],
    }


def _tell(done: float, seconds: float) -> None:
    print(json.dumps({"done": done, "seconds": seconds}), flush=True)


def main() -> int:
    """One job from standard input."""
    os.nice(_NICE)
    try:
        return run(msgspec.msgpack.decode(sys.stdin.buffer.read(), type=ExportJob))
    except (InvalidRequest, EngineUnavailable) as error:
        print(error.message, file=sys.stderr)
    except OSError as error:
        print(error.strerror or str(error), file=sys.stderr)
    except msgspec.MsgspecError as error:
        print(f"the record cannot be read: {error}", file=sys.stderr)
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
