"""The commands of a bookkeeper, one after the other, against a Pleo without a socket."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import pytest

from etl.batches.ledger.records import Gap
from etl.cli.history import gap_lines
from tests.fakes.items import item
from tests.unit.cli.live import Live, make_live, only, three_items
from tests.unit.cli.test_review import set_company


def released_folder(live: Live) -> Path:
    (folder,) = [path for path in (live.root / "outbox" / "acme").iterdir() if path.is_dir()]
    return folder


def test_nothing_waits_and_that_is_no_failure(live: Live) -> None:
    assert only(live.json("run"))["outcome"] == "nothing"
    assert only(live.json("release", "--yes"))["outcome"] == "nothing"
    assert live.run("status").stdout == "nothing is under way, and nothing waits in Pleo\n"


def test_run_only_reads_in_pleo_and_stages(live: Live) -> None:
    job = live.job()
    result = live.run("run")
    assert result.exit_code == 1  # one item is rejected
    assert "3 items: 2 in the files, 1 rejected" in result.stderr
    assert "60 minutes left" in result.stderr
    assert {method for method, _path in live.requests()} == {"GET"}
    assert job.status == "pending"
    assert not list((live.root / "outbox").rglob("*.csv"))


def test_review_shows_counts_totals_causes_and_the_page(staged: Live) -> None:
    result = staged.run("review")
    assert result.exit_code == 0
    shown = result.stdout.splitlines()
    assert "  EUR   149.00  149.00" in shown  # 119.00 + 30.00, debit and credit
    assert "     1 item  choose a category in Pleo, then export again (MAP-21)" in shown
    assert "             because the line has no account" in shown
    (page,) = [line.strip() for line in shown if line.endswith("review.html")]
    assert (staged.root / page).is_file()
    assert max(len(line) for line in [*shown, *result.stderr.splitlines()]) <= 80


def test_review_needs_no_network(staged: Live) -> None:
    staged.pleo.faults.add("error=503:1-")
    result = staged.run("review")
    assert result.exit_code == 0
    assert "EUR   149.00" in result.stdout
    assert "the minutes left are not known" in result.stdout


def test_release_puts_the_file_out_reports_every_item_and_ends_the_export(live: Live) -> None:
    job = live.job()
    live.run("run")
    result = live.run("release", "--yes", "--by", "A. Patel")
    assert result.exit_code == 1
    assert job.status == "completed_with_errors"
    assert [one.status for one in job.items.values()] == ["successful", "successful", "failed"]
    failed = list(job.items.values())[2]
    assert failed.failure_type == "missing_configuration"
    folder = released_folder(live)
    rows = list(
        csv.reader((folder / "plain_1_1.csv").read_text("cp1252").splitlines(), delimiter=";")
    )
    assert [row[4] for row in rows[1:]] == ["119.00", "30.00"]
    assert f"next: import the files in outbox/acme/{folder.name}" in result.stderr


def test_a_second_release_does_nothing(released: Live) -> None:
    before = len(released.pleo.seen)
    assert only(released.json("release", "--yes"))["outcome"] == "nothing"
    assert {method for method, _ in released.requests()[before:]} <= {"GET"}


def test_release_asks_on_a_terminal_and_takes_no_for_an_answer(live: Live) -> None:
    job = live.job()
    live.run("run")
    result = live.run("release", given="n\n", attended=True)
    assert (result.exit_code, job.status) == (0, "pending")
    assert "Release batch 1? [y/N] (55 minutes left)" in result.stderr  # five are the margin
    assert "nothing was released" in result.stderr
    assert live.run("release", given="y\n", attended=True).exit_code == 1
    assert job.status == "completed_with_errors"


def test_release_without_a_person_and_without_yes_does_nothing(live: Live) -> None:
    job = live.job()
    live.run("run")
    document = live.json("release")
    assert (document["exit_code"], document["errors"][0]["code"]) == (2, "CLI-4")
    assert job.status == "pending"


def test_run_release_says_that_nobody_has_reviewed_it(live: Live) -> None:
    job = live.job()
    result = live.run("run", "--release")
    assert "released unreviewed" in result.stderr
    assert (result.exit_code, job.status) == (1, "completed_with_errors")


def test_run_release_does_not_call_unreviewed_what_somebody_approved(live: Live) -> None:
    job = live.job()
    live.run("run")
    live.run("review", "--approve", "--by", "A. Patel")
    result = live.run("run", "--release")
    assert "unreviewed" not in result.stderr
    assert (result.exit_code, job.status) == (1, "completed_with_errors")


def test_run_release_says_once_why_an_export_is_refused(live: Live) -> None:
    job = live.job()
    live.companies["acme"].has_contra_accounts = False
    result = live.run("run", "--release")
    assert result.stderr.count("error[JOB-6]") == 1
    assert "unreviewed" not in result.stderr
    assert (result.exit_code, job.failure_type) == (2, "missing_configuration")


def test_all_items_good_is_exit_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    live = make_live(tmp_path)
    good = [each["accountingEntryId"] for each in three_items()[:2]]
    job = live.job(entries=good)
    assert live.run("run").exit_code == 0
    assert live.run("release", "--yes").exit_code == 0
    assert job.status == "completed"


def test_a_changed_mapping_makes_the_same_export_anew(staged: Live) -> None:
    staged.run("review", "--approve")
    (staged.root / "accounts.csv").write_text("pleo,erp\n6640,4999\n", encoding="utf-8")
    batch = only(staged.json("run"))["batch"]
    assert (batch["number"], batch["revision"], batch["approvals"]) == (1, 2, [])  # type: ignore[index]
    staged.run("release", "--yes")
    assert "4999" in (released_folder(staged) / "plain_1_1.csv").read_text("cp1252")


def test_run_says_where_a_missing_parameter_is_to_be_written(live: Live) -> None:
    template = live.root / "templates" / "plain" / "template.yaml"
    template.write_text(template.read_text().replace("{default: GL}", "{}"))
    live.job()
    said = live.run("run").stderr
    assert 'fix: write "ledger: VALUE" under parameters of company acme in pleo-etl.yaml' in said


def test_where_most_items_are_rejected_their_causes_come_first(live: Live) -> None:
    template = live.root / "templates" / "plain" / "template.yaml"
    text = template.read_text()
    # No account of the mapping is as long as that: all three items are rejected.
    longer = text.replace("means: account, required", "means: account, min: 9, required")
    template.write_text(longer)
    live.job()
    said = " ".join(live.run("run").stderr.split())
    assert "next: everything is rejected: `pleo-etl review` shows the causes; cure them" in said
    assert "`pleo-etl release` stays possible" in said
    calls = only(live.json("status"))["batch"]["next"]  # type: ignore[index]
    assert calls == ["pleo-etl review", "pleo-etl run", "pleo-etl release"]
    template.write_text(text)
    cured = " ".join(live.run("run").stderr.split())  # one of three stays rejected
    assert "next: look at it with `pleo-etl review`, then `pleo-etl release`" in cured
    live.run("review", "--reject", "4113001", "--reject", "4113002", "--reason", "private")
    calls = only(live.json("status"))["batch"]["next"]  # type: ignore[index]
    assert calls == ["pleo-etl review", "pleo-etl release"]  # held back, as it was meant


def test_approving_names_who_and_the_hash(staged: Live) -> None:
    waiting = only(staged.json("review"))["batch"]
    approved = only(staged.json("review", "--approve", "--by", "A. Patel"))["batch"]
    assert [one["by"] for one in approved["approvals"]] == ["A. Patel"]  # type: ignore[index]
    assert approved["content"] == waiting["content"]  # type: ignore[index]
    assert only(staged.json("history"))["batches"] == [approved]
    assert "A. Patel" in staged.run("history").stdout
    told = staged.run("history", "1").stdout
    assert f"content {approved['content']}" in told  # type: ignore[index]
    assert "approved, by A. Patel" in told


def test_where_two_must_approve_a_second_person_is_waited_for(live: Live) -> None:
    settings = live.root / "pleo-etl.yaml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("template: plain", "template: plain, approvals: 2"))
    job = live.job()
    live.run("run")
    first = live.run("review", "--approve", "--by", "A. Patel")
    assert "approved by A. Patel, and another person must approve it" in first.stderr
    assert "pleo-etl review --approve" in live.run("status").stdout
    assert live.run("release", "--yes", "--by", "A. Patel").exit_code == 4
    assert job.status == "pending"
    assert live.run("release", "--yes", "--by", "B. Olsen").exit_code == 1
    assert job.status == "completed_with_errors"


def test_a_reviewer_rejects_an_item_and_pleo_shows_why(live: Live) -> None:
    job = live.job()
    live.run("run")
    assert live.run("review", "--reject", "4113001", "--reason", "private").exit_code == 1
    live.run("release", "--yes")
    first = next(iter(job.items.values()))
    assert (first.status, "private" in (first.failure_reason or "")) == ("failed", True)


def test_what_pleo_shows_of_a_rejection_names_no_setting_and_no_place(live: Live) -> None:
    live.add("acme", [item(n=1, lines=[{"account": "4711 X"}])])
    mapping = live.root / "acme.yaml"
    written = mapping.read_text(encoding="utf-8")
    as_it_is = '    - {use: "{{ line.account.code }}"}\n'
    mapping.write_text(written.replace(as_it_is, ""), encoding="utf-8")
    job = live.job()
    assert live.run("run").exit_code == 1
    (cause,) = only(live.json("review"))["rejections"]  # type: ignore[misc]
    assert cause["fix"].endswith("or a rule to the mapping (`account.expense`)")
    assert live.run("release", "--yes").exit_code == 1
    (told,) = job.items.values()
    assert told.failure_reason == cause["pleo_shows"]
    assert told.failure_reason == (
        'no expense account is found: looked for "4711" in accounts.csv – add a row with'
        ' pleo = "4711" and a value to accounts.csv, or a rule to the mapping'
    )


def test_an_item_that_comes_again_waits_for_an_answer(live: Live) -> None:
    again = [three_items()[0]["accountingEntryId"]]
    live.job(entries=again)
    live.run("run")
    live.run("release", "--yes")
    job = live.job(entries=again)
    live.run("run")
    assert live.json("release", "--yes")["errors"][0]["code"] == "REL-3"
    shown = live.run("review").stdout
    assert f"pleo-etl review --already-booked {again[0][:8]}" in shown
    assert "batch 1" in shown
    live.run("review", "--already-booked", again[0])
    assert live.run("release", "--yes").exit_code == 0
    (told,) = job.items.values()
    assert (told.status, told.external_id) == ("successful", "4113001")
    assert len(list((live.root / "outbox").rglob("plain_*.csv"))) == 1


def test_all_that_come_again_are_answered_at_once(live: Live) -> None:
    live.job()
    live.run("run", "--release")
    live.job()
    live.run("run")
    batch = only(live.json("review", "--already-booked", "all"))["batch"]
    assert batch["counts"]["already_booked"] == 2  # type: ignore[index]
    assert only(live.json("release", "--yes"))["outcome"] == "closed"


def test_status_says_how_things_stand_at_every_step(live: Live) -> None:
    live.job()
    assert "1 export waits in Pleo" in live.run("status").stdout
    live.run("run")
    live.pleo.advance(600)
    assert "waits for your review (50 minutes left)" in live.run("status").stdout
    live.run("review", "--approve", "--by", "A. Patel")
    assert "approved by A. Patel" in live.run("status").stdout
    live.run("release", "--yes")
    assert "pleo-etl imported 1" in live.run("status").stdout
    live.run("imported", "--yes")
    assert live.run("status").stdout == "nothing is under way, and nothing waits in Pleo\n"


def test_status_shows_what_it_knows_where_pleo_cannot_be_asked(staged: Live) -> None:
    staged.pleo.faults.add("error=503:1-")
    document = staged.json("status")
    assert document["exit_code"] == 3
    assert only(document)["batch"]["number"] == 1  # type: ignore[index]


def test_status_does_not_guess_what_waits_where_pleo_cannot_be_asked(live: Live) -> None:
    live.pleo.faults.add("error=503:1-")
    result = live.run("status")
    assert (result.exit_code, result.stdout) == (3, "nothing is under way\n")


@pytest.mark.parametrize("approves", [False, True])
def test_status_says_that_pleo_has_ended_what_waits_here(live: Live, *, approves: bool) -> None:
    job = live.job()
    live.run("run")
    if approves:
        live.run("review", "--approve")
    assert "Pleo has ended" not in live.run("status").stdout
    live.pleo.cancel_job(job)
    said = " ".join(live.run("status").stdout.split())
    assert "Pleo has ended its export, so it cannot be released" in said
    assert "what was reviewed is remembered" in said
    assert "pleo-etl release" not in said


@pytest.mark.parametrize("approves", [False, True])
def test_status_offers_no_release_where_too_little_time_is_left(
    staged: Live, *, approves: bool
) -> None:
    if approves:
        staged.run("review", "--approve")
    staged.pleo.advance(54 * 60)  # six minutes are left, and more than five are needed
    assert "pleo-etl release" in staged.run("status").stdout
    staged.pleo.advance(3 * 60)
    said = " ".join(staged.run("status").stdout.split())
    assert "(3 minutes left)" in said
    assert "too little time is left to release it (more than 5 minutes are needed)" in said
    assert "export the items again; what was reviewed is remembered" in said
    assert "pleo-etl release" not in said
    assert only(staged.json("status"))["batch"]["next"] == ["pleo-etl run"]  # type: ignore[index]
    assert staged.json("release", "--yes")["errors"][0]["code"] == "REL-4"  # it would be refused


@pytest.mark.parametrize("approves", [False, True])
def test_run_offers_no_release_where_too_little_time_is_left(live: Live, *, approves: bool) -> None:
    live.job()
    live.pleo.advance(54 * 60)  # six minutes are left, and more than five are needed
    said = " ".join(live.run("run").stderr.split())
    assert "then `pleo-etl release`" in said
    if approves:
        live.run("review", "--approve")
    live.pleo.advance(60)
    result = live.run("run")
    said = " ".join(result.stderr.split())
    assert result.exit_code == 1  # it is staged; one item is rejected
    assert "5 minutes left" in said
    assert (
        "next: too little time is left to release it (more than 5 minutes are needed): end the"
        " export in Pleo, or let it end by itself, then export the items again" in said
    )
    assert "pleo-etl release" not in said
    assert only(live.json("run"))["batch"]["next"] == ["pleo-etl run"]  # type: ignore[index]
    assert live.json("release", "--yes")["errors"][0]["code"] == "REL-4"  # it would be refused


def test_status_says_that_a_started_export_can_only_be_ended(live: Live) -> None:
    job = live.job()
    live.run("run")
    live.pleo.faults.add("error=503@export-items:1-")
    live.run("release", "--yes")
    live.pleo.faults.clear()
    live.pleo.advance(57 * 60)
    said = " ".join(live.run("status").stdout.split())
    assert "too little time is left to release it" in said
    assert "pleo-etl release ends the export in Pleo; nothing is released" in said
    live.run("release", "--yes")
    assert job.status == "failed"


def test_jobs_lists_what_waits_and_reads_only(live: Live) -> None:
    job = live.job()
    result = live.run("jobs")
    assert f"waits         3      60  2026-04-01 08:00  {job.id}" in result.stdout.splitlines()
    assert {method for method, _path in live.requests()} == {"GET"}
    live.pleo.cancel_job(job)
    assert only(live.json("jobs"))["jobs"] == []
    (ended,) = only(live.json("jobs", "--ended"))["jobs"]  # type: ignore[misc]
    assert (ended["status"], ended["minutes_left"]) == ("failed", None)


# ── what goes wrong, and its exit code ──────────────────────────────────────────────────────


def test_two_pleo_is_down_is_exit_three_and_nothing_is_lost(live: Live) -> None:
    live.job()
    live.pleo.faults.add("error=503@list-jobs:1-")
    assert live.json("run")["exit_code"] == 3
    live.pleo.faults.clear()
    assert live.run("run").exit_code == 1


def test_a_strange_key_is_exit_two(live: Live) -> None:
    live.job()
    live.environment["PLEO_API_KEY_ACME"] = "of-another-pleo"
    assert live.json("run")["exit_code"] == 2


def test_an_export_that_pleo_ended_is_exit_four_and_says_what_to_do(live: Live) -> None:
    job = live.job()
    live.run("run")
    live.pleo.cancel_job(job)
    document = live.json("release", "--yes")
    assert (document["exit_code"], document["errors"][0]["code"]) == (4, "JOB-3")
    assert "export the items again in Pleo" in document["errors"][0]["fix"]
    assert not list((live.root / "outbox").rglob("*.csv"))


def lapse_after_the_start(live: Live) -> None:
    """Stop a release after it has started the export; then Pleo ends that."""
    job = live.job()
    live.run("run")
    live.pleo.faults.add("error=503@export-items:1-")
    assert live.run("release", "--yes").exit_code == 3
    live.pleo.faults.clear()
    assert job.status == "in_progress"
    live.pleo.cancel_job(job)


@pytest.mark.parametrize(("words", "outcome"), [((), "staged"), (("--release",), "closed")])
def test_a_lapse_that_the_next_export_follows_is_told_and_is_no_exit_code(
    live: Live, words: tuple[str, ...], outcome: str
) -> None:
    lapse_after_the_start(live)
    live.job()
    document = live.json("run", *words)
    company = only(document)
    # 1: one item of the new export is rejected
    assert (document["exit_code"], company["outcome"]) == (1, outcome)
    assert company["finished"][0]["outcome"] == "voided"  # type: ignore[index]
    assert [error["code"] for error in document["errors"]] == ["JOB-3"]
    assert live.run("history").stdout.count(" void ") == 1


def test_json_lists_as_a_notice_what_a_person_is_told_besides(live: Live) -> None:
    job = live.job()
    live.run("run")
    live.pleo.cancel_job(job)
    live.job()
    document = live.json("run")
    assert only(document)["outcome"] == "staged"
    (notice,) = only(document)["notices"]  # type: ignore[misc]
    assert "before it was released; the batch is void" in notice
    assert only(live.json("run"))["notices"] == []


def test_a_lapse_that_nothing_follows_is_exit_four(live: Live) -> None:
    lapse_after_the_start(live)
    document = live.json("run")
    assert (document["exit_code"], only(document)["outcome"]) == (4, "nothing")
    assert live.json("run")["exit_code"] == 0


def test_what_was_reviewed_is_remembered_when_the_hour_was_over(live: Live) -> None:
    job = live.job()
    live.run("run")
    assert "reviewed on" not in live.run("review").stdout
    live.run("review", "--approve")
    live.pleo.cancel_job(job)
    assert live.run("release", "--yes").exit_code == 4
    live.job()
    live.run("run")
    shown = live.run("review").stdout
    assert "  2 of 3 items were reviewed or approved on 2026-04-01 and are unchanged\n" in shown
    (live.root / "accounts.csv").write_text("pleo,erp\n6640,4999\n", encoding="utf-8")
    live.run("run")
    assert "reviewed on" not in live.run("review").stdout


def test_a_foreign_export_is_exit_four_and_adopt_takes_it(live: Live) -> None:
    job = live.job()
    live.pleo.move_job(job, "started")
    document = live.json("run")
    assert (document["exit_code"], document["errors"][0]["code"]) == (4, "JOB-1")
    assert live.run("adopt", job.id).exit_code == 2  # nobody can be asked
    assert live.run("adopt", job.id, given="n\n", attended=True).exit_code == 0
    assert live.run("adopt", job.id, "--yes").exit_code == 1
    assert live.run("release", "--yes").exit_code == 1
    assert job.status == "completed_with_errors"


def test_an_export_that_ends_while_it_is_reported_is_quarantined_until_it_is_settled(
    live: Live,
) -> None:
    job = live.job()
    live.run("run")
    live.pleo.faults.add("error=503@report-items:1-")
    assert live.run("release", "--yes").exit_code == 3
    live.pleo.faults.clear()
    assert "do not\n  import them yet" in live.run("status").stdout
    live.pleo.cancel_job(job)
    document = live.json("release", "--yes")
    assert (document["exit_code"], document["errors"][0]["code"]) == (4, "REL-13")
    assert "quarantined" in live.run("status").stdout
    assert only(live.json("status"))["outcome"] == "quarantined"
    assert (released_folder(live) / "DO-NOT-IMPORT.txt").is_file()
    live.job()
    assert live.json("run")["exit_code"] == 4
    settled = live.json("settle", "--not-imported", "--yes")
    assert (settled["exit_code"], only(settled)["outcome"]) == (0, "voided")
    assert live.run("run").exit_code == 1


def test_settle_needs_to_be_told_which(live: Live) -> None:
    document = live.json("settle", "--yes")
    assert (document["exit_code"], document["errors"][0]["code"]) == (2, "CLI-1")


# ── the answers of a person ─────────────────────────────────────────────────────────────────


def test_discard_forgets_what_is_staged_and_tells_pleo_nothing(live: Live) -> None:
    job = live.job()
    live.run("run")
    assert live.run("discard", given="n\n", attended=True).exit_code == 0
    assert only(live.json("status"))["batch"]["state"] == "staged"  # type: ignore[index]
    assert only(live.json("discard", "--yes"))["outcome"] == "voided"
    assert {method for method, _path in live.requests()} == {"GET"}
    assert job.status == "pending"
    assert only(live.json("run"))["batch"]["number"] == 1  # type: ignore[index]


def test_withdraw_puts_the_files_away(released: Live) -> None:
    assert only(released.json("withdraw", "--yes"))["outcome"] == "withdrawn"
    withdrawn = released.root / "outbox" / "acme" / "withdrawn"
    assert len(list(withdrawn.rglob("plain_1_1.csv"))) == 1
    assert list((released.root / "outbox").rglob("plain_1_1.csv")) == list(
        withdrawn.rglob("plain_1_1.csv")
    )


def test_history_lists_the_numbers_that_a_withdrawn_batch_took_with_it(released: Live) -> None:
    assert "gap" not in released.run("history").stdout
    assert only(released.json("history"))["gaps"] == []
    withdrawn = only(released.json("withdraw", "--yes"))["batch"]["id"]  # type: ignore[index]
    said = "gap: number 1 and vouchers 1 to 2 stay unused (withdrawn)"
    shown = released.run("history").stdout.splitlines()
    assert shown[1].split()[:2] == ["1", "withdrawn"]
    assert shown[2] == f"     {said}"
    assert released.run("history", "1").stdout.splitlines()[1] == said
    gap = {
        "batch": withdrawn, "number": 1, "why": "withdrawn",
        "vouchers": [{"fiscal_year": None, "first": 1, "last": 2}],
    }  # fmt: skip
    assert only(released.json("history"))["gaps"] == [gap]
    assert only(released.json("history", "1"))["gaps"] == [gap]


@pytest.mark.parametrize(
    ("vouchers", "lines"),
    [
        ({}, ["  gap: number 7 stays unused (withdrawn)"]),
        (
            {"2025": (41, 42), "2026": (1, 1)},
            [
                "  gap: number 7 and vouchers 41 to 42 of 2025 and voucher 1 of 2026 stay unused",
                "    (withdrawn)",
            ],
        ),
    ],
)
def test_a_gap_is_said_in_lines_that_fit(
    vouchers: dict[str, tuple[int, int]], lines: list[str]
) -> None:
    assert gap_lines(Gap("b7", 7, "withdrawn", vouchers), indent=2) == lines


def test_imported_notes_who_and_frees_what_the_erp_refused(released: Live) -> None:
    unknown = released.json("imported", "--yes", "--refused", "4999999")
    assert (unknown["exit_code"], unknown["errors"][0]["code"]) == (2, "ANS-4")
    released.run("imported", "1", "--yes", "--refused", "4113002", "--by", "A. Patel")
    listed = released.run("history").stdout
    assert "In file" in listed
    assert "your ERP refused 1 item" in listed
    assert "imported, by A. Patel" in released.run("history", "1").stdout
    released.job(entries=[three_items()[1]["accountingEntryId"]])
    assert only(released.json("run"))["batch"]["counts"]["rendered"] == 1  # type: ignore[index]


def test_where_two_must_approve_the_second_person_reverses_too(live: Live) -> None:
    live.job()
    live.run("run", "--release")
    set_company(live, "approvals: 2")
    first = live.run("reverse", "1", "--yes", "--by", "Ann")
    assert first.exit_code == 0
    assert "approved by Ann, and 2 persons must approve it; nothing of it is out" in " ".join(
        first.stderr.split()
    )
    status = live.run("status").stdout
    assert "it takes another batch back: approved by Ann, and another person must" in " ".join(
        status.split()
    )
    assert "--by NAME" in status
    assert "pleo-etl discard" in status
    for words in (["run"], ["run", "--release"]):
        held = live.json(*words)
        assert (held["exit_code"], held["errors"][0]["code"]) == (4, "JOB-2")
    for words in (["release", "--yes", "--by", "Ben"], ["review", "--release", "--by", "Ben"]):
        assert live.json(*words)["errors"][0]["code"] == "REL-1"
    assert live.run("review").exit_code == 0
    assert only(live.json("reverse", "1", "--yes", "--by", "Ben"))["outcome"] == "reversed"


def test_reverse_makes_the_opposite_postings(released: Live) -> None:
    released.run("imported", "--yes")
    assert only(released.json("reverse", "1", "--yes"))["outcome"] == "reversed"
    happened = released.run("history", "2").stdout
    assert "released; Pleo is told nothing of it" in happened
    assert "export ended in Pleo" not in happened
    (file,) = (released.root / "outbox").rglob("plain_2_1.csv")
    rows = list(csv.reader(file.read_text("cp1252").splitlines(), delimiter=";"))
    assert [row[4] for row in rows[1:]] == ["-119.00", "-30.00"]
    assert "\n     reversal of batch 1\n" in released.run("history").stdout
    assert "\nreversal of batch 1\n" in released.run("history", "2").stdout
    assert "\n     reversed by batch 2\n" in released.run("history").stdout
    assert "\nreversed by batch 2\n" in released.run("history", "1").stdout
    assert "Batch 2 (reversal of batch 1) is released" in released.run("review", "2").stdout
    page = next((released.root / "outbox").rglob("*0002*/review.html")).read_text(encoding="utf-8")
    assert "Reversal of batch 1: all 2 items are in the file" in page


def test_an_answer_for_nothing_says_so(live: Live) -> None:
    for words in (["withdraw"], ["imported"], ["reverse"], ["discard"], ["settle", "--imported"]):
        document = live.json(*words, "--yes")
        assert (document["exit_code"], document["errors"][0]["code"]) == (2, "ANS-1"), words
        assert "to imported" not in document["errors"][0]["what"]
        everyone = live.json(*words, "--yes", "--all")
        assert (everyone["exit_code"], only(everyone)["outcome"]) == (0, "nothing"), words


def test_the_ledger_and_the_outbox_are_proved(live: Live) -> None:
    live.job()
    live.run("run", "--release")
    assert live.run("ledger", "verify").stderr == "nothing is wrong; acme has 1 batch\n"
    assert live.run("ledger", "verify", "--online").exit_code == 0
    file = released_folder(live) / "plain_1_1.csv"
    file.write_bytes(file.read_bytes().replace(b"119.00", b"191.00"))
    document = live.json("ledger", "verify")
    assert document["exit_code"] == 2
    assert "batch 1" in document["errors"][0]["what"]


def test_a_lost_ledger_stops_every_command_and_is_made_again(live: Live) -> None:
    live.job()
    live.run("run", "--release")
    (live.root / ".pleo-etl" / "ledger.db").unlink()
    for words in (["status"], ["history"], ["run"], ["ledger", "verify"], ["imported", "--yes"]):
        document = live.json(*words)
        assert document["exit_code"] == 2, words
        assert "pleo-etl ledger rebuild" in document["errors"][0]["fix"], words
        assert "pleo-etl run" not in document["errors"][0]["fix"], words  # it would not help
    assert live.run("ledger", "rebuild").exit_code == 2  # nobody can be asked
    rebuilt = live.json("ledger", "rebuild", "--yes")
    assert (rebuilt["exit_code"], rebuilt["batches"]) == (0, {"acme": 1})
    assert live.run("ledger", "verify", "--online").exit_code == 0
    assert live.json("ledger", "rebuild", "--yes")["errors"][0]["code"] == "ANS-7"
    live.job()
    assert live.json("run")["companies"][0]["batch"]["counts"]["rendered"] == 0


def test_receipts_are_put_beside_the_file(live: Live) -> None:
    receipt = {"url": "https://files.example.com/1", "type": "image/jpeg", "size": 1000}
    live.add("acme", [item(n=1, files=[receipt])])
    live.job()
    assert live.run("run", "--release").exit_code == 0
    manifest = json.loads((released_folder(live) / "manifest.json").read_bytes())
    (attachment,) = manifest["attachments"]
    (file,) = released_folder(live).rglob("*.jpg")
    assert hashlib.sha256(file.read_bytes()).hexdigest() == attachment["sha256"]
    assert Path(attachment["name"]).name == file.name


def test_adopt_of_what_is_no_id_is_a_mistake_in_the_call(live: Live) -> None:
    document = live.json("adopt", "nonsense", "--yes")
    assert (document["exit_code"], document["errors"][0]["code"]) == (2, "CLI-1")
    assert live.requests() == []
