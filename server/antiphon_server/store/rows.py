"""Rooms as rows: the writes of a commit and the reads of a load (SQLite's upsert; see `tables`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Delete, Table, delete, func, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from antiphon_server.store import ledger_rows, tables
from antiphon_server.store.api import (
    SPARSE,
    Change,
    Entry,
    EntryHead,
    Forgotten,
    JamEntry,
    JamTrim,
    MemberRecord,
    Quarantined,
    RoomRecord,
    RunRecord,
    RunTokens,
    Snapshot,
    Standing,
    StoredRoom,
    TokensGone,
)
from antiphon_server.store.ledger import Leaf, Salt, SaltGone, SignedCheckpoint, TileHash

_ROOMS = 500
"""Names in one query; SQLite takes no more than 999 in old builds."""
_pack = msgspec.msgpack.Encoder().encode


async def write(connection: AsyncConnection, batch: Iterable[tuple[str, Sequence[Change]]]) -> None:
    """Write the batch: the entries in one statement, and of each record only its last state."""
    appended: list[dict[str, Any]] = []
    records: dict[Table, dict[tuple[str, ...], dict[str, Any]]] = {}
    forgotten: dict[tuple[str, str], None] = {}
    trimmed: dict[str, int] = {}
    spoilt: dict[tuple[str, int], None] = {}
    unsaid: dict[tuple[str, str], None] = {}
    ledgers = ledger_rows.LedgerBatch()
    for room, changes in batch:
        for change in changes:
            match change:
                case Entry(seq, author, update, at_ms, run, credits):
                    appended.append(
                        {
                            "room": room,
                            "seq": seq,
                            "author": author,
                            "run": run,
                            "at_ms": at_ms,
                            "body": update,
                            "credits": credits or None,
                        }
                    )
                case Snapshot(seq, state, authorship, at_ms):
                    row = {"room": room, "seq": seq, "at_ms": at_ms, "state": state, "authorship": authorship}
                    records.setdefault(tables.snapshots, {})[room,] = row
                case RoomRecord():
                    records.setdefault(tables.rooms, {})[room,] = {"room": room, "record": _pack(change)}
                case MemberRecord(id=member):
                    row = {"room": room, "member": member, "record": _pack(change)}
                    records.setdefault(tables.members, {})[room, member] = row
                    forgotten.pop((room, member), None)
                case Forgotten(member):
                    records.get(tables.members, {}).pop((room, member), None)
                    forgotten[room, member] = None
                case JamEntry(seq, from_ms, to_ms, body):
                    row = {"room": room, "seq": seq, "from_ms": from_ms, "to_ms": to_ms, "body": body}
                    records.setdefault(tables.jam, {})[room, str(seq)] = row
                case Quarantined(seq, kind, reason, at_ms, body):
                    aside = {
                        "room": room,
                        "seq": seq,
                        "kind": kind,
                        "reason": reason[:500],
                        "at_ms": at_ms,
                        "body": body,
                    }
                    records.setdefault(tables.quarantine, {})[room, str(seq), kind] = aside
                    if kind == "snapshot":
                        spoilt[room, seq] = None
                case JamTrim(first):
                    trimmed[room] = first
                case RunTokens(run, at_ms, body):
                    row = {"room": room, "run": run, "at_ms": at_ms, "body": body}
                    records.setdefault(tables.tokens, {})[room, run] = row
                case TokensGone(run):
                    records.get(tables.tokens, {}).pop((room, run), None)
                    unsaid[room, run] = None
                case RunRecord(info=info):
                    row = {
                        "room": room,
                        "run": info.id,
                        "created_ms": info.created_ms,
                        "record": _pack(change),
                    }
                    records.setdefault(tables.runs, {})[room, info.id] = row
                case Leaf() | TileHash() | SignedCheckpoint() | Salt() | SaltGone():
                    ledgers.add(room, change)
    if appended:
        await connection.execute(_append(tables.entries), appended)
    await ledgers.write(connection, _append)
    for room, member in forgotten:
        known = (tables.members.c.room == room) & (tables.members.c.member == member)
        await connection.execute(delete(tables.members).where(known))
    for room, run in unsaid:
        said = (tables.tokens.c.room == room) & (tables.tokens.c.run == run)
        await connection.execute(delete(tables.tokens).where(said))
    for room, seq in spoilt:
        known = (tables.snapshots.c.room == room) & (tables.snapshots.c.seq == seq)
        await connection.execute(delete(tables.snapshots).where(known))
    for table, rows in records.items():
        if not rows:
            continue
        await connection.execute(_put_statement(table), list(rows.values()))
    for room, first in trimmed.items():
        older = (tables.jam.c.room == room) & (tables.jam.c.seq < first)
        await connection.execute(delete(tables.jam).where(older))
    for taken in records.get(tables.snapshots, {}).values():
        await connection.execute(_thin(taken["room"], taken["seq"]))


def _thin(room: str, newest: int) -> Delete:
    """Of the older snapshots, the first of every `SPARSE` entries stays, to go back from."""
    kept, other = tables.snapshots, tables.snapshots.alias()
    first = (
        select(func.min(other.c.seq))
        .where(other.c.room == room, other.c.seq // SPARSE == kept.c.seq // SPARSE)
        .scalar_subquery()
    )
    return delete(kept).where(kept.c.room == room, kept.c.seq < newest, kept.c.seq != first)


@cache
def _put_statement(table: Table) -> Any:
    """Insert rows, or replace those of the same primary key. Built once: building costs as much as running."""
    statement = upsert(table)
    keys = table.primary_key.columns.keys()
    values = {
        column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys
    }
    return statement.on_conflict_do_update(index_elements=keys, set_=values)


@cache
def _append(table: Table) -> Any:
    """A commit whose answer was lost may have happened: writing it again must change nothing."""
    return upsert(table).on_conflict_do_nothing()


async def load(connection: AsyncConnection, room: str, max_runs: int) -> StoredRoom | None:
    """A room with its newest snapshot, the entries after it, the newest `max_runs` runs, and all tokens it keeps."""
    record = (
        await connection.execute(select(tables.rooms.c.record).where(tables.rooms.c.room == room))
    ).scalar_one_or_none()
    if record is None:
        return None
    newest = await snapshot(connection, room)
    members = await connection.execute(
        select(tables.members.c.record).where(tables.members.c.room == room).order_by(tables.members.c.member)
    )
    runs = await connection.execute(
        select(tables.runs.c.record)
        .where(tables.runs.c.room == room)
        .order_by(tables.runs.c.created_ms.desc(), tables.runs.c.run.desc())
        .limit(max_runs)
    )
    kept = await connection.execute(
        select(tables.jam.c.seq, func.length(tables.jam.c.body), tables.jam.c.to_ms)
        .where(tables.jam.c.room == room)
        .order_by(tables.jam.c.seq)
    )
    tokens = await connection.execute(
        select(tables.tokens.c.run, tables.tokens.c.at_ms, tables.tokens.c.body)
        .where(tables.tokens.c.room == room)
        .order_by(tables.tokens.c.at_ms, tables.tokens.c.run)
    )
    aside = await connection.execute(
        select(tables.quarantine)
        .where(tables.quarantine.c.room == room)
        .order_by(tables.quarantine.c.seq, tables.quarantine.c.kind)
    )
    jam = [(int(seq), int(size), int(to_ms)) for seq, size, to_ms in kept]
    return StoredRoom(
        record=msgspec.msgpack.decode(record, type=RoomRecord),
        snapshot=newest,
        entries=await entries(connection, room, newest.seq if newest else 0, None),
        members=tuple(msgspec.msgpack.decode(row.record, type=MemberRecord) for row in members),
        runs=tuple(msgspec.msgpack.decode(row.record, type=RunRecord) for row in reversed(runs.all())),
        jam=tuple((seq, size) for seq, size, _ in jam),
        jam_ms=max((to_ms for _, _, to_ms in jam), default=0),
        tokens=tuple(RunTokens(row.run, row.at_ms, row.body) for row in tokens),
        aside=tuple(Quarantined(row.seq, row.kind, row.reason, row.at_ms) for row in aside),
        ledger=await ledger_rows.load(connection, room),
    )


async def standing(connection: AsyncConnection, rooms: Sequence[str]) -> dict[str, Standing]:
    """Records and newest entries of those rooms that exist."""
    found: dict[str, Standing] = {}
    newest = [
        select(func.max(table.c.seq)).where(table.c.room == tables.rooms.c.room).scalar_subquery()
        for table in (tables.entries, tables.snapshots)
    ]
    for start in range(0, len(rooms), _ROOMS):
        query = select(tables.rooms.c.room, tables.rooms.c.record, *newest).where(
            tables.rooms.c.room.in_(rooms[start : start + _ROOMS])
        )
        for room, record, entry, snapshot_seq in await connection.execute(query):
            decoded = msgspec.msgpack.decode(record, type=RoomRecord)
            found[room] = Standing(decoded, max(entry or 0, snapshot_seq or 0))
    return found


async def entries(connection: AsyncConnection, room: str, after: int, limit: int | None) -> tuple[Entry, ...]:
    """Entries with `seq` > `after`, in order, at most `limit`."""
    rows = await connection.execute(
        select(tables.entries)
        .where(tables.entries.c.room == room, tables.entries.c.seq > after)
        .order_by(tables.entries.c.seq)
        .limit(limit)
    )
    return tuple(Entry(row.seq, row.author, row.body, row.at_ms, row.run, row.credits or b"") for row in rows)


async def jam(
    connection: AsyncConnection, room: str, after: int, from_ms: int, to_ms: int | None, limit: int
) -> tuple[JamEntry, ...]:
    """Entries of the jam's record with `seq` > `after` that touch [from_ms, to_ms)."""
    table = tables.jam
    chosen = (table.c.room == room) & (table.c.seq > after) & (table.c.to_ms > from_ms)
    if to_ms is not None:
        chosen &= table.c.from_ms < to_ms
    rows = await connection.execute(select(table).where(chosen).order_by(table.c.seq).limit(limit))
    return tuple(JamEntry(row.seq, row.from_ms, row.to_ms, row.body) for row in rows)


async def heads(
    connection: AsyncConnection, room: str, after: int, before: int, limit: int
) -> tuple[EntryHead, ...]:
    """The last `limit` entries between two, without their updates."""
    table = tables.entries.c
    rows = await connection.execute(
        select(table.seq, table.author, table.at_ms, table.run, func.length(table.body).label("size"))
        .where(table.room == room, table.seq > after, table.seq < before)
        .order_by(table.seq.desc())
        .limit(limit)
    )
    return tuple(EntryHead(row.seq, row.author, row.at_ms, row.run, row.size) for row in reversed(rows.all()))


async def snapshot(connection: AsyncConnection, room: str, at: int | None = None) -> Snapshot | None:
    """The newest snapshot, or the newest that is not after entry `at`."""
    table = tables.snapshots
    query = select(table).where(table.c.room == room).order_by(table.c.seq.desc()).limit(1)
    if at is not None:
        query = query.where(table.c.seq <= at)
    row = (await connection.execute(query)).one_or_none()
    return Snapshot(row.seq, row.state, row.authorship, row.at_ms) if row else None
