"""Tables change by numbered steps; each is done wholly or not at all, and none is undone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from etl.batches.ledger import migrations, opening
from etl.batches.ledger.migrations import MIGRATIONS, Migration
from etl.batches.states import Kind
from etl.errors import UserMustFix
from tests.fakes.ledgers import COMPANY, FILE, open_in, walk, walk_until

NEXT = Migration(
    number=2,
    name="a remark on claims",
    statements=(
        "ALTER TABLE claim ADD COLUMN remark TEXT",
        "CREATE TABLE remark (number INTEGER NOT NULL PRIMARY KEY, text TEXT NOT NULL)",
        "CREATE INDEX remark_text ON remark (text)",
    ),
    only={"sqlite": ("CREATE INDEX remark_again ON remark (text, number)",)},
)


class Stopped(BaseException):
    """The process ends here."""


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """Give a folder with a ledger as the first version made it."""
    with open_in(tmp_path) as ledger:
        walk_until(ledger, Kind.CLOSED)
    return tmp_path


def raw(root: Path, statement: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(root / FILE, isolation_level=None)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def with_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, NEXT))


def test_numbers_count_up_from_1() -> None:
    assert [one.number for one in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


def test_an_older_ledger_is_brought_up_to_date_once(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_next(monkeypatch)
    for _ in range(2):
        with open_in(root) as ledger:
            assert ledger.find(COMPANY, "1").number == 1
            assert ledger._store is not None
    assert raw(root, "SELECT number, name FROM migration") == [
        (1, "events, and what follows from them"),
        (2, "a remark on claims"),
    ]
    assert raw(root, "SELECT count(*) FROM remark") == [(0,)]


def test_a_newer_ledger_is_refused_and_left_alone(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_next(monkeypatch)
    open_in(root).close()
    monkeypatch.undo()
    content = (root / FILE).read_bytes()
    with pytest.raises(UserMustFix, match="LED-4") as refusal:
        open_in(root)
    assert "tables 2, this version knows 1" in str(refusal.value)
    assert (root / FILE).read_bytes() == content


def _stop_at(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the process end before the given statement of everything that writes."""
    real = Connection.exec_driver_sql
    seen = []

    def count(self: Connection, statement: str, *more: object) -> object:
        if statement.startswith(("ALTER", "CREATE", "PRAGMA application_id")):
            seen.append(statement)
            if len(seen) == number:
                raise Stopped
        return real(self, statement, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(Connection, "exec_driver_sql", count)


@pytest.mark.parametrize("number", range(1, 5))
def test_a_stop_in_the_middle_of_a_migration_leaves_the_ledger_as_it_was(
    root: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    before = raw(root, "SELECT name, sql FROM sqlite_master ORDER BY name")
    with monkeypatch.context() as patch:
        with_next(patch)
        _stop_at(patch, number)
        with pytest.raises(Stopped):
            open_in(root)
    assert raw(root, "SELECT name, sql FROM sqlite_master ORDER BY name") == before
    assert raw(root, "SELECT number FROM migration") == [(1,)]
    with open_in(root) as ledger:
        assert ledger.verify() == []
    with_next(monkeypatch)
    with open_in(root) as ledger:
        walk(ledger, Kind.IMPORTED, batch=ledger.find(COMPANY, "1"))
    assert raw(root, "SELECT number FROM migration") == [(1,), (2,)]


def test_a_stop_before_the_record_undoes_the_migration(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_: object) -> str:
        raise Stopped

    with monkeypatch.context() as patch:
        with_next(patch)
        patch.setattr(migrations, "describe_tables", stop)
        with pytest.raises(Stopped):
            open_in(root)
    assert raw(root, "SELECT name FROM sqlite_master WHERE name = 'remark'") == []


#: Statements that write while a new ledger is made.
STATEMENTS = 1 + len(MIGRATIONS[0].statements) + len(MIGRATIONS[0].only["sqlite"])


@pytest.mark.parametrize("number", range(1, STATEMENTS + 1))
def test_a_stop_while_a_new_ledger_is_made_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    with monkeypatch.context() as patch:
        _stop_at(patch, number)
        with pytest.raises(Stopped):
            open_in(tmp_path)
    assert list((tmp_path / ".pleo-etl").iterdir()) == []
    with open_in(tmp_path) as ledger:
        assert ledger.verify() == []


def test_who_waited_for_another_does_not_migrate_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes see the old tables; the second finds them done once it may write."""
    with_next(monkeypatch)
    real = opening._do

    def late(*given: object, **more: object) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(opening, "_do", real)
            open_in(root).close()
        real(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(opening, "_do", late)
    with open_in(root) as ledger:
        assert ledger.verify() == []
    assert raw(root, "SELECT number FROM migration") == [(1,), (2,)]
