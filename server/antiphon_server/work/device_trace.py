"""The device's steps with their reasons, as a trace for Perfetto and chrome://tracing.

Format: "Trace Event Format" (Google, 2016), JSON object form. Tracks: one per engine under *device*, where each unit
stands with its batch and its reasons, beside the waits; one per run of the room under *runs*, from its coming to its
end. Other rooms' runs are on the device too, and are counted there, but not named.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from antiphon_engines.ipc.channel import Traced
from antiphon_engines.ipc.trace import RestRecord, RunRecord, UnitRecord

_DEVICE: Final = 1
_RUNS: Final = 2
_WAITS: Final = 1
_ENGINES: Final[Mapping[str, int]] = {"audio": 2, "text": 3, "image": 4, "speech": 5}
"""Threads of the device's process, in the order in which they are served."""
_ENDS: Final = frozenset({"done", "failed", "cancelled"})

Event = dict[str, Any]


def chrome_trace(traced: Traced, runs: Collection[str]) -> dict[str, Any]:
    """`runs` are the ids of the room's. Times are microseconds from the first record."""
    origin = min((record.at for record in traced.records), default=0.0)
    names = {named.ticket: named for named in traced.names}
    mine = {ticket: named for ticket, named in names.items() if named.run.partition(".")[0] in runs}
    events = [_named(_DEVICE, "device"), _named(_DEVICE, "waits", _WAITS)]
    events += [_named(_DEVICE, engine, thread) for engine, thread in _ENGINES.items()]
    events.append(_named(_RUNS, "runs of this room"))
    events += [_named(_RUNS, f"{named.engine} {named.run}", ticket) for ticket, named in mine.items()]

    def label(ticket: int) -> str:
        return mine[ticket].run if ticket in mine else "another room's"

    def us(at: float) -> float:
        return round((at - origin) * 1e6, 1)

    states: dict[int, tuple[str, float]] = {}
    for record in traced.records:
        match record:
            case UnitRecord():
                events += _unit(record, us(record.at), [label(ticket) for ticket in record.tickets])
                events += [
                    _span(_RUNS, ticket, record.unit, us(record.at), record.seconds, {})
                    for ticket in record.tickets
                    if ticket in mine
                ]
            case RestRecord():
                held = {"for": label(record.held)} if record.held else {}
                name = "held back for a band" if record.held else "idle"
                events.append(_span(_DEVICE, _WAITS, name, us(record.at), record.seconds, held))
            case RunRecord() if record.ticket in mine:
                events.append(
                    {
                        "ph": "i",
                        "s": "t",
                        "pid": _RUNS,
                        "tid": record.ticket,
                        "name": record.what,
                        "ts": us(record.at),
                    }
                )
                if record.what == "steered":
                    continue
                if (before := states.pop(record.ticket, None)) is not None:
                    name, since = before
                    events.append(_span(_RUNS, record.ticket, name, us(since), record.at - since, {}))
                if record.what not in _ENDS:
                    name = "waiting" if record.what == "queued" else "active"
                    states[record.ticket] = (name, record.at)
    end = max((_end(record) for record in traced.records), default=0.0)
    for ticket, (name, since) in states.items():
        events.append(_span(_RUNS, ticket, name, us(since), end - since, {"state": "not over"}))
    return {"traceEvents": events, "displayTimeUnit": "ms", "otherData": {"records": len(traced.records)}}


def _unit(record: UnitRecord, ts: float, runs: list[str]) -> list[Event]:
    facts = {
        "batch": len(record.tickets),
        "charged": record.paying,
        "runs": runs,
        "why": record.reason,
        "measured_ms": _ms(record.seconds),
        "expected_ms": _ms(record.expected),
        "deadline_slack_ms": _ms(record.slack),
        "budget_ms": _ms(record.budget),
        "paused": record.paused,
    }
    thread = _ENGINES.get(record.engine, _WAITS)
    events = [_span(_DEVICE, thread, record.unit, ts, record.seconds, facts)]
    events.append(_count(f"{record.engine} batch", ts, len(record.tickets)))
    if record.slack is not None:
        events.append(_count("deadline slack, ms", ts, round(record.slack * 1000, 3)))
    return events


def _span(process: int, thread: int, name: str, ts: float, seconds: float, facts: Event) -> Event:
    dur = round(seconds * 1e6, 1)
    return {"ph": "X", "pid": process, "tid": thread, "name": name, "ts": ts, "dur": dur, "args": facts}


def _count(name: str, ts: float, value: float) -> Event:
    return {"ph": "C", "pid": _DEVICE, "name": name, "ts": ts, "args": {"value": value}}


def _named(process: int, name: str, thread: int | None = None) -> Event:
    kind = "process_name" if thread is None else "thread_name"
    return {"ph": "M", "pid": process, "tid": thread or 0, "name": kind, "ts": 0, "args": {"name": name}}


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)


def _end(record: UnitRecord | RestRecord | RunRecord) -> float:
    return record.at if isinstance(record, RunRecord) else record.at + record.seconds
