"""A newcomer makes a working template in minutes; lint, preview and test say what is the matter."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result

from etl.cli import main


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["templates", *words])


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert run("new", "acme-erp").exit_code == 0
    return tmp_path / "templates" / "acme-erp"


def test_a_new_template_works_at_once(made: Path) -> None:
    assert run("lint", "acme-erp").exit_code == 0
    tested = run("test", "acme-erp")
    assert (tested.exit_code, tested.stdout) == (0, "ok   acme-erp: plain\n")
    shown = run("preview", "acme-erp", "--lines", "2")
    assert shown.exit_code == 0
    assert shown.stdout.startswith("Journal;Voucher;Date;Account;Contra account;Amount;")
    assert len(shown.stdout.splitlines()) == 2


def test_preview_writes_nothing(made: Path) -> None:
    before = sorted(made.parent.parent.rglob("*"))
    run("preview", "acme-erp")
    assert sorted(made.parent.parent.rglob("*")) == before


def test_list_and_show_tell_what_it_is(made: Path) -> None:
    listed = json.loads(run("list", "--json").stdout)["templates"]
    assert {"id": "acme-erp", "title": "Journal of acme-erp", "own": True} in listed
    shown = run("show", "acme-erp").stdout
    assert "parameter   journal: text, default PLEO" in shown
    assert "folder      templates/acme-erp" in shown


def test_schema_prints_what_an_editor_checks_with(made: Path) -> None:
    schema = json.loads(run("schema").stdout)
    text = (made / "template.yaml").read_text()
    written = yaml.safe_load(text.replace("2026-01-01", '"2026-01-01"'))  # no date in YAML 1.2
    jsonschema.validate(written, schema)
    with pytest.raises(jsonschema.ValidationError, match="titel"):
        jsonschema.validate(written | {"titel": "x"}, schema)


def test_a_mistake_is_found_with_line_and_column_and_a_near_match(made: Path) -> None:
    path = made / "template.yaml"
    text = path.read_text()
    path.write_text(text.replace("posting.contra_account", "posting.contra_acount"))
    result = run("lint", str(made))
    assert result.exit_code == 2
    line = text[: text.index("posting.contra_account")].count("\n") + 1
    assert result.stdout.startswith(f"templates/acme-erp/template.yaml:{line}:")
    assert "posting.contra_account" in result.stdout


def test_a_changed_byte_fails_the_case_and_can_be_accepted(made: Path) -> None:
    path = made / "template.yaml"
    path.write_text(path.read_text().replace("{name: Journal, ", "{name: Ledger, "))
    result = run("test", "acme-erp")
    assert result.exit_code == 2
    assert "FAIL acme-erp: plain" in result.stdout
    assert "pleo-etl templates test --accept TEMPLATE" in result.stderr
    assert "acme-erp_1_1.csv line 1: expected 'Journal;" in result.stdout
    assert run("test", "acme-erp", "--accept").exit_code == 0
    assert run("test", "acme-erp").exit_code == 0


def test_a_file_too_many_or_too_few_fails_the_case(made: Path) -> None:
    expected = made / "cases" / "plain" / "expected"
    (expected / "acme-erp_1_1.csv").rename(expected / "other.csv")
    result = json.loads(run("test", "acme-erp", "--json").stdout)
    assert result["exit_code"] == 2
    assert result["cases"][0]["differences"] == [
        "other.csv is missing", "acme-erp_1_1.csv is not expected",
    ]  # fmt: skip
    assert run("test", "acme-erp", "--accept").exit_code == 0
    assert [path.name for path in expected.iterdir()] == ["acme-erp_1_1.csv"]


def test_a_rejection_that_is_not_expected_says_why(made: Path) -> None:
    path = made / "template.yaml"
    path.write_text(
        path.read_text().replace('posting.tax_code }}", max: 20', 'posting.tax_code }}", max: 4')
    )
    result = run("test", "acme-erp")
    assert (
        '       rejections.csv is not expected\n         CELL-3: column "Tax code"' in result.stdout
    )


def test_a_parameter_that_a_case_lacks_is_to_be_written_into_its_file(made: Path) -> None:
    path = made / "template.yaml"
    text = path.read_text()
    path.write_text(text.replace("parameters:\n", "parameters:\n  client: {type: digits}\n"))
    result = run("test", "acme-erp")
    assert "  at templates/acme-erp/cases/plain/parameters.yaml\n" in result.stdout
    assert "  fix: write client: VALUE into it\n" in result.stdout


def test_a_template_without_cases_says_how_to_make_one(made: Path) -> None:
    (made / "cases" / "plain" / "items.json").unlink()
    result = run("test", "acme-erp")
    assert result.exit_code == 2
    assert "error[WS-7]" in result.stderr


@pytest.mark.parametrize(
    ("name", "code"), [("acme-erp", "WS-4"), ("Acme", "WS-5"), ("../x", "WS-5"), ("a" * 61, "WS-5")]
)
def test_a_name_that_is_taken_or_cannot_be_is_refused(made: Path, name: str, code: str) -> None:
    before = sorted(made.parent.rglob("*"))
    result = run("new", name)
    assert result.exit_code == 2
    assert f"error[{code}]" in result.stderr
    assert sorted(made.parent.rglob("*")) == before
