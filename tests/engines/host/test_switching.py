"""Another model takes a modality over while the worker runs: with a real worker process."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from antiphon_engines.api import Absent
from antiphon_engines.host.host import FACTORY
from antiphon_engines.ipc.events import Done, Token
from antiphon_proto.params import TextSteer
from support import tiny_checkpoint
from support.engine_host import PATIENCE, Recorder, Watched

pytestmark = pytest.mark.usefixtures("worker_finds_support")


async def test_new_runs_take_the_new_model_and_running_ones_end_on_theirs(tmp_path: Path) -> None:
    async with Watched("build_several", tmp_path, text_model="first") as watched:
        host, old, new = watched.host, Recorder(), Recorder()
        await host.wait_ready()
        pid = host.worker_pid
        watched.submit("old", old, "wait", tokens=4)
        await old.saw(Token)
        host.use("text", "second")
        state = await watched.becomes(lambda state: state.engines[0].name == "second")
        assert any(one.coming and one.coming[0].loading for one in watched.states)
        assert state.coming == ()
        watched.submit("new", new, tokens=3)
        assert isinstance(await new.ended(), Done)
        host.steer("old", TextSteer(instruction="go on"))
        assert isinstance(await old.ended(), Done)
        assert old.text == "w0 w1 w2 w3 "
        assert host.worker_pid == pid


async def test_what_cannot_be_loaded_leaves_the_one_that_serves(tmp_path: Path) -> None:
    async with Watched("build_several", tmp_path, text_model="first") as watched:
        host, run = watched.host, Recorder()
        await host.wait_ready()
        host.use("text", "broken")
        state = await watched.becomes(lambda state: any(not each.loading for each in state.coming))
        assert state.coming == (Absent("text", "broken", "its file is damaged"),)
        host.use("text", "nowhere")
        assert host.state.coming[0].loading, "an earlier failure is history at once"
        state = await watched.becomes(lambda state: not state.coming[0].loading)
        assert state.coming == (Absent("text", "nowhere", "there is no text model 'nowhere'"),)
        assert state.engines[0].name == "first"
        assert host.models["text"] == "first"
        watched.submit("run", run, tokens=2)
        assert isinstance(await run.ended(), Done)


async def test_a_worker_that_dies_comes_back_with_the_model_that_served(tmp_path: Path) -> None:
    async with Watched("build_several", tmp_path, text_model="first") as watched:
        host = watched.host
        await host.wait_ready()
        host.use("text", "second")
        await watched.becomes(lambda state: state.engines[0].name == "second")
        first = host.worker_pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await watched.becomes(lambda state: state.status == "restarting")
        state = await watched.becomes(lambda state: state.status == "ready")
        assert state.engines[0].name == "second"
        assert host.worker_pid != first


async def test_a_backend_that_takes_over_is_told_at_once(tmp_path: Path) -> None:
    """Nobody asks for anything meanwhile."""
    tiny_checkpoint.write(tmp_path / "model")
    async with Watched(
        FACTORY,
        tmp_path / "cache",
        text_model=str(tmp_path / "model"),
        text_backend="onnxruntime",
        context=128,
        device="cpu",
        threads=1,
    ) as watched:
        await watched.host.wait_ready()
        # The build is niced: a busy machine takes its time.
        await watched.becomes(lambda state: state.engines[0].backend == "onnxruntime", patience=5 * PATIENCE)
        told = [state.engines[0] for state in watched.states if state.engines]
        assert told[0].backend == "torch"
        building = [engine.building for engine in told if engine.building]
        assert building, "how far it was"
        assert {(each.part, each.backend) for [each] in building} == {("language_decoder", "onnxruntime")}
        assert told[-1].building == ()
