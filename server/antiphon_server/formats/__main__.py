"""`python -m antiphon_server.formats`: one conversion, from standard input to standard output. Untrusted files are
parsed here and not in the gateway: this process has bounds on memory and processor time, and its crash affects nothing
else. The job and its answer are MessagePack (`jobs`).
"""

from __future__ import annotations

import resource
import sys

import msgspec

from antiphon_server.formats.convert import convert
from antiphon_server.formats.jobs import Job


def main() -> None:
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job)
    resource.setrlimit(resource.RLIMIT_AS, (job.bounds.memory, job.bounds.memory))
    resource.setrlimit(resource.RLIMIT_CPU, (job.bounds.seconds, job.bounds.seconds))
    sys.stdout.buffer.write(msgspec.msgpack.encode(convert(job)))


if __name__ == "__main__":
    main()
