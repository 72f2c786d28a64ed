"""Formats whose rows name the account debited and the account credited."""

from __future__ import annotations

from pathlib import Path

from etl.rendering import as_read, lint_template
from tests.unit.readback.kinds import CSV, case
from tests.unit.rendering.books import load

DEBIT = "posting.account if posting.side == 'debit' else posting.contra_account"
CREDIT = "posting.contra_account if posting.side == 'debit' else posting.account"
SIDES = (
    CSV.replace("means: side}", "}")
    .replace(
        '{name: Account, value: "{{ posting.account }}", means: account}',
        f'{{name: Debit, value: "{{{{ {DEBIT} }}}}", means: debit_account}}',
    )
    .replace(
        '{name: Contra, value: "{{ posting.contra_account }}", type: digits, means: contra_'
        "account}",
        f'{{name: Credit, value: "{{{{ {CREDIT} }}}}", means: credit_account}}',
    )
)  # fmt: skip


def test_the_books_of_such_a_file_are_those_of_the_batch(tmp_path: Path) -> None:
    """The refund of 45.50 debits the wallet 1280; the totals of 4670 must show a credit."""
    made = case("csv", tmp_path, SIDES)
    assert b"\n45.50,C,1280,4670," in made.content
    proof = made.prove()
    assert proof.ok
    books = as_read(made.postings, proved=proof.postings)
    for name in ("account", "contra_account", "signed", "side"):
        assert books[f"posting.{name}"].equals(made.postings[f"posting.{name}"]), name


def test_what_the_file_says_counts_not_what_was_meant(tmp_path: Path) -> None:
    made = case("csv", tmp_path, SIDES)
    printed = made.prove().postings
    swapped = printed.rename({"debit_account": "credit_account", "credit_account": "debit_account"})
    books = as_read(made.postings, proved=swapped)
    assert books["posting.account"].to_list() == ["1280", "1280", "1281"]


def test_lint_asks_for_no_side_where_each_account_has_its_own(tmp_path: Path) -> None:
    found = lint_template(load(tmp_path, SIDES))
    assert [problem for problem in found if problem.code == "TPL-41"] == []


def test_the_account_debited_is_not_the_account_of_the_posting(tmp_path: Path) -> None:
    """Said to be, it would put the refund on the wrong side of both accounts' totals."""
    body = SIDES.replace("debit_account}", "account}").replace("credit_account}", "contra_account}")
    made = case("csv", tmp_path, body)
    found = made.prove().problems
    assert [problem.code for problem in found] == ["PROOF-4", "PROOF-4"]
    assert "prints 1280, the other account of its posting" in found[0].what
