"""`ledger verify` plays all events again: whatever differs is named, with what to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from etl.batches.ledger import Ledger, verifying
from etl.batches.ledger import ledger as ledger_module
from etl.batches.ledger.records import Became, Holding
from etl.batches.ledger.rows import claim_row
from etl.batches.ledger.schema import CLAIM
from etl.batches.ledger.sealing import seal
from etl.batches.states import Kind
from etl.errors import UserMustFix
from tests.fakes.ledgers import COMPANY, FILE, open_in, verdict, walk, walk_until

UNLOCK = ("DROP TRIGGER event_unchanged", "DROP TRIGGER event_kept")


def of_two(statement: str) -> str:
    """Narrow a statement to the second batch."""
    return " AND ".join([statement, "batch_id = (SELECT id FROM batch WHERE number = 2)"])


def story(ledger: Ledger) -> None:
    """Two batches: one closed and imported, one approved that books an item again."""
    first = walk_until(ledger, Kind.CLOSED)
    walk(ledger, Kind.IMPORTED, batch=first)
    bodies: dict[str, dict[str, Any]] = {
        "reserved": {"number": 2, "first_vouchers": {"": 2}},
        "staged": {"last_vouchers": {"": 3}},
        "approved": {"verdicts": [verdict("a"), verdict("b")]},
    }
    batch = walk(ledger, Kind.RESERVED, Kind.STAGED, **bodies)
    said = {"by": "Ann", "decisions": {"a": {"do": "again"}}}
    walk(ledger, Kind.APPROVED, batch=ledger.append(batch, Kind.ANSWERED, said), **bodies)


def spoil(ledger: Ledger, *statements: str) -> list[tuple[str, str]]:
    """Change the open database behind the ledger's back, and give what verify says."""
    connection: Any = ledger._store._connection.connection.driver_connection
    connection.execute("PRAGMA foreign_keys = OFF")
    for statement in statements:
        connection.execute(statement)
    problems = ledger.verify()
    assert all(one.code == "LED-12" and "ledger rebuild" in one.fix for one in problems)
    return [(one.what, one.where.removeprefix("the ledger")) for one in problems]


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    with open_in(tmp_path) as opened:
        story(opened)
        assert opened.verify() == []
        yield opened


def test_a_changed_state_is_named(ledger: Ledger) -> None:
    one = ledger.find(COMPANY, "1")
    assert spoil(ledger, "UPDATE batch SET state = 'voided' WHERE number = 1") == [
        ('"state" is voided, the events say closed', f", batch {one.id}")
    ]
    assert {problem.code for problem in ledger.verify()} == {"LED-12"}


def test_a_changed_record_is_named_shortly(ledger: Ledger) -> None:
    ((what, _),) = spoil(ledger, "UPDATE batch SET record = '{}' WHERE number = 1")
    assert what.startswith('"record" is {}, the events say {"approvals":[["Ann",')
    assert what.endswith("…")


def test_a_changed_claim_and_a_changed_verdict_are_named(ledger: Ledger) -> None:
    two = ledger.find(COMPANY, "2").id
    said = spoil(
        ledger,
        of_two("UPDATE claim SET became = 'freed' WHERE entry_key = 'a'"),
        of_two("UPDATE verdict SET body = 'x' WHERE entry_key = 'b'"),
    )
    assert said == [
        ('"body" is x, the events say {"id":"b"}', f", verdict {two} b"),
        ('"became" is freed, the events say held', f", claim {two} a"),
    ]


def test_a_missing_row_and_one_too_many_are_named(ledger: Ledger) -> None:
    two = ledger.find(COMPANY, "2")
    row = claim_row(Holding(two.company_id, "z", two.id, Became.HELD))
    with ledger._store.writing() as connection:
        connection.execute(CLAIM.insert(), row)
    said = spoil(ledger, of_two("DELETE FROM claim WHERE entry_key = 'b'"))
    assert said == [
        ("a row that no event made", f", claim {two.id} z"),
        ("a row is missing", f", claim {two.id} b"),
    ]


def test_a_verdict_of_no_batch_is_named(ledger: Ledger) -> None:
    said = spoil(ledger, "UPDATE verdict SET batch_id = 'nobody' WHERE acknowledged = 1")
    assert ("a row of verdict belongs to no batch", "") in said
    assert ("a row that no event made", ", verdict nobody a") in said


def test_a_changed_event_is_named_and_what_follows_is_not_played(ledger: Ledger) -> None:
    one = ledger.find(COMPANY, "1").id
    said = spoil(ledger, *UNLOCK, "UPDATE event SET at = 'x' WHERE number = 3")
    assert said[0] == ("an event is not as it was written", f", event 3, batch {one}")
    assert not [where for _, where in said if where == f", event 4, batch {one}"]
    assert ('"state" is closed, the events say staged', f", batch {one}") in said


def test_an_event_that_was_removed_is_missed(ledger: Ledger) -> None:
    one = ledger.find(COMPANY, "1").id
    said = spoil(ledger, *UNLOCK, "DELETE FROM event WHERE number = 4")
    assert said[:2] == [
        ("events are missing", ", before event 5"),
        ("an event does not follow the one before it", f", event 5, batch {one}"),
    ]


def test_events_that_were_cut_off_at_the_end_are_missed(ledger: Ledger) -> None:
    two = ledger.find(COMPANY, "2").id
    said = spoil(
        ledger, *UNLOCK, "DELETE FROM event WHERE number = (SELECT max(number) FROM event)"
    )
    assert ('"seq" is 4, the events say 3', f", batch {two}") in said


def test_an_event_that_was_rewritten_with_its_digest_does_not_follow(ledger: Ledger) -> None:
    connection: Any = ledger._store._connection.connection.driver_connection
    connection.row_factory = sqlite3.Row
    row = dict(connection.execute("SELECT * FROM event WHERE number = 3").fetchone())
    connection.row_factory = None
    row.pop("digest")
    new = seal({**row, "kind": "reviewed", "body": '{"by":"x","entries":["a"]}'})
    assert spoil(ledger, *UNLOCK) == []
    change = "UPDATE event SET kind = :kind, body = :body, digest = :digest WHERE number = 3"
    connection.execute(change, new)
    said = spoil(ledger)
    assert said[0][0] == "an event does not follow the one before it"
    assert said[0][1].startswith(", event 4")


@pytest.mark.parametrize("number", [2, 3, 13])
@pytest.mark.parametrize("kind", [*Kind, "blessed"])
def test_an_event_that_cannot_have_happened_is_named(
    ledger: Ledger, kind: str, number: int
) -> None:
    """A last event made up by somebody who knows how they are sealed."""
    connection: Any = ledger._store._connection.connection.driver_connection
    connection.row_factory = sqlite3.Row
    found = connection.execute("SELECT * FROM event WHERE number = ?", [number]).fetchone()
    connection.row_factory = None
    row = {name: value for name, value in dict(found).items() if name != "digest"}
    new = seal({**row, "kind": str(kind), "body": "{}"})
    for statement in UNLOCK:
        connection.execute(statement)
    change = "UPDATE event SET kind = :kind, body = :body, digest = :digest WHERE number = :number"
    connection.execute(change, new)
    problems = ledger.verify()
    assert problems
    assert {problem.code for problem in problems} == {"LED-12"}


def test_what_sqlite_finds_is_told(tmp_path: Path) -> None:
    with open_in(tmp_path) as ledger:
        story(ledger)
        said = spoil(
            ledger, "PRAGMA writable_schema = ON",
            "UPDATE sqlite_master SET sql = replace(sql, 'live = 1', 'live = 2') "
            "WHERE name = 'claim_live'",
        )  # fmt: skip
        assert said == []
    other = sqlite3.connect(tmp_path / FILE)
    said_by_sqlite = other.execute("PRAGMA integrity_check").fetchone()[0]
    other.close()
    assert "claim_live" in said_by_sqlite
    with pytest.raises(UserMustFix, match="LED-3"):
        open_in(tmp_path)


def test_pages_that_sqlite_finds_wrong_are_named(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "MAX_PROBLEMS", 1)
    with ledger._store.reading() as connection:
        real = connection.exec_driver_sql

        class Told:
            dialect = connection.dialect
            execute = connection.execute

            def exec_driver_sql(self, statement: str) -> Any:
                if statement.startswith("PRAGMA integrity_check"):
                    statement = "SELECT 'wrong # of entries in index claim_live'"
                return real(statement)

        (problem,) = verifying.verify(Told())  # type: ignore[arg-type]
    assert problem.what == "SQLite finds: wrong # of entries in index claim_live"
    assert problem.code == "LED-12"


def test_what_was_changed_is_not_read_as_if_it_were_right(ledger: Ledger) -> None:
    connection: Any = ledger._store._connection.connection.driver_connection
    for statement in (
        "UPDATE batch SET holds_numbers = 0 WHERE number = 1",
        "UPDATE verdict SET acknowledged = 0 WHERE acknowledged = 1",
        "UPDATE claim SET took_from = NULL WHERE took_from IS NOT NULL",
        *UNLOCK[:1],
        "UPDATE event SET company_id = company_id, body = '{}' WHERE number = 1",
    ):
        connection.execute(statement)
    one = connection.execute("SELECT id FROM batch WHERE number = 1").fetchone()[0]
    for look in (
        lambda: ledger.batches(COMPANY),
        lambda: ledger.find(COMPANY, "1"),
        lambda: ledger.verdicts(one),
        lambda: ledger.claims(COMPANY, ["a"]),
        lambda: ledger.events(COMPANY),
    ):
        with pytest.raises(UserMustFix, match="LED-3"):
            look()


def test_a_claim_of_a_batch_that_is_gone_is_damage(ledger: Ledger) -> None:
    connection: Any = ledger._store._connection.connection.driver_connection
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("DELETE FROM batch WHERE number = 2")
    with pytest.raises(UserMustFix, match="a claim belongs to no batch"):
        ledger.claims(COMPANY, ["a"])


def test_a_ledger_that_stores_something_else_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken variant: projections written by other code than the one that replays."""
    with open_in(tmp_path) as ledger:
        batch = walk_until(ledger, Kind.CLOSED)
        real = ledger_module.apply

        def forgetful(rows: Any, event: Any) -> Any:
            after = real(rows, event)
            return type(after)(after.batch, after.verdicts, rows.claims)

        monkeypatch.setattr(ledger_module, "apply", forgetful)
        walk(ledger, Kind.WITHDRAWN, batch=batch)
        (problem,) = [one for one in ledger.verify() if '"became"' in one.what]
        assert problem.what == '"became" is booked, the events say freed'
