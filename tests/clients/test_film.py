"""The film of a room through the SDK, against a real server with its helper processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from antiphon_client import ClientError, RequestRefused, Room, connect, create_room
from support.server import LiveServer

SCRIPT = """INT. HARBOUR OFFICE - NIGHT

Anna walks in with a LETTER. 😀

ANNA
Is anybody here?

НАТ. МОРЕ - НОЧЬ

Гром.
"""


@pytest.fixture
async def trio(server: LiveServer) -> AsyncIterator[tuple[Room, Room, Room]]:
    links = await create_room(server.url)
    async with AsyncExitStack() as stack:
        ada = await stack.enter_async_context(connect(links["owner"].link, name="Ada"))
        bob = await stack.enter_async_context(connect(links["editor"].link, name="Bob"))
        vic = await stack.enter_async_context(connect(links["viewer"].link, name="Vic"))
        yield ada, bob, vic


async def agree(*rooms: Room) -> None:
    """Everybody's film is that of the first."""
    await rooms[0].applied()
    for one in rooms[1:]:
        await one.wait_for(lambda room: dict(room.film) == dict(rooms[0].film), 30)


async def test_a_film_is_made_from_the_text_and_edited_together(trio: tuple[Room, Room, Room]) -> None:
    ada, bob, vic = trio
    ada.append(SCRIPT)
    made = await ada.film.make()
    assert len(made) == len(ada.film) == 5
    assert await ada.film.make() == []
    await agree(ada, bob, vic)

    sheet = await vic.film.sheet()
    assert [shot.text for shot in sheet.shots][2:] == [
        "Is anybody here?",
        "НАТ. МОРЕ - НОЧЬ",
        "Гром.",
    ]
    assert sheet.bare == 0
    assert ada.me is not None
    assert all(one["creator"]["author"] == ada.me.id for one in sheet.authors.values())
    with pytest.raises(RequestRefused, match="right"):
        await vic.film.make()

    first, second, third = list(bob.film)[:3]
    bob.film.update(first, seconds=4, size="wide")
    ada.film.update(first, move="pull")
    bob.film.move(third, None)
    await bob.applied()
    await agree(ada, bob, vic)
    assert list(ada.film)[:3] == [third, first, second]
    assert (ada.film[first]["seconds"], ada.film[first]["move"]) == (4, "pull")
    half = bob.film.split(first, 1.5)
    await agree(bob, ada)
    assert list(ada.film)[:4] == [third, first, half, second]
    assert ada.film[half]["seconds"] == 2.5
    bob.film.delete(second)
    await agree(bob, ada)
    assert second not in ada.film
    with pytest.raises(ClientError, match="seconds"):
        bob.film.update(first, seconds=float("nan"))
    with pytest.raises(ClientError, match="length"):
        bob.film.split(first, 9)

    # The shots that were made are one step.
    await ada.undo(surface="film")
    await ada.undo(surface="film")
    await agree(ada, bob)
    assert set(ada.film) == {half}
    sheet = await bob.film.sheet()
    assert sheet.bare == 4


async def test_a_look_is_everybodys(trio: tuple[Room, Room, Room]) -> None:
    ada, bob, _ = trio
    ada.film.dress("ANNA", style="open_peeps", coat="#102030")
    await ada.applied()
    await bob.wait_for(lambda room: "ANNA" in room.film.cast, 30)
    bob.film.dress("ANNA", seed="Another", coat=None)
    await bob.applied()
    await ada.wait_for(lambda room: room.film.cast["ANNA"] == {"style": "open_peeps", "seed": "Another"}, 30)
    assert len(ada.film) == 0
    assert (await ada.film.sheet()).cast == {"ANNA": {"style": "open_peeps", "seed": "Another"}}
    with pytest.raises(ClientError, match="coat"):
        ada.film.dress("ANNA", coat="red")


async def test_the_breakdown_comes_as_a_table(trio: tuple[Room, Room, Room]) -> None:
    ada, _, vic = trio
    ada.append(SCRIPT)
    await ada.applied()
    office, sea = await vic.film.breakdown()
    assert (office.people, office.props) == (("ANNA",), ("letter",))
    assert (sea.place, sea.time, sea.sounds) == ("МОРЕ", "НОЧЬ", ("гром",))
    assert "Интерьер/натура" in await vic.film.breakdown_csv("ru")


async def test_the_film_comes_as_files(trio: tuple[Room, Room, Room]) -> None:
    pytest.importorskip("av")
    pytest.importorskip("skia")
    ada, _, vic = trio
    with pytest.raises(RequestRefused, match="no film"):
        await vic.film.export("mp4")
    ada.film.add({"kind": "speech", "who": "ANNA", "words": "Да.", "seconds": 1})
    await agree(ada, vic)
    subtitles = await vic.film.text("srt")
    assert subtitles.startswith("1\n00:00:00,000 --> 00:00:01,000\nANNA: Да.\n")
    # Each file says who made the film.
    assert "00:00:01,000 --> 00:00:06,000\nCast: ANNA\nShots: Ada, 100 %" in subtitles
    for kind in ("vtt", "edl", "otio", "fcpxml", "csv"):
        assert "Роли: ANNA" in await vic.film.text(kind, "ru")
    assert (await vic.film.text("edl")).count("S00001") == 1
    seen: list[float] = []
    data = await vic.film.export("mp4", height=360, progress=seen.append)
    assert data[4:8] == b"ftyp"
    assert seen[-1] == 1
    assert seen == sorted(seen)
