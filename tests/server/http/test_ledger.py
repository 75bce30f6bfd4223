"""The ledger of a real server: its acts can be checked from outside, also after a kill."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest
from typer.testing import CliRunner

from antiphon_proto.messages import Accept, Ask, Pass, Run, RunInfo, Suggest, Undo
from antiphon_server.cli.main import app
from antiphon_server.store.ledger import TILE
from antiphon_server.trust import data_folder, leaf, notes, remote
from support.picture_files import picture
from support.raw_client import NativeClient, native
from support.server import NOTHING_TO_LOAD, LiveServer, bearer, serving


async def until(client: NativeClient, run: str = "", **state: object) -> RunInfo:
    """Read on until a run (this one) is in this state."""
    while True:
        info = (await client.hear(Run)).run
        if info.id == (run or info.id) and all(getattr(info, name) == value for name, value in state.items()):
            return info


async def decide(client: NativeClient, run: str) -> None:
    """Accept it, and take it back."""
    await client.say(Accept(run))
    await until(client, run, suggestion="accepted")
    await client.say(Undo(run))
    await until(client, run, undone=True)


async def log_verify(*arguments: str) -> tuple[int, str]:
    done = await asyncio.to_thread(CliRunner().invoke, app, ["log", "verify", *arguments])
    return done.exit_code, done.output + str(done.exception or "")


async def test_acts_of_a_room_are_checked_over_http(server: LiveServer, tmp_path: Path) -> None:
    room = await server.new_room()
    place = f"/api/rooms/{room['room']}"
    link, saved = room["links"]["viewer"], tmp_path / "saved"
    async with native(server.ws_url) as ada, aiohttp.ClientSession(server.url) as http:
        await ada.hello(room["tokens"]["owner"])
        me = bearer((await ada.hear(Pass)).token)
        async with http.get(f"{place}/ledger/checkpoint", headers=me) as answer:
            assert answer.status == 404
        await ada.say(Ask(1, "continue", "suggest", 0, 0, 0))
        run = (await until(ada, state="done")).id
        await decide(ada, run)
        async with http.post(f"{place}/assets", data=picture(), headers=me) as answer:
            assert answer.status == 201
            asset = (await answer.json())["sha256"]
        async with http.post(f"{place}/import?format=txt", data=b"A line.", headers=me) as answer:
            assert answer.status == 200
        exports = {}
        for number, path in enumerate(
            ("export?format=txt", "export?format=json", "jam/export?format=mid"), 6
        ):
            async with http.get(f"{place}/{path}", headers=me) as answer:
                assert answer.status == 200, await answer.text()
                assert answer.headers["Antiphon-Ledger"] == str(number)
                exports[number] = await answer.read()

        [report] = data_folder.examine(tmp_path / "data")
        assert (report.damage, report.size, report.signed) == ([], 9, 9)
        leaves = await server.gateway.store.leaves(room["room"], 0, TILE)
        found = [leaf.decode(one.body) for one in leaves]
        kinds = ["run", "end", "accept", "undo", "upload", "import", "export", "export", "export"]
        assert [one.kind for one in found] == kinds
        assert [one.subject for one in found[:5]] == [run] * 4 + [asset]
        assert len({one.who for one in found}) == 1
        for number, data in exports.items():
            assert found[number].subject == leaf.sha256(data)

        status, said = await log_verify(link, f"--save={saved}")
        assert (status, said) == (0, f"room {room['room']}: ok, 9 leaves, 1 checkpoint\n")
        async with http.get(f"{place}/export?format=md", headers=bearer(room["tokens"]["viewer"])) as answer:
            assert answer.headers["Antiphon-Ledger"] == "9"
        status, said = await log_verify(link, f"--checkpoint={saved}")
        assert (status, said) == (0, f"room {room['room']}: ok, 10 leaves, 2 checkpoints\n")
        last = (await server.gateway.store.leaves(room["room"], 9, 1))[0]
        assert leaf.decode(last.body).who not in {one.who for one in found}

        note = notes.read(saved.read_text())
        other = notes.Signer.generate()
        saved.write_text(other.sign(room["room"], note.size, bytes(32)))
        status, said = await log_verify(link, f"--checkpoint={saved}")
        assert status == 1
        assert "the saved checkpoint: leaves 0 to 8 are not those that were signed" in said
        status, said = await log_verify(link, f"--key={other.verifier(room['room'])}")
        assert (status, "is not signed by this key" in said) == (1, True)


@pytest.mark.parametrize(
    ("number", "width", "path"),
    [
        (0, TILE, "000"),
        (7, 3, "007.p/3"),
        (1234067, TILE, "x001/x234/067"),
        (999, 1, "999.p/1"),
        (1000, TILE, "x001/000"),
    ],
)
def test_tiles_are_named_as_c2sp_says(number: int, width: int, path: str) -> None:
    assert remote.tile_path(number, width) == path


async def test_tiles_are_for_those_who_may_see_the_room(server: LiveServer) -> None:
    room, other = await server.new_room(), await server.new_room()
    place = f"/api/rooms/{room['room']}/ledger"
    live = await server.gateway.hub.get(room["room"])
    size = 2 * TILE + 5
    for number in range(size):
        live.ledger.enter("upload", "p1", "", number)
    await live.seal()
    viewer = bearer(room["tokens"]["viewer"])
    async with aiohttp.ClientSession(server.url) as http:

        async def get(path: str, headers: dict[str, str] = viewer) -> tuple[int, bytes]:
            async with http.get(f"{place}{path}", headers=headers) as answer:
                return answer.status, await answer.read()

        for path in ("", "/checkpoint", "/tile/0/000", "/tile/entries/000"):
            assert (await get(path, {}))[0] == 401
            assert (await get(path, bearer(other["tokens"]["owner"])))[0] == 401
            assert (await get(path))[0] == 200
        leaves = await server.gateway.store.leaves(room["room"], 0, size)
        hashes = b"".join(one.hash for one in leaves)
        assert (await get("/tile/0/000"))[1] + (await get("/tile/0/001"))[1] == hashes[: 2 * TILE * 32]
        assert (await get("/tile/0/002.p/5"))[1] == hashes[2 * TILE * 32 :]
        assert (await get("/tile/0/002.p/4"))[1] == hashes[2 * TILE * 32 : -32]
        tops = await server.gateway.store.tile_hashes(room["room"], 1, 0, TILE)
        assert (await get("/tile/1/000.p/2"))[1] == b"".join(one.hash for one in tops)
        for path in (
            "0/002", "0/002.p/6", "0/003.p/1", "1/000", "1/000.p/3", "2/000.p/1", "0/000.p/0", "0/0", "x/000",
            "0/x001/000", "entries/002", "0/000.p/256", "0/000.p/999", "9/x999/x999/x999/x999/999", "0/000/", "-1/000",
        ):  # fmt: skip
            assert (await get(f"/tile/{path}"))[0] == 404, path
        live.ledger.enter("upload", "p1", "", 0)
        assert (await get("/tile/0/002.p/6"))[0] == 404  # nothing that is not signed
    status, said = await log_verify(room["links"]["editor"])
    assert (status, said) == (0, f"room {room['room']}: ok, {size} leaves, 1 checkpoint\n")


async def test_a_kill_loses_neither_acts_nor_leaves(tmp_path: Path) -> None:
    data, saved = tmp_path / "data", tmp_path / "saved"
    async with serving(data, *NOTHING_TO_LOAD) as process:
        room = await process.new_room()
        async with native(f"ws{process.url[4:]}/ws") as ada:
            await ada.hello(room["tokens"]["owner"])
            await ada.say(Suggest(1, 0, 0, 0, "Well: "))
            run = (await until(ada, state="done")).id
            await ada.acked(await ada.type("Once."))
            status, said = await log_verify(str(data))  # while the server runs
            assert (status, said) == (
                0,
                f"room {room['room']}: ok, 2 leaves, 0 checkpoints, 2 after the newest\n",
            )
            await decide(ada, run)
            await ada.acked(await ada.type("More."))
            process.kill()
            await process.process.wait()
    [report] = data_folder.examine(data)
    assert (report.damage, report.size) == ([], 4)
    async with serving(data, *NOTHING_TO_LOAD) as process:
        link = f"{process.url}/r/{room['room']}#{room['tokens']['owner']}"
        async with aiohttp.ClientSession(process.url) as http:
            path = f"/api/rooms/{room['room']}/export?format=txt"
            async with http.get(path, headers=bearer(room["tokens"]["owner"])) as answer:
                assert answer.headers["Antiphon-Ledger"] == "4"
        assert (await log_verify(link, f"--save={saved}"))[0] == 0
        process.kill()
        await process.process.wait()
    status, said = await log_verify(str(data), f"--checkpoint={saved}")
    assert (status, said) == (0, f"room {room['room']}: ok, 5 leaves, 2 checkpoints\n")
