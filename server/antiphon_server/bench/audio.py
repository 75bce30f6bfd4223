"""`antiphon bench audio`: the embedded band, on its own and in a real worker process beside a text and pictures.

In the worker the band plays in real time while a person plays along; every frame that comes is compared with the time
at which it had to be there. The parts of the band and its reaction times are measured by a process of their own
(`audio_subjects`).
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from antiphon_engines.api import AudioRequest, ImageRequest, PlayedNote, Request, Segment, TextRequest
from antiphon_engines.audio import spec
from antiphon_engines.config import WorkerConfig
from antiphon_engines.host.host import EngineHost
from antiphon_engines.host.worker_process import environment
from antiphon_engines.ipc.events import Audio, Done, Failed, RunEvent
from antiphon_proto.document.jam import SAMPLE_RATE, BandControls, BandRole, Transport
from antiphon_proto.errors import AntiphonError
from antiphon_proto.params import ImageParams, TextParams
from antiphon_server.bench.report import Report, Target
from antiphon_server.config import load

SECONDS: Final = 30.0
LONG_SECONDS: Final = 300.0
TEMPO: Final = 120.0
_ROLES: Final[frozenset[BandRole]] = frozenset({"lead", "bass", "chords", "drums"})
_MELODY: Final = (60, 62, 64, 67, 69, 67, 64, 62)
_HEAD: Final = 1.0
"""Seconds from the band's start to its first sample."""
_FIRST: Final = 60.0
"""Seconds after which a band of which nothing has come has failed."""


class PlayingFailed(AntiphonError):
    """A run of the bench failed; the message is the engine's."""


@dataclass
class _Band:
    """The frames of one band, as a listener beside the worker gets them. `leads`: seconds by which frames came before
    they sound."""

    start: float
    lead: float
    leads: list[float] = field(default_factory=list)
    bytes: int = 0
    samples: int = 0
    late: int = 0
    skipped: int = 0
    end: int = 0
    failure: str = ""

    def __call__(self, event: RunEvent) -> None:
        match event:
            case Audio(pts, samples, opus, late):
                self.leads.append(self.start + pts / SAMPLE_RATE - time.monotonic())
                self.late += late > 0
                self.skipped += (pts - self.end) // samples
                self.bytes += len(opus)
                self.samples += samples
                self.end = pts + samples
            case Failed(message=message):
                self.failure = message


class _Other:
    """A text, or pictures, that is asked for again whenever it is done."""

    def __init__(self, host: EngineHost, name: str, request: Request) -> None:
        self._host, self._name, self._request = host, name, request
        self._count = 0
        self.done = 0
        self.failure = ""
        self._again()

    def _again(self) -> None:
        self._count += 1
        run = f"{self._name}{self._count}"
        self._host.submit(run, 0, share=self._name, request=self._request, sink=self._hear)

    def _hear(self, event: RunEvent) -> None:
        match event:
            case Done():
                self.done += 1
                asyncio.get_running_loop().call_soon(self._again)
            case Failed(message=message):
                self.failure = message


def run(long: bool, seconds: float | None = None) -> Report:
    """Measure. Raises EngineUnavailable where no band can play."""
    cache = load().cache_dir.expanduser()
    spec.check(cache, "embedded")
    return asyncio.run(_measure(cache, seconds or (LONG_SECONDS if long else SECONDS)))


async def _measure(cache: Path, seconds: float) -> Report:
    parts = await _parts(cache, seconds)
    threads = max(1, load().worker_config().threads)
    config = WorkerConfig(str(cache), image_model="embedded", music_model="embedded", threads=threads)
    host = EngineHost(config)
    await host.start()
    try:
        await host.wait_ready()
        await _joined(host)
        alone = await _play(host, seconds)
        beside = await _beside(host, seconds)
    finally:
        await host.close()
    results = {**parts, "live, alone": alone, "live, beside a text and pictures": beside}
    return Report(
        bench="audio",
        load=(
            f"the embedded band: four roles at {TEMPO:g} a minute, somebody plays along; {seconds:g} s in each part; "
            f"{threads} threads"
        ),
        results=results,
        targets=_targets(results),
    )


async def _parts(cache: Path, seconds: float) -> dict[str, Any]:
    """Raises PlayingFailed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "antiphon_server.bench.audio_subjects",
        str(cache),
        str(min(seconds, 60.0)),
        stdout=asyncio.subprocess.PIPE,
        env=environment(),
    )
    out, _ = await process.communicate()
    if process.returncode != 0:
        raise PlayingFailed("the parts of the band could not be measured")
    measured: dict[str, Any] = json.loads(out)
    return measured


async def _joined(host: EngineHost) -> None:
    """Wait until everything that will come has come. Raises PlayingFailed where that is no band."""
    while any(absent.loading for absent in host.state.absent):
        await asyncio.sleep(0.2)
    if "audio" not in {engine.modality for engine in host.state.engines}:
        [reason] = [absent.reason for absent in host.state.absent if absent.modality == "audio"]
        raise PlayingFailed(reason)


async def _play(
    host: EngineHost, seconds: float, meanwhile: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """A band in real time. Raises PlayingFailed."""
    transport = Transport(playing=True, tempo=TEMPO)
    controls = BandControls(roles=_ROLES)
    start = time.monotonic() + _HEAD
    request = AudioRequest(controls, (Segment(0, transport),), seed=1, start=start)
    band = _Band(start, request.lead)
    name = f"band{start:.3f}"
    host.submit(name, 0, share="room", request=request, sink=band)
    beat = 0
    while (now := time.monotonic()) < start + seconds or (not band.leads and now < start + _FIRST):
        meanwhile()
        if band.failure:
            raise PlayingFailed(band.failure)
        if now >= start + beat * 60 / TEMPO:
            pitch = _MELODY[beat % len(_MELODY)]
            down, up = (round((at - start) * SAMPLE_RATE) for at in (now, now + 0.9 * 60 / TEMPO))
            host.push(name, [PlayedNote(down, "bench", pitch, 90), PlayedNote(up, "bench", pitch, 0)])
            beat += 1
        await asyncio.sleep(0.02)
    host.cancel(name)
    return _account(band, seconds)


async def _beside(host: EngineHost, seconds: float) -> dict[str, Any]:
    """The same while a text is written and pictures are painted all the time."""
    others = [
        _Other(host, "writer", TextRequest("continue", "Once upon a time", params=TextParams(max_tokens=200)))
    ]
    if any(engine.modality == "image" for engine in host.state.engines):
        paint = ImageRequest("text_to_image", "a red house", ImageParams(seed=1))
        others.append(_Other(host, "painter", paint))

    def check() -> None:
        for other in others:
            if other.failure:
                raise PlayingFailed(other.failure)

    figures = await _play(host, seconds, check)
    return figures | {f"runs of the {other._name} that were finished": other.done for other in others}


def _account(band: _Band, seconds: float) -> dict[str, Any]:
    if not band.leads:
        raise PlayingFailed("no sound came")
    leads = sorted(band.leads)
    return {
        "frames": len(leads),
        "chunk lead ms, median": round(median(leads) * 1000, 1),
        "chunk lead ms, 1 % have less": round(leads[len(leads) // 100] * 1000, 1),
        "chunk lead ms, least": round(leads[0] * 1000, 1),
        "lead asked for ms": band.lead * 1000,
        "left the worker late": band.late,
        "deadlines missed": sum(lead < 0 for lead in leads) + band.skipped,
        "bytes per second": round(band.bytes / max(1, band.samples) * SAMPLE_RATE),
    }


def _targets(results: dict[str, Any]) -> tuple[Target, ...]:
    reaction = results["reaction"]
    slowest = max(
        reaction[name]
        for name in ("new prompts heard s, most", "new role heard s, most", "chord to answer s, most")
    )
    speed = results["real-time factor, by processor time"]
    return (
        Target("real-time factor of model, synthesiser and Opus", speed["band of four roles"], ">=", 3),
        Target("deadlines missed, alone", results["live, alone"]["deadlines missed"], "<=", 0),
        Target("steering heard, s (a bar and 0.2)", slowest, "<=", reaction["bar s"] + 0.2),
    )
