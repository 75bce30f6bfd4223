"""The story as a file, and files as text for the story."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Literal, TypeAlias
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from antiphon_client.address import Address
from antiphon_client.errors import ClientError
from antiphon_client.http import call, fetch

FileFormat: TypeAlias = Literal[
    "md", "html", "docx", "odt", "rtf", "epub", "txt", "fountain", "fdx", "pdf", "json"
]
_BY_ENDING = {"markdown": "md", "htm": "html", "text": "txt", "spmd": "fountain"}


class Notice(Struct, frozen=True):
    """Content that a conversion left out or changed: a code, such as `footnotes`, `tables`, `comments`, `characters`
    (bytes that are no letters in the file's encoding), `styles`, `links` or `glyphs`, and how many there were."""

    code: str
    count: int


class EncodingChoice(Struct, frozen=True):
    """One reading of a text file: the encoding's name, and how the text begins in it."""

    encoding: str
    preview: str


class Encoding(Struct, frozen=True):
    """The encoding in which a text file was read. Where that is not `sure`, `choices` are the possible encodings, the
    likeliest first."""

    name: str
    sure: bool = True
    choices: tuple[EncodingChoice, ...] = ()


class Converted(Struct, frozen=True):
    """A file as text: `ops` is a Quill delta of inserts. `encoding` is None where the file is no text file."""

    title: str
    ops: list[dict[str, Any]]
    notices: tuple[Notice, ...] = ()
    encoding: Encoding | None = None

    @property
    def text(self) -> str:
        """The text alone."""
        return "".join(op["insert"] for op in self.ops)


class Exported(Struct, frozen=True):
    """The story as a file, with notices of content that the format cannot hold."""

    data: bytes
    notices: tuple[Notice, ...] = ()


async def export(
    address: Address, format: FileFormat, *, authorship: bool = False, screenplay: bool | None = None
) -> Exported:
    """The story as a file; with `authorship` the report on who wrote which part follows the text. Raises
    RequestRefused, NoAnswer."""
    query = {"format": format, "authorship": str(int(authorship))}
    if screenplay is not None:
        query["form"] = "screenplay" if screenplay else "prose"
    answer = await fetch(address, "GET", f"/export?{urlencode(query)}")
    said = answer.headers.get("antiphon-notices", "")
    pairs = (each.strip().split("=", 1) for each in said.split(",") if "=" in each)
    return Exported(answer.body, tuple(Notice(code, int(count)) for code, count in pairs))


async def convert(address: Address, data: bytes, name: str, encoding: str = "") -> Converted:
    """The contents of a file named `name` (its ending tells its format). The room is not changed. `encoding` is a text
    file's, where one knows it (a name that browsers know, such as windows-1251). Raises RequestRefused, NoAnswer, and
    ClientError for a name without an ending."""
    ending = PurePath(name).suffix.lstrip(".").lower()
    if not ending:
        raise ClientError(f"the format of {name!r} cannot be told: it has no ending")
    query = urlencode(
        {"format": _BY_ENDING.get(ending, ending), **({"encoding": encoding} if encoding else {})}
    )
    return msgspec.json.decode(await call(address, "POST", f"/import?{query}", data), type=Converted)
