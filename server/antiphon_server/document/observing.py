"""Observing pycrdt's types without keeping them alive.

Yrs holds a callback, and pycrdt with it the document, where Python's garbage collector does not see it: an observer
that is not taken off keeps a whole room in memory for ever. Here it goes with the object that observes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakMethod, finalize

_Answer = TypeVar("_Answer")


def weakly(method: Callable[..., _Answer]) -> Callable[..., _Answer]:
    """A bound method that does not keep its object alive: for parts that the object itself holds.

    Raises ReferenceError when the object has gone.
    """
    reference = WeakMethod(method)

    def call(*arguments: Any) -> _Answer:
        if (alive := reference()) is None:
            raise ReferenceError("the object of this method has gone")
        return alive(*arguments)

    return call


def observe(source: Any, method: Callable[[Any], object], *, deep: bool = False) -> None:
    """Call `method`, a bound method, with the events of `source` for as long as its object lives."""
    reference = WeakMethod(method)

    def call(event: Any) -> None:
        if (alive := reference()) is not None:
            alive(event)

    subscription = source.observe_deep(call) if deep else source.observe(call)
    finalize(method.__self__, subscription.drop).atexit = False  # type: ignore[attr-defined]
