"""`python -m antiphon_server.assets.picture_process`: reads one picture, from standard input to standard output, and
exits. Large pictures, and formats with large parsers, are read here and not in the gateway: this process has bounds on
memory and processor time, and its crash affects nothing else.
"""

from __future__ import annotations

import resource
import sys
from typing import Final

import msgspec
from msgspec import Struct
from PIL import Image

from antiphon_proto.errors import PeerError, TooLarge
from antiphon_server.assets.sanitize import Picture, PictureLimits, clean

_MEMORY: Final = 3 * 1024**3
"""Bytes of addresses, libraries included: `source_pixels` of four channels, and the copy that is scaled."""


class Job(Struct, frozen=True):
    data: bytes
    limits: PictureLimits


class Refused(Struct, frozen=True, tag="refused"):
    """The file is at fault: too large, or no picture."""

    message: str
    too_large: bool


class Read(Struct, frozen=True, tag="read"):
    picture: Picture


def main() -> None:
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    seconds = max(1, int(job.limits.seconds))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    Image.MAX_IMAGE_PIXELS = None  # `clean` has a bound of its own
    try:
        answer: Read | Refused = Read(clean(job.data, job.limits))
    except PeerError as error:
        answer = Refused(error.message, isinstance(error, TooLarge))
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer))


if __name__ == "__main__":
    main()
