"""The tables of a room store, for any database that SQLAlchemy speaks to."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

SCHEMA_VERSION = 5

metadata = MetaData()

rooms = Table(
    "rooms",
    metadata,
    Column("room", String(64), primary_key=True),
    Column("record", LargeBinary, nullable=False),
)

entries = Table(
    "entries",
    metadata,
    Column("room", String(64), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("author", String(64), nullable=False),
    Column("run", String(64)),
    Column("at_ms", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("credits", LargeBinary),
    sqlite_with_rowid=False,
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("room", String(64), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("authorship", LargeBinary, nullable=False),
)

members = Table(
    "members",
    metadata,
    Column("room", String(64), primary_key=True),
    Column("member", String(64), primary_key=True),
    Column("record", LargeBinary, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("room", String(64), primary_key=True),
    Column("run", String(64), primary_key=True),
    Column("created_ms", BigInteger, nullable=False),
    Column("record", LargeBinary, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("room", String(64), primary_key=True),
    Column("run", String(64), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

jam = Table(
    "jam",
    metadata,
    Column("room", String(64), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("room", String(64), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("reason", String(500), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

ledger_leaves = Table(
    "ledger_leaves",
    metadata,
    Column("room", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

ledger_tiles = Table(
    "ledger_tiles",
    metadata,
    Column("room", String(64), primary_key=True),
    Column("level", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
)

ledger_checkpoints = Table(
    "ledger_checkpoints",
    metadata,
    Column("room", String(64), primary_key=True),
    Column("size", Integer, primary_key=True),
    Column("note", Text, nullable=False),
)

ledger_salts = Table(
    "ledger_salts",
    metadata,
    Column("room", String(64), primary_key=True),
    Column("person", String(64), primary_key=True),
    Column("salt", LargeBinary, nullable=False),
)

Index("runs_in_order", runs.c.room, runs.c.created_ms)

MIGRATIONS: dict[int, tuple[str, ...]] = {
    1: ("ALTER TABLE entries ADD COLUMN credits BLOB",),
    2: (),
    3: (),
    4: (),
}
"""Schema version -> migration of a file of that version to the next; new tables are made without one."""
