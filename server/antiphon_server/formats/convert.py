"""One conversion, for all formats; runs in a separate process (`__main__`)."""

from __future__ import annotations

import importlib
from typing import Any, Final

from antiphon_proto.errors import ErrorCode, PeerError
from antiphon_server.formats.encoding import declared, decode
from antiphon_server.formats.jobs import (
    Answer,
    Encoding,
    Found,
    Job,
    Read,
    Refused,
    Unavailable,
    Write,
    Written,
)
from antiphon_server.formats.manuscript import Manuscript, Notice, as_text, from_text, to_ops
from antiphon_server.formats.notices import losses, merged

_MODULES: Final = {
    "md": "markdown",
    "html": "html",
    "docx": "docx",
    "odt": "odt",
    "rtf": "rtf",
    "epub": "epub",
    "fountain": "fountain",
    "fdx": "fdx",
    "pdf": "pdf",
}
"""Format -> module here that reads or writes it; each loads its library, so only the one that is asked for is."""
_BINARY: Final = frozenset({"docx", "odt", "rtf", "epub", "fdx"})


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
    except Exception:  # parsers raise any exception on damaged files
        return Refused(ErrorCode.INVALID, f"the file is damaged, or it is no {job.format} file")


def _read(job: Read) -> Answer:
    encoding: Encoding | None = None
    replaced: tuple[Notice, ...] = ()
    if job.format in _BINARY:
        found: Manuscript = _module(job.format).read(job.data)
    else:
        decoded = decode(job.data, job.encoding or (declared(job.data) if job.format == "html" else ""))
        encoding = Encoding(decoded.encoding, decoded.sure, () if decoded.sure else decoded.choices)
        replaced = (Notice("characters", decoded.replaced),) if decoded.replaced else ()
        found = _text(job.format, decoded.text)
    if len(found.text) > job.bounds.text:
        return Refused(ErrorCode.TOO_LARGE, f"more than {job.bounds.text} characters of text")
    return Found(found.title[:200], to_ops(found), merged(replaced, found.notices), encoding)


def _text(format: str, text: str) -> Manuscript:
    if format == "txt":
        return Manuscript(from_text(text))
    found: Manuscript = _module(format).read(text)
    return found


def _write(job: Write) -> Answer:
    manuscript = job.manuscript
    notices = merged(manuscript.notices, losses(manuscript, job.format))
    if job.format == "txt":
        return Written(f"{as_text(manuscript)}\n".encode(), notices)
    if job.format == "pdf":
        data, missing = _module("pdf").write(manuscript, job.form, job.fonts)
        return Written(data, merged(notices, missing))
    if job.format == "fdx":
        notices = merged(notices, _module("fdx").unprinted(manuscript))
    data = _module(job.format).write(manuscript)
    return Written(data if isinstance(data, bytes) else data.encode(), notices)


def _module(format: str) -> Any:
    return importlib.import_module(f"antiphon_server.formats.{_MODULES[format]}")
