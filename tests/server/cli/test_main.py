"""The `antiphon` command as a process: its output when it starts, fails and stops."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from typer.testing import CliRunner

from antiphon_engines.api import EngineUnavailable
from antiphon_proto.errors import AntiphonError
from antiphon_server.cli.bench import Bench
from antiphon_server.cli.main import app, main, ready_line
from support.server import NOTHING_TO_LOAD, PATIENCE, bearer, running, serving


async def antiphon(*arguments: str) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of one command."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "antiphon_server",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def one_line(err: str, *, says: str) -> None:
    """The last line names the fault; nothing else is an error, and there is no traceback."""
    assert "Traceback" not in err
    lines = err.splitlines()
    assert [line for line in lines if line.startswith("antiphon: ")] == lines[-1:]
    assert says in lines[-1]
    assert not [line for line in lines[:-1] if " error " in line]


async def test_a_busy_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, out, err = await antiphon(
            "serve", f"--port={port}", f"--data-dir={tmp_path}", *NOTHING_TO_LOAD
        )
    assert (status, out) == (1, "")
    one_line(err, says=f"port {port} of 127.0.0.1 is in use")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--text-model=smolm2-135m"], "did you mean smollm2-135m?"),
        (["--cache-dir=empty"], "antiphon models prepare"),
        (["--data-dir=a-file/data", *NOTHING_TO_LOAD], "cannot use the data folder a-file/data"),
    ],
)
async def test_what_keeps_it_from_starting_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a-file").write_text("")
    status, out, err = await antiphon("serve", "--port=0", *arguments)
    assert (status, out) == (1, "")
    one_line(err, says=says)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"text_model": "no/such/model.gguf"}, "cannot read no/such/model.gguf"),
        ({"data_dir": Path("broken")}, "join.key is not a signing key"),
        ({"data_dir": Path("/dev/full")}, "cannot use the data folder /dev/full"),
        ({"data_dir": Path("other")}, "other/rooms.sqlite"),
        ({"host": "192.0.2.1"}, "cannot listen on port 0 of 192.0.2.1"),  # reserved: no machine has it
    ],
)
async def test_every_failing_start_is_a_typed_error_of_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "join.key").write_text("short")
    (tmp_path / "other" / "rooms.sqlite").mkdir(parents=True)
    data_dir = settings.pop("data_dir", tmp_path / "data")
    with pytest.raises(AntiphonError) as caught:
        async with running(data_dir, **settings):
            pass
    assert says in caught.value.message
    assert "\n" not in caught.value.message


async def test_an_engine_that_cannot_start_ends_the_server(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="the model is broken"):
        async with running(tmp_path, engine_failure="the model is broken"):
            pass


def test_wrong_settings_are_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for argument, says in (
        ("--port=70000", "setting port: "),
        ("--config=none.toml", "settings file none.toml"),
    ):
        monkeypatch.setattr(sys, "argv", ["antiphon", "serve", "--watchdog=0", argument])
        with pytest.raises(SystemExit) as caught:
            main()
        assert caught.value.code == 1
        one_line(capsys.readouterr().err, says=says)


async def test_one_server_from_its_ready_line_to_control_c(tmp_path: Path) -> None:
    async with serving(tmp_path, *NOTHING_TO_LOAD, "--open-room") as served:
        assert set(served.ready) == {"event", "url", "room", "link"}
        base, _, token = served.ready["link"].partition("#")
        assert base == f"{served.url}/r/{served.ready['room']}"
        async with aiohttp.ClientSession() as http:
            path = f"{served.url}/api/rooms/{served.ready['room']}"
            async with http.get(path, headers=bearer(token)) as answer:
                assert (await answer.json())["role"] == "owner"
        status, _, err = await antiphon("serve", "--port=0", f"--data-dir={tmp_path}", *NOTHING_TO_LOAD)
        assert status == 1
        one_line(err, says="in use by another antiphon server")
        served.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE):
            assert await served.process.wait() == 0


def test_the_ready_line_for_people_and_for_machines() -> None:
    assert ready_line("http://here:1", "", "", "text") == "Antiphon is ready at http://here:1"
    assert "http://here:1/r/a#t" in ready_line("http://here:1", "a", "http://here:1/r/a#t", "text")
    assert json.loads(ready_line("http://here:1", "", "", "json")) == {
        "event": "ready",
        "url": "http://here:1",
    }


async def test_the_gateway_imports_no_numerical_runtime() -> None:
    script = """
import pkgutil, sys, antiphon_server, importlib
for module in pkgutil.walk_packages(antiphon_server.__path__, "antiphon_server."):
    if ".bench" not in module.name and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
assert "antiphon_server.app" in sys.modules and "antiphon_engines.host.host" in sys.modules
heavy = {name.split(".")[0] for name in sys.modules} & {"torch", "onnxruntime", "transformers", "xllamacpp"}
assert not heavy, heavy
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stderr=asyncio.subprocess.PIPE
    )
    _, err = await process.communicate()
    assert process.returncode == 0, err.decode()


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    for command in ("serve", "models", "doctor", "bench"):
        assert command in result.output


@pytest.mark.parametrize(
    ("command", "defaults"), [("serve", ["127.0.0.1", "8080"]), ("models list", ["~/.cache/antiphon"])]
)
def test_help_says_the_defaults(command: str, defaults: list[str]) -> None:
    result = CliRunner().invoke(
        app, [*command.split(), "--help"], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"}
    )
    for default in defaults:
        assert f"(default: {default})" in result.output


@pytest.mark.parametrize("name", list(Bench))
def test_every_bench_can_be_run(name: Bench) -> None:
    module = pytest.importorskip(f"antiphon_server.bench.{name}")
    assert callable(module.run)
