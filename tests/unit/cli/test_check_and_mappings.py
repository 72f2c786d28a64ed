"""`init`, `check` and `mappings`: every mistake at once, with its place, without the network."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result

from etl.cli import main
from etl.workspace import PLACEHOLDER_ID
from tests.fakes.items import item
from tests.unit.cli.workspaces import Workspace

ID = "5a1e0c52-3c77-4a49-8f0b-7e2f5a9c1b10"
OTHER = "5a1e0c52-3c77-4a49-8f0b-7e2f5a9c1b11"


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


@pytest.fixture
def here(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a workspace where nothing may reach the network."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    (workspace.root / "templates").mkdir()
    (workspace.root / "plain").rename(workspace.root / "templates" / "plain")
    monkeypatch.chdir(workspace.root)
    return workspace.root


def settings(folder: Path, text: str) -> None:
    (folder / "pleo-etl.yaml").write_text(text, encoding="utf-8")


def errors() -> list[tuple[str, str]]:
    result = run("check", "--json")
    document = json.loads(result.stdout)
    assert document["exit_code"] == result.exit_code == (2 if document["errors"] else 0)
    return [(error["code"], error["where"]) for error in document["errors"]]


def test_a_right_workspace_has_no_mistakes(here: Path) -> None:
    settings(here, f"companies: {{a: {{id: {ID}, template: plain, mapping: acme.yaml}}}}\n")
    result = run("check")
    assert result.exit_code == 0
    assert "no mistakes found; companies: a" in result.stderr


def test_mistakes_of_all_companies_come_at_once_with_their_places(here: Path) -> None:
    settings(
        here,
        f"""\
companies:
  a: {{id: {ID}, template: plian, mapping: nothing.yaml}}
  b: {{id: {OTHER}, template: plain, mapping: acme.yaml, parameters: {{legder: AP}}}}
""",
    )
    assert errors() == [
        ("TPL-3", "pleo-etl.yaml:2:59"),
        ("DOC-4", "pleo-etl.yaml:2:75"),
        ("TPL-14", "pleo-etl.yaml:3:98"),
    ]


def test_a_missing_parameter_is_to_be_written_into_the_workspace(here: Path) -> None:
    path = here / "templates" / "plain" / "template.yaml"
    text = path.read_text().replace("{ledger: {default: GL}}", "{ledger: {help: which ledger}}")
    path.write_text(text)
    settings(
        here,
        f"""\
companies:
  a: {{id: {ID}, template: plain, mapping: acme.yaml, parameters: {{ledger: GL}}}}
  b: {{id: {OTHER}, template: plain, mapping: other.yaml}}
""",
    )
    (here / "other.yaml").write_text((here / "acme.yaml").read_text().replace(ID, OTHER))
    (error,) = json.loads(run("check", "--json").stdout)["errors"]
    assert (error["code"], error["where"]) == ("TPL-14", "pleo-etl.yaml:3:6")
    written = 'write "ledger: VALUE" under parameters of company b in pleo-etl.yaml'
    assert error["fix"] == f"{written} (which ledger)"


def test_a_mapping_of_another_company_is_found(here: Path) -> None:
    settings(here, f"companies: {{a: {{id: {OTHER}, template: plain, mapping: acme.yaml}}}}\n")
    assert errors() == [("WS-3", "pleo-etl.yaml:1:21")]


def test_a_target_that_the_template_needs_is_found(here: Path) -> None:
    settings(here, f"companies: {{a: {{id: {ID}, template: plain, mapping: acme.yaml}}}}\n")
    path = here / "templates" / "plain" / "template.yaml"
    path.write_text(path.read_text().replace("tax_code: optional", "target.series: required"))
    assert [code for code, _ in errors()] == ["MAP-16"]


def test_a_mistake_in_a_table_is_found(here: Path) -> None:
    settings(here, f"companies: {{a: {{id: {ID}, template: plain, mapping: acme.yaml}}}}\n")
    (here / "accounts.csv").write_text("pleo,erp\n6640,4650\n6640,4651\n")
    (found,) = errors()
    assert found[1] == "accounts.csv:3"


def test_check_from_below_finds_the_workspace(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings(here, f"companies: {{a: {{id: {ID}, template: plain, mapping: acme.yaml}}}}\n")
    monkeypatch.chdir(here / "templates")
    assert run("check").exit_code == 0


def test_init_writes_a_workspace_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etl.starting.shipped_templates", lambda: ["generic"])
    first = run("init", str(tmp_path / "books"))
    assert first.exit_code == 0
    assert first.stdout.splitlines() == [
        str(tmp_path / "books" / "pleo-etl.yaml"),
        str(tmp_path / "books" / "mappings" / "acme.yaml"),
    ]
    again = run("init", str(tmp_path / "books"))
    assert again.exit_code == 2
    assert "error[WS-4]" in again.stderr


def test_init_says_what_to_fill_in_and_check_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = run("init", str(tmp_path / "books"), "-t", "datev-extf").stderr
    assert "fill in the company's id in both files, client_number, consultant_number" in told
    monkeypatch.chdir(tmp_path / "books")
    assert errors() == [
        ("WS-8", "pleo-etl.yaml:5:9"),
        ("TPL-14", "pleo-etl.yaml:5:5"),
        ("TPL-14", "pleo-etl.yaml:5:5"),
    ]
    path = Path("pleo-etl.yaml")
    text = path.read_text(encoding="utf-8").replace(PLACEHOLDER_ID, ID)
    text = text.replace("    # parameters:", "    parameters:").replace("    #   c", "      c")
    text = text.replace("client_number:", "client_number: 42")
    path.write_text(text.replace("consultant_number:", "consultant_number: 1001"), "utf-8")
    mapping = Path("mappings/acme.yaml")
    mapping.write_text(mapping.read_text("utf-8").replace(PLACEHOLDER_ID, ID), "utf-8")
    assert errors() == []


def test_what_a_mapping_ignores_is_a_warning(here: Path) -> None:
    settings(here, f"companies: {{a: {{id: {ID}, template: plain, mapping: acme.yaml}}}}\n")
    path = here / "acme.yaml"
    path.write_text(path.read_text().replace("tables:", "reference: lists\ntables:"))
    (here / "lists").mkdir()
    (here / "lists" / "tax_codes.csv").write_text(
        "tax_code,name,rate_percent,type,ingoing_tax_account,outgoing_tax_account,active,colour\n"
        "VSt19,19 %,19,inclusive,1576,,yes,red\n"
    )
    result = run("check")
    assert result.exit_code == 0
    assert 'warning[MAP-46]: column "colour" is not known and is ignored' in result.stderr


def test_the_schema_of_mappings_is_for_editors(here: Path) -> None:
    schema = json.loads(run("mappings", "schema").stdout)
    jsonschema.validate(yaml.safe_load((here / "acme.yaml").read_text()), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"company": {}}, schema)


# ── mappings ────────────────────────────────────────────────────────────────────────────────


def test_lint_is_silent_about_a_good_mapping(here: Path) -> None:
    result = run("mappings", "lint", "acme.yaml")
    assert (result.exit_code, result.stdout) == (0, "")


def test_lint_names_line_and_column(here: Path) -> None:
    path = here / "acme.yaml"
    path.write_text(path.read_text() + "  account.payable: [{use: a}, {use: b}]\n")
    result = run("mappings", "lint", "acme.yaml")
    assert result.exit_code == 2
    assert result.stdout.startswith("acme.yaml:")
    assert "MAP-40" in result.stdout


def test_what_only_given_items_show_is_said_and_does_not_count(
    workspace: Workspace, here: Path
) -> None:
    items = workspace.items(item(n=1, lines=[{"account": "6640 Bewirtung"}]))
    result = run("mappings", "lint", "acme.yaml", "--items", items)
    assert result.exit_code == 0
    assert "no line of these items used the rule" in result.stdout


CASES = """\
mapping: acme.yaml
cases:
  - name: a meal
    lines: [{account.code: "6640"}]
    expect: [{account.expense: "ACCOUNT"}]
  - {name: an item of a file, file: items.json, id: ITEM, expect: [{account.expense: "4650"}]}
"""


def test_cases_pass_or_say_what_differs(workspace: Workspace, here: Path) -> None:
    meal = item(n=1, lines=[{"account": "6640 Bewirtung"}])
    workspace.items(meal)
    text = CASES.replace("ITEM", meal["accountingEntryId"])
    (here / "good.yaml").write_text(text.replace("ACCOUNT", "4650"))
    (here / "bad.yaml").write_text(text.replace("ACCOUNT", "4651"))
    good, bad = run("mappings", "test", "good.yaml"), run("mappings", "test", "bad.yaml")
    assert (good.exit_code, good.stdout.count("ok   ")) == (0, 2)
    assert (bad.exit_code, bad.stdout.count("FAIL ")) == (2, 1)
    assert "4651" in bad.stdout
    cases = json.loads(run("mappings", "test", "bad.yaml", "--json").stdout)["cases"]
    assert [case["passed"] for case in cases] == [False, True]
