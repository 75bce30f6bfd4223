"""What the gateway asks of a converting process, and what that answers."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Raw, Struct

from antiphon_server.formats.manuscript import Manuscript

Readable: TypeAlias = Literal["md", "html", "docx", "epub", "txt", "fountain"]
Writable: TypeAlias = Literal["md", "html", "docx", "epub", "txt", "fountain", "pdf"]
Form: TypeAlias = Literal["prose", "screenplay"]


class Bounds(Struct, frozen=True):
    """Of the process: bytes of memory, seconds of processor time, characters of text that may come out."""

    memory: int = 1024**3
    seconds: int = 20
    text: int = 4_000_000


class Read(Struct, frozen=True, tag="read"):
    format: Readable
    data: bytes
    bounds: Bounds = Bounds()


class Write(Struct, frozen=True, tag="write"):
    format: Writable
    manuscript: Manuscript
    form: Form = "prose"
    bounds: Bounds = Bounds()


class PackedWrite(Struct, frozen=True, tag="write"):
    """`Write`, whose manuscript the gateway passes on as it came from a helper process, without a look at it."""

    format: Writable
    manuscript: Raw
    form: Form = "prose"
    bounds: Bounds = Bounds()


class Found(Struct, frozen=True, tag="found"):
    """`ops` is a Quill delta."""

    title: str
    ops: list[dict[str, Any]]


class Written(Struct, frozen=True, tag="written"):
    data: bytes


class Refused(Struct, frozen=True, tag="refused"):
    """The file is at fault."""

    code: str
    message: str


class Unavailable(Struct, frozen=True, tag="unavailable"):
    """This server cannot do it, whatever the file."""

    message: str


Job: TypeAlias = Read | Write
Answer: TypeAlias = Found | Written | Refused | Unavailable

TYPES: dict[Writable, str] = {
    "md": "text/markdown",
    "html": "text/html",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "epub": "application/epub+zip",
    "txt": "text/plain",
    "fountain": "text/plain",
    "pdf": "application/pdf",
}
