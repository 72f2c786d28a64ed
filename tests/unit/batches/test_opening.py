"""The ledger's file: where it may lie, who may read it, and what is refused at the start."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect

from etl import files
from etl.batches.ledger import opening, store
from etl.batches.ledger.instants import read_instant, write_instant
from etl.batches.ledger.opening import ledger_path
from etl.batches.ledger.schema import METADATA
from etl.batches.states import Kind
from etl.errors import HeldElsewhere, UserMustFix
from tests.fakes.ledgers import COMPANY, FILE, URL, SteppingClock, open_in, walk, walk_until


def raw(root: Path) -> sqlite3.Connection:
    return sqlite3.connect(root / FILE, isolation_level=None)


def made(root: Path) -> Path:
    """Make a ledger with a closed batch, and give its file."""
    with open_in(root) as ledger:
        walk_until(ledger, Kind.CLOSED)
    return root / FILE


def test_a_new_ledger_is_private(tmp_path: Path) -> None:
    with open_in(tmp_path) as ledger:
        walk_until(ledger, Kind.STAGED)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in _all(tmp_path)}
    assert modes == {
        ".pleo-etl": 0o700, "ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600,
    }  # fmt: skip
    assert [path.name for path in _all(tmp_path)] == [".pleo-etl", "ledger.db"]


def _all(root: Path) -> list[Path]:
    return sorted(root.rglob("*"))


def test_the_id_and_what_was_stored_are_there_again(tmp_path: Path) -> None:
    with open_in(tmp_path) as ledger:
        first, batch = ledger.id, walk_until(ledger, Kind.CLOSED)
    with open_in(tmp_path, create=False) as ledger:
        assert ledger.id == first
        assert ledger.batches(COMPANY) == [batch]
    with open_in(tmp_path / "other") as ledger:
        assert ledger.id != first


def test_the_database_promises_to_keep_what_it_stored(tmp_path: Path) -> None:
    with open_in(tmp_path) as ledger:
        connection = ledger._store._connection.connection.driver_connection
        assert connection is not None
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names}
    assert found == {
        "journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "instead"), [("synchronous", "NORMAL"), ("journal_mode", "DELETE")]
)
def test_a_database_that_would_forget_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, instead: str
) -> None:
    """The broken variants without synchronous FULL, and without the log, do not open."""
    made(tmp_path)
    weak = tuple(
        (one, instead if one == name else wanted, answer) for one, wanted, answer in store.PRAGMAS
    )
    connect = sqlite3.connect

    def weakly(*given: Any, **more: Any) -> sqlite3.Connection:
        opened = connect(*given, **more)
        opened.execute(f"PRAGMA {name} = {instead}")
        return opened

    monkeypatch.setattr(store, "PRAGMAS", weak)
    monkeypatch.setattr(store.sqlite3, "connect", weakly)
    with pytest.raises(UserMustFix, match="LED-11") as refusal:
        open_in(tmp_path)
    assert name in str(refusal.value)


def test_a_transaction_begins_before_it_reads(tmp_path: Path) -> None:
    """With sqlite3's own late BEGIN, what an append has read could be changed by another."""
    with open_in(tmp_path) as ledger, ledger._store.writing():
        other = raw(tmp_path)
        other.execute("PRAGMA busy_timeout = 0")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()


def test_a_ledger_kept_busy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path)
    monkeypatch.setattr(store, "BUSY_SECONDS", 0)
    other = raw(tmp_path)
    with open_in(tmp_path) as ledger:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(HeldElsewhere, match="LED-9"):
            walk(ledger, Kind.IMPORTED, batch=ledger.find(COMPANY, "1"))
        other.execute("COMMIT")
        walk(ledger, Kind.IMPORTED, batch=ledger.find(COMPANY, "1"))
    other.close()


@pytest.mark.parametrize(
    "url", ["sqlite:///x.db", "sqlite:///a/b/x.db", "sqlite:///./x.db", "sqlite:///%C3%A9.db"]
)
def test_a_path_inside_is_taken(tmp_path: Path, url: str) -> None:
    with open_in(tmp_path, url=url):
        assert ledger_path(url, root=tmp_path).is_file()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///../x.db", "sqlite:///a/../../x.db", "sqlite:////etc/x.db", "sqlite://",
        "sqlite:///", "sqlite://x.db", "sqlite:///:memory:", "sqlite:///x.db?mode=memory",
        "sqlite:///x.db#y", "sqlite:///a\\x.db", "sqlite:///C:/x.db", "sqlite:///%2e%2e/x.db",
        "sqlite:///%2Fetc/x.db", "sqlite:///link/x.db", "sqlite:///x%00.db",
    ],
)  # fmt: skip
def test_a_path_outside_is_refused(tmp_path: Path, url: str) -> None:
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(UserMustFix, match="LED-5"):
        open_in(root, url=url)
    assert _all(tmp_path) == [root, root / "link"]


@pytest.mark.parametrize("url", ["postgresql://host/db", "sqlite+aiosqlite:///x.db", "mysql://x/y"])
def test_another_database_is_refused_for_now(tmp_path: Path, url: str) -> None:
    with pytest.raises(UserMustFix, match="LED-1"):
        open_in(tmp_path, url=url)


def test_no_ledger_is_made_by_looking(tmp_path: Path) -> None:
    with pytest.raises(UserMustFix, match="LED-10"):
        open_in(tmp_path, create=False)
    assert _all(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "LED-3"), (b"SQLite form", "LED-3"), (b"a letter to the bank", "LED-2")],
    ids=["empty", "cut off", "text"],
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(
    tmp_path: Path, content: bytes, code: str
) -> None:
    path = tmp_path / FILE
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(UserMustFix, match=code):
        open_in(tmp_path)
    assert path.read_bytes() == content


def test_a_format_that_sqlite_does_not_know_is_damage(tmp_path: Path) -> None:
    path = made(tmp_path)
    content = bytearray(path.read_bytes())
    content[47] = 0xFF  # the format of the tables: https://www.sqlite.org/fileformat.html
    path.write_bytes(content)
    with pytest.raises(UserMustFix, match="LED-3"):
        open_in(tmp_path)


def test_a_folder_in_the_ledgers_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir(parents=True)
    with pytest.raises(UserMustFix, match="LED-10"):
        open_in(tmp_path)


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.parent.mkdir()
    other = raw(tmp_path)
    other.execute("CREATE TABLE t (x)")
    other.close()
    content = path.read_bytes()
    with pytest.raises(UserMustFix, match="LED-2"):
        open_in(tmp_path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER event_kept",
        "DROP INDEX claim_live",
        "DROP TABLE migration",
        "DELETE FROM ledger",
        "DELETE FROM migration",
        "UPDATE ledger SET id = 'other'",
        "UPDATE migration SET name = 'other'",
        "CREATE TABLE more (x)",
    ],
)
def test_tables_that_are_not_as_they_were_made_are_refused(tmp_path: Path, statement: str) -> None:
    made(tmp_path)
    other = raw(tmp_path)
    other.execute(statement)
    other.close()
    with pytest.raises(UserMustFix, match="LED-3"):
        open_in(tmp_path)


def test_a_large_ledger_is_checked_without_comparing_each_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path)
    asked = []
    check = opening._check_whole
    monkeypatch.setattr(opening, "CHECK_WHOLE_BYTES", 1000)

    def look(opened: store.Store, *, size: int) -> None:
        raw_connection: Any = opened._connection.connection.driver_connection
        raw_connection.set_trace_callback(asked.append)
        check(opened, size=size)
        raw_connection.set_trace_callback(None)

    monkeypatch.setattr(opening, "_check_whole", look)
    with open_in(tmp_path):
        assert [said for said in asked if "check" in said] == ["PRAGMA quick_check(1)"]
    monkeypatch.undo()
    monkeypatch.setattr(opening, "_check_whole", look)
    with open_in(tmp_path):
        assert [said for said in asked if "check" in said][1:] == ["PRAGMA integrity_check(1)"]


def test_two_that_make_the_ledger_at_once_have_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes second finds a ledger in the place, and takes it."""
    place = files.place_new

    def too_late(part: Path, path: Path) -> bool:
        with open_in(tmp_path / "first") as first:
            ids.append(first.id)
        shutil.copy(tmp_path / "first" / FILE, path)
        return place(part, path)

    ids: list[str] = []
    first = open_in(tmp_path / "first")
    first.close()
    monkeypatch.setattr(files, "place_new", too_late)
    with open_in(tmp_path) as second:
        assert second.id == ids[0]
    assert [path.name for path in (tmp_path / ".pleo-etl").iterdir()] == ["ledger.db"]


def test_a_disk_that_refuses_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    with pytest.raises(UserMustFix, match="OUT-2"):
        open_in(tmp_path)
    monkeypatch.undo()
    assert [path.name for path in _all(tmp_path)] == [".pleo-etl"]
    open_in(tmp_path).close()


def test_a_part_that_cannot_be_removed_now_is_swept_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "unlink", refuse)
    open_in(tmp_path).close()
    monkeypatch.undo()
    assert len(list((tmp_path / ".pleo-etl").glob("*.part"))) == 1
    opening.sweep_parts(URL, root=tmp_path)
    assert [path.name for path in (tmp_path / ".pleo-etl").iterdir()] == ["ledger.db"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SQLITE_FULL", "LED-10"), ("SQLITE_IOERR_FSYNC", "LED-10"), ("SQLITE_READONLY", "LED-10"),
        ("SQLITE_CANTOPEN", "LED-10"), ("SQLITE_CORRUPT_INDEX", "LED-3"),
        ("SQLITE_NOTADB", "LED-3"), ("SQLITE_BUSY_SNAPSHOT", "LED-9"),
    ],
)  # fmt: skip
def test_every_error_of_the_database_says_what_to_do(name: str, code: str) -> None:
    error = sqlite3.OperationalError("x")
    error.sqlite_errorname = name
    assert code in str(store.explain(error))


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.OperationalError("Could not decode to UTF-8 column 'body' with text 'x'"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    ],
)
def test_texts_that_cannot_be_read_are_damage(error: Exception) -> None:
    assert "LED-3" in str(store.explain(error))


def test_an_error_of_ours_is_not_explained_away() -> None:
    error = sqlite3.ProgrammingError("wrong number of bindings")
    assert store.explain(error) is error


def test_the_tables_of_the_code_are_those_of_the_database(tmp_path: Path) -> None:
    with open_in(tmp_path) as ledger, ledger._store.reading() as connection:
        seen = inspect(connection)
        assert set(seen.get_table_names()) == set(METADATA.tables)
        for name, table in METADATA.tables.items():
            found = [column["name"] for column in seen.get_columns(name)]
            assert found == [column.name for column in table.columns], name
            keys = seen.get_pk_constraint(name)["constrained_columns"]
            assert keys == [column.name for column in table.primary_key.columns], name


def test_a_clock_of_any_zone_is_stored_as_utc() -> None:
    at = SteppingClock().now().astimezone(timezone(timedelta(hours=5)))
    assert write_instant(at) == "2026-03-09T08:00:01.000000Z"
    assert read_instant(write_instant(at)) == at


def test_who_is_swept_away_by_the_first_takes_the_firsts_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = opening._fill

    def swept(part: Path, *, clock: SteppingClock) -> None:
        monkeypatch.setattr(opening, "_fill", fill)
        open_in(tmp_path).close()
        opening.sweep_parts(URL, root=tmp_path)
        fill(part, clock=clock)

    monkeypatch.setattr(opening, "_fill", swept)
    open_in(tmp_path).close()
    assert [path.name for path in (tmp_path / ".pleo-etl").iterdir()] == ["ledger.db"]


def test_what_a_killed_command_left_of_a_new_ledger_is_swept(tmp_path: Path) -> None:
    made(tmp_path)
    for end in ("", "-wal", "-shm"):
        (tmp_path / ".pleo-etl" / f".pleo-etl.ledger.db.0123abcd.part{end}").write_text("x")
    opening.sweep_parts(URL, root=tmp_path)
    assert [path.name for path in (tmp_path / ".pleo-etl").iterdir()] == ["ledger.db"]
