"""A bot that plays along in a jam: a walking bass on the harmony that the band announces, or on the room's key.

python play_along.py http://127.0.0.1:8080                 # makes a room, starts its transport and its band
python play_along.py "http://127.0.0.1:8080/r/ROOM#TOKEN" [bars]
"""

from __future__ import annotations

import asyncio
import re
import sys

from antiphon_client import Address, ClientError, Room, connect, create_room
from antiphon_proto.document.jam import PPQ, NoteEvent

BASS = 33
"""General MIDI's fingered bass."""
LOWEST = 36
LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
AHEAD_MS = 200.0
"""A key is sent so long before it sounds: the others hear it in time."""


class Harmony:
    """The chords that the band has announced, by tick."""

    def __init__(self, tonic: int) -> None:
        self._chords = [(0, f"{tonic}")]
        self._tonic = tonic

    async def follow(self, room: Room) -> None:
        async for message in room.jam.band_notes():
            self._chords = sorted([*self._chords, *((one.tick, one.name) for one in message.chords)])[-64:]

    def root_at(self, beat: float) -> int:
        """Pitch class of the chord that sounds then."""
        name = next((name for tick, name in reversed(self._chords) if tick <= beat * PPQ + 1), "")
        found = re.match(r"([A-G])([#b]?)", name)
        if found is None:
            return self._tonic
        return (LETTERS[found[1]] + {"#": 1, "b": -1, "": 0}[found[2]]) % 12


def line(root: int, following: int, beats: int) -> list[int]:
    """A bar of bass: root, fifth, octave, and a step that leads to the next root."""
    low, goal = LOWEST + root, LOWEST + following
    steps = [low, low + 7, low + 12, low + 7]
    return [*(steps[beat % 4] for beat in range(beats - 1)), goal + (1 if goal <= low else -1)]


async def play_bar(room: Room, bar_beat: float, pitches: list[int]) -> None:
    """Each beat's key, a little before its time, by the transport of that moment."""
    for number, pitch in enumerate(pitches):
        transport = room.jam.transport
        at_ms = transport.ms_at(bar_beat + number)
        await room.jam.sleep_until(at_ms - AHEAD_MS)
        held_ms = 0.8 * 60_000 / transport.tempo
        await room.jam.play(NoteEvent(at_ms, pitch, 96), NoteEvent(at_ms + held_ms, pitch, 0))


async def play_along(room: Room, bars: int) -> None:
    jam = room.jam
    harmony = Harmony(jam.transport.tonic)
    listening = asyncio.create_task(harmony.follow(room))
    try:
        for _ in range(bars):
            await room.wait_for(lambda _: jam.course[-1].playing)
            transport = jam.course[-1]
            beat = transport.next_line(transport.beat_at(jam.now_ms + AHEAD_MS), "bar")
            root, following = harmony.root_at(beat), harmony.root_at(beat + transport.beats)
            await play_bar(room, beat, line(root, following, transport.beats))
            print(f"bar {transport.bar_at(beat)}: played on {root}")
    finally:
        listening.cancel()
        await asyncio.wait({listening})


async def main(target: str, bars: int) -> None:
    begins = "/r/" not in target
    address = (await create_room(target))["editor"] if begins else Address.parse(target)
    if begins:
        print("Play here:", address.link)
    async with connect(address.link, name="Bassist") as room:
        await room.jam.in_time()
        room.jam.set_instrument(BASS)
        if begins:
            await room.jam.conduct(playing=True, tempo=104.0, when="now")
            room.jam.ask_band(prompts={"jazz": 1.0}, roles={"bass": False, "drums": True})
            if any(model.modality == "audio" and model.ready for model in room.models):
                await room.jam.perform().start()
        await play_along(room, bars)


if __name__ == "__main__":
    try:
        asyncio.run(
            main(
                sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080",
                int(sys.argv[2]) if len(sys.argv) > 2 else 16,
            )
        )
    except ClientError as error:
        sys.exit(str(error))
