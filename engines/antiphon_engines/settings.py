"""Bounds and times of the engine host and its worker; every one has a default."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

MIN_WEIGHT: Final = 0.01
MAX_WEIGHT: Final = 100.0
"""Of a participant's share. The factor between the two bounds how long the lightest may wait for its turn."""


class QueueBounds(Struct, frozen=True):
    """How many runs may wait for a place of one kind of engine. Beyond a bound a new run is refused with QueueFull."""

    total: int = 64
    per_share: int = 16
    """Of one participant, so that nobody can fill the queue alone."""
    source_bytes: int = 256 * 1024 * 1024
    """Of source pictures and masks that the gateway keeps for runs under way."""


class Policy(Struct, frozen=True):
    """The scheduler's targets. Times are seconds; ARCHITECTURE.md has the rules on one page."""

    order: Literal["deadline", "fifo"] = "deadline"
    """`fifo`: units in the order in which they became ready, without regard to their kind; there for comparison."""
    max_unit: float = 0.1
    """Of one step: batches are kept so small, and engines that can divide their units are told."""
    tokens_per_second: float = 15.0
    """Of one text, before which nobody reads: a stream that is ahead of it yields to those that are behind."""
    previews_per_second: float = 4.0
    """Denoising steps of one picture that is watched, while others want the device."""
    band_part: float = 0.8
    """The part of the device that bands may take together."""


class HostSettings(Struct, frozen=True):
    """How the gateway watches over its worker. Times are seconds."""

    queue_per_share: int = 16
    """Runs of one participant that may wait; the whole queue's bound is `WorkerConfig.max_queue`."""
    heartbeat: float = 2.0
    """Between two pings."""
    stuck_after: float = 60.0
    """A worker that answered no ping for so long is killed: longer than the longest step of a busy machine."""
    load_timeout: float = 900.0
    """A worker that reported no progress of loading for so long is killed."""
    backoff_first: float = 0.5
    """Delay before the first restart; it doubles with each further one."""
    backoff_cap: float = 30.0
    healthy_after: float = 60.0
    """A worker that was ready for so long makes earlier crashes forgotten."""
    start_attempts: int = 3
    """Crashes in a row before the first `ready` after which the host gives up."""
    run_deaths: int = 3
    """Worker deaths that one waiting run may live through; after them it fails instead of being queued again."""
    recall_timeout: float = 20.0
    """For the answer to a question about the trace."""
    close_grace: float = 5.0
    """For the worker to leave by itself before it is killed."""
    max_unsent: int = 8 * 1024 * 1024
    """Bytes of commands that may wait for a worker that does not read; beyond it commands are refused."""
