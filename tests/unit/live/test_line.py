"""The live line: what `convert` makes, with a job, receipts, decisions and the ledger's numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from etl import files
from etl.cli import main
from etl.codes import CODES, Code
from etl.errors import UserMustFix
from etl.live import line as live_line
from etl.live.line import BatchFacts, Decisions, Refused, Revision
from etl.pipeline import write
from etl.verification import verify_folder
from tests.fakes.items import item
from tests.fakes.workshop import CREATED, FACTS, JOB, StagedBatch, Workshop, receipt
from tests.security.lines import TEMPLATES

LINES = [{"account": "4650 Bewirtungskosten"}]
FIVE = [item(n=n, wallet=f"{n}0.00 EUR", lines=LINES) for n in range(1, 6)]
IDS = [one["accountingEntryId"] for one in FIVE]


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    root = tmp_path / "work"
    root.mkdir()
    monkeypatch.chdir(root)
    return Workshop(root)


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> StagedBatch:
    """Give a batch of five items that all can be booked; nothing changes it."""
    return Workshop(tmp_path_factory.mktemp("five")).stage(FIVE)


def manifest_of(revision: Revision) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(revision.conversion.manifest)
    return found


def codes_of(revision: Revision) -> list[tuple[str, str]]:
    return [
        tuple(row) for row in revision.conversion.rejections.select("code", "failure_type").rows()
    ]


# ── one line ──


def test_the_live_line_makes_what_convert_makes(workshop: Workshop, five: StagedBatch) -> None:
    offline = workshop.like.convert(
        five.stored.folder / "items.ndjson", as_of=CREATED, batch_number=7, first_voucher=41
    )
    batch = offline.head["batch"]
    facts = BatchFacts(batch["id"], 7, None, CREATED, {"": 41})
    live = five.render(facts=facts)
    assert [(made.name, made.content) for made in live.conversion.files] == [
        (made.name, made.content) for made in offline.files
    ]
    assert live.content == offline.head["content"]
    assert live.counts == offline.counts
    assert live.recipe == offline.head["recipe"]["sha256"]
    assert live.input == offline.head["input"]["sha256"]


def test_rendered_twice_it_is_the_same_to_the_byte(five: StagedBatch, tmp_path: Path) -> None:
    five.render().write(tmp_path / "a")
    five.render().write(tmp_path / "b")
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in "ab"
    )
    assert first == second


def test_the_manifest_names_job_batch_and_numbers(five: StagedBatch) -> None:
    revision = five.render(facts=BatchFacts("b-9", 9, JOB, CREATED, {"": 100}))
    manifest = manifest_of(revision)
    assert manifest["batch"] == {
        "id": "b-9", "number": 9, "job": JOB, "company": FIVE[0]["companyId"],
        "created": "2026-04-01T09:30:15.000Z",
    }  # fmt: skip
    assert manifest["numbers"] == {"first_voucher": 100, "last_voucher": 104}
    assert dict(revision.last_vouchers) == {"": 104}
    assert [one.vouchers for one in revision.items if one.id == IDS[2]] == [("102",)]


def test_a_template_prints_job_and_batch(workshop: Workshop) -> None:
    own = workshop.root / "templates" / "own"
    own.mkdir(parents=True)
    (own / "template.yaml").write_text(
        "id: own\nextends: generic\nversion: 1\ncolumns:\n"
        '  Static value 1: {value: "{{ job.id }} {{ batch.number }}"}\n'
    )
    workshop.settings(template="own", parameters={})
    (made,) = workshop.stage(FIVE[:1]).render().conversion.files
    assert f"{JOB} 1".encode() in made.content


# ── decisions ──


def counted(revision: Revision) -> tuple[int, ...]:
    counts = revision.counts
    return (
        counts.items, counts.rendered, counts.rejected, counts.already_booked,
        counts.nothing_to_book, counts.skipped, counts.vouchers,
    )  # fmt: skip


def decisions() -> Iterator[tuple[str, Decisions, tuple[int, ...]]]:
    refused = Refused("REVIEW-1", "vendor_unknown", "M", "F")
    yield "none", Decisions(), (5, 5, 0, 0, 0, 0, 5)
    yield "rejected", Decisions(rejected={IDS[0]: "no"}), (5, 4, 1, 0, 0, 0, 4)
    yield "failed", Decisions(failed={IDS[1]: refused}), (5, 4, 1, 0, 0, 0, 4)
    yield "booked", Decisions(already_booked={IDS[2]: "V-7"}), (5, 4, 0, 1, 0, 0, 4)
    yield "skipped", Decisions(skipped=frozenset(IDS[3:])), (5, 3, 0, 0, 0, 2, 3)
    yield "all", Decisions(skipped=frozenset(IDS)), (5, 0, 0, 0, 0, 5, 0)
    yield "each", Decisions(
        {IDS[0]: ""}, {IDS[1]: refused}, {IDS[2]: "V-7"}, frozenset(IDS[3:4])
    ), (5, 1, 2, 1, 0, 1, 1)  # fmt: skip
    yield "capitals", Decisions(skipped=frozenset([IDS[0].upper()])), (5, 4, 0, 0, 0, 1, 4)
    yield "of no item", Decisions(rejected={"e-0": "no"}), (5, 5, 0, 0, 0, 0, 5)
    yield "skipped and rejected", Decisions(
        rejected={IDS[0]: "no"}, already_booked={IDS[0]: "V-7"}, skipped=frozenset(IDS[:1])
    ), (5, 4, 0, 0, 0, 1, 4)  # fmt: skip


@pytest.mark.parametrize(
    ("said", "expected"), [pytest.param(*rest, id=name) for name, *rest in decisions()]
)
def test_every_listed_item_is_counted_once(
    five: StagedBatch, tmp_path: Path, said: Decisions, expected: tuple[int, ...]
) -> None:
    revision = five.render(said)
    assert counted(revision) == expected
    assert sorted(one.id or "" for one in revision.items) == sorted(IDS)
    revision.write(tmp_path / "out")
    proof = verify_folder(tmp_path / "out")
    assert (proof.problems, proof.items, proof.rejected) == ([], 5, expected[2])


def test_numbers_have_no_gap_where_items_were_taken_out(five: StagedBatch) -> None:
    revision = five.render(Decisions(rejected={IDS[0]: "no"}, skipped=frozenset(IDS[1:2])))
    assert sorted(n for one in revision.items for n in one.vouchers) == ["1", "2", "3"]


def test_the_manifest_lists_what_was_decided(five: StagedBatch) -> None:
    revision = five.render(
        Decisions({IDS[0]: "wrong month"}, {}, {IDS[1]: "V-7"}, frozenset(IDS[2:3]))
    )
    listed = {one["id"]: one for one in manifest_of(revision)["items"]}
    assert listed[IDS[0]] == {
        "id": IDS[0], "verdict": "failed", "failure_type": "validation_failure",
        "failure_reason": "rejected by the reviewer: wrong month – change it in Pleo as the"
        " reviewer asks, then export it again",
        "rows": [], "vouchers": [], "where": "items.ndjson:1",
    }  # fmt: skip
    assert listed[IDS[1]] == {
        "id": IDS[1], "verdict": "exported", "external_id": "V-7", "rows": [], "vouchers": [],
    }  # fmt: skip
    assert listed[IDS[2]] == {"id": IDS[2], "verdict": "skipped", "rows": [], "vouchers": []}
    assert codes_of(revision) == [("REVIEW-1", "validation_failure")]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (Decisions(already_booked={IDS[0]: "V-7"}), "booked by an earlier batch: it has no row"),
        (Decisions(skipped=frozenset(IDS[:1])), "it was reported to Pleo before this batch was"),
    ],
)
def test_explain_says_why_an_item_stands_in_no_file(
    five: StagedBatch, tmp_path: Path, said: Decisions, expected: str
) -> None:
    five.render(said).write(tmp_path / "out")
    shown = CliRunner().invoke(main, ["explain", IDS[0], str(tmp_path / "out")])
    assert shown.exit_code == 0
    assert expected in shown.output


def test_outcomes_say_what_the_manifest_says(five: StagedBatch) -> None:
    said = Decisions({IDS[0]: "no"}, {}, {IDS[1]: "V-7"}, frozenset(IDS[2:3]))
    revision = five.render(said)
    listed = {one["id"]: one for one in manifest_of(revision)["items"]}
    for one in revision.items:
        told = listed[one.id]
        assert one.verdict == told["verdict"]
        assert one.external_id == told.get("external_id")
        assert one.failure_reason == told.get("failure_reason")
        assert len(one.vouchers) == len(told["vouchers"])


def test_a_broken_item_that_was_skipped_is_not_rejected(workshop: Workshop) -> None:
    broken = {**FIVE[0], "date": "today"}
    staged = workshop.stage([broken, *FIVE[1:]])
    assert counted(staged.render())[:3] == (5, 4, 1)
    assert counted(staged.render(Decisions(skipped=frozenset(IDS[:1])))) == (5, 4, 0, 0, 0, 1, 4)


def test_decisions_count_in_recipe_and_content(five: StagedBatch) -> None:
    plain, decided = five.render(), five.render(Decisions(already_booked={IDS[0]: "V-7"}))
    assert plain.recipe != decided.recipe
    assert plain.content != decided.content
    assert plain.input == decided.input


# ── fingerprints ──


def prints(revision: Revision) -> dict[str | None, str | None]:
    return {one.id: one.fingerprint for one in revision.items}


def test_a_fingerprint_stays_whatever_is_decided_and_under_other_numbers(five: StagedBatch) -> None:
    plain = five.render()
    assert None not in prints(plain).values()
    assert len(set(prints(plain).values())) == 5
    said = Decisions({IDS[0]: "no"}, {}, {IDS[1]: "V-7"}, frozenset(IDS[2:3]))
    assert prints(five.render(said, facts=replace(FACTS, number=9))) == prints(plain)


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({"note": "another text", "merchant": "Somebody"}, True),
        ({"reconciliation_id": "9999"}, True),
        ({"wallet": "10.01 EUR"}, False),
        ({"date": "2026-03-10T10:00:00Z"}, False),
        ({"lines": [{"account": "4660 Reisekosten"}]}, False),
        ({"contra": "1361 Pleo"}, False),
        ({"wallet": "10.00 USD"}, False),
        ({"lines": [{"account": "4650 B", "tax": "VSt19 0.19 inclusive 1.60 in=1576"}]}, False),
    ],
)
def test_a_fingerprint_is_of_accounts_amounts_tax_and_dates(
    workshop: Workshop, change: dict[str, Any], is_same: bool
) -> None:
    given: dict[str, Any] = {"n": 1, "lines": LINES} | change
    now = workshop.stage([item(**given)], name="two").render()
    then = workshop.stage([item(n=1, lines=LINES)]).render()
    assert (prints(now)[IDS[0]] == prints(then)[IDS[0]]) is is_same


# ── numbers by fiscal year ──


@pytest.fixture
def years(workshop: Workshop) -> StagedBatch:
    """Give items of two years for a template that numbers each year anew."""
    own = workshop.root / "templates" / "own"
    own.mkdir(parents=True)
    text = (TEMPLATES / "generic" / "template.yaml").read_text()
    (own / "template.yaml").write_text(
        text.replace("id: generic", "id: own") + "\nnumbering: fiscal_year\n"
    )
    workshop.settings(template="own", parameters={})
    days = ["2025-12-30", "2026-01-02", "2025-12-31", "2026-01-03", "2026-01-04"]
    return workshop.stage(
        [item(n=n, date=f"{day}T10:00:00Z", lines=LINES) for n, day in enumerate(days, 1)]
    )


def test_every_fiscal_year_goes_on_where_it_was(years: StagedBatch) -> None:
    assert years.workshop.line.per_fiscal_year
    revision = years.render(facts=replace(FACTS, first_vouchers={"2025": 901, "2026": 17}))
    numbers = {one.id: one.vouchers for one in revision.items}
    assert [numbers[entry] for entry in IDS] == [("901",), ("17",), ("902",), ("18",), ("19",)]
    assert dict(revision.last_vouchers) == {"2025": 902, "2026": 19}
    assert manifest_of(revision)["numbers"]["first_vouchers"] == {"2025": 901, "2026": 17}


def test_a_year_that_was_never_numbered_begins_with_one(years: StagedBatch) -> None:
    revision = years.render(facts=replace(FACTS, first_vouchers={"": 5, "2025": 901}))
    numbers = {one.id: one.vouchers for one in revision.items}
    assert [numbers[entry] for entry in IDS] == [("901",), ("1",), ("902",), ("2",), ("3",)]


def test_a_template_without_years_runs_on(five: StagedBatch) -> None:
    assert not five.workshop.line.per_fiscal_year
    revision = five.render(facts=replace(FACTS, first_vouchers={"": 8, "2026": 99}))
    assert dict(revision.last_vouchers) == {"": 12}


# ── blocking notes ──


def test_blocking_notes_are_named_until_they_are_answered(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CODES, "REV-1", Code("blocking note", "no receipt"))
    staged = workshop.stage([item(n=1, files=[receipt()], lines=LINES), *FIVE[1:3]])
    assert staged.render().blocking == (("REV-1", tuple(sorted(IDS[1:3]))),)
    assert staged.render(Decisions(answered=frozenset(["REV-1"]))).blocking == ()
    assert staged.render(Decisions(rejected=dict.fromkeys(IDS[1:3], ""))).blocking == ()


# ── receipts ──


def with_receipts(*kinds: list[str]) -> list[dict[str, Any]]:
    return [
        item(n=n, lines=LINES, files=[receipt(10 * n + at, kind) for at, kind in enumerate(row)])
        for n, row in enumerate(kinds, start=1)
    ]


PDF, JPEG = "application/pdf", "image/jpeg"


def written(revision: Revision, folder: Path) -> dict[str, bytes]:
    revision.write(folder)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix in (".pdf", ".jpg")
    }


def test_receipts_lie_in_their_folder_and_the_manifest_has_their_hashes(
    workshop: Workshop, tmp_path: Path
) -> None:
    staged = workshop.stage(with_receipts([PDF, JPEG], [PDF]))
    revision = staged.render()
    found = written(revision, tmp_path / "out")
    first, second = (f"receipt {n} of {IDS[0]}".encode() for n in (1, 2))
    assert found == {
        "attachments/4113001_01.pdf": first,
        "attachments/4113001_02.jpg": second,
        "attachments/4113002_01.pdf": f"receipt 1 of {IDS[1]}".encode(),
    }
    listed = {one["path"]: one for one in manifest_of(revision)["attachments"]}
    assert listed["attachments/4113001_02.jpg"] == {
        "bytes": len(second), "item": IDS[0], "name": "4113001_02.jpg", "type": JPEG,
        "path": "attachments/4113001_02.jpg", "sha256": files.sha256(second),
    }  # fmt: skip
    assert verify_folder(tmp_path / "out").problems == []


@pytest.mark.parametrize("template", ["sie4", "hledger"])
def test_a_template_that_does_not_speak_of_receipts_gets_all_of_them(
    tmp_path: Path, template: str
) -> None:
    workshop = Workshop(tmp_path, template)
    items = workshop.like.items()[:2]
    for number, one in enumerate(items):
        one["files"] = [receipt(number)]
    revision = workshop.stage(items).render()
    found = written(revision, tmp_path / "out")
    assert sorted(found) == [
        f"attachments/{one['additionalInformation']['reconciliationId']}_01.pdf" for one in items
    ]
    assert verify_folder(tmp_path / "out").problems == []


def test_receipts_in_a_zip_are_proved_with_it(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, "datev-extf")
    items = workshop.like.items()
    items[0]["files"] = [receipt()]
    revision = workshop.stage(items).render()
    assert written(revision, tmp_path / "out") == {}
    (zipped,) = (made for made in revision.conversion.files if made.name.endswith(".zip"))
    assert f"receipt 1 of {items[0]['accountingEntryId']}".encode() in zipped.content
    (listed,) = manifest_of(revision)["attachments"]
    assert listed["path"] is None
    assert listed["sha256"] is not None


def test_receipts_beside_the_file_lie_under_the_names_of_the_template(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, "quadratus")
    items = workshop.like.items()
    items[0]["files"] = [receipt(1), receipt(2)]
    revision = workshop.stage(items).render()
    assert list(written(revision, tmp_path / "out")) == ["00000001.pdf"]
    noted = {note["code"]: note["items"] for note in manifest_of(revision)["notes"]}
    assert noted["RECEIPT-LEFT-OUT"] == [items[0]["accountingEntryId"]]  # it takes one per item


@pytest.mark.parametrize("how", ["lost", "unknown"])
def test_a_receipt_that_could_not_be_had_is_a_note(
    workshop: Workshop, tmp_path: Path, how: str
) -> None:
    items = with_receipts([PDF, PDF], [PDF])
    lost, unknown = ([(1, 2)] if how == word else [] for word in ("lost", "unknown"))
    revision = workshop.stage(items, lost=lost, unknown=unknown).render()
    assert sorted(written(revision, tmp_path / "out")) == [
        "attachments/4113001_01.pdf", "attachments/4113002_01.pdf",
    ]  # fmt: skip
    noted = {note["code"]: note["items"] for note in manifest_of(revision)["notes"]}
    assert noted["RECEIPT-MISSING"] == [IDS[0]]
    assert counted(revision)[:3] == (2, 2, 0)


def test_a_receipt_that_is_not_what_was_announced_is_delivered_with_a_note(
    workshop: Workshop, tmp_path: Path
) -> None:
    revision = workshop.stage(with_receipts([PDF]), odd=[(1, 1)]).render()
    assert list(written(revision, tmp_path / "out")) == ["attachments/4113001_01.pdf"]
    noted = {note["code"]: note["items"] for note in manifest_of(revision)["notes"]}
    assert noted["RECEIPT-ODD"] == [IDS[0]]
    assert "RECEIPT-MISSING" not in noted


def test_where_receipts_are_required_a_lost_one_rejects_its_item(workshop: Workshop) -> None:
    workshop.edit("mappings/mapping.yaml", "reference:", "receipts: required\nreference:")
    staged = workshop.stage(with_receipts([PDF], [PDF], []), lost=[(1, 1)])
    revision = staged.render()
    assert {one.id: one.failure_type for one in revision.items} == {
        IDS[0]: "receipt_download_failure", IDS[1]: None, IDS[2]: "validation_failure",
    }  # fmt: skip
    assert counted(revision)[:3] == (3, 1, 2)


def test_where_the_format_requires_them_a_lost_one_rejects_its_item(workshop: Workshop) -> None:
    own = workshop.root / "templates" / "own"
    own.mkdir(parents=True)
    text = (TEMPLATES / "generic" / "template.yaml").read_text()
    delivered = 'attachments: {name: "{{ attachment.name }}", place: folder}'
    assert delivered in text
    text = text.replace(delivered, "attachments: {required: true}")
    (own / "template.yaml").write_text(text.replace("id: generic", "id: own"))
    workshop.settings(template="own", parameters={})
    revision = workshop.stage(with_receipts([PDF], [PDF], []), lost=[(1, 1)]).render()
    assert {one.id: one.failure_type for one in revision.items} == {
        IDS[0]: "receipt_download_failure", IDS[1]: None, IDS[2]: "validation_failure",
    }  # fmt: skip


def test_two_receipts_never_take_one_name(tmp_path: Path) -> None:
    """Ids that are chosen so that the names of their receipts meet."""
    workshop = Workshop(tmp_path, "hledger")
    one, two, three = (dict(workshop.like.items()[0]) for _ in range(3))
    names = ("aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002")
    for n, (each, reference) in enumerate([(one, "R"), (two, "R"), (three, "R_aaaaaaaa")]):
        each["accountingEntryId"] = (*names, "bbbbbbbb-0000-4000-8000-000000000003")[n]
        each["additionalInformation"] = {"reconciliationId": reference}
        each["files"] = [receipt(n)]
    revision = workshop.stage([one, two, three]).render()
    found = written(revision, tmp_path / "out")
    assert len(found) == revision.counts.rendered == 1
    assert {code for code, _ in codes_of(revision)} == {"CELL-22"}


def test_receipts_of_rejected_items_stay_out(workshop: Workshop, tmp_path: Path) -> None:
    staged = workshop.stage(with_receipts([PDF], [PDF], [PDF]))
    revision = staged.render(Decisions(rejected={IDS[0]: ""}, already_booked={IDS[1]: "V-7"}))
    assert list(written(revision, tmp_path / "out")) == ["attachments/4113003_01.pdf"]


def test_receipts_count_in_content_and_input(workshop: Workshop) -> None:
    items = with_receipts([PDF])
    whole = workshop.stage(items).render()
    lost = workshop.stage(items, name="two", lost=[(1, 1)]).render()
    assert whole.content != lost.content
    assert whole.input != lost.input


def test_receipts_in_a_folder_are_copied_and_never_held(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    pieces = live_line.checked_pieces

    def counting(path: Path, sha256: str) -> Iterator[bytes]:
        opened.append(path)
        yield from pieces(path, sha256)

    monkeypatch.setattr(live_line, "checked_pieces", counting)
    revision = workshop.stage(with_receipts([PDF], [PDF])).render()
    assert opened == []
    revision.write(tmp_path / "out")
    assert len(opened) == 2


def test_a_stored_receipt_that_was_changed_is_never_published(
    workshop: Workshop, tmp_path: Path
) -> None:
    staged = workshop.stage(with_receipts([PDF], [PDF]))
    revision = staged.render()
    (staged.stored.attachments_folder / "2").write_bytes(b"another")
    with pytest.raises(UserMustFix) as refused:
        revision.write(tmp_path / "out")
    assert [problem.code for problem in refused.value.problems] == ["LINE-2"]
    assert not (tmp_path / "out" / "manifest.json").exists()
    assert [path.name for path in (tmp_path / "out" / "attachments").iterdir()] == [
        "4113001_01.pdf"
    ]


@pytest.mark.parametrize("harm", ["changed", "missing"])
def test_verify_names_a_receipt_that_is_not_what_was_written(
    workshop: Workshop, tmp_path: Path, harm: str
) -> None:
    out = tmp_path / "out"
    workshop.stage(with_receipts([PDF, JPEG])).render().write(out)
    path = out / "attachments" / "4113001_02.jpg"
    path.unlink()
    if harm == "changed":
        path.write_bytes(b"another")
    (problem,) = verify_folder(out).problems
    assert problem.code == "VER-3"
    assert problem.what.startswith("attachments/4113001_02.jpg ")
    assert problem.where == str(path)


def test_no_link_is_written_anywhere(workshop: Workshop, tmp_path: Path) -> None:
    staged = workshop.stage(with_receipts([PDF, JPEG], [PDF]))
    staged.render().write(tmp_path / "work" / "r1")
    for path in (tmp_path / "work").rglob("*"):
        assert not path.is_file() or b"S3CRET" not in path.read_bytes(), path


# ── writing ──


def test_a_stop_while_writing_leaves_no_manifest(
    five: StagedBatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = five.render()
    write_atomic = files.write_atomic
    names = [made.name for made in revision.conversion.plan(tmp_path / "x").new]
    assert names[-1] == "manifest.json"
    for stop_at in names:

        def stopping(path: Path, content: bytes, stop_at: str = stop_at) -> None:
            if path.name == stop_at:
                raise KeyboardInterrupt
            write_atomic(path, content)

        monkeypatch.setattr(files, "write_atomic", stopping)
        with pytest.raises(KeyboardInterrupt):
            revision.write(tmp_path / stop_at)
        assert not (tmp_path / stop_at / "manifest.json").exists()


def test_convert_never_asks_for_receipts(workshop: Workshop, tmp_path: Path) -> None:
    path = tmp_path / "items.json"
    path.write_text(json.dumps(with_receipts([PDF], [PDF])))
    offline = workshop.like.convert(path)
    assert offline.receipts == ()
    write(offline, tmp_path / "out")
    assert sorted(json.loads(offline.manifest)["attachments"][0]) == [
        "bytes", "item", "name", "sha256", "type",
    ]  # fmt: skip
    assert verify_folder(tmp_path / "out").problems == []


@pytest.mark.parametrize(("methods", "expected"), [("journal", False), ("accounts_payable", True)])
def test_a_job_with_vendors_needs_a_template_that_can_hold_their_invoices(
    workshop: Workshop, methods: str, expected: bool
) -> None:
    own = workshop.root / "templates" / "own"
    own.mkdir(parents=True)
    text = (TEMPLATES / "generic" / "template.yaml").read_text()
    assert "methods: [journal, accounts_payable]" in text
    text = text.replace("methods: [journal, accounts_payable]", f"methods: [{methods}]")
    (own / "template.yaml").write_text(text.replace("id: generic", "id: own"))
    workshop.settings(template="own", parameters={})
    staged = workshop.stage(FIVE)
    assert workshop.line.supports_vendor_bookkeeping(staged.recipe) is expected
