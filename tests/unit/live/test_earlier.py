"""What earlier batches say of items, and notes that a company wants a person to answer."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from etl.errors import UserMustFix
from etl.live import earlier
from etl.live.viewing import Viewed, open_shelf, view_of
from etl.review.model import NoteGroup
from etl.workspace import load_workspace
from tests.fakes.items import invoice, item
from tests.fakes.transport import SandboxClockOf
from tests.unit.cli.live import Live, make_live

NORDHOST, SOUTHHOST = "Nordhost GmbH", "Southhost GmbH"


def named(n: int, number: str, supplier: str = NORDHOST, **more: Any) -> dict[str, Any]:
    """Give an item that names an invoice of a supplier."""
    return item(n=n, invoice=invoice(number, "2026-03-01"), merchant=supplier, **more)


ITEMS = [
    named(1, "RE-7", wallet="119.00 EUR"),
    named(2, "RE-8", wallet="30.00 EUR"),
    named(3, "RE-7", wallet="44.00 EUR"),  # the invoice of item 1, in another item
    named(4, "RE-7", SOUTHHOST, wallet="119.00 EUR"),  # the number, of another supplier
    named(5, " RE-8 ", wallet="30.00 EUR", type="card_invoice"),  # a payment of another kind
    item(n=6, wallet="119.00 EUR"),  # the amount and the day of item 1, and no number
    named(7, "RE-9", wallet="12.00 EUR"),
]
IDS = [one["accountingEntryId"] for one in ITEMS]


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    monkeypatch.chdir(tmp_path)
    live = make_live(tmp_path)
    live.add("acme", ITEMS)
    return live


def ask(live: Live, codes: str) -> None:
    """Write `must_answer` into the workspace."""
    path = live.root / "pleo-etl.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("acme.yaml}", f"acme.yaml, must_answer: {codes}}}"), "utf-8")


def export(live: Live, *places: int) -> Any:
    """Export items by their place, and stage them."""
    job = live.job("acme", [IDS[place - 1] for place in places])
    result = live.run("run")
    assert result.exit_code in (0, 1), result.output
    return job


def release(live: Live) -> None:
    result = live.run("release", "--yes")
    assert result.exit_code in (0, 1), result.output


def viewed(live: Live, number: str = "", revision: int | None = None) -> Viewed:
    workspace = load_workspace(live.root / "pleo-etl.yaml")
    with open_shelf(workspace, "acme", clock=SandboxClockOf(live.pleo)) as shelf:
        assert shelf is not None
        batches = shelf.ledger.batches(shelf.company_id)
        batch = shelf.ledger.find(shelf.company_id, number) if number else batches[-1]
        return view_of(shelf, batch, revision=revision)


def notes(live: Live) -> dict[str, NoteGroup]:
    return {group.code: group for group in viewed(live).view.notes}


def test_an_invoice_number_of_the_same_supplier_in_a_released_batch_is_noted(live: Live) -> None:
    export(live, 1, 2)
    release(live)
    export(live, 3, 4, 5, 6, 7)
    (one,) = notes(live)["REV-4"].concerned
    assert one.item_id == IDS[2]
    assert one.detail == f"invoice RE-7 stands on item {IDS[0]} in batch 1 of 2026-04-01, voucher 1"
    looked = viewed(live).view.looked_through
    assert looked is not None
    assert (looked.batches, looked.unreadable) == (1, 0)
    page = (viewed(live).folder / "review.html").read_text(encoding="utf-8")
    assert "Invoice numbers were compared with those of 1 earlier batch." in page


def test_what_is_not_in_the_books_is_not_seen_before(live: Live) -> None:
    export(live, 1)
    live.run("review", "--reject", IDS[0], "--reason", "wrong month")
    release(live)  # nothing of it is booked
    export(live, 2)
    release(live)
    assert live.run("withdraw", "2", "--yes").exit_code == 0
    export(live, 3, 5)
    assert "REV-4" not in notes(live)


def test_without_the_stored_items_it_says_what_it_does_not_know(live: Live) -> None:
    export(live, 1, 2)
    release(live)
    for folder in (live.root / ".pleo-etl" / "batches" / "acme").iterdir():
        shutil.rmtree(folder)
    export(live, 3)
    view = viewed(live).view
    assert "REV-4" not in {group.code for group in view.notes}
    assert view.looked_through is not None
    assert (view.looked_through.batches, view.looked_through.unreadable) == (0, 1)


def test_the_evidence_of_a_released_batch_is_read_where_its_items_are_gone(live: Live) -> None:
    template = live.root / "templates" / "plain" / "template.yaml"
    text = template.read_text(encoding="utf-8")
    columns = "\n".join(
        f'      - {{name: {name}, value: "{{{{ {value} }}}}"}}'
        for name, value in (
            ("Invoice", "item.invoice.number"), ("From", "item.supplier.name"),
            ("Type", "item.type"), ("Sub", "item.sub_type"),
        )
    )  # fmt: skip
    template.write_text(text.replace("external_id:", f"{columns}\nexternal_id:"), encoding="utf-8")
    export(live, 1, 2)
    release(live)
    for folder in (live.root / ".pleo-etl" / "batches" / "acme").iterdir():
        shutil.rmtree(folder)
    export(live, 3, 4, 5)
    (one,) = notes(live)["REV-4"].concerned
    assert one.item_id == IDS[2]
    looked = viewed(live).view.looked_through
    assert looked is not None
    assert (looked.batches, looked.unreadable) == (1, 0)


@pytest.mark.parametrize("content", [b"", b"broken", b"PAR1" + 40 * b"x" + b"PAR1"])
def test_evidence_that_cannot_be_read_is_none(live: Live, content: bytes) -> None:
    export(live, 1)
    release(live)
    for folder in (live.root / ".pleo-etl" / "batches" / "acme").iterdir():
        shutil.rmtree(folder)
    (evidence,) = (live.root / "outbox").rglob("explain.parquet")
    evidence.write_bytes(content)
    export(live, 3)
    looked = viewed(live).view.looked_through
    assert looked is not None
    assert (looked.batches, looked.unreadable) == (0, 1)


def test_items_that_cannot_be_read_name_no_invoice() -> None:
    good = json.dumps(ITEMS[0]).encode()
    broken = [
        good[:-9], b'["invoiceNumber"]', b'{"invoiceNumber": 1}', b"null", b'"invoiceNumber"',
        good.replace(b'"RE-7"', b"7"), good.replace(IDS[0].encode(), b""),
        b'{"accountingEntryId": "x", "additionalInformation": "invoiceNumber"}',
        b'{"accountingEntryId": "x", "additionalInformation": {"invoiceInformation":'
        b' {"invoiceNumber": "1"}}, "supplier": []}',
    ]  # fmt: skip
    assert set(earlier.named_in([good, *broken])) == {IDS[0]}


def test_an_entry_that_is_booked_again_says_where_it_stood_and_what_was_answered(
    live: Live,
) -> None:
    export(live, 1, 2)
    release(live)
    export(live, 1, 7)
    assert live.run("review", "--again", IDS[0]).exit_code in (0, 1)
    (one,) = notes(live)["REV-5"].concerned
    assert one.item_id == IDS[0]
    assert one.detail == "batch 1 of 2026-04-01, voucher 1; answered: book it again"


def test_an_entry_of_a_withdrawn_batch_says_so(live: Live) -> None:
    export(live, 1, 2)
    release(live)
    assert live.run("withdraw", "1", "--yes").exit_code == 0
    export(live, 2)
    (one,) = notes(live)["REV-5"].concerned
    assert one.detail == "batch 1 of 2026-04-01, voucher 2; its files were withdrawn"


def test_an_old_revision_shows_what_was_known_then(live: Live) -> None:
    export(live, 1)
    release(live)
    export(live, 3)
    release(live)
    assert live.run("withdraw", "1", "--yes").exit_code in (0, 1)
    assert "REV-4" in {group.code for group in viewed(live, "2").view.notes}


def test_already_booked_items_are_listed_with_their_voucher(live: Live) -> None:
    export(live, 1, 2)
    release(live)
    export(live, 1, 7)
    live.run("review", "--already-booked", IDS[0])
    seen = viewed(live)
    (group,) = seen.view.aside
    assert (group.title, group.count) == ("Already booked", 1)
    (one,) = group.concerned
    assert (one.item_id, one.title) == (IDS[0], "Nordhost GmbH")
    assert (str(one.amount), one.currency) == ("119.00", "EUR")
    assert one.detail == "as voucher 4113001"
    assert seen.drawer is not None
    line = seen.drawer.items([IDS[0]])[IDS[0]]  # the local page names it beside the answer
    assert (line.title, str(line.amount)) == ("Nordhost GmbH", "119.00")


# ── notes that must be answered ──


def test_a_note_that_must_be_answered_blocks_until_it_is(live: Live) -> None:
    ask(live, "[REV-4, REV-1]")
    export(live, 1)
    (told,) = live.json("review")["companies"]
    assert "REV-1" in json.dumps(told)
    refused = live.run("review", "--approve")
    assert refused.exit_code == 2
    assert "REL-3" in refused.stderr
    assert notes(live)["REV-1"].is_blocking
    assert live.run("review", "--answer", "REV-1=paid in cash").exit_code in (0, 1)
    release(live)
    export(live, 3)
    assert dict(viewed(live).blocking) == {"REV-1": [IDS[2]], "REV-4": [IDS[2]]}
    assert live.run("release", "--yes").exit_code == 2
    live.run("review", "--answer", "REV-1=paid in cash")
    assert dict(viewed(live).blocking) == {"REV-4": [IDS[2]]}
    assert {code for code, note in notes(live).items() if note.is_blocking} == {"REV-4"}
    live.run("review", "--answer", "REV-4=a second delivery under one number")
    assert dict(viewed(live).blocking) == {}
    release(live)


def test_unattended_such_items_are_failed_and_the_others_go_on(live: Live) -> None:
    ask(live, "[REV-4]")
    export(live, 1)
    release(live)
    job = live.job("acme", [IDS[2], IDS[6]])
    assert live.run("run", "--release").exit_code == 1
    failed = [one for one in job.items.values() if one.failure_type]
    assert [(one.entry_id, one.failure_type) for one in failed] == [(IDS[2], "validation_failure")]
    assert "a person must look at this item first (REV-4" in str(failed[0].failure_reason)
    assert viewed(live).view.counts.rendered == 1  # made again: the same content as then


def test_without_the_setting_nothing_is_asked(live: Live) -> None:
    export(live, 1)
    assert dict(viewed(live).blocking) == {}
    assert not notes(live)["REV-1"].is_blocking


@pytest.mark.parametrize(
    ("codes", "says"),
    [
        ("[REV-99]", '"REV-99" under must_answer is not a code'),
        ("[MAP-21]", '"MAP-21" under must_answer is not a note ('),
    ],
)
def test_only_notes_can_be_asked_about(live: Live, codes: str, says: str) -> None:
    ask(live, codes)
    result = live.run("check")
    assert result.exit_code == 2
    assert "WS-6" in result.stderr
    assert says in result.stderr
    with pytest.raises(UserMustFix, match="WS-6"):
        load_workspace(live.root / "pleo-etl.yaml")


# ── what was held back before a lapse ──


def lapse(live: Live) -> None:
    live.pleo.advance(3601)
    live.run("run")


def test_what_was_held_back_before_is_said_on_every_face(live: Live) -> None:
    export(live, 1, 7)
    live.run("review", "--reject", IDS[0], "--reason", "private", "--by", "B. Lind")
    lapse(live)
    export(live, 1, 7)
    seen = viewed(live).view
    (cause,) = seen.causes
    assert (cause.code, cause.messages) == ("REVIEW-1", ("rejected by the reviewer: private",))
    (one,) = cause.concerned
    assert one.item_id == IDS[0]
    assert re.fullmatch(
        r"held back before, in void batch [0-9a-f]{6} on 2026-04-01 by B\. Lind: private",
        one.detail,
    )
    assert seen.counts.rejected == 1
    assert one.detail in " ".join(live.run("review").output.split())
    assert one.detail[1:] in (viewed(live).folder / "review.html").read_text(encoding="utf-8")
    assert live.run("review", "--undo", IDS[0]).exit_code in (0, 1)
    assert viewed(live).view.causes == ()


def test_what_has_changed_since_it_was_held_back_is_a_remark(live: Live) -> None:
    export(live, 1, 7)
    live.run("review", "--reject", IDS[0], "--reason", "private", "--by", "B. Lind")
    lapse(live)
    (line, *_) = live.companies["acme"].entries[IDS[0]]["accountingEntryLines"]
    line["account"]["code"] = "4900"
    export(live, 1, 7)
    (one,) = notes(live)["REV-6"].concerned
    assert (one.item_id, viewed(live).view.causes) == (IDS[0], ())
    assert one.detail.endswith(" by B. Lind: private – it has changed since")
    told = " ".join(live.run("review").output.split())
    assert "he item was held back in an earlier batch" in told
