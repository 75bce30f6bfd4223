from __future__ import annotations

import json

import pytest

from antiphon_client import ClientError, RequestRefused, connect
from support.server import LiveServer


async def test_a_file_comes_in_and_goes_out(server: LiveServer) -> None:
    links = (await server.new_room())["links"]
    async with connect(links["editor"], name="Ada") as room:
        room.append("end")
        found = await room.bring_in("# Глава\n\nIt *rained*.\n".encode(), "book.md", at=0)
        assert found.text == "Глава\nIt rained.\n"
        assert room.text == "Глава\nIt rained.\nend"
        assert await room.export("md") == "# Глава\n\nIt *rained*.\n\nend\n".encode()
        report = json.loads(await room.export("json"))["report"]
        assert [writer["name"] for writer in report["writers"]] == ["Ada"]
        assert b"Who wrote this" in await room.export("txt", authorship=True)


async def test_what_cannot_be_read_changes_nothing(server: LiveServer) -> None:
    links = (await server.new_room())["links"]
    async with connect(links["editor"], name="Ada") as room:
        with pytest.raises(RequestRefused, match="damaged"):
            await room.bring_in(b"no zip", "a.docx")
        with pytest.raises(RequestRefused, match="no format"):
            await room.bring_in(b"x", "a.exe")
        with pytest.raises(ClientError, match="no ending"):
            await room.bring_in(b"x", "README")
        assert room.text == ""
