"""One call to the HTTP side of a room."""

from __future__ import annotations

import aiohttp
import msgspec
from msgspec import Struct

from antiphon_client.address import Address
from antiphon_client.errors import ClientError, NoAnswer, RequestRefused


class Answer(Struct, frozen=True):
    """An HTTP response. Names of `headers` are in lower case."""

    body: bytes
    headers: dict[str, str]


async def call(
    address: Address,
    method: str,
    path: str,
    data: bytes | None = None,
    expected: int = 200,
    session: str = "",
) -> bytes:
    """The body of the answer, as `fetch` gets it."""
    return (await fetch(address, method, path, data, expected, session)).body


async def fetch(
    address: Address,
    method: str,
    path: str,
    data: bytes | None = None,
    expected: int = 200,
    session: str = "",
) -> Answer:
    """The answer to `method` on `/api/rooms/{room}{path}`. Raises RequestRefused for any other status than `expected`,
    NoAnswer after five minutes, and ClientError when the server cannot be reached. `session`: the secret of the member
    who does this."""
    url = f"{address.base}/api/rooms/{address.room}{path}"
    headers = {"Authorization": f"Bearer {address.token}"}
    if session:
        headers["X-Antiphon-Session"] = session
    try:
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.request(method, url, data=data) as answer,
        ):
            body = await answer.read()
            names = {name.lower(): value for name, value in answer.headers.items()}
    except TimeoutError:
        raise NoAnswer(f"{address.base} did not answer in time") from None
    except aiohttp.ClientError as error:
        raise ClientError(f"{address.base} does not answer: {error}") from error
    if answer.status != expected:
        try:
            problem = msgspec.json.decode(body)["error"]
            code, message = str(problem["code"]), str(problem["message"])
        except (msgspec.MsgspecError, LookupError, TypeError):
            code, message = "internal", f"status {answer.status}"
        raise RequestRefused(code, message)
    return Answer(body, names)
