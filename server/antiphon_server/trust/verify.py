"""Checks a ledger as a stranger would: every hash is made anew, and every damaged part is named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from antiphon_proto.errors import PeerError
from antiphon_server.store.ledger import MISSING, Leaf, SignedCheckpoint, TileHash
from antiphon_server.trust import leaf as leaves
from antiphon_server.trust import notes
from antiphon_server.trust.tree import Tree, leaf_hash

_TREES: Final = 16
"""Trees that are tried where leaves are damaged: whether a leaf or its hash was changed shows at a checkpoint."""


_GAP: Final = 10_000
"""Leaves that can be missing in one place, each of them named; one that stands further away has a wrong number."""


class Log(Struct, frozen=True):
    """A ledger, from a data folder or a server. `public`: the key of its checkpoints, None when it is not known.
    `tiles` and `salts` are a data folder's own; None where they were not had."""

    room: str
    leaves: Iterable[Leaf]
    """In order; read once."""
    checkpoints: Sequence[SignedCheckpoint]
    public: bytes | None = None
    tiles: Sequence[TileHash] | None = None
    salts: Mapping[str, bytes] | None = None


class Report(Struct):
    room: str
    size: int = 0
    """Leaves."""
    checkpoints: int = 0
    """That are whole, and whose root the leaves make."""
    signed: int = 0
    """Leaves under the newest of them."""
    erased: int = 0
    """Leaves of persons whose salt is gone."""
    damage: list[str] = field(default_factory=list)


def verify(log: Log, report: Report, saved: notes.Checkpoint | None = None) -> None:
    """Fill `report`. `saved`: a checkpoint that somebody kept, whose leaves the ledger must hold unchanged."""
    wanted: dict[int, list[tuple[str, bytes]]] = {}
    for one in log.checkpoints:
        if (found := _signed(log, one, report)) is not None:
            wanted.setdefault(found.size, []).append((f"checkpoint {found.size}", found.root))
    if saved is not None:
        wanted.setdefault(saved.size, []).append(("the saved checkpoint", saved.root))
    check = _Check(log, report)
    check.compare(wanted.pop(0, ()))
    for leaf in _without_gaps(log.leaves, report):
        check.add(leaf)
        report.size += 1
        check.compare(wanted.pop(report.size, ()))
    for size, those in sorted(wanted.items()):
        for name, _ in those:
            report.damage.append(f"{name} covers {size} leaves, and {report.size} are there")
    check.finish()


class _Check:
    def __init__(self, log: Log, report: Report) -> None:
        self._report = report
        self._trees = [Tree()]
        self._good = 0
        """Leaves under the last root that was made."""
        self._tiles = None if log.tiles is None else {(one.level, one.number): one.hash for one in log.tiles}
        self._opened = {leaves.commitment(salt, who): who for who, salt in (log.salts or {}).items()}
        self._knows_salts = log.salts is not None
        self._used = set[bytes]()

    def add(self, leaf: Leaf) -> None:
        made = leaf_hash(leaf.body)
        hashes = [leaf.hash]
        if leaf.hash != MISSING:
            if made != leaf.hash:
                self._report.damage.append(f"leaf {leaf.number} is damaged: its content has another hash")
                hashes.append(made)
            self._read(leaf)
        trees = self._trees
        if len(trees) * len(hashes) > _TREES:
            trees = [trees[0], trees[-1]]
        others = [tree.copy() for tree in trees] if len(hashes) > 1 else []
        tiles: dict[tuple[int, int], set[bytes]] = {}
        for tree in trees:
            for level, number, one in tree.append(hashes[0]):
                tiles.setdefault((level, number), set()).add(one)
        for tree in others:
            for level, number, one in tree.append(hashes[1]):
                tiles.setdefault((level, number), set()).add(one)
        self._trees = [*trees, *others]
        if self._tiles is not None:
            for (level, number), possible in tiles.items():
                if self._tiles.pop((level, number), None) not in possible:
                    self._report.damage.append(f"hash {number} of tile level {level} is damaged")

    def compare(self, wanted: Iterable[tuple[str, bytes]]) -> None:
        """With the roots of checkpoints of this size."""
        for name, root in wanted:
            fitting = [tree for tree in self._trees if tree.root() == root]
            size = self._trees[0].size
            if fitting:
                self._trees = fitting[:1]
                self._good = size
                self._report.checkpoints += 1
                self._report.signed = max(self._report.signed, size)
            else:
                span = (
                    f"leaves {self._good} to {size - 1}" if size > self._good else f"the first {size} leaves"
                )
                self._report.damage.append(f"{name}: {span} are not those that were signed")

    def finish(self) -> None:
        for level, number in self._tiles or ():
            self._report.damage.append(f"hash {number} of tile level {level} belongs to no leaves")
        for commitment, who in self._opened.items():
            if commitment not in self._used:
                self._report.damage.append(f"the salt of {who or 'nobody'} opens no leaf: it is damaged")

    def _read(self, leaf: Leaf) -> None:
        try:
            who = leaves.decode(leaf.body).who
        except PeerError as error:
            if leaf.hash == leaf_hash(leaf.body):
                self._report.damage.append(f"leaf {leaf.number}: {error.message}")
            return
        self._used.add(who)
        self._report.erased += self._knows_salts and who not in self._opened


def _signed(log: Log, one: SignedCheckpoint, report: Report) -> notes.Checkpoint | None:
    try:
        found = notes.read(one.note) if log.public is None else notes.verify(one.note, log.public)
    except PeerError as error:
        report.damage.append(f"checkpoint {one.size} is damaged: {error.message}")
        return None
    if found.size != one.size or found.origin.rpartition("/")[2] != log.room:
        report.damage.append(f"checkpoint {one.size} is damaged: it belongs to another size or room")
        return None
    return found


def _without_gaps(found: Iterable[Leaf], report: Report) -> Iterator[Leaf]:
    number = 0
    for leaf in found:
        if leaf.number - number > _GAP:
            report.damage.append(f"leaf {leaf.number} stands alone: no leaf before it after {number - 1}")
            continue
        for missing in range(number, leaf.number):
            report.damage.append(f"leaf {missing} is missing")
            yield Leaf(missing, b"", MISSING)
        number = leaf.number
        yield leaf
        number += 1
