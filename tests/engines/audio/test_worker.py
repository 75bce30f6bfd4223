"""A real worker with text and a band: the band joins, plays, hears, is steered and stopped; text goes on beside it."""

from __future__ import annotations

import time
from pathlib import Path

from antiphon_engines.api import AudioRequest, AudioSteer, PlayedNote, Segment, TextRequest
from antiphon_engines.host.host import FACTORY
from antiphon_engines.ipc.events import Audio, Done, Performed, Steered, SteerRejected
from antiphon_proto.document.jam import SAMPLE_RATE, BandControls, Transport
from antiphon_proto.params import TextParams
from support import openai_server
from support.engine_host import Recorder, Watched


async def test_text_and_a_band_in_one_worker(cache_dir: Path) -> None:
    with openai_server.serving() as server:
        server.reply(openai_server.drone())
        options = {"text_model": f"{server.url}#drone", "music_model": "embedded", "threads": 1}
        async with Watched(FACTORY, cache_dir, **options, device="cpu") as watched:
            await watched.until(lambda state: len(state.engines) == 2)
            facts = next(info.audio for info in watched.host.state.engines if info.modality == "audio")
            assert facts is not None
            assert facts.hears == "notes"
            # Half a minute ahead: the machine may be slow, and its speed is not under test.
            start = time.monotonic() + 30
            playing = (Segment(0, Transport(playing=True)),)
            request = AudioRequest(BandControls(), playing, seed=3, start=start, lead=29.0)
            heard, written = Recorder(), Recorder()
            watched.host.submit("band", 1, share="room", request=request, sink=heard)
            await heard.saw(Audio, 5)
            watched.host.push("band", [PlayedNote(SAMPLE_RATE, "ada", 60, 90)])
            text = TextRequest("continue", "Once", params=TextParams(max_tokens=4))
            watched.host.submit("text", 1, share="bob", request=text, sink=written)
            watched.host.steer("band", AudioSteer(controls=BandControls(roles=frozenset({"pad"}))), 2)
            watched.host.steer("band", AudioSteer(segments=()), 3)
            await heard.saw(Steered)
            await heard.saw(SteerRejected)
            assert isinstance(await written.ended(), Done)
            count = len(heard.events)
            await heard.until(lambda sink: len(sink.events) > count + 5)
            watched.host.cancel("band")
            assert heard.end is None
            frames = [event for event in heard.events if isinstance(event, Audio)]
            stamps = [frame.pts for frame in frames]
            assert stamps == sorted(set(stamps))
            assert frames[0].pts == 0
            assert all(len(frame.opus) > 10 for frame in frames)
            assert any(isinstance(event, Performed) and event.notes for event in heard.events)
