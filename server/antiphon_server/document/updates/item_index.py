"""Where each item of a document stands: its parent, its key, and its neighbours, without its content.

Yjs names places by ids of other items, so the effect of an update depends on the items of the document. This index
holds them: runs of items in the order in which Yjs puts them (its own algorithm, `Item.integrate`), updated with every
change. An item is refused whose origins stand in different parents or under different keys, whose kind has
no place there (`document.updates.schema`), or whose origins cannot have been neighbours: then the order would depend on
who hears of it first, and on whether the document was loaded or grew. (They were neighbours for somebody when neither
the left origin of the right one nor the right origin of the left one stands between them: all else that must be known
with them stands outside, since it holds for them in turn.)

Typing costs a comparison and an addition. A run takes about 200 bytes; there are as many as Yrs has items, or fewer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from antiphon_server.document.updates.item_runs import ClientRuns, Node, Place, Run
from antiphon_server.document.updates.parser import (
    DELETED,
    EMBED,
    FORMAT,
    GC,
    SHARED,
    STRING,
    Id,
    Item,
    UpdateInfo,
)
from antiphon_server.document.updates.schema import RULES
from antiphon_server.document.updates.wide_characters import WideCharacters, second_halves

Writer = Literal["client", "server", "stored"]
"""Whose update it is: a client's is held to everything; the server writes in closed roots too; what is stored was
checked for its order when it came, by the rules of then."""
MAX_RUNS: Final = 300_000
_WALKED: Final = 5000
"""Runs that are walked for one update, at most, and for each of its items:"""
_WALKED_PER_ITEM: Final = 16


class Misplaced(ValueError):
    """An item stands where it may not."""


class Pending:
    """The changes of the last `add`, for `withdraw`."""

    __slots__ = ("ends", "places", "types")

    def __init__(self) -> None:
        self.ends: dict[int, int] = {}
        self.places: list[Place] = []
        self.types: list[Id] = []


class ItemIndex:
    def __init__(self) -> None:
        self.ends: dict[int, int] = {}
        """The state vector: client -> clock after its last item."""
        self.runs = 0
        self._runs: dict[int, ClientRuns] = {}
        self._ids: dict[int, int] = {}
        """Each client's id, once: every update brings it as another object, and there are three to a run."""
        self._wide = WideCharacters()
        self._roots = {name: Node(rule) for name, rule in RULES.items()}
        self._types: dict[Id, Node] = {}
        self._closed: set[int] = set()
        """Clients that wrote in closed roots: the server, in each of its lives."""
        self._pending = Pending()
        self._checked = False
        self._deletions: tuple[tuple[int, int, int], ...] = ()
        self._walk = 0

    def add(self, info: UpdateInfo, writer: Writer) -> Pending:
        """Enter an update, all of whose needs are met. Raises Misplaced; then nothing has changed."""
        pending = self._pending = Pending()
        self._checked = writer == "client"
        self._deletions = info.deletions
        structs = info.structs
        self._walk = _WALKED + _WALKED_PER_ITEM * info.items if self._checked else 2**63
        try:
            if len(structs) == 1:
                for client, items in structs.items():
                    for item in items:
                        self._enter(client, item)
            elif structs:
                self._enter_all(structs)
            if self._wide:
                self._check_deletions(info)
        except BaseException:
            self.withdraw(pending)
            raise
        return pending

    def withdraw(self, pending: Pending) -> None:
        """Take back the last update that was added."""
        for client, end in pending.ends.items():
            runs = self._runs[client]
            while (last := runs.last) is not None and last.clock >= end:
                self._unlink(runs.pop())
                self.runs -= 1
            if last is not None:
                last.length = min(last.length, end - last.clock)
            self._wide.forget(client, end)
            if end:
                self.ends[client] = end
            else:
                del self.ends[client], self._runs[client]
        for item in pending.types:
            del self._types[item]
        for place in pending.places:
            del place.node.places[place.key]

    def closed_deletions(self, info: UpdateInfo) -> list[tuple[int, int, int]]:
        """The ranges of deletions in content that only the server writes."""
        return [
            (client, clock, length)
            for client, clock, length in info.deletions
            if client in self._closed and self._touches_closed(client, clock, length)
        ]

    def order(self, root: str) -> Iterator[tuple[int, int, int]]:
        """(client, clock, length) of the items of a text or a list, deleted ones too, from its beginning."""
        place = self._roots[root].places.get(None)
        run = place.head if place is not None else None
        while run is not None:
            yield run.client, run.clock, run.length
            run = run.right

    def characters(self, root: str) -> Iterator[tuple[int, int, int]]:
        """The same for the characters of a text, embeds included: without its marks of formats."""
        place = self._roots[root].places.get(None)
        run = place.head if place is not None else None
        while run is not None:
            if run.what in (STRING, EMBED, DELETED):
                yield run.client, run.clock, run.length
            run = run.right

    # Entering -----------------------------------------------------------------------------------------

    def _enter_all(self, structs: dict[int, list[Item]]) -> None:
        """Items of several clients, each after those that it builds on."""
        at = dict.fromkeys(structs, 0)
        for first in structs:
            waiting = [first]
            while waiting:
                client = waiting[-1]
                items = structs[client]
                if at[client] == len(items):
                    waiting.pop()
                    continue
                item = items[at[client]]
                needed = self._needed(client, item)
                if needed is None:
                    self._enter(client, item)
                    at[client] += 1
                    if len(waiting) > 1:
                        waiting.pop()
                elif needed in waiting or at.get(needed, -1) in (-1, len(structs.get(needed, ()))):
                    raise Misplaced("items depend on each other in a circle")
                else:
                    waiting.append(needed)

    def _needed(self, client: int, item: Item) -> int | None:
        """Another client of the update whose items must come first."""
        if item[0] + item[1] <= self.ends.get(client, 0):
            return None
        for link in (item[3], item[4], item[5]):
            if isinstance(link, tuple) and link[0] != client and link[1] >= self.ends.get(link[0], 0):
                return link[0]
        return None

    def _enter(self, client: int, item: Item) -> None:
        clock, length, what, origin, right_origin, parent, key, text = item
        have = self.ends.get(client)
        if have is None:
            have = self.ends[client] = 0
            self._runs[client] = ClientRuns()
        if clock != have:
            if clock > have:
                raise Misplaced("the update leaves a gap")
            if clock + length <= have:
                if self._wide and (
                    (origin is not None and self._wide.cut_at(origin[0], origin[1] + 1))
                    or (right_origin is not None and self._wide.cut_at(*right_origin))
                ):
                    raise Misplaced("an item is inside a character")  # Yjs would cut it, known or not
                return
        if client not in self._pending.ends:
            self._pending.ends[client] = have
        if text is not None:
            self._note_wide(client, clock, text, have)
        if clock != have:  # the rest of an item whose beginning is known: it follows on that
            if what != GC:
                self._check_parts(client, have, origin, parent, key)
            length -= have - clock
            clock, origin = have, (client, have - 1)
        if what == GC:
            self._collect(client, clock, length)
            return
        left = self._ending_with(origin) if origin is not None else None
        right = self._starting_with(right_origin) if right_origin is not None else None
        if left is not None:
            if origin is not None and left.clock + left.length <= origin[1]:
                left = self._find(origin)  # it was cut for the right one, which then stands in front of it
            place = left.place
            if right is not None and right.place is not place:
                raise Misplaced("an item's neighbours are in different places")
        elif right is not None:
            place = right.place
        else:
            place = self._named(parent, key)
        if place is None:
            self._collect(client, clock, length)
            return
        self._check(client, clock, length, what, place)
        if right is not None and place.key is not None:
            raise Misplaced("a value of a map stands before another")
        follower = left.right if left is not None else place.head
        if follower is not right:
            if self._checked:
                self._check_neighbours(left, right, follower)
            left, follower = self._sort(client, origin, right_origin, left, right, follower)
        if (
            left is not None
            and left.client == client
            and left.what == what
            and left.clock + left.length == clock
            and left.right_origin == right_origin
            and origin == (client, clock - 1)
            and what not in SHARED
        ):
            left.length += length
            self.ends[client] = clock + length
            return
        run = Run(
            self._once(client), clock, length, what, self._shared(origin), self._shared(right_origin), place
        )
        run.left, run.right = left, follower
        if left is not None:
            left.right = run
        else:
            place.head = run
        if follower is not None:
            follower.left = run
        self._append(run)

    def _check(self, client: int, clock: int, length: int, what: int, place: Place) -> None:
        """Whether this may stand there."""
        rule = place.node.rule
        if rule.closed:
            if self._checked:
                raise Misplaced("only the server writes there")
            self._closed.add(client)
        if (place.key is None) == (rule.shape == "map"):
            raise Misplaced("an entry of a map has a key, and no other item has one")
        if what == DELETED:
            return
        if (
            length > 1
            and place.key is not None
            and self._checked
            and not self._deleted(client, clock, length)
        ):
            # Only deleted items are joined there. Yjs deletes the last of several, and fails on the others.
            raise Misplaced("several values under one key")
        if what not in rule.takes:
            raise Misplaced("the story holds text and embeds only" if FORMAT in rule.takes else _NO_PLACE)
        if what in SHARED:
            inside = rule.child(place.key, what)
            if inside is None:
                raise Misplaced(_NO_PLACE)
            self._types[client, clock] = Node(inside)
            self._pending.types.append((client, clock))

    def _check_parts(
        self, client: int, have: int, origin: Id | None, parent: str | Id | None, key: str | None
    ) -> None:
        """Whether the rest of an item belongs where its beginning stands, up to clock `have`."""
        place = self._find((client, have - 1)).place
        if origin is not None and self._find(origin).place is not place:
            raise Misplaced("an item's parts are in different places")
        if parent is not None and self._named(parent, key) is not place:
            raise Misplaced("an item's parts are in different places")

    def _collect(self, client: int, clock: int, length: int) -> None:
        """Items in no place."""
        last = self._runs[client].last
        if last is not None and last.place is None:
            last.length += length
            self.ends[client] = clock + length
        else:
            self._append(Run(client, clock, length, GC, None, None, None))

    def _deleted(self, client: int, clock: int, length: int) -> bool:
        """Whether the update itself deletes these items."""
        return any(
            one == client and first <= clock and clock + length <= first + count
            for one, first, count in self._deletions
        )

    def _once(self, client: int) -> int:
        return self._ids.setdefault(client, client)

    def _shared(self, item: Id | None) -> Id | None:
        return None if item is None else (self._once(item[0]), item[1])

    def _append(self, run: Run) -> None:
        self._runs[run.client].append(run)
        self.ends[run.client] = run.clock + run.length
        self.runs += 1

    def _named(self, parent: str | Id | None, key: str | None) -> Place | None:
        """The place that an item names itself; None when that is collected."""
        if isinstance(parent, str):
            node = self._roots.get(parent)
            if node is None:
                raise Misplaced("the update writes to a root that this room does not have")
        elif parent is None:
            raise Misplaced("an item has no place")
        else:
            found = self._types.get(parent)
            if found is None:
                run = self._find(parent)
                if run.place is None or run.what == DELETED:
                    return None
                raise Misplaced("an item stands inside another that is no type")
            node = found
        place = node.places.get(key)
        if place is None:
            place = node.places[key] = Place(node, key)
            self._pending.places.append(place)
        return place

    # The order ----------------------------------------------------------------------------------------

    def _check_neighbours(self, left: Run | None, right: Run | None, follower: Run | None) -> None:
        """Whether `left` and `right`, between which others stand now, can have been neighbours."""
        after_left = left.right_origin if left is not None else None
        if right is None:
            if after_left is not None:
                raise Misplaced("an item's neighbours never were neighbours")
            return
        before_right = right.origin
        if left is None and before_right is not None:
            raise Misplaced("an item's neighbours never were neighbours")
        run = follower
        while run is not right:
            self._step()
            if (
                run is None
                or (before_right is not None and run.holds(before_right))
                or (after_left is not None and run.holds(after_left))
            ):
                raise Misplaced("an item's neighbours never were neighbours")
            run = run.right

    def _sort(
        self,
        client: int,
        origin: Id | None,
        right_origin: Id | None,
        left: Run | None,
        right: Run | None,
        follower: Run | None,
    ) -> tuple[Run | None, Run | None]:
        """Between which runs an item belongs, as Yjs decides it."""
        conflicting: set[int] = set()
        before: set[int] = set()
        run = follower
        while run is not None and run is not right:
            self._step()
            before.add(id(run))
            conflicting.add(id(run))
            if run.origin == origin:
                if run.client < client:
                    left = run
                    conflicting.clear()
                elif run.right_origin == right_origin:
                    break
            elif run.origin is not None and (source := id(self._find(run.origin))) in before:
                if source not in conflicting:
                    left = run
                    conflicting.clear()
            else:
                break
            run = run.right
        return left, left.right if left is not None else follower

    def _step(self) -> None:
        self._walk -= 1
        if self._walk < 0:
            raise Misplaced("too many items are between an item's neighbours")

    # Finding ------------------------------------------------------------------------------------------

    def _find(self, item: Id) -> Run:
        client, clock = item
        if clock >= self.ends.get(client, 0):
            raise Misplaced("an item builds on what is not there")
        return self._runs[client].find(clock)

    def _ending_with(self, item: Id) -> Run:
        """The run that ends with this item; a longer one is cut."""
        run = self._find(item)
        after = item[1] + 1
        if run.clock + run.length > after:
            self._cut(run, after)
        return run

    def _starting_with(self, item: Id) -> Run:
        run = self._find(item)
        return run if run.clock == item[1] else self._cut(run, item[1])

    def _cut(self, run: Run, clock: int) -> Run:
        """Make two runs of one; the second begins at `clock`."""
        client = run.client
        if self._wide.cut_at(client, clock):
            raise Misplaced("an item is inside a character")
        rest = Run(
            client,
            clock,
            run.clock + run.length - clock,
            run.what,
            (client, clock - 1) if run.place is not None else None,
            run.right_origin,
            run.place,
        )
        run.length = clock - run.clock
        if run.place is not None:
            rest.left, rest.right = run, run.right
            if run.right is not None:
                run.right.left = rest
            run.right = rest
        self._runs[client].insert(rest)
        self.runs += 1
        return rest

    def _unlink(self, run: Run) -> None:
        if run.place is None:
            return
        if run.left is not None:
            run.left.right = run.right
        else:
            run.place.head = run.right
        if run.right is not None:
            run.right.left = run.left

    # For the others -------------------------------------------------------------------------------------

    def _note_wide(self, client: int, clock: int, text: str, have: int) -> None:
        halves = second_halves(clock, text)
        if clock < have and have in halves:
            raise Misplaced("an item begins inside a character")
        self._wide.add(client, [half for half in halves if half > have])

    def _check_deletions(self, info: UpdateInfo) -> None:
        for client, clock, length in info.deletions:
            if client in self._wide and (
                self._wide.cut_at(client, clock) or self._wide.cut_at(client, clock + length)
            ):
                raise Misplaced("a deletion splits a character")

    def _touches_closed(self, client: int, clock: int, length: int) -> bool:
        return any(
            run.place is not None and run.place.node.rule.closed
            for run in self._runs[client].touching(clock, length)
        )


_NO_PLACE: Final = "content of this kind has no place there"
