"""The story as a file, and files as text for the story."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Literal, TypeAlias
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from antiphon_client.address import Address
from antiphon_client.errors import ClientError
from antiphon_client.http import call

FileFormat: TypeAlias = Literal[
    "md", "html", "docx", "odt", "rtf", "epub", "txt", "fountain", "fdx", "pdf", "json"
]
_BY_ENDING = {"markdown": "md", "htm": "html", "text": "txt", "spmd": "fountain"}


class Converted(Struct, frozen=True):
    """A file as text: `ops` is a Quill delta of inserts."""

    title: str
    ops: list[dict[str, Any]]

    @property
    def text(self) -> str:
        return "".join(op["insert"] for op in self.ops)


async def export(
    address: Address, format: FileFormat, *, authorship: bool = False, screenplay: bool | None = None
) -> bytes:
    """The story as a file; with `authorship` the report on who wrote what follows the text. Raises RequestRefused."""
    query = {"format": format, "authorship": str(int(authorship))}
    if screenplay is not None:
        query["form"] = "screenplay" if screenplay else "prose"
    return await call(address, "GET", f"/export?{urlencode(query)}")


async def convert(address: Address, data: bytes, name: str) -> Converted:
    """What a file named `name` (its ending tells its format) holds. Nothing in the room changes by it. Raises
    RequestRefused, and ClientError for a name without a known ending."""
    ending = PurePath(name).suffix.lstrip(".").lower()
    if not ending:
        raise ClientError(f"the format of {name!r} cannot be told: it has no ending")
    query = urlencode({"format": _BY_ENDING.get(ending, ending)})
    return msgspec.json.decode(await call(address, "POST", f"/import?{query}", data), type=Converted)
