from __future__ import annotations

import json

import pytest

from antiphon_client import ClientError, Notice, RequestRefused, connect
from support.server import LiveServer


async def test_a_file_comes_in_and_goes_out(server: LiveServer) -> None:
    links = (await server.new_room())["links"]
    async with connect(links["editor"], name="Ada") as room:
        room.append("end")
        found = await room.bring_in("# Глава\n\nIt *rained*.\n".encode(), "book.md", at=0)
        assert found.text == "Глава\nIt rained.\n"
        assert room.text == "Глава\nIt rained.\nend"
        assert (await room.export("md")).data == "# Глава\n\nIt *rained*.\n\nend\n".encode()
        report = json.loads((await room.export("json")).data)["report"]
        assert [writer["name"] for writer in report["writers"]] == ["Ada"]
        assert b"Who wrote this" in (await room.export("txt", authorship=True)).data


async def test_what_was_lost_is_told(server: LiveServer) -> None:
    links = (await server.new_room())["links"]
    async with connect(links["editor"], name="Ada") as room:
        table = (
            b"<p>Before <a href='http://h/'>a link</a></p><table><tr><td>one</td><td>two</td></tr></table>"
        )
        found = await room.bring_in(table, "page.html")
        assert Notice("tables", 1) in found.notices
        plain = await room.export("txt")
        assert Notice("links", 1) in plain.notices
        assert (await room.export("docx")).notices == ()


async def test_the_encoding_of_a_text_file_is_told_and_can_be_chosen(server: LiveServer) -> None:
    links = (await server.new_room())["links"]
    async with connect(links["editor"], name="Ada") as room:
        data = "Да".encode("cp1251")
        guessed = await room.bring_in(data, "note.txt")
        assert guessed.encoding is not None
        assert not guessed.encoding.sure
        assert len(guessed.encoding.choices) > 1
        assert guessed.encoding.choices[0].encoding == guessed.encoding.name
        chosen = await room.bring_in(data, "note.txt", at=0, encoding="windows-1251")
        assert chosen.encoding is not None
        assert (chosen.text.strip(), chosen.encoding.sure) == ("Да", True)
        assert (await room.bring_in(b"# x\n", "a.docx.md")).notices == ()
        with pytest.raises(RequestRefused, match="no encoding"):
            await room.bring_in(data, "note.txt", encoding="klingon")


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
