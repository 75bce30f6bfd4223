"""`antiphon trace`: the device's steps for a room, with their reasons, as a file for Perfetto."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from antiphon_proto.errors import AntiphonError, PeerError


class CannotTrace(AntiphonError):
    """The trace cannot be had or written; the message is one clear line."""


def trace(
    room: Annotated[str, typer.Argument(help="The room's owner link, or its id together with --token")],
    out: Annotated[Path, typer.Option(help="Where to write the trace")],
    token: Annotated[str, typer.Option(help="Owner token, when ROOM is an id", envvar="ANTIPHON_TOKEN")] = "",
    url: Annotated[
        str, typer.Option(help="Address of the server, when ROOM is an id")
    ] = "http://127.0.0.1:8080",
) -> None:
    """Write the device's last minutes, with the reasons of its steps, as a Chrome trace. Open it at ui.perfetto.dev."""
    base, name, secret = address(room, url, token)
    events = asyncio.run(_fetch(base, name, secret))
    try:
        out.write_text(json.dumps(events, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        raise CannotTrace(f"cannot write {out}: {error.strerror or error}") from None
    typer.echo(f"{len(events['traceEvents'])} events in {out}; open it at https://ui.perfetto.dev")


def address(room: str, url: str, token: str) -> tuple[str, str, str]:
    """Server, room id and token. Raises PeerError."""
    link = urlsplit(room)
    if link.scheme in ("http", "https"):
        prefix, found, name = link.path.rpartition("/r/")
        if not (found and name and link.fragment):
            raise PeerError("this is not a room's link: it ends in /r/ROOM#TOKEN")
        return f"{link.scheme}://{link.netloc}{prefix}", name, link.fragment
    if not token:
        raise PeerError("give the room's link, or its id with --token")
    return url.rstrip("/"), room, token


async def _fetch(base: str, room: str, token: str) -> dict[str, Any]:
    import aiohttp

    try:
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http,
            http.get(f"{base}/api/rooms/{room}/trace") as answer,
        ):
            body: dict[str, Any] = await answer.json()
            if answer.status != 200:
                raise CannotTrace(
                    f"the server refuses: {body.get('error', {}).get('message', answer.reason)}"
                )
            return body
    except (aiohttp.ClientError, ValueError) as error:
        raise CannotTrace(f"cannot reach {base}: {error}") from None
