"""Writes files at once, or when a test says so."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from antiphon_engines.worker.encoders import File


class InlineEncoder:
    """With `held`, files are written by `write_one`, oldest first."""

    def __init__(self, *, held: bool = False) -> None:
        self._held = held
        self.waiting: list[tuple[Callable[[], File], Future[File]]] = []

    def submit(self, write: Callable[[], File]) -> Future[File]:
        future: Future[File] = Future()
        self.waiting.append((write, future))
        if not self._held:
            self.write_one()
        return future

    def write_one(self) -> None:
        write, future = self.waiting.pop(0)
        try:
            future.set_result(write())
        except Exception as error:
            future.set_exception(error)
