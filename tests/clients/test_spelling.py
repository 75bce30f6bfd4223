"""The SDK's spelling: faults with their places, and the room's dictionary."""

from __future__ import annotations

import pytest

from antiphon_client import ClientError, RequestRefused, connect, create_room
from antiphon_client.spelling.faults import _pieces
from support.server import LiveServer


async def test_faults_are_found_where_they_stand_and_words_are_the_rooms(server: LiveServer) -> None:
    links = await create_room(server.url)
    async with (
        connect(links["owner"].link, name="Ada") as ada,
        connect(links["viewer"].link, name="Vi") as reader,
    ):
        ada.append("🐈 The old zorblings went to the market evry day.\nHe go to the the shop.")
        await ada.applied()
        found = await ada.spelling.faults()
        assert [ada.text[one.start : one.end] for one in found] == [one.wrong for one in found]
        assert {"zorblings", "evry", "the the"} <= {one.wrong for one in found}
        assert next(one for one in found if one.wrong == "evry").replacements[0] == "every"
        ada.spelling.add("Zorblings")
        await reader.wait_for(lambda room: room.spelling.words == {"Zorblings"})
        assert "zorblings" not in {one.wrong for one in await ada.spelling.faults(0, 30)}
        second = ada.text.index("\n") + 1
        assert await ada.spelling.faults(second) == tuple(one for one in found if one.start >= second)
        ada.spelling.remove("zorblings")
        ada.spelling.remove("never there")
        await reader.wait_for(lambda room: not room.spelling.words)
        for wrong in ("", "two words", "x" * 61):
            with pytest.raises(ClientError):
                ada.spelling.add(wrong)
        with pytest.raises(RequestRefused) as refused:
            await reader.spelling.faults()
        assert refused.value.error_code == "denied"


def test_a_megabyte_is_cut_into_pieces_that_join_to_it() -> None:
    for text in ("x" * 1_000_000, "word " * 200_000, "A sentence. " * 80_000, "a\n\nb\n" * 1000):
        pieces = list(_pieces(text, 3))
        assert max(len(piece) for _, piece in pieces) <= 4000
        assert all(text[at : at + len(piece)] == piece for at, piece in pieces)
        assert sum(len(piece) for _, piece in pieces) == len(text[3:].replace("\n", ""))
