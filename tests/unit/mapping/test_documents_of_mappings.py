"""The document: facts of the company, schema for editors, what it exposes."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from etl.errors import UserMustFix
from etl.mapping import load_mapping, mapping_schema
from etl.shipped import shipped_folder
from tests.unit.mapping.written import COMPANY, load

RULES = 'map: {account.expense: [{use: "1"}]}\n'
NAMES = ("example.yaml", "example-se.yaml", "example-uk.yaml", "example-xero.yaml")
EXAMPLES = [shipped_folder("mappings") / name for name in NAMES]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_load_and_fit_the_schema_as_editors_see_them(path: Path) -> None:
    mapping = load_mapping(path)
    assert mapping.warnings == ()
    schema = json.loads(json.dumps(mapping_schema()))
    jsonschema.Draft202012Validator.check_schema(schema)
    plain = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    jsonschema.validate(plain, schema)
    typed = yaml.safe_load(path.read_text(encoding="utf-8"))
    typed.get("periods", {}).pop("closed_until", None)
    jsonschema.validate(typed, schema)


def test_the_schema_refuses_unknown_keys() -> None:
    wrong = {"company": {}, "map": {}, "mapp": {}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, mapping_schema())


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("Europe/Berlin", "Europe/Berlyn", 'did you mean "Europe/Berlin"'),
        ("Europe/Berlin", "../../etc/passwd", "there is no time zone"),
        ("currency: EUR", "currency: eur", "three capital letters"),
        ("5a1e0c52-", "5a1e0c5-", "a company id looks like"),
        ("currency: EUR", "currency: EUR, country: Germany", "two capital letters"),
        ("currency: EUR", 'currency: EUR, fiscal_year: "31-12"', "MM-DD"),
        ("name: Acme GmbH", "name: ", "name"),
        ("name: Acme GmbH, ", "", '"company.name" is missing'),
    ],
)
def test_facts_of_the_company_are_checked(tmp_path: Path, old: str, new: str, where: str) -> None:
    text = COMPANY.replace(old, new) + RULES
    assert text != COMPANY + RULES
    with pytest.raises(UserMustFix) as caught:
        load(tmp_path, text)
    assert where in str(caught.value)
    assert caught.value.problems[0].where.startswith("acme.yaml:1:")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("periods: {closed_until: 30.09.2026}", "DOC-3"),
        ("periods: {closed_until: 1767225600}", "DOC-3"),
        ("periods: {on_closed: shift}", "DOC-3"),
        ("period: {}", "DOC-1"),
        ("tags: {A: Kost}", "DOC-3"),
        ("tags: {PROJECT: a, project: b}", "DOC-3"),
        ("receipts: always", "DOC-3"),
        ("amounts_in_hundredths: [yen]", "DOC-3"),
        ("tables: {a: {file: a.csv, key: []}}", "DOC-3"),
        ("tables: {a: {file: a.csv, key: k, match: fuzzy}}", "DOC-3"),
        ("tables: {a: {file: /etc/passwd, key: k}}", "DOC-4"),
        ("tables: {a: {file: none.csv, key: k}}", "DOC-4"),
        ("tables: {a: {file: ., key: k}}", "DOC-4"),
        ("tags: {A: a}\ntags: {B: b}", "YAML-2"),
    ],
)
def test_mistakes_have_their_place(tmp_path: Path, line: str, code: str) -> None:
    with pytest.raises(UserMustFix) as caught:
        load(tmp_path, RULES + line + "\n")
    assert [problem.code for problem in caught.value.problems] == [code]
    assert caught.value.problems[0].where.startswith("acme.yaml:")


def test_what_a_mapping_exposes(tmp_path: Path) -> None:
    text = RULES + (
        "posting_rules:\n  accept: [refund/journal]\n"
        "  cashback/journal: {debit: wallet, credit: expense}\n"
        'fallback_payable: "1600"\nreceipts: required\namounts_in_hundredths: [JPY]\n'
        "tags: {PROJECT: project}\n"
    )
    mapping = load(tmp_path, text)
    assert mapping.posting_rules.accept == ("refund/journal",)
    assert mapping.posting_rules.rows == {
        "cashback/journal": {"debit": "wallet", "credit": "expense"}
    }
    assert str(mapping.posting_rule_place("refund/journal")) == "acme.yaml:4:12"
    assert str(mapping.posting_rule_place("cashback/journal")) == "acme.yaml:5:3"
    assert str(mapping.posting_rule_place("fee/journal")) == "acme.yaml:4:3"
    assert (mapping.name, mapping.fallback_payable) == ("acme.yaml", "1600")
    assert (mapping.receipts_required, mapping.amounts_in_hundredths) == (True, ("JPY",))
    assert (mapping.tags, mapping.dimensions) == ({"PROJECT": "project"}, {"project": "PROJECT"})
    assert (mapping.company.fiscal_year, mapping.periods.on_closed) == ("01-01", "reject")


def test_defaults(tmp_path: Path) -> None:
    mapping = load(tmp_path, RULES)
    assert (mapping.posting_rules.accept, dict(mapping.posting_rules.rows)) == ((), {})
    assert (mapping.fallback_payable, mapping.receipts_required) == (None, False)


def test_files_are_named_as_the_mapping_is(tmp_path: Path) -> None:
    text = RULES + "tables: {a: {file: t/a.csv, key: k}}\n"
    path = tmp_path / "acme.yaml"
    path.write_text(COMPANY + text, encoding="utf-8")
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "a.csv").write_text("k,v\n1,1\n1,2\n", encoding="utf-8")
    with pytest.raises(UserMustFix, match=r"mappings/t/a\.csv:3"):
        load_mapping(path, name="mappings/acme.yaml")
