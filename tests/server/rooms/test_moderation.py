"""Links one by one, passes, and removal at each door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from antiphon_proto.errors import CloseCode
from antiphon_proto.messages import VERSION, Hello, Links, Pass, Revoke
from antiphon_proto.sync import SyncStep1
from antiphon_server.core.seat import Grant, JoinRequest
from antiphon_server.limits import Limits
from support.picture_files import picture
from support.raw_client import NativeClient, native, plain
from support.replica import Pipe
from support.rooms import House
from support.server import LiveServer, bearer, running


class Caller:
    """HTTP with a token and, for whoever has one, a session."""

    def __init__(self, server: LiveServer, room: str, token: str, session: str = "") -> None:
        self._base = f"{server.url}/api/rooms/{room}"
        self._headers = {**bearer(token), **({"X-Antiphon-Session": session} if session else {})}

    async def __call__(self, path: str = "", method: str = "GET", **more: Any) -> tuple[int, Any]:
        async with (
            aiohttp.ClientSession(headers=self._headers) as http,
            http.request(method, self._base + path, **more) as answer,
        ):
            body = await answer.json() if answer.content_type == "application/json" else await answer.read()
            return answer.status, body


class Scene:
    """A room with its owner in it."""

    def __init__(self, server: LiveServer, room: dict[str, Any]) -> None:
        self.server = server
        self.room = room
        self.id: str = room["room"]
        self.seats = 0

    async def sit(
        self, client: NativeClient, token: str, name: str, session: str | None = None
    ) -> tuple[str, str, str]:
        """Participant, session and pass."""
        self.seats += 1
        welcome = await client.hello(token, name, session=session, client_id=1000 + self.seats)
        return welcome.participant.id, welcome.session, (await client.hear(Pass)).token

    def call(self, token: str, session: str = "") -> Caller:
        return Caller(self.server, self.id, token, session)

    async def refused(self, token: str, session: str | None = None) -> int:
        """The close code of a join."""
        async with native(self.server.ws_url) as client:
            await client.say(Hello(1, token, "Back", 99, session))
            return await client.closed()


@pytest.fixture
async def scene(server: LiveServer) -> Scene:
    return Scene(server, await server.new_room())


async def test_a_member_who_is_put_out_is_out_at_every_door_and_nobody_else_is(scene: Scene) -> None:
    url, editor = scene.server.ws_url, scene.room["tokens"]["editor"]
    async with native(url) as owner, native(url) as eve, native(url) as ben:
        await scene.sit(owner, scene.room["tokens"]["owner"], "Owner")
        eve_id, eve_session, eve_pass = await scene.sit(eve, editor, "Eve")
        _, ben_session, ben_pass = await scene.sit(ben, editor, "Ben")
        async with plain(scene.server.yjs_url(scene.id, editor) + "&name=Guest") as guest:
            await guest.hear(SyncStep1)
        await owner.say(Revoke(eve_id))
        assert await eve.closed() == CloseCode.REVOKED
        # Eve: by session, by pass, as somebody new, as a guest who was there before, over HTTP in every way.
        assert await scene.refused(editor, eve_session) == CloseCode.REVOKED
        assert await scene.refused(eve_pass) == CloseCode.REVOKED
        assert await scene.refused(eve_pass, ben_session[:-1] + "x") == CloseCode.REVOKED
        assert await scene.refused(editor) == CloseCode.UNAUTHORIZED
        for name in ("Guest", "Eve", "Somebody"):
            async with plain(scene.server.yjs_url(scene.id, editor) + f"&name={name}") as back:
                assert await back.closed() == CloseCode.UNAUTHORIZED
        for token, session, status in [
            (editor, "", 401), (editor, eve_session, 403), (eve_pass, "", 403), (eve_pass, eve_session, 403),
        ]:  # fmt: skip
            for path in (
                "",
                "/text",
                "/authorship",
                "/history",
                f"/assets/{'0' * 64}",
                "/export",
                "/jam/log",
            ):
                assert (await scene.call(token, session)(path))[0] == status, (path, status)
            assert (await scene.call(token, session)("/assets", "POST", data=b"x"))[0] == status
        # Ben: his connection, his session with the old link, his pass alone, another window with his pass.
        await ben.acked(await ben.type("still here"), "durable")
        for token, session in [(editor, ben_session), (ben_pass, ""), (ben_pass, ben_session)]:
            assert (await scene.call(token, session)("/text"))[0] == 200
            assert (await scene.call(token, session)("/assets", "POST", data=b"x"))[0] == 400
    async with native(url) as again, native(url) as window:
        assert (await scene.sit(again, editor, "Ben", ben_session))[1] == ben_session
        await scene.sit(window, ben_pass, "Ben")


@pytest.mark.parametrize(
    ("role", "path", "start", "rest"),
    [
        ("editor", "/assets", picture()[:20], picture()[20:]),
        ("editor", "/import?format=txt", b"some ", b"words"),
        ("editor", "/versions", b'{"name":', b'"Mine"}'),
        ("editor", "/restore", b'{"seq":', b"1}"),
        ("owner", "/fork", b"{", b"}"),
        ("owner", "/links", b'{"role":"editor",', b'"name":"A way back"}'),
    ],
    ids=["assets", "import", "versions", "restore", "fork", "links"],
)
async def test_what_was_begun_before_somebody_was_put_out_is_not_done_after_it(
    scene: Scene, role: str, path: str, start: bytes, rest: bytes
) -> None:
    url, tokens = scene.server.ws_url, scene.room["tokens"]
    begun, removed = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield start
        begun.set()
        await removed.wait()
        yield rest

    async with native(url) as owner, native(url) as eve:
        _, session, _ = await scene.sit(owner, tokens["owner"], "Owner")
        eve_id, eve_session, _ = await scene.sit(eve, tokens[role], "Eve")
        request = asyncio.create_task(scene.call(tokens[role], eve_session)(path, "POST", data=slowly()))
        await begun.wait()
        call = scene.call(tokens["owner"], session)
        await call()  # answered after the beginning of the other request has come
        await owner.say(Revoke(eve_id))
        assert await eve.closed() == CloseCode.REVOKED
        removed.set()
        assert (await request)[0] == 403
        assert (await call("/versions"))[1] == {"versions": []}
        if role == "editor":
            assert {link["name"] for link in (await call("/links"))[1]["links"]} == {""}


async def test_all_windows_of_a_person_go_where_that_is_wished(scene: Scene) -> None:
    url, editor = scene.server.ws_url, scene.room["tokens"]["editor"]
    async with native(url) as owner, native(url) as eve, native(url) as window, native(url) as third:
        await scene.sit(owner, scene.room["tokens"]["owner"], "Owner")
        eve_id, _, eve_pass = await scene.sit(eve, editor, "Eve")
        window_id, _, window_pass = await scene.sit(window, eve_pass, "Eve")
        third_id, _, third_pass = await scene.sit(third, window_pass, "Eve")
        await owner.say(Revoke(window_id))
        assert await window.closed() == CloseCode.REVOKED
        assert (await scene.call(third_pass)("/text"))[0] == 200
        await owner.say(Revoke(eve_id, everywhere=True))
        assert await eve.closed() == await third.closed() == CloseCode.REVOKED
        assert (await scene.call(third_pass)("/text"))[0] == 403
        assert third_id != eve_id


async def test_links_have_names_ends_and_counts_and_end_one_by_one(scene: Scene) -> None:
    url = scene.server.ws_url
    async with native(url) as owner, native(url) as ann, native(url) as bo:
        _, session, _ = await scene.sit(owner, scene.room["tokens"]["owner"], "Owner")
        call = scene.call(scene.room["tokens"]["owner"], session)
        for role, name, days in [("editor", "Class 7b", 2), ("viewer", "  The\x07 press ", None)]:
            status, body = await call("/links", "POST", json={"role": role, "name": name, "days": days})
            assert status == 201
        await owner.hear(Links)
        rows = {row["name"]: row for row in body["links"] if not row["standing"]}
        assert {name: row["role"] for name, row in rows.items()} == {
            "Class 7b": "editor",
            "The press": "viewer",
        }
        assert (
            1.9
            < (rows["Class 7b"]["expires_ms"] / 1000 - scene.server.gateway.hub.clock.unix_ms() / 1000)
            / 86_400
            < 2.1
        )
        token = rows["Class 7b"]["url"].partition("#")[2]
        await scene.sit(ann, token, "Ann")
        await scene.sit(bo, token, "Bo")
        await ann.acked(await ann.type("x"), "durable")
        rows = {row["name"]: row for row in (await call("/links"))[1]["links"]}
        assert (rows["Class 7b"]["uses"], rows["Class 7b"]["members"], rows["The press"]["uses"]) == (2, 2, 0)
        status, body = await call(f"/links/{rows['Class 7b']['id']}", "DELETE")
        assert (status, len(body["links"])) == (200, 4)
        assert await scene.refused(token) == CloseCode.UNAUTHORIZED
        await ann.acked(await ann.type("y"), "durable")  # nobody who is in is harmed
        press = rows["The press"]["url"].partition("#")[2]
        assert (await scene.call(press)("/text"))[0] == 200
        # A standing link is replaced, and whoever came by it goes when that is wished.
        standing = next(row for row in body["links"] if row["standing"] and row["role"] == "editor")
        async with native(url) as cy:
            await scene.sit(cy, scene.room["tokens"]["editor"], "Cy")
            status, body = await call(f"/links/{standing['id']}?members=1", "DELETE")
            assert await cy.closed() == CloseCode.REVOKED
        assert {row["role"] for row in body["links"] if row["standing"]} == {"owner", "editor", "viewer"}
        assert (await call("/links/nothing", "DELETE"))[0] == 404
        for role in ("editor", "viewer"):
            _, body = await call("/links")
            fresh = next(row for row in body["links"] if row["standing"] and row["role"] == role)
            assert (await scene.call(fresh["url"].partition("#")[2], session)("/links"))[0] == 403
        assert (await scene.call(scene.room["tokens"]["owner"])("/links"))[
            0
        ] == 401  # no session: nobody acts


async def test_a_link_lets_in_as_many_as_it_says_and_keeps_them(scene: Scene) -> None:
    url = scene.server.ws_url
    async with native(url) as owner, native(url) as ann, native(url) as bo, native(url) as cy:
        _, session, _ = await scene.sit(owner, scene.room["tokens"]["owner"], "Owner")
        call = scene.call(scene.room["tokens"]["owner"], session)
        _, body = await call("/links", "POST", json={"role": "editor", "name": "two", "uses": 2})
        row = next(row for row in body["links"] if row["name"] == "two")
        assert (row["uses"], row["max_uses"]) == (0, 2)
        token = row["url"].partition("#")[2]
        # It counts newcomers, so nobody reads with the link alone.
        assert (await scene.call(token)("/text"))[0] == 401
        _, hers, _ = await scene.sit(ann, token, "Ann")
        await scene.sit(bo, token, "Bo")  # at once, before a tick has counted
        await cy.say(Hello(VERSION, token, "Cy", 9, None, None))
        assert await cy.closed() == CloseCode.UNAUTHORIZED
        async with plain(scene.server.yjs_url(scene.id, token) + "&name=Guest") as guest:
            assert await guest.closed() == CloseCode.UNAUTHORIZED
        # Whoever came by it stays, reads and comes back.
        assert (await scene.call(token, hers)("/text"))[0] == 200
        await ann.socket.close()
        async with native(url) as again:
            await again.hello(token, "Ann", session=hers)
        rows = {row["name"]: row for row in (await call("/links"))[1]["links"]}
        assert (rows["two"]["uses"], rows["two"]["members"]) == (2, 2)


async def test_asking_about_a_room_has_a_rate(tmp_path: Path) -> None:
    async with running(tmp_path, limits=Limits(lookup_burst=3, lookups_per_minute=1)) as server:
        scene = Scene(server, await server.new_room())
        call = scene.call(scene.room["tokens"]["owner"])
        statuses = [(await call(path))[0] for path in ("", "/links", "/jam/log", "/links", "")]
        assert statuses == [200, 401, 200, 429, 429]
        assert (await call("/text"))[0] == 200


async def test_links_and_their_counts_are_durable(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        scene = Scene(server, await server.new_room())
        async with native(server.ws_url) as owner:
            _, session, _ = await scene.sit(owner, scene.room["tokens"]["owner"], "Owner")
            call = scene.call(scene.room["tokens"]["owner"], session)
            await call("/links", "POST", json={"role": "viewer", "name": "kept"})
            await owner.acked(await owner.type("x"), "durable")
            before = (await call("/links"))[1]["links"]
    async with running(tmp_path) as server:
        scene.server = server
        after = (await scene.call(scene.room["tokens"]["owner"], session)("/links"))[1]["links"]
        strip = ("id", "role", "name", "expires_ms", "uses", "members")
        assert [[row[key] for key in strip] for row in after] == [
            [row[key] for key in strip] for row in before
        ]


@pytest.mark.parametrize("bad", [{}, {"role": "boss", "name": "x"}, {"role": "viewer", "name": ""},
    {"role": "viewer", "name": "x", "days": 0}, {"role": "viewer", "name": "x", "days": 1e9}, []])  # fmt: skip
async def test_a_link_that_cannot_be_is_refused(scene: Scene, bad: Any) -> None:
    async with native(scene.server.ws_url) as owner:
        _, session, _ = await scene.sit(owner, scene.room["tokens"]["owner"], "Owner")
        call = scene.call(scene.room["tokens"]["owner"], session)
        assert (await call("/links", "POST", json=bad))[0] == 400


def test_a_session_ends_when_its_token_does() -> None:
    house = House()
    now = house.clock.unix_ms() / 1000

    def joins(name: str, expires: float | None) -> Pipe:
        pipe = Pipe("native")
        grant = Grant("room", "editor", house.room.context.link_ids()["editor"], expires=expires)
        house.room.join(pipe, JoinRequest(grant, name, len(name)))
        return pipe

    ann, bo = joins("Ann", now + 10), joins("Bo", None)
    house.clock.advance(9)
    house.room.sweep()
    assert ann.closed is None
    house.clock.advance(2)
    house.room.sweep()
    assert ann.closed is not None
    assert ann.closed[0] is CloseCode.UNAUTHORIZED
    assert bo.closed is None
    assert house.room.online() == 1


async def test_tokens_end_after_their_days(tmp_path: Path) -> None:
    async with running(tmp_path, limits={"token_days": 1}) as server:
        room = await server.new_room()
        grant = server.gateway.tokens.verify(room["tokens"]["viewer"])
        assert grant.expires is not None
        assert abs(grant.expires - 86_400 - server.gateway.hub.clock.unix_ms() / 1000) < 60
