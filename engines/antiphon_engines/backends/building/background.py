"""Plans are built in a process of their own: a builder that crashes, or fills the memory, takes nobody along."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from antiphon_engines.backends.building.build_process import Said, Task, encode
from antiphon_engines.backends.plans.order import Order

logger = logging.getLogger(__name__)
_decoder = msgspec.json.Decoder(Said)


class Builder:
    """Builds `orders`, one after another, and calls `on_event` on a thread of its own for every piece of news.

    The last order's news ends with done or failed. The owner must `close` it: that ends the process.
    """

    def __init__(
        self,
        folder: Path,
        orders: Sequence[Order],
        on_event: Callable[[Order, Said], None],
        *,
        threads: int = 1,
        niceness: int = 0,
    ) -> None:
        self._orders = tuple(orders)
        self._on_event = on_event
        self._settled: set[int] = set()
        self._closed = False
        task = encode(Task(folder, self._orders, threads, niceness))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "antiphon_engines.backends.building.build_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it is gone already: reading says so
            self._process.stdin.write(task)
            self._process.stdin.flush()
        self._thread = threading.Thread(target=self._listen, name="plans", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Until every order is settled."""
        self._thread.join()

    def close(self) -> None:
        """End the process at once; idempotent."""
        self._closed = True
        self._process.kill()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdin is not None
        with self._process.stdout as lines, self._process.stdin:
            for line in lines:
                self._emit(_decoder.decode(line))
            code = self._process.wait()
        for index in range(len(self._orders)):
            if index not in self._settled and not self._closed:
                self._emit(Said(index, "failed", f"the building process ended with {code}"))

    def _emit(self, said: Said) -> None:
        if said.event != "progress":
            self._settled.add(said.index)
        if self._closed:
            return
        try:
            self._on_event(self._orders[said.index], said)
        except Exception:
            # The listener's mistake must not leave the process's pipe unread.
            logger.exception("news of a plan were not understood")
