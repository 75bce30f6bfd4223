"""Zip files of strangers: checked by their directory before anything is unpacked."""

from __future__ import annotations

import io
import zipfile
from typing import Final

from antiphon_proto.errors import PeerError, TooLarge

MAX_UNPACKED: Final = 128 * 1024 * 1024
MAX_FILES: Final = 5_000
_COMPOUND: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Files of Word before 2007, and newer ones that are encrypted."""
_RATIO: Final = 200
"""Unpacked bytes for a packed one; a text reaches 20."""


def check(data: bytes) -> zipfile.ZipFile:
    """The archive. Raises PeerError when it is none, and TooLarge when it would unpack to more than it may."""
    if data.startswith(_COMPOUND):
        raise PeerError(
            "the file is protected by a password, or it is one of an old Word: save it without, or as docx"
        )
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        files = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise PeerError(f"the file is damaged: {error}") from None
    size = sum(file.file_size for file in files)
    if len(files) > MAX_FILES or size > min(MAX_UNPACKED, _RATIO * len(data) + 1_000_000):
        raise TooLarge("the file unpacks to more than this server takes")
    return archive
