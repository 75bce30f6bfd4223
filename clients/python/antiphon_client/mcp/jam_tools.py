"""Tools of the jam: read the notes that are played, play, ask the band, change tempo and key."""

from __future__ import annotations

from typing import Any, Final, Literal

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from typing_extensions import TypedDict

from antiphon_client.mcp.guard import tool, within
from antiphon_client.room import Room
from antiphon_proto.document.jam import KeyMode, NoteEvent

_MOST_NOTES: Final = 256
_LONGEST_PHRASE: Final = 64.0
"""Beats that one call may play."""
_AT_ONCE: Final = 64
"""Events in one message of the protocol."""
_LOG_MS: Final = 60_000
_MODES: Final[dict[str, KeyMode]] = {"major": "maj", "minor": "min"}


class Note(TypedDict):
    """`beat` counts from the first that is played; `pitch` is a MIDI number, `length` in beats, `velocity` 1 to 127."""

    beat: float
    pitch: int
    length: float
    velocity: int


def add_to(server: MCPServer[Any], room: Room) -> None:
    """Register the tools of the jam."""

    @tool(server)
    async def read_jam() -> dict[str, Any]:
        """Tempo, meter and key of the jam, whether it plays, the wishes to the band, and the notes of the last
        minute."""
        await room.jam.in_time()
        now = room.jam.now_ms
        events = await room.jam.log(now - _LOG_MS, now)
        return {
            **transport_of(room),
            "beat_now": room.jam.beat,
            "events": events[-_MOST_NOTES:],
        }

    if "conduct" in room.rights:

        @tool(server, writes=True)
        async def conduct(
            playing: bool | None = None,
            tempo: float | None = None,
            beats: int | None = None,
            tonic: int | None = None,
            mode: Literal["major", "minor"] | None = None,
        ) -> dict[str, Any]:
            """Start or stop the jam, or change its tempo (beats a minute), meter (beats a bar) or key (`tonic`: 0 to
            11, 0 is C) at the next bar line."""
            made = await room.jam.conduct(
                playing=playing, tempo=tempo, beats=beats, tonic=tonic, mode=_MODES[mode] if mode else None
            )
            return {"at_ms": made.at_ms, "beat": made.beat}

    if "edit" in room.rights:

        @tool(server, writes=True)
        async def play_notes(notes: list[Note], program: int | None = None) -> dict[str, Any]:
            """Play a phrase from the next whole beat on, at the jam's tempo; returns when it has sounded. `program`:
            the General MIDI instrument to play on from now (128: drums). At most 256 notes within 64 beats."""
            phrase = _checked(notes)
            if program is not None:
                room.jam.set_instrument(within(program, 0, 128, "program"))
            await room.jam.in_time()
            return await _play(room, phrase)


def _checked(notes: list[Note]) -> list[Note]:
    if not 1 <= len(notes) <= _MOST_NOTES:
        raise ToolError(f"a phrase has from 1 to {_MOST_NOTES} notes")
    for note in notes:
        within(note["pitch"], 0, 127, "pitch")
        within(note["velocity"], 1, 127, "velocity")
        if not (
            note["beat"] >= 0 and note["length"] > 0 and note["beat"] + note["length"] <= _LONGEST_PHRASE
        ):
            raise ToolError(f"notes lie between beat 0 and beat {_LONGEST_PHRASE:.0f}, and have a length")
    return sorted(notes, key=lambda note: note["beat"])


async def _play(room: Room, notes: list[Note]) -> dict[str, Any]:
    """Send each key just before its time: the server moves events that lie far from its clock."""
    course = room.jam.transport
    beat_ms = 60_000 / course.tempo
    start = room.jam.now_ms + beat_ms
    if course.playing:
        beat = room.jam.beat
        start += (int(beat + 1) - beat) % 1 * beat_ms
    events = sorted(
        [
            event
            for note in notes
            for event in (
                NoteEvent(start + note["beat"] * beat_ms, note["pitch"], note["velocity"]),
                NoteEvent(start + (note["beat"] + note["length"]) * beat_ms, note["pitch"], 0),
            )
        ],
        # A release comes before a press of the same key at the same time.
        key=lambda event: (event.at_ms, event.velocity),
    )
    sounding: set[int] = set()
    try:
        while events:
            at = events[0].at_ms
            await room.jam.sleep_until(at)
            due = [event for event in events[:_AT_ONCE] if event.at_ms <= at + 1]
            del events[: len(due)]
            await room.jam.play(*due)
            for event in due:
                (sounding.add if event.velocity else sounding.discard)(event.pitch)
    finally:
        if sounding:
            await room.jam.play(*(NoteEvent(room.jam.now_ms, pitch, 0) for pitch in sorted(sounding)))
    return {"started_ms": start, "ended_ms": room.jam.now_ms}


def transport_of(room: Room) -> dict[str, Any]:
    """Tempo, meter and key, and whether the jam plays."""
    course = room.jam.transport
    return {
        "playing": course.playing,
        "tempo": course.tempo,
        "beats_per_bar": course.beats,
        "tonic": course.tonic,
        "mode": course.mode,
    }
