"""Cuts a large update that was read into small ones that can be applied one after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from antiphon_proto.document.yjs_update import Deletions, Item, read, write
from antiphon_server.document.updates.parser import UpdateInfo, inspect

LARGE: Final = 256
"""Items, or ranges of deletions, from which an update is cut."""
_PART: Final = 12
"""Items of a part; each 128 bytes of their contents count as one more."""


def parts(update: bytes, info: UpdateInfo) -> tuple[tuple[bytes, UpdateInfo], ...]:
    """Updates that together equal this one when they are applied in order, with the content of each; none when it
    is small. Each item comes after those that it builds on, and together with its own deletion. Raises ValueError
    when items depend on each other in a circle."""
    if info.items < LARGE and len(info.deletions) < LARGE:
        return ()
    items, deletions = read(update)
    rest = _Deletions(deletions)
    found = [write(part, rest.of(part)) for part in _parted(_ordered(items, info))]
    found += [write((), part) for part in rest.parted()]
    return tuple((part, inspect(part)) for part in found)


def _ordered(items: list[Item], info: UpdateInfo) -> Iterator[Item]:
    """Each item after those of the same update that it builds on."""
    queues: dict[int, list[Item]] = {}
    for item in items:
        queues.setdefault(item.client, []).append(item)
    at = dict.fromkeys(queues, 0)
    done = dict(info.starts)
    for first in queues:
        waiting = [first]
        while waiting:
            client = waiting[-1]
            if at[client] == len(queues[client]):
                waiting.pop()
                continue
            item = queues[client][at[client]]
            needed = next(
                (
                    link[0]
                    for link in (item.origin, item.right, item.parent)
                    if link is not None and link[0] != client and done.get(link[0], link[1] + 1) <= link[1]
                ),
                None,
            )
            if needed is None:
                yield item
                at[client] += 1
                done[client] = item.clock + item.length
                if len(waiting) > 1:
                    waiting.pop()
            elif needed in waiting or at[needed] == len(queues[needed]):
                raise ValueError("items depend on each other in a circle")
            else:
                waiting.append(needed)


def _parted(items: Iterator[Item]) -> Iterator[list[Item]]:
    part: list[Item] = []
    weight = 0
    for item in items:
        part.append(item)
        weight += 1 + len(item.content) // 128
        if weight >= _PART:
            yield part
            part, weight = [], 0
    if part:
        yield part


class _Deletions:
    """Those of an update, by the items that they are about."""

    def __init__(self, deletions: Deletions) -> None:
        self._ranges = {client: sorted(ranges) for client, ranges in deletions.items()}
        self._taken: dict[int, list[tuple[int, int]]] = {}

    def of(self, part: list[Item]) -> Deletions:
        """Own items that the update deletes."""
        spans: dict[int, tuple[int, int]] = {}
        for item in part:
            start = spans[item.client][0] if item.client in spans else item.clock
            spans[item.client] = start, item.clock + item.length
        found: Deletions = {}
        for client, (start, end) in spans.items():
            self._taken.setdefault(client, []).append((start, end))
            ranges = self._ranges.get(client, [])
            at = max(0, bisect_right(ranges, (start, 2**53)) - 1)
            while at < len(ranges) and ranges[at][0] < end:
                first, last = max(start, ranges[at][0]), min(end, ranges[at][0] + ranges[at][1])
                if first < last:
                    found.setdefault(client, []).append((first, last - first))
                at += 1
        return found

    def parted(self) -> Iterator[Deletions]:
        """All the others."""
        part: Deletions = {}
        count = 0
        for client, ranges in self._ranges.items():
            # An update's items of one client follow each other without a gap.
            taken = self._taken.get(client, [])
            start = min((span[0] for span in taken), default=0)
            end = max((span[1] for span in taken), default=0)
            for clock, length in ranges:
                for first, last in ((clock, min(clock + length, start)), (max(clock, end), clock + length)):
                    if first >= last:
                        continue
                    part.setdefault(client, []).append((first, last - first))
                    count += 1
                    if count >= _PART:
                        yield part
                        part, count = {}, 0
        if part:
            yield part
