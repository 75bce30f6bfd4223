"""The host with a real worker process (and a fake engine in it): deaths, hangs, garbage, restarts."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from antiphon_engines.api import EngineUnavailable, InvalidRequest, QueueFull, Token
from antiphon_engines.config import WorkerConfig
from antiphon_engines.host.host import EngineHost
from antiphon_engines.ipc.channel import MAX_FRAME
from antiphon_engines.ipc.events import Done, Failed, Queued, RunEvent, SteerRejected
from antiphon_engines.ipc.trace import RunRecord, UnitRecord
from antiphon_proto.errors import Conflict, ErrorCode, NotFound, TooLarge
from antiphon_proto.params import TextSteer
from support.engine_host import PATIENCE, QUICK, Recorder, Watched, process_gone
from support.fake_engine import request

pytestmark = pytest.mark.usefixtures("worker_finds_support")


# Runs ---------------------------------------------------------------------------------------------------


async def test_runs_go_there_and_back(tmp_path: Path) -> None:
    async with Watched("build", tmp_path) as watched:
        await watched.host.wait_ready()
        assert watched.host.state.engines[0].name == "fake"
        recorders = [Recorder() for _ in range(3)]
        for number, recorder in enumerate(recorders):
            watched.submit(f"r{number}", recorder, share=f"p{number}", tokens=3)
        for recorder in recorders:
            assert await recorder.ended() == Done("length")
            assert recorder.text == "w0 w1 w2 "
            assert recorder.kinds == ["Started", "Token", "Token", "Token", "Done"]
        assert (watched.host.held, watched.host.waiting) == (0, 0)
    assert watched.statuses == ["starting", "ready", "stopped"]


async def test_the_trace_says_what_the_worker_did(tmp_path: Path) -> None:
    async with Watched("build", tmp_path) as watched:
        with pytest.raises(EngineUnavailable):
            await watched.host.trace()
        await watched.host.wait_ready()
        recorder = Recorder()
        watched.submit("r1", recorder, tokens=3)
        await recorder.ended()
        traced = await watched.host.trace()
        marks = [record.what for record in traced.records if isinstance(record, RunRecord)]
        units = [record for record in traced.records if isinstance(record, UnitRecord)]
        assert marks == ["queued", "started", "done"]
        assert [(unit.engine, unit.unit, unit.paying) for unit in units] == [("text", "decode", 1)] * 3
        assert [named.run for named in traced.names] == ["r1"]
        assert all(unit.seconds >= 0 for unit in units)


async def test_runs_may_come_before_the_worker_is_ready(tmp_path: Path) -> None:
    async with Watched("build", tmp_path) as watched:
        first, second, third = Recorder(), Recorder(), Recorder()
        watched.submit("r1", first, "wait", tokens=3)
        watched.submit("r2", second, tokens=3)
        watched.submit("r3", third, tokens=3)
        watched.host.steer("r1", TextSteer(instruction="go on"), 2)
        watched.host.cancel("r3")
        assert first.events == [], "a sink was called during submit"
        await first.ended()
        await second.ended()
    assert first.events[0] == Queued(1, 0)
    assert second.events[0] == Queued(2, 0)
    assert first.text == second.text == "w0 w1 w2 "
    assert third.events == []


async def test_after_cancel_nothing_is_heard(tmp_path: Path) -> None:
    async with Watched("build", tmp_path, max_jobs=1) as watched:
        await watched.host.wait_ready()
        endless, follower, waiting = Recorder(), Recorder(), Recorder()
        watched.submit("r1", endless, tokens=4096)
        watched.submit("r2", waiting, share="bob")
        watched.submit("r3", follower, share="eve")
        await endless.saw(Token, 2)
        await waiting.saw(Queued)
        watched.host.cancel("r1")
        watched.host.cancel("r2")
        watched.host.cancel("r2")
        heard = len(endless.events), len(waiting.events)
        await follower.ended()
        assert (len(endless.events), len(waiting.events)) == heard
        assert watched.host.held == 0
        # The same name is free again, and its old events do not reach the new sink.
        again = Recorder()
        watched.submit("r1", again, tokens=2, epoch=1)
        await again.ended()
        assert again.kinds == ["Started", "Token", "Token", "Done"]


async def test_a_sink_may_cancel_its_own_run(tmp_path: Path) -> None:
    async with Watched("build", tmp_path) as watched:
        heard: list[RunEvent] = []

        def sink(event: RunEvent) -> None:
            heard.append(event)
            if isinstance(event, Token):
                watched.host.cancel("r1")

        watched.host.submit("r1", 0, share="ann", request=request(tokens=500), sink=sink)
        other = Recorder()
        watched.submit("r2", other)
        await other.ended()
        assert [type(event) for event in heard].count(Token) == 1


async def test_a_steer_reaches_the_run_and_a_refusal_comes_back(tmp_path: Path) -> None:
    async with Watched("build", tmp_path) as watched:
        recorder = Recorder()
        watched.submit("r1", recorder, "wait", tokens=4)
        await recorder.saw(Token)
        watched.host.steer("r1", TextSteer(instruction="invalid"), 2)
        await recorder.saw(SteerRejected)
        watched.host.steer("r1", TextSteer(instruction="go on"), 2)
        await recorder.ended()
        with pytest.raises(NotFound, match="r1 is not running"):
            watched.host.steer("r1", TextSteer(), 3)


async def test_bounds_are_told_at_once(tmp_path: Path) -> None:
    settings = replace(QUICK, queue_per_share=2)
    async with Watched("build_never", tmp_path, settings, max_queue=3) as watched:
        watched.submit("r1", Recorder())
        with pytest.raises(Conflict, match="r1"):
            watched.submit("r1", Recorder())
        watched.submit("r2", Recorder())
        with pytest.raises(QueueFull, match="2 of your runs"):
            watched.submit("r3", Recorder())
        watched.submit("r4", Recorder(), share="bob")
        with pytest.raises(QueueFull, match="3 runs are waiting"):
            watched.submit("r5", Recorder(), share="eve")
        watched.host.cancel("r4")
        with pytest.raises(TooLarge):
            watched.submit("r6", Recorder(), share="bob", before="x" * MAX_FRAME)
        with pytest.raises(InvalidRequest, match="weight"):
            watched.host.submit("r7", 0, share="bob", request=request(), sink=Recorder(), weight=float("nan"))
        watched.submit("r8", Recorder(), share="bob")
        for _ in range(32):
            watched.host.steer("r8", TextSteer(temperature=0.5), 2)
        with pytest.raises(QueueFull, match="too many changes"):
            watched.host.steer("r8", TextSteer(temperature=0.5), 2)


async def test_a_raising_sink_is_logged_and_breaks_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Panic(BaseException):
        """As pycrdt's: not an Exception."""

    def sink(event: RunEvent) -> None:
        raise Panic("boom")

    async with Watched("build", tmp_path) as watched:
        watched.host.submit("r1", 0, share="ann", request=request(), sink=sink)
        other = Recorder()
        watched.submit("r2", other)
        await other.ended()
    assert "the sink of run r1 failed on Token" in caplog.text


async def test_what_a_model_prints_stays_off_the_channel(tmp_path: Path) -> None:
    async with Watched("build", tmp_path) as watched:
        recorder = Recorder()
        watched.submit("r1", recorder, "print", tokens=3)
        assert await recorder.ended() == Done("length")
    assert "restarting" not in watched.statuses


# Deaths -------------------------------------------------------------------------------------------------


async def test_a_killed_worker_fails_what_it_had_started_and_keeps_what_waited(tmp_path: Path) -> None:
    async with Watched("build", tmp_path, max_jobs=1) as watched:
        started, waiting = Recorder(), Recorder()
        watched.submit("r1", started, "wait")
        watched.submit("r2", waiting, share="bob", tokens=3)
        await started.saw(Token)
        await waiting.saw(Queued)
        watched.kill_worker()
        end = await started.ended()
        assert isinstance(end, Failed)
        assert end.code == ErrorCode.WORKER_LOST
        assert "was killed by SIGKILL" in end.message
        assert await waiting.ended() == Done("length")
        assert waiting.text == "w0 w1 w2 "
        await watched.ready_again(2)
    assert watched.statuses == ["starting", "ready", "restarting", "ready", "stopped"]


async def test_a_run_that_kills_the_worker_is_not_given_to_the_next(tmp_path: Path) -> None:
    async with Watched("build", tmp_path) as watched:
        for instruction in ("kill", "kill early"):
            poison = Recorder()
            watched.submit("poison", poison, instruction)
            end = await poison.ended()
            assert isinstance(end, Failed)
            assert end.code == ErrorCode.WORKER_LOST
        healthy = Recorder()
        watched.submit("healthy", healthy)
        assert await healthy.ended() == Done("length")
    assert watched.statuses.count("restarting") == 2


async def test_a_crash_of_native_code_is_named(tmp_path: Path) -> None:
    async with Watched("build", tmp_path) as watched:
        recorder = Recorder()
        watched.submit("r1", recorder, "abort")
        end = await recorder.ended()
    assert isinstance(end, Failed)
    assert end.message == "the engine worker was killed by SIGABRT: Fatal Python error: Aborted"


async def test_a_run_that_waits_through_too_many_deaths_fails(tmp_path: Path) -> None:
    async with Watched("build", tmp_path, replace(QUICK, run_deaths=2), max_jobs=1) as watched:
        poison, waiting = [Recorder(), Recorder()], Recorder()
        for number, recorder in enumerate(poison):
            watched.submit(f"poison{number}", recorder, "kill", share=f"eve{number}")
        watched.submit("r1", waiting, share="bob")
        end = await waiting.ended()
    assert isinstance(end, Failed)
    assert end.code == ErrorCode.WORKER_LOST
    assert "died 2 times while this run waited" in end.message
    assert "Token" not in waiting.kinds
    assert all(recorder.end is not None for recorder in poison)


async def test_a_stuck_worker_is_killed(tmp_path: Path) -> None:
    settings = replace(QUICK, heartbeat=0.1, stuck_after=1.0)
    async with Watched("build", tmp_path, settings) as watched:
        stuck = Recorder()
        watched.submit("r1", stuck, "hang")
        end = await stuck.ended()
        assert isinstance(end, Failed)
        assert end.code == ErrorCode.WORKER_LOST
        assert "was stuck: it said nothing for 1 s" in end.message
        # No run is given to the next worker: on a busy machine a sound one may be silent for a second, too.
        await watched.ready_again(2)


async def test_a_worker_that_hangs_while_loading_is_killed(tmp_path: Path) -> None:
    settings = replace(QUICK, heartbeat=0.05, load_timeout=0.2, start_attempts=2)
    async with Watched("build_never", tmp_path, settings) as watched:
        with pytest.raises(EngineUnavailable, match="was stuck: it said nothing"):
            await watched.host.wait_ready()
    assert watched.statuses == ["starting", "failed", "stopped"]


async def test_a_heartbeat_brings_the_workers_account(tmp_path: Path) -> None:
    async with Watched("build", tmp_path, replace(QUICK, heartbeat=0.02)) as watched:
        recorder = Recorder()
        watched.submit("r1", recorder, "wait")
        await recorder.saw(Token)
        async with asyncio.timeout(PATIENCE):
            while watched.host.stats.tokens < 1:
                await asyncio.sleep(0)
        assert watched.host.stats.active == 1
        watched.host.cancel("r1")


# Starts -------------------------------------------------------------------------------------------------


async def test_a_model_that_does_not_exist_is_one_clear_line_and_final(tmp_path: Path) -> None:
    async with Watched("build_unavailable", tmp_path, text_model="smolm") as watched:
        recorder = Recorder()
        watched.submit("r1", recorder)
        with pytest.raises(EngineUnavailable, match="^there is no model 'smolm'$"):
            await watched.host.wait_ready()
        assert recorder.end == Failed("unavailable", "there is no model 'smolm'")
        with pytest.raises(EngineUnavailable, match="smolm"):
            watched.submit("r2", recorder)
        assert watched.host.worker_pid is None
    assert watched.statuses == ["starting", "failed", "stopped"]


async def test_a_crash_loop_backs_off_and_ends(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = replace(QUICK, start_attempts=3, backoff_first=0.01, backoff_cap=0.02)
    async with Watched("build_broken", tmp_path, settings) as watched:
        with pytest.raises(EngineUnavailable, match="exit code 1: RuntimeError: the loader has a bug"):
            await watched.host.wait_ready()
    assert (tmp_path / "attempts").read_bytes() == b"..."
    assert [line[-22:] for line in caplog.messages if "next attempt" in line] == [
        "next attempt in 0.01 s",
        "next attempt in 0.02 s",
    ]


async def test_one_crash_while_loading_is_made_good(tmp_path: Path) -> None:
    async with Watched("build_second_time", tmp_path) as watched:
        recorder = Recorder()
        watched.submit("r1", recorder)
        await watched.host.wait_ready()
        assert await recorder.ended() == Done("length")
    assert watched.statuses == ["starting", "ready", "stopped"]


async def test_garbage_on_the_channel_ends_that_worker(tmp_path: Path) -> None:
    async with Watched("build_garbage", tmp_path, replace(QUICK, start_attempts=1)) as watched:
        with pytest.raises(EngineUnavailable, match="broke the channel: a frame of 4294967295 bytes"):
            await watched.host.wait_ready()


async def test_a_factory_that_cannot_be_imported_is_told(tmp_path: Path) -> None:
    async with Watched("support.nothing:build", tmp_path, replace(QUICK, start_attempts=1)) as watched:
        with pytest.raises(EngineUnavailable, match="ModuleNotFoundError: No module named 'support.nothing'"):
            await watched.host.wait_ready()


async def test_a_host_that_was_not_started_says_so(tmp_path: Path) -> None:
    host = EngineHost(WorkerConfig(str(tmp_path)))
    with pytest.raises(EngineUnavailable, match="has not been started"):
        await host.wait_ready()
    with pytest.raises(EngineUnavailable, match="has not been started"):
        host.submit("r1", 0, share="ann", request=request(), sink=Recorder())
    await host.close()


# Ends ---------------------------------------------------------------------------------------------------


async def test_close_fails_what_runs_and_leaves_no_process(tmp_path: Path) -> None:
    async with Watched("build", tmp_path, max_jobs=1) as watched:
        running, waiting = Recorder(), Recorder()
        watched.submit("r1", running, "wait")
        watched.submit("r2", waiting)
        await running.saw(Token)
        gone = watched.worker_gone()
        await watched.host.close()
        await gone
        assert running.end == waiting.end == Failed("unavailable", "the engine was stopped")
        with pytest.raises(EngineUnavailable, match="stopped"):
            watched.submit("r3", running)
        await watched.host.close()


@pytest.mark.parametrize("factory", ["build", "build_never", "build_broken"])
async def test_close_right_after_the_start(tmp_path: Path, factory: str) -> None:
    async with Watched(factory, tmp_path, replace(QUICK, close_grace=0.2)) as watched:
        await asyncio.sleep(0)
    assert watched.statuses == ["starting", "stopped"]
    assert watched.host.worker_pid is None


async def test_closing_does_not_wait_for_a_stuck_worker(tmp_path: Path) -> None:
    async with Watched("build", tmp_path, replace(QUICK, close_grace=0.2)) as watched:
        recorder = Recorder()
        watched.submit("r1", recorder, "hang")
        await recorder.saw(Token, 2)
        gone = watched.worker_gone()
        await watched.host.close()
        await gone


@pytest.mark.parametrize("instruction", ["wait", "hang"])
async def test_the_worker_ends_when_the_gateway_is_killed(tmp_path: Path, instruction: str) -> None:
    script = f"""
import asyncio
from pathlib import Path
from antiphon_engines.api import Token
from support.engine_host import Recorder, Watched

async def main():
    async with Watched("build", Path({str(tmp_path)!r})) as watched:
        recorder = Recorder()
        watched.submit("r1", recorder, {instruction!r})
        await recorder.saw(Token)
        print(watched.host.worker_pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
    gateway = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE
    )
    assert gateway.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            worker = int(await gateway.stdout.readline())
            gone = process_gone(worker)
            gateway.send_signal(signal.SIGKILL)
            await gateway.wait()
            await gone
    finally:
        with contextlib.suppress(ProcessLookupError):
            gateway.kill()
        await gateway.wait()
