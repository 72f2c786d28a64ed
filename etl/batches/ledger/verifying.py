"""Play all events again and compare with what is stored; name what differs, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Table

from etl.batches.ledger import failures
from etl.batches.ledger.reading import fetch
from etl.batches.ledger.replaying import Replay
from etl.batches.ledger.rows import read_event
from etl.batches.ledger.schema import BATCH, CLAIM, EVENT, VERDICT
from etl.batches.ledger.sealing import DIGEST, is_sealed
from etl.errors import EtlError, Problem

#: More than this is not a list that somebody works through.
MAX_PROBLEMS = 100
_SHOWN = 60


def verify(connection: Connection) -> list[Problem]:
    """Name everything the tables hold otherwise than the events say, and what SQLite finds."""
    problems = _pages(connection)
    replay = Replay()
    problems += _events(connection, replay)
    for table, wanted in (
        (BATCH, replay.batch_rows()),
        (VERDICT, replay.verdict_rows()),
        (CLAIM, replay.claim_rows()),
    ):
        problems += _compare(connection, table, wanted)
    return problems[:MAX_PROBLEMS]


def _pages(connection: Connection) -> list[Problem]:
    found = connection.exec_driver_sql(f"PRAGMA integrity_check({MAX_PROBLEMS})").scalars().all()
    problems = [failures.differs(f"SQLite finds: {text}", "") for text in found if text != "ok"]
    lost = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return problems + [failures.differs(f"a row of {row[0]} belongs to no batch", "")
                       for row in lost]  # fmt: skip


def _events(connection: Connection, replay: Replay) -> list[Problem]:
    """Play every event; those after a broken one of the same batch cannot be."""
    problems: list[Problem] = []
    broken: set[str] = set()
    number = 0
    for row in fetch(connection, EVENT):
        number += 1
        if row["number"] != number:
            problems.append(failures.differs("events are missing", f"before event {row['number']}"))
            number = row["number"]
        if row["batch_id"] in broken:
            continue
        wrong = _play(row, replay)
        if wrong is not None:
            where = f"event {row['number']}, batch {row['batch_id']}"
            problems.append(failures.differs(wrong, where))
            broken.add(row["batch_id"])
    return problems


def _play(row: Mapping[str, Any], replay: Replay) -> str | None:
    """Play an event; say what is wrong with it, if it cannot be."""
    if not is_sealed(row):
        return "an event is not as it was written"
    try:
        event = read_event(row)
        if not replay.follows(event, previous=row["previous"]):
            return "an event does not follow the one before it"
        replay.play(event, head=row[DIGEST])
    except EtlError as error:
        return f"an event cannot have happened: {error.problems[0].what}"
    except failures.BodyWrong as error:
        return str(error)
    return None


def _compare(
    connection: Connection, table: Table, wanted: Iterable[Mapping[str, Any]]
) -> list[Problem]:
    keys = [column.name for column in table.primary_key.columns]
    expected = {tuple(row[key] for key in keys): row for row in wanted}
    problems = []
    for row in fetch(connection, table):
        key = tuple(row[name] for name in keys)
        right = expected.pop(key, None)
        where = f"{table.name} {' '.join(key)}"
        if right is None:
            problems.append(failures.differs("a row that no event made", where))
            continue
        problems += [
            failures.differs(
                f'"{name}" is {_shown(row[name])}, the events say {_shown(right[name])}', where
            )
            for name in right
            if row[name] != right[name]
        ]
    return problems + [
        failures.differs("a row is missing", f"{table.name} {' '.join(key)}") for key in expected
    ]


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
