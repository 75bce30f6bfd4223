"""Subjects of a bench in processes of their own."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from antiphon_engines.host.worker_process import environment


def measured(module: str, arguments: Sequence[str], patience: float) -> dict[str, Any]:
    """The figures on the last line that the module wrote, with an engine worker's environment; after `patience` seconds
    it is ended. `error` is set where it failed."""
    command = [sys.executable, "-P", "-m", module, *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as child:
        try:
            output, complaint = child.communicate(timeout=max(patience, 0.0))
        except subprocess.TimeoutExpired:
            child.kill()
            output, _ = child.communicate()
            complaint = f"stopped after {patience:.0f} s"
    lines = output.strip().splitlines()
    figures: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    if child.returncode != 0:
        figures["error"] = (complaint.strip().splitlines() or [f"exit status {child.returncode}"])[-1][:300]
    return figures


class ChildFailed(Exception):
    """The child has ended, or has not answered in time; it is ended then. The message says which."""


class AnsweringChild:
    """A module in a process of its own that answers each line of JSON with one: it measures when it is told to, so that
    two of them can take turns. Its first line, unasked, says that it is ready."""

    def __init__(self, module: str, arguments: Sequence[str], patience: float) -> None:
        """Raises ChildFailed where it is not ready after `patience` seconds."""
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._complaints: deque[str] = deque(maxlen=20)
        self._failure = ""
        self._readers = [threading.Thread(target=read, daemon=True) for read in (self._read, self._listen)]
        for reader in self._readers:
            reader.start()
        self.ready = self._answer(patience)

    def ask(self, order: Mapping[str, Any], patience: float) -> dict[str, Any]:
        """Its answer. Raises ChildFailed, and again at each later order."""
        if self._failure:
            raise ChildFailed(self._failure)
        assert self._child.stdin is not None
        with suppress(OSError):  # it has ended, which the answer says
            self._child.stdin.write(json.dumps(order) + "\n")
            self._child.stdin.flush()
        return self._answer(patience)

    def close(self) -> None:
        """End it. May be called twice."""
        self._child.kill()
        for reader in self._readers:
            reader.join()
        with suppress(BrokenPipeError), self._child:  # of an order that it did not read
            pass

    def _read(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self._lines.put(line)
        self._lines.put("")

    def _listen(self) -> None:
        assert self._child.stderr is not None
        self._complaints.extend(line.strip() for line in self._child.stderr if line.strip())

    def _answer(self, patience: float) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=max(patience, 0.0))
        except queue.Empty:
            raise self._failed(f"stopped after {max(patience, 0.0):.0f} s") from None
        if not line:
            status = self._child.wait()
            self._readers[1].join()
            raise self._failed((list(self._complaints) or [f"exit status {status}"])[-1][:300])
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _failed(self, why: str) -> ChildFailed:
        self.close()
        self._failure = why
        return ChildFailed(why)
