"""A ledger as rows: see `rows` and `tables`."""

from __future__ import annotations

from typing import Any, TypeAlias

from sqlalchemy import Table, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from antiphon_server.store import tables
from antiphon_server.store.ledger import (
    Leaf,
    Salt,
    SaltGone,
    SignedCheckpoint,
    StoredLedger,
    TileHash,
    completed,
    last_tiles,
)

LedgerChange: TypeAlias = Leaf | TileHash | SignedCheckpoint | Salt | SaltGone


class LedgerBatch:
    """A commit's writes to ledgers. A leaf that stands there already stays as it is."""

    def __init__(self) -> None:
        self._rows: dict[Table, list[dict[str, Any]]] = {}
        self._erased: list[tuple[str, str]] = []

    def add(self, room: str, change: LedgerChange) -> None:
        match change:
            case Leaf(number, body, made):
                self._row(tables.ledger_leaves, room=room, number=number, body=body, hash=made)
            case TileHash(level, number, made):
                self._row(tables.ledger_tiles, room=room, level=level, number=number, hash=made)
            case SignedCheckpoint(size, note):
                self._row(tables.ledger_checkpoints, room=room, size=size, note=note)
            case Salt(person, salt):
                self._row(tables.ledger_salts, room=room, person=person, salt=salt)
            case SaltGone(person):
                salts = self._rows.get(tables.ledger_salts, [])
                salts[:] = [one for one in salts if (one["room"], one["person"]) != (room, person)]
                self._erased.append((room, person))

    async def write(self, connection: AsyncConnection, insert: Any) -> None:
        """`insert`: a table's statement that leaves a row alone which is there."""
        for room, person in self._erased:
            table = tables.ledger_salts
            known = (table.c.room == room) & (table.c.person == person)
            await connection.execute(delete(table).where(known))
        for table, found in self._rows.items():
            if found:
                await connection.execute(insert(table), found)

    def _row(self, table: Table, **values: Any) -> None:
        self._rows.setdefault(table, []).append(values)


async def load(connection: AsyncConnection, room: str) -> StoredLedger:
    table = tables.ledger_leaves.c
    newest = (await connection.execute(select(func.max(table.number)).where(table.room == room))).scalar_one()
    size = 0 if newest is None else int(newest) + 1
    tails = []
    for level, first, width in last_tiles(size):
        if level:
            hashes = {
                one.number: one.hash for one in await tile_hashes(connection, room, level, first, width)
            }
        else:
            hashes = {one.number: one.hash for one in await leaves(connection, room, first, width)}
        tails.append(completed(first, width, hashes))
    signed = tables.ledger_checkpoints.c
    query = select(signed.size, signed.note).where(signed.room == room).order_by(signed.size.desc()).limit(1)
    row = (await connection.execute(query)).one_or_none()
    kept = tables.ledger_salts.c
    salts = await connection.execute(select(kept.person, kept.salt).where(kept.room == room))
    return StoredLedger(
        size,
        tuple(tails),
        SignedCheckpoint(row.size, row.note) if row else None,
        {one.person: one.salt for one in salts},
    )


async def leaves(connection: AsyncConnection, room: str, first: int, limit: int) -> tuple[Leaf, ...]:
    table = tables.ledger_leaves
    query = (
        select(table)
        .where(table.c.room == room, table.c.number >= first)
        .order_by(table.c.number)
        .limit(limit)
    )
    return tuple(Leaf(row.number, row.body, row.hash) for row in await connection.execute(query))


async def tile_hashes(
    connection: AsyncConnection, room: str, level: int, first: int, limit: int
) -> tuple[TileHash, ...]:
    table = tables.ledger_tiles
    query = (
        select(table)
        .where(table.c.room == room, table.c.level == level, table.c.number >= first)
        .order_by(table.c.number)
        .limit(limit)
    )
    return tuple(TileHash(row.level, row.number, row.hash) for row in await connection.execute(query))
