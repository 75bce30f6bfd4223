"""The watchdog: `antiphon serve` runs the gateway as a child of this process, which starts it again when it freezes.

A thread inside the gateway could not do it: a permanent freeze (a loop in native code) holds the interpreter's
lock, and no other thread of Python runs. So the watchdog is the parent. It hears a beat of the gateway's event loop
twice a second, and reads from memory that both share which room is being served (`beacon`).

- Silent for `WARN_SECONDS`: it says so, names the room, and has the gateway write the stacks of its threads to standard
  error (faulthandler, which needs no lock).
- Silent for the time that it is given: it notes the room and the update as suspects (`suspects`), ends the gateway and
  starts another. The same after a crash (SIGSEGV, SIGABRT and the like, or a kill for want of memory).

Signals are passed on and the gateway's exit status is this process's own, so that systemd and containers see one
service. It imports nothing but the standard library, and stays small.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

RECORD: Final = 512
"""Bytes of the shared record of the current room: JSON, ended by a zero byte."""
BEAT: Final = 0.5
"""Seconds between two beats."""
WARN_SECONDS: Final = 2.0
_GOING_DOWN: Final = 30.0
"""Seconds of silence of a gateway that was asked to end, after which it is taken for frozen."""
GOODBYE: Final = b"-"
"""The last beat: it goes down by itself."""
ENVIRONMENT: Final = "ANTIPHON_SUPERVISED"
"""Tells the gateway the file descriptors: of the pipe of its beats, and of the record."""
_CRASHES: Final = frozenset(
    {
        signal.SIGSEGV,
        signal.SIGABRT,
        signal.SIGBUS,
        signal.SIGILL,
        signal.SIGFPE,
        signal.SIGTRAP,
        signal.SIGKILL,
    }
)
_GIVE_UP: Final = 10
"""Restarts within `_PERIOD` seconds after which the watchdog gives up and exits."""
_PERIOD: Final = 600.0
_GAVE_UP: Final = 70
"""Exit status then (EX_SOFTWARE)."""


class Supervisor:
    """`command` starts the gateway; `seconds` of silence are a freeze."""

    def __init__(self, command: Sequence[str], seconds: float) -> None:
        self._command = command
        self._seconds = seconds
        self._stop = 0
        """The signal that asked us to end."""
        self._process: subprocess.Popen[bytes] | None = None
        self._hello: dict[str, Any] = {}
        """The gateway's first beat: the folder of its data, and the format of its log."""
        self._restarts: list[float] = []

    def run(self) -> int:
        """Until the gateway ends by itself or is asked to; returns the exit status."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._pass_on)
        while True:
            status, again = self._life()
            if not again or self._stop:
                return status
            now = time.monotonic()
            self._restarts = [at for at in self._restarts if now - at < _PERIOD] + [now]
            if len(self._restarts) >= _GIVE_UP:
                self._say(
                    "critical", f"the gateway was started again {_GIVE_UP} times in a short time; giving up"
                )
                return _GAVE_UP
            time.sleep(min(10.0, 0.25 * 2 ** (len(self._restarts) - 1)))
            if self._stop:
                return 0

    def _pass_on(self, number: int, _frame: object) -> None:
        self._stop = number
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def _life(self) -> tuple[int, bool]:
        """One gateway from start to end: its status, and whether there must be another."""
        beats, theirs = os.pipe()
        with tempfile.TemporaryFile() as file, contextlib.closing(_record(file.fileno())) as record:
            try:
                self._process = subprocess.Popen(
                    self._next_command(),
                    env={**os.environ, ENVIRONMENT: f"{theirs},{file.fileno()}"},
                    pass_fds=(theirs, file.fileno()),
                    start_new_session=True,  # Ctrl-C in a terminal comes to us, and we pass it on
                )
            finally:
                os.close(theirs)
            if self._stop:
                self._process.send_signal(self._stop)
            try:
                frozen = self._watch(self._process, beats, record)
            finally:
                os.close(beats)
            code = self._process.wait()
            served = served_room(record)
        if frozen:
            self._suspect(served, "the gateway stood still")
            return 1, True
        if code < 0 and -code in _CRASHES and self._hello and not self._stop:
            self._say("critical", f"the gateway was ended by {signal.Signals(-code).name}", served)
            self._suspect(served, f"the gateway was ended by {signal.Signals(-code).name}")
            return 128 - code, True
        return code if code >= 0 else 128 - code, False

    def _next_command(self) -> list[str]:
        """A gateway that follows another keeps its port, and makes no room of its own."""
        if "port" not in self._hello:
            return list(self._command)
        return [
            *(part for part in self._command if part != "--open-room"),
            "--port",
            str(self._hello["port"]),
        ]

    def _watch(self, process: subprocess.Popen[bytes], beats: int, record: mmap.mmap) -> bool:
        """Until it ends; whether it had to be ended. Silence is counted in waits of ours and not by the clock, so that
        a machine that slept, or held us up too, is not taken for a frozen gateway."""
        silent = 0.0
        warned = begun = False
        while True:
            ready, _, _ = select.select([beats], [], [], BEAT)
            if ready:
                if not (data := os.read(beats, 65536)):
                    return False
                self._hear(data)
                silent, warned, begun = 0.0, False, GOODBYE not in data.splitlines()
                continue
            # Until its first beat it loads; after its last one it goes down.
            if not begun or _stopped(process.pid):
                continue
            silent += BEAT
            if self._stop:
                # It goes down and may be slow at it; one that is frozen would never end.
                if silent >= max(self._seconds, _GOING_DOWN):
                    self._say("critical", "the gateway was asked to end and stands still; it is killed")
                    process.kill()
                    return False
                continue
            if silent >= WARN_SECONDS and not warned:
                warned = True
                self._say("error", "the gateway stands still", served_room(record))
                process.send_signal(signal.SIGUSR2)
            if silent >= self._seconds:
                text = f"the gateway stood still for {silent:g} s and is started again"
                self._say("critical", text, served_room(record))
                process.kill()
                return True

    def _hear(self, data: bytes) -> None:
        for line in data.splitlines():
            if line.startswith(b"{"):
                self._hello = json.loads(line)

    def _suspect(self, served: dict[str, str], why: str) -> None:
        """Leave a note for the next gateway."""
        folder = self._hello.get("data_dir")
        if not folder or not served.get("room"):
            return
        note = {**served, "at": time.time(), "why": why}
        with (
            contextlib.suppress(OSError),
            (Path(folder) / "suspects.jsonl").open("a", encoding="utf-8") as file,
        ):
            file.write(json.dumps(note) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _say(self, level: str, message: str, served: dict[str, str] | None = None) -> None:
        """A line of the log, in the gateway's format."""
        if served is not None and served.get("room"):
            message += f"; it was at {served.get('what')} of room {served['room']}"
        if self._hello.get("log_format") == "json":
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            line = json.dumps(
                {"time": now, "level": level, "logger": "antiphon.watchdog", "message": message}
            )
        else:
            line = f"{time.strftime('%H:%M:%S')} {level.upper()} watchdog: {message}"
        print(line, file=sys.stderr, flush=True)


def served_room(record: mmap.mmap) -> dict[str, str]:
    """The shared record: `room`, the current message (`what`), and `update`, the fingerprint of the last update."""
    try:
        found: dict[str, str] = json.loads(record[:RECORD].split(b"\0", 1)[0] or b"{}")
        return found
    except ValueError:  # it was being written
        return {}


def _record(descriptor: int) -> mmap.mmap:
    os.ftruncate(descriptor, RECORD)
    return mmap.mmap(descriptor, RECORD)


def _stopped(pid: int) -> bool:
    """Whether the process is stopped (SIGSTOP, a debugger)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "Tt"
    except (OSError, IndexError):
        return False


def main(arguments: Sequence[str]) -> int:
    """`SECONDS ARGUMENTS...` of `antiphon`."""
    command = [sys.executable, "-P", "-m", "antiphon_server", *arguments[1:]]
    return Supervisor(command, float(arguments[0])).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
