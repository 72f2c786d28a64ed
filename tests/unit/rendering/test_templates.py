"""Templates: found, read, checked as a whole, extended, and given parameters."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from etl.documents import read_document
from etl.errors import UserMustFix
from etl.rendering import (
    find_template,
    lint_template,
    load_template,
    render,
    template_ids,
    template_schema,
)
from etl.rendering.contexts import targets_of
from tests.unit.rendering import books as made
from tests.unit.rendering.books import CONSTANTS, two_items, write_template

GOOD = """
rows: [{shape: pair, tax: by_code}]
files:
  out:
    name: out.csv
    kind: csv
    columns:
      - {name: Account, value: "{{ posting.account }}"}
"""


def problems(folder: Path, body: str) -> list[tuple[str, int]]:
    """Load a template and give code and line of every problem."""
    with pytest.raises(UserMustFix) as error:
        load_template(write_template(folder, body))
    return [
        (problem.code, int(problem.where.rsplit(":", 2)[-2])) for problem in error.value.problems
    ]


def test_a_workspace_template_is_found_by_id_and_by_path(tmp_path: Path) -> None:
    path = write_template(tmp_path / "templates", GOOD, name="my-erp")
    assert find_template("my-erp", workspace=tmp_path) == path
    assert find_template(str(path.parent)) == path
    assert find_template(str(path)) == path
    assert template_ids(tmp_path)["my-erp"] == path.parent
    assert load_template("my-erp", workspace=tmp_path).id == "my-erp"


def test_an_unknown_template_is_named_with_a_near_match(tmp_path: Path) -> None:
    write_template(tmp_path / "templates", GOOD, name="my-erp")
    with pytest.raises(UserMustFix) as error:
        find_template("my-epr", workspace=tmp_path)
    (problem,) = error.value.problems
    assert (problem.code, problem.fix) == ("TPL-3", 'did you mean "my-erp"?')


def test_a_shipped_id_is_not_hidden_silently(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_template(tmp_path / "templates", GOOD, name="sie4")
    monkeypatch.setattr("etl.rendering.templates.shipped_templates", lambda: ["sie4"])
    with pytest.raises(UserMustFix) as error:
        find_template("sie4", workspace=tmp_path)
    assert [problem.code for problem in error.value.problems] == ["TPL-4"]


def test_a_checkout_as_workspace_hides_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_template(tmp_path / "templates", GOOD, name="sie4")
    monkeypatch.setattr("etl.rendering.templates.shipped_templates", lambda: ["sie4"])
    monkeypatch.setattr("etl.rendering.templates.shipped_folder", lambda kind: tmp_path / kind)
    assert find_template("sie4", workspace=tmp_path) == path


def test_the_id_is_the_name_of_the_folder(tmp_path: Path) -> None:
    path = write_template(tmp_path, GOOD, name="one")
    path.rename(write_template(tmp_path, GOOD, name="two"))
    with pytest.raises(UserMustFix) as error:
        load_template(tmp_path / "two")
    assert [problem.code for problem in error.value.problems] == ["TPL-18"]


def test_all_problems_are_said_at_once_with_their_places(tmp_path: Path) -> None:
    body = """
rows: [{shape: pair, tax: by_code}]
files:
  out:
    name: "{{ posting.account }}.csv"
    kind: csv
    fixed: {length: 3}
    encoding: latin
    columns:
      - {name: A, value: "{{ posting.acount }}"}
      - {name: A, value: "{{ posting.amount }}"}
      - {name: B, value: "{{ posting.account }}", with: C, places: 2, at: 1}
"""
    found = problems(tmp_path, body)
    assert sorted(found) == [
        ("EXP-3", 14), ("TPL-1", 15), ("TPL-11", 9), ("TPL-12", 16), ("TPL-2", 16), ("TPL-2", 16),
        ("TPL-6", 15), ("TPL-8", 11), ("TPL-9", 12),
    ]  # fmt: skip


CASES = {
    "a value of another type": ("value: posting", 'value: "{{ posting.amount }}"', "TPL-1"),
    "an attribute of another type": (
        "value: posting", 'value: "{{ voucher.date }}", min: 1, type: date', "TPL-2",
    ),
    "a format with an unknown token": (
        "value: posting", 'value: "{{ voucher.date }}", type: date, format: QQ', "TPL-10",
    ),
    "a flag that says one thing": (
        "value: posting", 'value: "{{ posting.is_contra }}", type: flag, format: J', "TPL-10",
    ),
    "a pattern with what patterns lack": (
        "value: posting", 'value: x, pattern: "(?=a)"', "TPL-15",
    ),
    "a class that is none": ("value: posting", 'value: x, allow: "z-a"', "TPL-15"),
    "decimals that hold the delimiter": (
        "value: posting", 'value: "{{ posting.amount }}", type: amount, quote: false', "TPL-17",
    ),
    "instead without allow": ("value: posting", "value: x, instead: y", "TPL-2"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=list(CASES))
def test_what_does_not_fit_is_refused(tmp_path: Path, case: str) -> None:
    old, new, code = CASES[case]
    body = """
rows: [{shape: pair, tax: by_code}]
files:
  out:
    name: out.csv
    kind: csv
    formats: {decimal: ","}
    columns:
      - {name: K, value: "{{ posting.account }}"}
      - {name: A, value: posting}
"""
    assert old in body
    assert [found for found, _line in problems(tmp_path, body.replace(old, new))] == [code]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("kind: csv", "kind: text", "TPL-7"),
        ("kind: csv", "kind: xlsx\n    layout: x.j2", "DOC-4"),
        ("kind: csv", "kind: csv\n    layout: ../x.j2", "DOC-4"),
        ("kind: csv", "kind: csv\n    companion: true", "TPL-7"),
        ("kind: csv", "kind: csv\n    csv: {header: names}", None),
        ("{name: Account, value", "{value", None),
        ("kind: csv", "kind: csv\n    bom: true\n    encoding: cp1252", "TPL-9"),
        ("kind: csv", 'kind: csv\n    encoding: "{{ parameters.enc }}"', "TPL-9"),
        ("posting.account", "company.name", "TPL-11"),
        ("shape: pair, tax: by_code}", "shape: pair, tax: by_code}, {shape: legs, tax: separate}",
         "TPL-6"),
        ("rows: [{shape", "order: [posting.account]\nrows: [{shape", "TPL-12"),
        ("rows: [{shape", "carries: {attendees: Acount}\nrows: [{shape", "TPL-12"),
        ("rows: [{shape", "parameters: {p: {type: enum}}\nrows: [{shape", "TPL-13"),
        ("rows: [{shape", "parameters: {p: {type: integer, default: x}}\nrows: [{shape", "TPL-13"),
        ('rows: [{shape', 'rows: [{when: "{{ voucher.form }}", shape', "TPL-11"),
    ],
)  # fmt: skip
def test_structure(tmp_path: Path, old: str, new: str, code: str | None) -> None:
    assert old in GOOD
    body = GOOD.replace(old, new)
    if code is None:
        load_template(write_template(tmp_path, body))
    else:
        assert {found for found, _line in problems(tmp_path, body)} == {code}


FIXED = """
rows: [{shape: pair, tax: by_code}]
files:
  out:
    name: out.txt
    kind: fixed
    fixed: {length: 10}
    columns:
      - {at: 1, width: 5, value: "{{ posting.account }}"}
      - {at: 6, width: 5, value: x}
"""


@pytest.mark.parametrize("change", [("at: 6", "at: 5"), ("at: 6", "at: 7"), (", width: 5", "")])
def test_columns_of_a_fixed_line_have_room(tmp_path: Path, change: tuple[str, str]) -> None:
    load_template(write_template(tmp_path, FIXED))
    codes = {code for code, _line in problems(tmp_path, FIXED.replace(*change))}
    assert codes == {"TPL-16"}


@pytest.mark.parametrize(("width", "fits"), [(50, True), (49, False)])
def test_the_reconciliation_id_needs_50_characters(tmp_path: Path, width: int, fits: bool) -> None:
    body = GOOD.replace("rows:", "carries: {reconciliation_id: Ref}\nrows:") + (
        f'      - {{name: Ref, value: "{{{{ item.reconciliation_id }}}}", max: {width}}}\n'
    )
    if fits:
        load_template(write_template(tmp_path, body))
    else:
        assert problems(tmp_path, body) == [("TPL-20", 6)]


def test_unknown_names_come_with_what_to_declare(tmp_path: Path) -> None:
    body = """
rows: [{shape: pair, tax: by_code}]
let: {bad: "{{ posting.acount }}", worse: "{{ bad }}"}
files:
  out:
    name: out.csv
    kind: csv
    columns:
      - {name: D, value: "{{ posting.dimension.kost }}"}
      - {name: E, value: "{{ worse }} {{ target.cost_type }}"}
      - {name: F, value: "{{ posting.account | lookup('dims') }}"}
"""
    with pytest.raises(UserMustFix) as error:
        load_template(write_template(tmp_path, body))
    assert [(problem.code, problem.fix) for problem in error.value.problems] == [
        ("EXP-3", 'did you mean "posting.account"?'),
        ("EXP-3", "declare it: needs: {dimension.kost: optional}"),
        ("EXP-3", "declare it: needs: {cost_type: optional}"),
        ("EXP-8", "declare it: needs: {table.dims: required}"),
    ]


def test_a_problem_of_an_inline_layout_has_its_place_in_the_template(tmp_path: Path) -> None:
    body = """
rows: [{shape: pair, tax: by_code}]
files:
  out:
    name: out.txt
    kind: text
    records: {row: [{name: a, value: "{{ posting.account }}"}]}
    layout: |
      first
      {% for posting in postings %}
      {{ row.b }}
      {% endfor %}
"""
    with pytest.raises(UserMustFix) as error:
        load_template(write_template(tmp_path, body))
    (problem,) = error.value.problems
    assert problem.code == "LAY-3"
    line, column = map(int, problem.where.rsplit(":", 2)[-2:])
    text = (tmp_path / "test" / "template.yaml").read_text().splitlines()[line - 1]
    assert "{{ row.b }}" in text
    assert text[column - 1 :].startswith(("row", "b", "."))


PARAMETERS = GOOD.replace(
    "rows:",
    """parameters:
  number: {type: integer, min: 1001, max: 9999999, help: given by the adviser}
  length: {type: integer, default: 4}
  side: {type: enum, values: [posting, document], default: posting}
  state: {type: text, optional: true}
  day: {type: date, optional: true}
  rate: {type: decimal, optional: true}
  lock: {type: flag, default: no}
rows:""",
)


def test_parameters_are_typed_and_have_defaults(tmp_path: Path) -> None:
    template = load_template(write_template(tmp_path, PARAMETERS))
    values = template.with_parameters({"number": "1001", "side": "document"}).values
    assert values == {
        "posting_state": "draft", "number": 1001, "length": 4, "side": "document", "state": None,
        "day": None, "rate": None, "lock": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"number": "1000"},
        {"number": "10000000"},
        {"number": "1001.5"},
        {"number": ""},
        {"number": "1001", "side": "both"},
        {"number": "1001", "numbr": "3"},
        {"number": "1001", "day": "31.12.2026"},
        {"number": "1001", "rate": "1e3"},
        {"number": "1001", "lock": "perhaps"},
        {"number": "1001", "state": "a\nb"},
        {"number": "1001", "posting_state": "posted"},
    ],
)
def test_parameters_that_do_not_fit_are_refused(tmp_path: Path, given: dict[str, str]) -> None:
    template = load_template(write_template(tmp_path, PARAMETERS))
    with pytest.raises(UserMustFix) as error:
        template.with_parameters(given)
    assert [problem.code for problem in error.value.problems] == ["TPL-14"]


def test_an_encoding_can_be_a_parameter(tmp_path: Path) -> None:
    body = GOOD.replace(
        "rows:", "parameters: {enc: {type: enum, values: [utf-8, cp1252], default: utf-8}}\nrows:"
    ).replace("kind: csv", 'kind: csv\n    encoding: "{{ parameters.enc }}"')
    books = two_items()
    books.postings[0]["posting.account"] = "Müller"
    given = {"enc": "cp1252"}
    first = made.rendered(tmp_path, body, books).files[0].content
    second = made.rendered(tmp_path, body, books, given=given).files[0].content
    assert first.decode("utf-8") == second.decode("cp1252")
    assert first != second


VARIANT = """
id: variant
extends: test
version: 2
parameters: {number: {default: 4711}}
columns: {Account: {max: 3, type: digits}}
checks: [{for: voucher, code: MY-1, that: "{{ voucher.total > 0 }}", message: no, fix: none}]
"""


def test_a_variant_changes_columns_parameters_and_checks(tmp_path: Path) -> None:
    write_template(tmp_path, PARAMETERS)
    path = tmp_path / "variant" / "template.yaml"
    path.parent.mkdir()
    path.write_text(VARIANT)
    template = load_template(path)
    assert (template.id, template.document.version) == ("variant", 2)
    assert template.with_parameters({}).values["number"] == 4711
    (column,) = template.document.files["out"].all_records["row"]
    assert (column.max, column.value) == (3, "{{ posting.account }}")
    assert [check.code for check in template.document.checks] == ["MY-1"]
    assert len(template.fingerprint) == 2
    rendered = render(template.with_parameters({}), **two_items().frames(), constants={**CONSTANTS})
    assert rendered.rejections["code"].unique().to_list() == ["CELL-3"]


def test_a_variant_of_a_column_that_is_not_there(tmp_path: Path) -> None:
    write_template(tmp_path, PARAMETERS)
    path = tmp_path / "variant" / "template.yaml"
    path.parent.mkdir()
    path.write_text(VARIANT.replace("{Account:", "{Acount:"))
    with pytest.raises(UserMustFix) as error:
        load_template(path)
    (problem,) = error.value.problems
    assert (problem.code, problem.fix) == ("TPL-5", 'did you mean "Account"?')
    path.write_text(VARIANT.replace("extends: test", "extends: variant"))
    with pytest.raises(UserMustFix) as error:
        load_template(path)
    assert error.value.problems[0].code == "TPL-5"


def test_the_schema_describes_templates(tmp_path: Path) -> None:
    schema = json.loads(json.dumps(template_schema()))
    jsonschema.Draft202012Validator.check_schema(schema)
    data = read_document(write_template(tmp_path, GOOD)).data
    data["version"] = 1
    jsonschema.validate(data, schema)
    data["fils"] = {}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, schema)


def test_needs_are_spelled_as_the_mapping_calls_them(tmp_path: Path) -> None:
    body = GOOD.replace(
        "rows:",
        "needs: {tax_code: required, vendor: optional, account_name: required, table.t: optional,"
        " dimension.kost: optional, cost_type: required, target.kind: optional}\nrows:",
    ).replace("posting.account", "target.cost_type }}{{ target.kind }}{{ posting.dimension.kost")
    document = load_template(write_template(tmp_path, body)).document
    assert targets_of(document) == {
        "tax_code": True, "account_name": True, "dimension.kost": False,
        "target.cost_type": True, "target.kind": False,
    }  # fmt: skip


LINTED = """
supports: {methods: [journal, accounts_payable]}
needs: {dimension.kost: optional}
parameters: {unread: {default: x}}
carries: {reconciliation_id: Text, reconciled_entries: Cut, attendees: {not: "there is no field"}}
let: {nothing: "{{ voucher.text }}"}
rows:
  - {name: J, when: "{{ voucher.kind == 'entry' }}", shape: pair, tax: by_code}
files:
  out:
    name: out.csv
    kind: csv
    columns:
      - {name: Account, value: "{{ posting.account }}", means: account}
      - {name: Amount, value: "{{ posting.amount }}", type: amount, means: amount}
      - {name: Text, value: "{{ item.user.name }}"}
      - {name: Cut, value: "{{ posting.text }}", max: 50, overflow: cut}
"""


def test_lint_says_what_is_missing_and_where(tmp_path: Path) -> None:
    template = load_template(write_template(tmp_path, LINTED))
    found = [
        (problem.code, int(problem.where.rsplit(":", 2)[-2])) for problem in lint_template(template)
    ]
    assert sorted(found) == [
        ("TPL-40", 9),  # Text does not read the reconciliation id
        ("TPL-40", 9),  # Cut may lose reconciled entries
        ("TPL-41", 15), ("TPL-41", 15), ("TPL-41", 15),  # date, contra account, side
        ("TPL-42", 12), ("TPL-42", 12), ("TPL-42", 12),  # invoice, credit note, payment
        ("TPL-43", 7), ("TPL-43", 8), ("TPL-43", 10),  # dimension, parameter, let
        ("TPL-44", 15),
        ("TPL-45", 1),
    ]  # fmt: skip


def test_lint_is_silent_where_nothing_is_missing(tmp_path: Path) -> None:
    body = """
supports: {methods: [journal]}
carries: {reconciliation_id: Ref, reconciled_entries: Text, attendees: Present}
rows: [{shape: legs, tax: by_code}]
files:
  out:
    name: out.csv
    kind: csv
    formulas: refuse
    columns:
      - {name: Account, value: "{{ posting.account }}", means: account}
      - {name: Amount, value: "{{ posting.signed }}", type: amount, means: signed}
      - {name: Date, value: "{{ voucher.date }}", type: date, means: date}
      - {name: Text, value: "{{ posting.text }}"}
      - {name: Ref, value: "{{ voucher.reference }}", max: 50}
      - {name: Present, value: "{{ item.attendees | join(', ') }}", max: 100, overflow: cut}
"""
    path = write_template(tmp_path, body)
    path.with_name("README.md").write_text("How to import\n")
    assert lint_template(load_template(path)) == []


def test_a_jinja_that_is_too_old_stops_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("etl.expressions.source.version", lambda _name: "3.1.5")
    with pytest.raises(UserMustFix) as caught:
        load_template("no such template")
    assert [problem.code for problem in caught.value.problems] == ["EXP-11"]
