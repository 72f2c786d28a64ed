"""What a process of its own does to a ledger or a lock, told by its arguments; it prints JSON.

appending ROOT ROUNDS     reserve a batch; who gets it takes it a few steps on and ends it
locking ROOT ROUNDS       take the lock of a company, and see that nobody else is inside
holding ROOT              take the lock, say so, and wait to be killed
writing ROOT              append events without end, saying so after each
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

from etl.batches.ledger import Ledger, NewBatch
from etl.batches.lock import company_lock
from etl.batches.states import Kind
from etl.clock import SystemClock
from etl.errors import HeldElsewhere, UserMustFix
from tests.fakes.ledgers import COMPANY, body_of, open_in

STEPS = (Kind.STAGED, Kind.REVIEWED, Kind.REVIEWED, Kind.ANSWERED)


def append_one(ledger: Ledger, chance: random.Random) -> tuple[int, str]:
    """Try to take a batch from its beginning to its end; give the events stored, and the end."""
    stored = 0
    try:
        numbers = ledger.next_numbers(COMPANY, per_fiscal_year=False)
        body = body_of(Kind.RESERVED, number=numbers.batch, first_vouchers=numbers.first_vouchers())
        batch = ledger.append(NewBatch(COMPANY), Kind.RESERVED, body)
        stored += 1
        for kind in (*STEPS[: chance.randrange(len(STEPS) + 1)], Kind.VOIDED):
            batch = ledger.append(batch, kind, body_of(kind))
            stored += 1
    except HeldElsewhere as error:
        return stored, error.problems[0].code
    return stored, "done"


def meddle(ledger: Ledger) -> tuple[int, str]:
    """Append to the batch of somebody else, as a person who looked a moment ago."""
    batch = ledger.unsettled(COMPANY)
    if batch is None:
        return 0, "none"
    try:
        ledger.append(batch, Kind.VOIDED, body_of(Kind.VOIDED))
    except (HeldElsewhere, UserMustFix) as error:
        return 0, error.problems[0].code
    return 1, "voided"


def appending(root: Path, rounds: int) -> dict[str, Any]:
    chance, ends, stored = random.Random(os.getpid()), [], 0
    with open_in(root) as ledger:
        for _ in range(rounds):
            work = meddle(ledger) if chance.random() < 0.2 else append_one(ledger, chance)
            stored += work[0]
            ends.append(work[1])
    return {"stored": stored, "ends": sorted(set(ends))}


def locking(root: Path, rounds: int) -> dict[str, Any]:
    """Inside, a file is made that must not be there, and is taken away again."""
    inside, waits, told = 0, [], set()
    for _ in range(rounds):
        began = time.monotonic()
        try:
            with company_lock(root, "acme", clock=SystemClock(), what="pleo-etl run"):
                os.close(os.open(root / "inside", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
                inside += 1
                (root / "inside").unlink()
        except HeldElsewhere as error:
            waits.append(time.monotonic() - began)
            told.add(error.problems[0].what)
    return {"inside": inside, "longest": max(waits, default=0.0), "told": sorted(told)}


def holding(root: Path) -> None:
    with company_lock(root, "acme", clock=SystemClock(), what="pleo-etl release"):
        print(json.dumps({"pid": os.getpid()}), flush=True)
        sys.stdin.read()


def writing(root: Path) -> None:
    with open_in(root) as ledger:
        number = 0
        while True:
            number += 1
            batch = ledger.append(NewBatch(COMPANY), Kind.RESERVED, body_of(Kind.RESERVED))
            batch = ledger.append(batch, Kind.VOIDED, body_of(Kind.VOIDED))
            print(batch.id, flush=True)


if __name__ == "__main__":
    what, place, *rest = sys.argv[1:]
    if what in ("holding", "writing"):
        {"holding": holding, "writing": writing}[what](Path(place))
    else:
        work = {"appending": appending, "locking": locking}[what]
        print(json.dumps(work(Path(place), int(rest[0]))))
