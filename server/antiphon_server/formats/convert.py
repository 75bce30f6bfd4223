"""One conversion, whatever its format; runs in a process of its own (`__main__`)."""

from __future__ import annotations

import importlib
from typing import Any, Final

from antiphon_proto.errors import ErrorCode, PeerError
from antiphon_server.formats.jobs import Answer, Found, Job, Read, Refused, Unavailable, Write, Written
from antiphon_server.formats.manuscript import Manuscript, from_text, to_ops

_MODULES: Final = {
    "md": "markdown",
    "html": "html",
    "docx": "docx",
    "epub": "epub",
    "fountain": "fountain",
    "pdf": "pdf",
}
"""Format -> module here that reads or writes it; each loads its library, so only the one that is asked for is."""
_BINARY: Final = frozenset({"docx", "epub"})


def convert(job: Job) -> Answer:
    """Never raises for a bad file."""
    try:
        return _read(job) if isinstance(job, Read) else _write(job)
    except PeerError as error:
        return Refused(error.code, error.message)
    except MemoryError:
        return Refused(ErrorCode.TOO_LARGE, "the file needs more memory than this server gives it")
    except RecursionError:
        return Refused(ErrorCode.INVALID, "the file is nested too deeply")
    except ModuleNotFoundError as error:
        return Unavailable(f"{error.name} is not installed here: pip install 'antiphon[documents]'")
    except Exception as error:  # parsers raise what they like on damaged files
        return Refused(
            ErrorCode.INVALID, f"the file cannot be read: {type(error).__name__}: {str(error)[:200]}"
        )


def _read(job: Read) -> Answer:
    found = _found(job)
    if len(found.text) > job.bounds.text:
        return Refused(ErrorCode.TOO_LARGE, f"more than {job.bounds.text} characters of text")
    return Found(found.title[:200], to_ops(found))


def _found(job: Read) -> Manuscript:
    if job.format == "txt":
        return Manuscript(from_text(_text(job.data)))
    found: Manuscript = _module(job.format).read(job.data if job.format in _BINARY else _text(job.data))
    return found


def _write(job: Write) -> Answer:
    if job.format == "txt":
        return Written(f"{job.manuscript.text}\n".encode())
    if job.format == "pdf":
        return Written(_module("pdf").write(job.manuscript, job.form))
    data = _module(job.format).write(job.manuscript)
    return Written(data if isinstance(data, bytes) else data.encode())


def _module(format: str) -> Any:
    return importlib.import_module(f"antiphon_server.formats.{_MODULES[format]}")


def _text(data: bytes) -> str:
    """UTF-16 with its mark, else UTF-8 with what is wrong in it replaced."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", "replace")
    else:
        text = data.decode("utf-8-sig", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")
