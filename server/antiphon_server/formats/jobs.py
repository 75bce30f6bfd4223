"""Jobs of the gateway for a converting process, and their results."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Raw, Struct

from antiphon_server.formats.encoding import Choice
from antiphon_server.formats.manuscript import Manuscript, Notice

Readable: TypeAlias = Literal["md", "html", "docx", "odt", "rtf", "epub", "txt", "fountain", "fdx"]
Writable: TypeAlias = Literal["md", "html", "docx", "odt", "rtf", "epub", "txt", "fountain", "fdx", "pdf"]
Form: TypeAlias = Literal["prose", "screenplay"]


class Bounds(Struct, frozen=True):
    """Of the process: bytes of memory, seconds of processor time, characters of text that may come out."""

    memory: int = 1024**3
    seconds: int = 20
    text: int = 4_000_000


class Read(Struct, frozen=True, tag="read"):
    """`encoding` is for text files; "" leaves it to the converter."""

    format: Readable
    data: bytes
    bounds: Bounds = Bounds()
    encoding: str = ""


class Write(Struct, frozen=True, tag="write"):
    """`fonts` is a folder with more fonts for PDF, or ""."""

    format: Writable
    manuscript: Manuscript
    form: Form = "prose"
    bounds: Bounds = Bounds()
    fonts: str = ""


class Encoding(Struct, frozen=True):
    """The encoding that a text file was read with. When unsure, `choices` are offered to the reader."""

    name: str
    sure: bool = True
    choices: tuple[Choice, ...] = ()


class PackedWrite(Struct, frozen=True, tag="write"):
    """`Write`, whose manuscript the gateway passes on as it came from a helper process, without a look at it."""

    format: Writable
    manuscript: Raw
    form: Form = "prose"
    bounds: Bounds = Bounds()
    fonts: str = ""


class Found(Struct, frozen=True, tag="found"):
    """`ops` is a Quill delta; `notices` name the differences from the file."""

    title: str
    ops: list[dict[str, Any]]
    notices: tuple[Notice, ...] = ()
    encoding: Encoding | None = None


class Written(Struct, frozen=True, tag="written"):
    data: bytes
    notices: tuple[Notice, ...] = ()


class Refused(Struct, frozen=True, tag="refused"):
    """The file is at fault."""

    code: str
    message: str


class Unavailable(Struct, frozen=True, tag="unavailable"):
    """This server cannot do the conversion for any file."""

    message: str


Job: TypeAlias = Read | Write
Answer: TypeAlias = Found | Written | Refused | Unavailable

TYPES: dict[Writable, str] = {
    "md": "text/markdown",
    "html": "text/html",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "odt": "application/vnd.oasis.opendocument.text",
    "rtf": "application/rtf",
    "epub": "application/epub+zip",
    "txt": "text/plain",
    "fountain": "text/plain",
    "fdx": "application/xml",
    "pdf": "application/pdf",
}
