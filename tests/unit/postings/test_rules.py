"""Posting rules: the shipped file, what a mapping may say, and what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.documents import read_document
from etl.errors import Problem, UserMustFix
from etl.postings import PostingRules, load_posting_rules
from etl.postings.rules import CONTRA_ORDER, OwnRow
from etl.shipped import shipped_folder

TYPES = (
    "card_purchase", "card_invoice", "out_of_pocket", "mileage", "per_diem",
    "external_reimbursement", "direct_reimbursement", "invoice", "invoice_payment", "chargeback",
    "refund", "cashback", "atm_withdrawal", "wallet_topup", "wallet_unload", "personal_spend",
    "fee",
)  # fmt: skip
SUB_TYPES = {
    "reimbursement_to_employee", "reimbursement_to_employee_refund", "reimbursement_to_company",
    "invoice_payment_sent", "invoice_payment_returned", "interest",
}  # fmt: skip

#: The rows of table 7a whose booking a page of Pleo states for the type.
STATED = {"card_purchase/journal", "invoice/journal", "invoice/accounts_payable",
          "out_of_pocket/journal"}  # fmt: skip


def problems_of(own: dict[str, dict[str, object]], accept: tuple[str, ...] = ()) -> list[Problem]:
    with pytest.raises(UserMustFix) as caught:
        load_posting_rules(own, accept, place=lambda rule: f"acme.yaml:{len(rule)}")
    return list(caught.value.problems)


def sides(rules: PostingRules, rule_id: str) -> dict[str, tuple[str, str]]:
    return {pair.kind: (pair.debit, pair.credit) for pair in rules.rules[rule_id].pairs}


def test_every_type_sub_type_and_method_of_pleo_has_a_row() -> None:
    rules = list(load_posting_rules())
    assert {rule.type for rule in rules} == set(TYPES)
    assert {rule.sub_type for rule in rules} - {None} == SUB_TYPES
    methods = {(rule.type, rule.sub_type): set() for rule in rules}  # type: dict[object, set[str]]
    for rule in rules:
        methods[rule.type, rule.sub_type].add(rule.method)
    for (kind, _), found in methods.items():
        both = {"journal"} if str(kind).startswith("wallet_") else {"journal", "accounts_payable"}
        assert found == both, kind


def test_only_what_pleo_states_is_confirmed() -> None:
    rules = list(load_posting_rules())
    assert {rule.id for rule in rules if rule.confirmed} == STATED
    assert all(rule.source.startswith("Stated: ") == rule.confirmed for rule in rules)
    assert {rule.id for rule in rules if rule.accepted} == STATED


def test_payables_make_invoice_or_credit_note_and_payment() -> None:
    rules = load_posting_rules()
    for rule_id in ("card_purchase", "card_invoice", "fee", "fee/interest"):
        assert sides(rules, f"{rule_id}/accounts_payable") == {
            "invoice": ("expense", "payable"),
            "payment": ("payable", "wallet"),
        }
    for rule_id in ("refund", "chargeback"):
        assert sides(rules, f"{rule_id}/accounts_payable") == {
            "credit_note": ("payable", "expense"),
            "payment": ("wallet", "payable"),
        }
    assert sides(rules, "invoice/accounts_payable") == {"invoice": ("expense", "payable")}


def test_the_contra_side_is_the_wallet_wherever_there_is_one() -> None:
    for rule in load_posting_rules():
        for pair in rule.pairs:
            assert {pair.line_role, pair.contra_role} == {pair.debit, pair.credit}
            assert pair.contra_role == "wallet" or "wallet" not in (pair.debit, pair.credit)
            assert pair.line_role == "expense" or "expense" not in (pair.debit, pair.credit)


def test_the_file_states_its_keys_and_the_contra_order_at_its_top() -> None:
    raw = (shipped_folder("mappings") / "posting-rules.yaml").read_text("utf-8")
    top = " ".join(raw[: raw.index("\nrules:")].replace("#", " ").split())
    for key in (*OwnRow.model_fields, "confirmed", "source"):
        assert key in top
    shown = [role for role in CONTRA_ORDER if role != "exchange_difference"]
    assert ", ".join(shown) in top


def test_places_lead_to_the_row() -> None:
    path = shipped_folder("mappings") / "posting-rules.yaml"
    document = read_document(path, name=path.name)
    for rule in load_posting_rules():
        assert rule.place == str(document.place("rules", rule.id))


def test_a_mapping_accepts_by_id() -> None:
    rule = load_posting_rules(accept=["refund/journal"]).rules["refund/journal"]
    assert (rule.accepted, rule.confirmed) == (True, False)


def test_a_row_of_its_own_replaces_the_sides_and_is_confirmed() -> None:
    own = {"refund/journal": {"debit": "wallet", "credit": "transfer", "value": "negative"}}
    rules = load_posting_rules(own, place=lambda _id: "acme.yaml:7:3")
    rule = rules.rules["refund/journal"]
    assert sides(rules, rule.id) == {"entry": ("wallet", "transfer")}
    assert (rule.value, rule.confirmed, rule.accepted) == ("negative", True, True)
    assert rule.place == "acme.yaml:7:3"


def test_a_row_of_its_own_may_give_the_sign_alone() -> None:
    rules = load_posting_rules({"refund/accounts_payable": {"value": "any"}})
    assert rules.rules["refund/accounts_payable"].value == "any"
    assert set(sides(rules, "refund/accounts_payable")) == {"credit_note", "payment"}


def test_a_row_of_its_own_may_name_vouchers() -> None:
    own = {"cashback/accounts_payable": {"credit_note": {"debit": "payable", "credit": "cashback"}}}
    rules = load_posting_rules(own)
    assert sides(rules, "cashback/accounts_payable") == {"credit_note": ("payable", "cashback")}


def test_all_unknown_ids_are_named_with_place_and_near_match() -> None:
    found = problems_of({"cashbak/journal": {"value": "any"}}, ("refund/jurnal", "x"))
    assert [problem.code for problem in found] == ["POST-1"] * 3
    assert found[0].what == 'there is no posting rule "refund/jurnal"'
    assert found[0].fix == 'did you mean "refund/journal"?'
    assert found[0].where == "acme.yaml:13"
    assert found[1].fix == "ids are listed in posting-rules.yaml"
    assert 'did you mean "cashback/journal"?' in found[2].fix


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"debit": "wallet"}, "debit and credit must be given together"),
        ({"debit": "wallet", "credit": "wallet"}, "the same role, wallet"),
        ({"debit": "wallet", "credit": "tax_in"}, "credit: Input should be"),
        ({"debit": "wallet", "kredit": "expense"}, 'unknown key "kredit"'),
        ({"value": "plus"}, "value: Input should be"),
        (
            {
                "entry": {"debit": "wallet", "credit": "expense"},
                "debit": "wallet",
                "credit": "expense",
            },
            "short for entry",
        ),
        (
            {
                "entry": {"debit": "wallet", "credit": "expense"},
                "payment": {"debit": "wallet", "credit": "expense"},
            },
            "with or without payment",
        ),
        ({"invoice": {"debit": "expense"}}, "invoice.credit: Field required"),
        ({"confirmed": "yes"}, 'unknown key "confirmed"'),
    ],
)
def test_a_row_that_cannot_be_is_refused(row: dict[str, object], words: str) -> None:
    (found,) = problems_of({"refund/journal": row})
    assert found.code == "POST-2"
    assert found.what.startswith('posting rule "refund/journal": ')
    assert words in found.what
    assert found.where == "acme.yaml:14"


def test_a_near_key_is_suggested() -> None:
    (found,) = problems_of({"refund/journal": {"kredit": "expense", "debit": "wallet"}})
    assert found.fix == 'did you mean "credit"?'
    (found,) = problems_of({"refund/journal": {"xyz": "expense"}})
    assert found.fix == "see the keys in posting-rules.yaml"


def test_rules_of_another_file_are_checked_whole(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("rules: {fee/journal: {value: positive, confirmed: perhaps, source: x}}")
    with pytest.raises(UserMustFix) as caught:
        load_posting_rules(path=path)
    assert {problem.code for problem in caught.value.problems} == {"DOC-3"}


def test_rules_without_sides_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("rules: {fee/journal: {value: positive, confirmed: no, source: x}}")
    with pytest.raises(UserMustFix, match="debit and credit are missing"):
        load_posting_rules(path=path)


def test_the_hash_is_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    row = "{debit: expense, credit: wallet, value: any, confirmed: no, source: x}"
    path.write_text(f"rules: {{fee/journal: {row}}}\n")
    first = load_posting_rules(path=path).sha256
    path.write_text(f"rules: {{fee/journal: {row}}}\n\n")
    assert load_posting_rules(path=path).sha256 != first
