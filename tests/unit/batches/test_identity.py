"""The outbox says whose it is, and a ledger that does not know it stops every command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from etl.batches.identity import NAME, check_identity, read_identity, write_identity
from etl.batches.ledger import Ledger, NewBatch
from etl.batches.states import Kind
from etl.errors import UserMustFix
from tests.fakes.ledgers import COMPANY, walk, walk_until


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    return tmp_path / "outbox" / "acme"


def code(outbox: Path, ledger: Ledger, *, company_id: str = COMPANY) -> str:
    with pytest.raises(UserMustFix) as refusal:
        check_identity(outbox, ledger=ledger, company_id=company_id)
    (problem,) = refusal.value.problems
    assert str(Path.home()) not in problem.where
    return problem.code


def test_an_empty_outbox_becomes_the_ledgers(ledger: Ledger, outbox: Path) -> None:
    check_identity(outbox, ledger=ledger, company_id=COMPANY.upper())
    assert json.loads((outbox / NAME).read_text()) == {
        "schema": 1, "ledger": ledger.id, "company": COMPANY,
    }  # fmt: skip
    check_identity(outbox, ledger=ledger, company_id=COMPANY)
    walk_until(ledger, Kind.STAGED)
    check_identity(outbox, ledger=ledger, company_id=COMPANY)


def test_looking_writes_nothing(ledger: Ledger, outbox: Path) -> None:
    check_identity(outbox, ledger=ledger, company_id=COMPANY, is_writing=False)
    assert not outbox.exists()


def test_an_outbox_of_another_company_is_refused(ledger: Ledger, outbox: Path) -> None:
    check_identity(outbox, ledger=ledger, company_id=COMPANY)
    assert code(outbox, ledger, company_id="another") == "LED-13"


def test_an_outbox_of_another_ledger_is_refused(ledger: Ledger, outbox: Path) -> None:
    write_identity(outbox, ledger_id="f" * 32, company_id=COMPANY)
    walk_until(ledger, Kind.STAGED)
    assert code(outbox, ledger) == "LED-13"


def test_a_new_ledger_does_not_take_over_an_outbox(ledger: Ledger, outbox: Path) -> None:
    write_identity(outbox, ledger_id="f" * 32, company_id=COMPANY)
    assert code(outbox, ledger) == "LED-14"
    write_identity(outbox, ledger_id=ledger.id, company_id=COMPANY)
    check_identity(outbox, ledger=ledger, company_id=COMPANY)


def test_batches_that_the_ledger_has_never_heard_of_are_refused(
    ledger: Ledger, outbox: Path
) -> None:
    for name in ("0001-0123456789ab", "0002-0123456789cd"):
        (outbox / name).mkdir(parents=True)
    assert code(outbox, ledger) == "LED-14"
    assert read_identity(outbox) is None
    walk_until(ledger, Kind.CLOSED, new=NewBatch(COMPANY, id="0123456789ab"))
    with pytest.raises(UserMustFix, match="does not know that 0002-0123456789cd was released"):
        check_identity(outbox, ledger=ledger, company_id=COMPANY)
    (outbox / "0002-0123456789cd").rmdir()
    check_identity(outbox, ledger=ledger, company_id=COMPANY)


def test_an_old_copy_of_the_ledger_does_not_know_what_was_released(
    ledger: Ledger, outbox: Path
) -> None:
    """Put back from before the release, it would release the batch again."""
    batch = walk_until(ledger, Kind.STARTED, new=NewBatch(COMPANY, id="0123456789ab"))
    check_identity(outbox, ledger=ledger, company_id=COMPANY)
    (outbox / "0001-0123456789ab").mkdir()
    assert code(outbox, ledger) == "LED-14"
    batch = walk(ledger, Kind.PUBLISH_INTENDED, batch=batch)
    check_identity(outbox, ledger=ledger, company_id=COMPANY)
    walk(ledger, Kind.PUBLISHED, batch=batch)
    check_identity(outbox, ledger=ledger, company_id=COMPANY)


def test_other_files_in_the_outbox_are_no_batches(ledger: Ledger, outbox: Path) -> None:
    outbox.mkdir(parents=True)
    (outbox / "read me.txt").write_text("x")
    check_identity(outbox, ledger=ledger, company_id=COMPANY)
    assert read_identity(outbox) is not None


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '"x"', "{}", '{"schema": 2, "ledger": "x", "company": "y"}',
                '{"schema": 1, "ledger": 1, "company": "y"}', "\xff"]
)  # fmt: skip
def test_an_identity_that_cannot_be_read_is_refused(
    ledger: Ledger, outbox: Path, content: str
) -> None:
    outbox.mkdir(parents=True)
    (outbox / NAME).write_bytes(content.encode("latin-1"))
    assert code(outbox, ledger) == "LED-15"


def test_a_folder_in_its_place_is_refused(ledger: Ledger, outbox: Path) -> None:
    (outbox / NAME).mkdir(parents=True)
    assert code(outbox, ledger) == "LED-15"


def test_a_file_in_the_outboxs_place_says_nothing(ledger: Ledger, outbox: Path) -> None:
    outbox.parent.mkdir()
    outbox.write_text("x")
    check_identity(outbox, ledger=ledger, company_id=COMPANY, is_writing=False)
    with pytest.raises(UserMustFix, match="OUT-2"):
        check_identity(outbox, ledger=ledger, company_id=COMPANY)
