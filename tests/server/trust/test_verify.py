"""Every changed bit of a stored ledger is named, and a large one is checked fast enough."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from antiphon_proto.errors import NotFound
from antiphon_server.cli.main import app
from antiphon_server.store.api import Change, RoomRecord
from antiphon_server.store.ledger import TILE, Leaf, Salt, SaltGone, SignedCheckpoint, TileHash
from antiphon_server.store.sqlite import SqliteStore
from antiphon_server.trust import data_folder, leaf, notes
from antiphon_server.trust.tree import Tree, leaf_hash
from antiphon_server.trust.verify import Log, Report, verify

ROOM = "r-1_Ab"
PEOPLE = ("", "p1", "p2", "p3")
SIZE = 2 * TILE + 40
SIGNED = (1, 100, TILE, 300, SIZE - 5)


class Book:
    """A ledger of `size` leaves by `PEOPLE` in turn."""

    def __init__(self, size: int, signer: notes.Signer, signed: tuple[int, ...] = ()) -> None:
        self.salts = {who: leaf_hash(b"salt" + who.encode()) for who in PEOPLE}
        self.leaves: list[Leaf] = []
        self.tiles: list[TileHash] = []
        self.checkpoints: list[SignedCheckpoint] = []
        tree = Tree()
        for number in range(size):
            who = PEOPLE[number % len(PEOPLE)]
            salt = self.salts[who]
            content = leaf.Content(
                leaf.VERSION,
                "run",
                1_764_400_000_000 + number,
                number,
                leaf.commitment(salt, who),
                f"r{number:012x}",
                leaf.facts_digest(salt, number, number),
            )
            body = leaf.encode(content)
            self.leaves.append(Leaf(number, body, leaf_hash(body)))
            self.tiles += [TileHash(*one) for one in tree.append(self.leaves[-1].hash)]
            if tree.size in signed:
                note = signer.sign(ROOM, tree.size, tree.root())
                self.checkpoints.append(SignedCheckpoint(tree.size, note))

    @property
    def changes(self) -> list[Change]:
        salts = [Salt(who, salt) for who, salt in self.salts.items()]
        return [*salts, *self.leaves, *self.tiles, *self.checkpoints]


async def stored(folder: Path) -> Book:
    book = Book(SIZE, notes.Signer.load(folder), SIGNED)
    store = SqliteStore(folder / data_folder.DATABASE)
    await store.open()
    await store.create(RoomRecord(ROOM, "lineage", 0, {}), book.changes)
    await store.close()
    return book


def only(folder: Path, saved: notes.Checkpoint | None = None) -> Report:
    [report] = data_folder.examine(folder, saved=saved)
    return report


def change(folder: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / data_folder.DATABASE)) as database:
        assert database.execute(statement, values).rowcount > 0
        database.commit()


async def test_a_whole_ledger_has_no_damage(tmp_path: Path) -> None:
    book = await stored(tmp_path)
    report = only(tmp_path)
    assert report == Report(ROOM, SIZE, len(SIGNED), SIZE - 5)
    for one in book.checkpoints:
        assert only(tmp_path, notes.read(one.note)).checkpoints == len(SIGNED) + 1


async def test_each_of_300_changed_bits_is_named(tmp_path: Path) -> None:
    """In the bytes of the database file, wherever something of the ledger stands in it."""
    book = await stored(tmp_path)
    path = tmp_path / data_folder.DATABASE
    whole = path.read_bytes()
    values: list[tuple[bytes, str]] = []
    for one in book.leaves:
        values += [(one.body, f"leaf {one.number} "), (one.hash, f"leaf {one.number} ")]
    values += [(tile.hash, f"hash {tile.number} of tile level {tile.level} ") for tile in book.tiles]
    values += [(one.note.encode(), f"checkpoint {one.size} ") for one in book.checkpoints]
    values += [(salt, f"the salt of {who or 'nobody'} ") for who, salt in book.salts.items()]
    dice = random.Random(20)
    rare = [one for one in values if not one[1].startswith("leaf")]
    chosen = rare * 6 + dice.sample(values, 300)
    for value, name in chosen[:300]:
        assert whole.count(value) == 1, name
        at = whole.index(value) + dice.randrange(len(value))
        damaged = bytearray(whole)
        damaged[at] ^= 1 << dice.randrange(8)
        path.write_bytes(damaged)
        found = only(tmp_path).damage
        assert [line for line in found if line.startswith(name)], (name, found)
        # No whole record is accused: a later checkpoint fails only when its own note was changed.
        assert all(line.startswith(name) for line in found), (name, found)


FORGERIES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "a leaf is taken out": (
        "leaf 70 is missing",
        lambda folder: change(folder, "DELETE FROM ledger_leaves WHERE number = 70"),
    ),
    "the end is cut off": (
        f"checkpoint {SIZE - 5} covers {SIZE - 5} leaves, and 500 are there",
        lambda folder: change(folder, "DELETE FROM ledger_leaves WHERE number >= 500"),
    ),
    "a leaf and its hash are exchanged": (
        "checkpoint 100: leaves 1 to 99 are not those that were signed",
        lambda folder: change(
            folder, "UPDATE ledger_leaves SET body = ?, hash = ? WHERE number = 50", b"x", leaf_hash(b"x")
        ),
    ),
    "a leaf is in another room": (
        "leaf 5 is missing",
        lambda folder: change(folder, "UPDATE ledger_leaves SET room = 'x' WHERE number = 5"),
    ),
    "a leaf has another number": (
        "leaf 5000000 stands alone",
        lambda folder: change(folder, "UPDATE ledger_leaves SET number = 5000000 WHERE number = 6"),
    ),
    "a checkpoint is exchanged": (
        "checkpoint 100 is damaged: it belongs to another size",
        lambda folder: change(
            folder,
            "UPDATE ledger_checkpoints SET note = (SELECT note FROM ledger_checkpoints WHERE size = 300)"
            " WHERE size = 100",
        ),
    ),
    "a checkpoint is signed by somebody else": (
        "checkpoint 100 is damaged: the checkpoint is not signed by this key",
        lambda folder: change(
            folder,
            "UPDATE ledger_checkpoints SET note = ? WHERE size = 100",
            notes.Signer.generate().sign(ROOM, 100, bytes(32)),
        ),
    ),
    "a salt has another owner": (
        "the salt of p9 opens no leaf",
        lambda folder: change(folder, "UPDATE ledger_salts SET person = 'p9' WHERE person = 'p1'"),
    ),
    "a tile is taken out": (
        "hash 1 of tile level 1 is damaged",
        lambda folder: change(folder, "DELETE FROM ledger_tiles WHERE number = 1"),
    ),
    "a value has another type": (
        "leaf 9 is damaged",
        lambda folder: change(folder, "UPDATE ledger_leaves SET body = 'text' WHERE number = 9"),
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forgery_is_named(tmp_path: Path, forgery: str) -> None:
    await stored(tmp_path)
    words, forge = FORGERIES[forgery]
    forge(tmp_path)
    found = [line for report in data_folder.examine(tmp_path) for line in report.damage]
    assert any(words in line for line in found), found[:5]


async def test_many_damaged_leaves_are_all_named(tmp_path: Path) -> None:
    await stored(tmp_path)
    change(tmp_path, "UPDATE ledger_leaves SET body = body || x'00' WHERE number % 3 = 0")
    found = only(tmp_path).damage
    assert [line.split()[1] for line in found if "is damaged" in line] == [str(n) for n in range(0, SIZE, 3)]
    assert len(found) == len(range(0, SIZE, 3))  # their hashes are whole, and so the checkpoints hold


async def test_a_log_that_was_written_anew_is_found_by_a_saved_checkpoint(tmp_path: Path) -> None:
    book = await stored(tmp_path)
    saved = notes.read(book.checkpoints[1].note)
    signer = notes.Signer.load(tmp_path)
    other = Book(SIZE, signer)
    other.leaves[3] = other.leaves[2]
    tree = Tree()
    with closing(sqlite3.connect(tmp_path / data_folder.DATABASE)) as database:
        for table in ("ledger_leaves", "ledger_tiles", "ledger_checkpoints"):
            database.execute(f"DELETE FROM {table}")
        for number, one in enumerate(other.leaves):
            tiles = tree.append(one.hash)
            database.execute(
                "INSERT INTO ledger_leaves VALUES (?, ?, ?, ?)", (ROOM, number, one.body, one.hash)
            )
            for level, at, made in tiles:
                database.execute("INSERT INTO ledger_tiles VALUES (?, ?, ?, ?)", (ROOM, level, at, made))
        note = signer.sign(ROOM, tree.size, tree.root())
        database.execute("INSERT INTO ledger_checkpoints VALUES (?, ?, ?)", (ROOM, tree.size, note))
        database.commit()
    assert only(tmp_path).damage == []
    assert only(tmp_path, saved).damage == [
        "the saved checkpoint: leaves 0 to 99 are not those that were signed"
    ]


async def test_an_erased_person_leaves_the_log_whole(tmp_path: Path) -> None:
    book = await stored(tmp_path)
    store = SqliteStore(tmp_path / data_folder.DATABASE)
    await store.open()
    store.put(ROOM, [SaltGone("p1")])
    await store.close()
    report = only(tmp_path)
    assert (report.damage, report.checkpoints, report.erased) == ([], len(SIGNED), SIZE // 4)
    for one in book.checkpoints:
        assert only(tmp_path, notes.read(one.note)).damage == []


def test_a_hundred_thousand_leaves_are_checked() -> None:
    signer = notes.Signer.generate()
    book = Book(100_000, signer, (50_000, 100_000))
    report = Report(ROOM)
    verify(Log(ROOM, book.leaves, book.checkpoints, signer.public, book.tiles, book.salts), report)
    assert report == Report(ROOM, 100_000, 2, 100_000)


async def test_the_command_says_it_and_ends_with_status_1(tmp_path: Path) -> None:
    await stored(tmp_path)
    runner, saved = CliRunner(), tmp_path / "saved"
    done = runner.invoke(app, ["log", "verify", str(tmp_path), f"--room={ROOM}", f"--save={saved}"])
    assert done.exit_code == 0, done.output
    assert f"room {ROOM}: ok, {SIZE} leaves, {len(SIGNED)} checkpoints, 5 after the newest" in done.output
    key = notes.Signer.load(tmp_path).verifier(ROOM)
    done = runner.invoke(app, ["log", "verify", str(tmp_path), f"--checkpoint={saved}", f"--key={key}"])
    assert done.exit_code == 0, done.output
    change(tmp_path, "UPDATE ledger_leaves SET body = x'00' WHERE number = 17")
    done = runner.invoke(app, ["log", "verify", str(tmp_path), "--json"])
    assert done.exit_code == 1
    [found] = json.loads(done.output)["rooms"]
    assert found["damage"] == ["leaf 17 is damaged: its content has another hash"]


async def test_files_that_are_not_there_or_not_such(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no rooms"):
        data_folder.examine(tmp_path)
    await stored(tmp_path)
    with pytest.raises(NotFound, match="no room"):
        data_folder.examine(tmp_path, "nowhere")
    wrong = tmp_path / "wrong"
    wrong.write_bytes(b"\xff\xfe no note")
    for arguments, says in (
        ([f"--checkpoint={wrong}"], "cannot read"),
        ([f"--checkpoint={tmp_path / 'absent'}"], "cannot read"),
        ([f"--save={wrong}"], "--save needs --room"),
    ):
        done = CliRunner().invoke(app, ["log", "verify", str(tmp_path), *arguments])
        assert done.exit_code == 1
        assert says in str(done.exception), done.exception
    wrong.write_text("hello")
    done = CliRunner().invoke(app, ["log", "verify", str(tmp_path), f"--checkpoint={wrong}"])
    assert "not a checkpoint" in str(done.exception)
