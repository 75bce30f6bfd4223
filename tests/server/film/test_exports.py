"""Films become files in a process of their own; it may be stopped, killed, or find the disk full."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from antiphon_proto.errors import NotFound
from antiphon_server.file_exports import FileExport, FileExports
from antiphon_server.film.exports import work
from antiphon_server.film.reel import length, reel
from antiphon_server.film.render import EXITS, RenderJob, RenderParts
from support.film_vectors import FILMS
from support.patience import PATIENCE

av = pytest.importorskip("av")
pytest.importorskip("skia")
SHOTS = [
    {"id": "t", "kind": "title", "seconds": 0.5, "text": "Паром 漢"},
    {
        "id": "s",
        "kind": "speech",
        "seconds": 0.5,
        "who": "ANNA",
        "cast": ["ANNA"],
        "text": "Да.",
        "picture": "a" * 64,
    },
]
LONG = [{"id": "l", "seconds": 600}]


async def nothing(_asset: str) -> bytes | None:
    return None


async def begun(exports: FileExports, shots: list[dict[str, object]], kind: str = "mp4") -> FileExport:
    film = RenderParts(shots, {}, [], ["Cast: ANNA"])
    job = RenderJob(kind, "", film, {"a" * 64: ""}, 360, "Паром")
    return await exports.begin("room", kind, "film", work(job, length(reel(shots)), nothing), "here")


async def over(export: FileExport) -> FileExport:
    assert export.task is not None
    await asyncio.wait({export.task}, timeout=PATIENCE)
    return export


@pytest.mark.parametrize("kind", ["mp4", "webm"])
async def test_a_movie_has_every_frame_of_the_film(kind: str) -> None:
    exports = FileExports(1, 600)
    export = await over(await begun(exports, SHOTS, kind))
    assert (export.state, export.done, export.problem) == ("done", 1.0, "")
    with av.open(str(export.path)) as movie:
        frames = list(movie.decode(video=0))
    assert len(frames) == 24
    assert (frames[0].width, frames[0].height) == (640, 360)
    assert frames[12].time == pytest.approx(0.5, abs=0.002)
    pixels = frames[3].to_ndarray(format="rgb24")
    assert pixels.max() > 200  # the title
    assert pixels.mean() < 60  # on black
    with pytest.raises(NotFound):
        exports.get("another", export.id)
    await exports.close()
    assert not export.path.exists()


async def test_a_storyboard_is_a_pdf() -> None:
    exports = FileExports(1, 600)
    export = await over(await begun(exports, FILMS["a scene"], "pdf"))
    assert export.state == "done"
    assert export.path.read_bytes().startswith(b"%PDF-")
    await exports.close()


async def test_an_export_shows_how_far_it_is_and_can_be_stopped() -> None:
    exports = FileExports(1, 600)
    export = await begun(exports, LONG)
    async with asyncio.timeout(PATIENCE):
        while export.done == 0:
            await asyncio.sleep(0.02)
    waiting = await begun(exports, SHOTS)
    assert (export.state, waiting.state) == ("running", "waiting")
    await exports.cancel(export)
    assert export.state == "cancelled"
    assert not export.path.exists()
    assert (await over(waiting)).state == "done"
    await exports.close()


async def test_an_exporter_that_is_killed_says_so_and_the_next_one_works() -> None:
    exports = FileExports(1, 600)
    export = await begun(exports, LONG)
    async with asyncio.timeout(PATIENCE):
        while export.pid is None or export.done == 0:
            await asyncio.sleep(0.02)
    os.kill(export.pid, signal.SIGKILL)
    await over(export)
    assert (export.state, export.code, export.problem) == ("failed", "ended", "its process was ended")
    assert not export.path.exists()
    assert (await over(await begun(exports, SHOTS))).state == "done"
    await exports.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk")
@pytest.mark.parametrize("kind", ["mp4", "webm", "pdf"])
def test_a_full_disk_is_told(kind: str) -> None:
    job = RenderJob(kind, "/dev/full", RenderParts(SHOTS, {}, [], []), {}, 360)
    command = [sys.executable, "-m", "antiphon_server.film.render"]
    ended = subprocess.run(command, input=msgspec.msgpack.encode(job), capture_output=True, check=False)
    assert EXITS[ended.returncode] == "disk"
    assert b"the file cannot be written: No space left on device" in ended.stderr
