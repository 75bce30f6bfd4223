"""A room full of people, for measurements: writers, painters and a jam, each over a connection of their own, with the
times at which they got the outputs.

    python -m antiphon_client.load_test LINK --seconds 300 --writers 3 --painters 2 --jam

prints one JSON object, a `Seen`. A writer asks for the next passage as soon as the last one has ended and a moment to
read has passed, a painter likewise; in the jam the band plays along with a player who presses a key every half second.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct, to_builtins

from antiphon_client.errors import ClientError
from antiphon_client.jam.jam import AudioFrame, Performance
from antiphon_client.room import Room, connect
from antiphon_client.session.event_stream import EventStream
from antiphon_proto.document.jam import SAMPLE_RATE, NoteEvent
from antiphon_proto.messages import Preview
from antiphon_proto.params import ImageParams, TextParams

OPENING = (
    "The ferry left the harbour before dawn. Nobody on the quay had slept, and nobody said so. Mara counted the lamps "
    "along the shore until the fog took them one by one."
)
PASSAGE = 120
"""Tokens that a writer asks for at a time."""
STEPS = 12
"""Denoising steps of a picture."""
READING, LOOKING = 0.5, 1.5
"""Seconds between a passage or picture and the next wish."""
KEYS = 0.5
"""Seconds between the keys of the one who plays."""
FRAME = 1920
"""Samples of a frame."""
START_UP = 5.0
"""Seconds from a band's first frame on that do not count: people hear it begin."""
LOADING = 600.0
"""Seconds that the models may take to load."""
PROMPTS = ("a red boat", "a house by a lake", "a yellow bird", "an apple tree")
_ONE_ARRIVAL_MS = 0.5
"""Tokens that come in one message come at once."""


class Heard(Struct):
    """Of the band, after its start-up."""

    frames: int = 0
    missing_ms: float = 0.0
    """Of music that never came."""
    late: int = 0
    """Frames that came after they should have sounded."""
    gaps: int = 0
    """Times that the music stopped: runs of missing or late frames."""
    margins_ms: list[float] = []
    """How long before it sounds each frame came."""


class Seen(Struct):
    """Times are milliseconds."""

    token_gaps_ms: list[float] = []
    first_tokens_ms: list[float] = []
    first_previews_ms: list[float] = []
    preview_gaps_ms: list[float] = []
    pictures_ms: list[float] = []
    tokens: int = 0
    texts: int = 0
    refused: list[str] = []
    """Requests that were not served, and why."""
    heard: Heard | None = None


async def rehearse(link: str, seconds: float, writers: int, painters: int, jam: bool) -> Seen:
    """Wait until the models for these people are ready and, with `jam`, the band is heard; then play for so long.
    Raises JoinRefused, and TimeoutError when a model does not become ready."""
    seen = Seen()
    needed = {"text", *(["image"] if painters else []), *(["audio"] if jam else [])}
    async with connect(link, name="Conductor") as room:
        async with asyncio.timeout(LOADING):
            await room.wait_for(lambda one: needed <= {model.modality for model in one.models if model.ready})
        room.append(OPENING)
        await room.applied()
        async with asyncio.TaskGroup() as tasks:
            band = await _begin(room, seen, tasks) if jam else None
            until = time.monotonic() + seconds
            for number in range(writers):
                tasks.create_task(_write(link, f"Writer {number}", until, seen))
            for number in range(painters):
                tasks.create_task(_paint(link, f"Painter {number}", until, seen))
            if band is not None:
                tasks.create_task(_play_along(room, band, until))
    return seen


async def _write(link: str, name: str, until: float, seen: Seen) -> None:
    async with connect(link, name=name) as room:
        while time.monotonic() < until:
            run = room.ask(params=TextParams(max_tokens=PASSAGE))
            asked, latest = time.monotonic(), 0.0
            try:
                async for _ in run:
                    now = time.monotonic()
                    seen.tokens += 1
                    if not latest:
                        seen.first_tokens_ms.append(_ms(now - asked))
                    elif _ms(now - latest) >= _ONE_ARRIVAL_MS:
                        seen.token_gaps_ms.append(_ms(now - latest))
                    latest = now
                    if now >= until:
                        await run.stop()
                        return
                seen.texts += 1
            except ClientError as error:
                seen.refused.append(f"text: {error}")
            await asyncio.sleep(READING)


async def _paint(link: str, name: str, until: float, seen: Seen) -> None:
    async with connect(link, name=name) as room:
        turn = 0
        while time.monotonic() < until:
            turn += 1
            painting = room.paint(PROMPTS[turn % len(PROMPTS)], params=ImageParams(steps=STEPS))
            asked, latest = time.monotonic(), 0.0
            try:
                async for event in painting:
                    now = time.monotonic()
                    if not isinstance(event, Preview):
                        seen.pictures_ms.append(_ms(now - asked))
                    elif not latest:
                        seen.first_previews_ms.append(_ms(now - asked))
                    else:
                        seen.preview_gaps_ms.append(_ms(now - latest))
                    latest = now
            except ClientError as error:
                seen.refused.append(f"picture: {error}")
            await asyncio.sleep(LOOKING)


class _Band(NamedTuple):
    run: Performance
    listener: asyncio.Task[None]


async def _begin(room: Room, seen: Seen, tasks: asyncio.TaskGroup) -> _Band | None:
    """The band, as soon as it is heard; None where it is refused or fails before, and `seen` says why."""
    jam = room.jam
    await jam.in_time()
    seen.heard = Heard()
    ear = Ear(seen.heard)
    listener = tasks.create_task(_listen(room, jam.audio(), ear))
    await jam.conduct(when="now", playing=True, tempo=100.0)
    run = jam.perform()
    try:
        await run.start()
        async with asyncio.timeout(LOADING):
            await room.wait_for(lambda _: ear.hears or run.ended)
    except ClientError as error:
        seen.refused.append(f"band: {error}")
    else:
        if not run.ended:
            return _Band(run, listener)
        seen.refused.append(f"band: {(await run.finished()).error}")
    listener.cancel()
    return None


async def _play_along(room: Room, band: _Band, until: float) -> None:
    jam, key = room.jam, 0
    while time.monotonic() < until:
        pitch, at = 60 + (0, 4, 7, 12)[key % 4], jam.now_ms
        await jam.play(NoteEvent(at, pitch, 80), NoteEvent(at + 300, pitch, 0))
        key += 1
        await asyncio.sleep(KEYS)
    band.listener.cancel()
    await band.run.stop()


async def _listen(room: Room, stream: EventStream[AudioFrame], ear: Ear) -> None:
    async for frame in stream:
        ear.on_frame(frame.pts, frame.at_ms, room.jam.now_ms)


class Ear:
    """Counts the audible frames of a band: frames of `frame` samples, by where they begin, when they should sound and
    when they came, in server time."""

    def __init__(self, heard: Heard, frame: int = FRAME) -> None:
        self._heard = heard
        self._frame = frame
        self._next: int | None = None
        self._counts_from = 0
        self._was_late = False

    @property
    def hears(self) -> bool:
        """Whether a frame has come."""
        return self._next is not None

    def on_frame(self, pts: int, at_ms: float, now_ms: float) -> None:
        """Count a frame that begins at sample `pts` and came at `now_ms`, due at `at_ms` (server time)."""
        if self._next is None:
            self._next, self._counts_from = pts, pts + round(START_UP * SAMPLE_RATE)
        missing, self._next = max(0, pts - self._next), max(self._next, pts + self._frame)
        if pts < self._counts_from:
            return
        heard, margin = self._heard, at_ms - now_ms
        heard.frames += 1
        heard.margins_ms.append(round(margin, 1))
        heard.missing_ms += missing * 1000 / SAMPLE_RATE
        late = margin < 0
        heard.late += late
        # A frame that is late behind a late one goes on with the same silence.
        heard.gaps += missing > 0 or (late and not self._was_late)
        self._was_late = late


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the load test from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="antiphon_client.load_test", description=__doc__)
    parser.add_argument("link", help="an owner's or editor's invite link")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--writers", type=int, default=3)
    parser.add_argument("--painters", type=int, default=2)
    parser.add_argument("--jam", action="store_true")
    options = parser.parse_args(arguments)
    with contextlib.suppress(KeyboardInterrupt):
        seen = asyncio.run(
            rehearse(options.link, options.seconds, options.writers, options.painters, options.jam)
        )
        json.dump(to_builtins(seen), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
