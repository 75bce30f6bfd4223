"""One real worker with two engines: text is served at once, pictures join, and both are stepped by one loop."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from antiphon_engines.api import ImageRequest, TextRequest
from antiphon_engines.host.host import FACTORY
from antiphon_engines.ipc.events import Done, Failed, Image, Preview, Progressed
from antiphon_proto.errors import ErrorCode
from antiphon_proto.params import ImageParams, ImageSteer, TextParams
from support import openai_server, tiny_pipelines
from support.easel import decode
from support.engine_host import Recorder, Watched

pytestmark = pytest.mark.filterwarnings("ignore")


async def test_text_and_pictures_in_one_worker(tmp_path: Path) -> None:
    tiny_pipelines.stable_diffusion().save_pretrained(tmp_path / "model")
    with openai_server.serving() as server:
        server.reply(openai_server.drone())
        async with Watched(
            FACTORY,
            tmp_path,
            text_model=f"{server.url}#drone",
            image_model=str(tmp_path / "model"),
            threads=1,
            device="cpu",
        ) as watched:
            await watched.until(lambda state: state.status == "ready")
            first = next(state for state in watched.states if state.status == "ready")
            assert [info.modality for info in first.engines] == ["text"]
            assert [absent.reason for absent in first.absent] == ["it is being loaded"]
            await watched.until(lambda state: len(state.engines) == 2)
            assert watched.host.state.absent == ()

            painted, written, long, bad = Recorder(), Recorder(), Recorder(), Recorder()
            paint = ImageRequest("text_to_image", "a red house", ImageParams(steps=4, seed=1))
            watched.host.submit("p", 1, share="ann", request=paint, sink=painted)
            watched.host.submit("w", 1, share="bob", request=_text(), sink=written)
            endless = ImageRequest("text_to_image", "the sea", ImageParams(steps=100))
            watched.host.submit("l", 1, share="eve", request=endless, sink=long)
            hostile = ImageRequest("image_to_image", "a cat", source=b"GIF89a")
            watched.host.submit("b", 1, share="eve", request=hostile, sink=bad)
            assert isinstance(await painted.ended(), Done)
            assert isinstance(await written.ended(), Done)
            failed = await bad.ended()
            assert isinstance(failed, Failed)
            assert failed.code == ErrorCode.INVALID
            watched.host.steer("l", ImageSteer(prompt="a cat", previews=0), 2)
            count = len(long.events)
            await long.until(lambda sink: len(sink.events) > count)
            watched.host.cancel("l")
            kinds = painted.kinds
            assert kinds[0] == "Started"
            assert kinds[-2:] == ["Image", "Done"]
            assert kinds.count("Progressed") == 5
            assert kinds.count("Preview") == 3
            [image] = [event for event in painted.events if isinstance(event, Image)]
            assert decode(image.png).shape == (64, 64, 3)
            assert all(isinstance(event, Preview | Progressed | Image | Done) for event in painted.events[1:])
            assert long.end is None
            count = len(long.events)
            await asyncio.sleep(0)
            assert len(long.events) == count


def _text() -> TextRequest:
    return TextRequest("continue", "Once upon a time", params=TextParams(max_tokens=4, seed=1))
