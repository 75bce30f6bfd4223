"""Where a picture, or a spoken line, comes from, as JSON: from the room's own records, never from fields that a client
wrote on an object."""

from __future__ import annotations

import json
from typing import Any

from msgspec import to_builtins

from antiphon_proto.messages import Participant
from antiphon_server.assets.store import AssetInfo
from antiphon_server.core.context import RoomContext
from antiphon_server.store.api import RunRecord

_PURE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_MIXED = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC digital source types."""


def provenance(room: RoomContext, info: AssetInfo) -> dict[str, Any]:
    """See PROTOCOL.md, "Provenance". `run` is None for an upload, and for a picture whose run the room has forgotten:
    then the `objects` that a run made still say which."""
    people = {one.id: one for one in room.participants()}
    if info.type == "audio/wav":
        return _spoken(room, info, people)
    record = next((run.record for run in room.runs if run.record.asset == info.sha256), None)
    stands = {
        key: author
        for key, outline in room.shared.document.canvas.outlines.all().items()
        if outline.asset == info.sha256 and (author := room.shared.objects.get(key)) is not None
    }
    made = record is not None or any(author.creator.run for author in stands.values())
    answer: dict[str, Any] = {
        "asset": to_builtins(info),
        "origin": "generated" if made else "uploaded",
        "digital_source_type": None,
        "run": None,
        "sources": [],
        "source_authors": [],
        "source_runs": [],
        "objects": [
            {"id": key, "creator": to_builtins(author.creator), "editor": to_builtins(author.editor)}
            for key, author in stands.items()
        ],
    }
    if record is None:
        return answer
    asked: dict[str, Any] = json.loads(record.prompt)
    sources = [{"role": role, "asset": asked[role]} for role in ("source", "mask") if asked.get(role)]
    drawn: dict[str, Any] = asked.get("drawn") or {}
    return answer | {
        "digital_source_type": _MIXED if sources else _PURE,
        "run": _run(record, asked, people),
        "sources": sources,
        "source_authors": [_person(one, people) for one in drawn.get("authors", ())],
        "source_runs": drawn.get("runs", []),
    }


def _spoken(room: RoomContext, info: AssetInfo, people: dict[str, Participant]) -> dict[str, Any]:
    """A line of the film, which only this server makes. `line` is None when nobody says it any more."""
    line = next(
        (one for one in room.shared.document.film.lines.values() if one["asset"] == info.sha256), None
    )
    record = next((run.record for run in room.runs if line is not None and run.info.id == line["run"]), None)
    told = ("who", "text", "voice", "speed", "model", "weights", "run")
    return {
        "asset": to_builtins(info),
        "origin": "generated",
        "digital_source_type": _PURE,
        "run": _run(record, {}, people) if record is not None else None,
        "sources": [],
        "source_authors": [],
        "source_runs": [],
        "objects": [],
        "line": {name: line[name] for name in told} if line is not None else None,
    }


def _run(record: RunRecord, asked: dict[str, Any], people: dict[str, Participant]) -> dict[str, Any]:
    info = record.info
    params: dict[str, Any] = json.loads(record.params)
    negative_prompt = params.pop("negative_prompt", "")
    return {
        "id": info.id,
        "model": info.model,
        "task": info.task,
        "prompt": info.instruction,
        "negative_prompt": negative_prompt,
        "seed": info.seed,
        "params": params,
        "steers": asked.get("steers", []),
        "asker": _person(info.participant, people),
        "asked_ms": info.created_ms,
        "made_ms": record.made_ms,
        "undone": info.undone,
    }


def _person(participant: str, people: dict[str, Participant]) -> dict[str, str]:
    known = people.get(participant)
    return {"id": participant, "name": known.name if known else "", "kind": known.kind if known else ""}
