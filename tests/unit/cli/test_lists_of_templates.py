"""What templates read of the mapping's lists: labels of dimension values, tables to look up in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.items import item
from tests.unit.cli.workspaces import MAPPING, Workspace

TEMPLATE = """\
id: plain
title: Objects
version: 1
target: {system: Any, format: text, source: none, checked: 2026-11-20, confidence: assumed}
needs: {table.numbers: optional}
rows: [{shape: legs, tax: by_code}]
files:
  objects:
    name: objects.txt
    kind: text
    records:
      thing:
        - {name: number, value: "{{ object.dimension | lookup('numbers') or 'none' }}"}
        - {name: code, value: "{{ object.code }}"}
        - {name: label, value: "{{ object.label or '?' }}"}
      row:
        - {name: account, value: "{{ posting.account }}", means: account}
        - {name: amount, value: "{{ posting.signed }}", type: amount, means: signed}
    read_back: {row: '^A (?<account>[0-9]+) (?<signed>-?[0-9.]+)$'}
    layout: |
      {% for object in objects %}
      {{ thing.number }} {{ thing.code }} {{ thing.label }}
      {% endfor %}
      {% for posting in postings %}
      A {{ row.account }} {{ row.amount }}
      {% endfor %}
"""
ITEM = item(n=1, lines=[{"account": "6640 Bewirtung", "tags": {"Projekt": "P1"}}])


@pytest.fixture
def with_tags(workspace: Workspace) -> Workspace:
    (workspace.root / "plain" / "template.yaml").write_text(TEMPLATE, encoding="utf-8")
    mapping = MAPPING + "tags: {Projekt: project}\nreference: lists/\n"
    (workspace.root / "acme.yaml").write_text(mapping, encoding="utf-8")
    (workspace.root / "lists").mkdir()
    values = "dimension_code,value_code,value_name,status\n"
    (workspace.root / "lists" / "dimension_values.csv").write_text(values, encoding="utf-8")
    return workspace


def convert(workspace: Workspace, listed: str) -> str:
    values = f"dimension_code,value_code,value_name,status\n{listed},P1,Messe,active\n"
    Path(workspace.root / "lists" / "dimension_values.csv").write_text(values, encoding="utf-8")
    result = workspace.convert(workspace.items(ITEM))
    assert result.exit_code == 0, result.output
    return workspace.files()["objects.txt"].decode().splitlines()[0]


@pytest.mark.parametrize("listed", ["PROJEKT", "project"])
def test_labels_are_found_by_the_tag_group_and_by_the_name_of_the_dimension(
    with_tags: Workspace, listed: str
) -> None:
    assert convert(with_tags, listed) == "none P1 Messe"


def test_an_optional_table_may_be_left_out_or_given(with_tags: Workspace) -> None:
    assert convert(with_tags, "other") == "none P1 ?"
    mapping = with_tags.root / "acme.yaml"
    (with_tags.root / "numbers.csv").write_text("dimension,number\nproject,6\n", encoding="utf-8")
    table = "tables:\n  numbers: {file: numbers.csv, key: [dimension]}\n"
    mapping.write_text(mapping.read_text().replace("tables:\n", table))
    assert convert(with_tags, "project") == "6 P1 Messe"


def test_a_required_table_may_not_be_left_out(with_tags: Workspace) -> None:
    template = with_tags.root / "plain" / "template.yaml"
    template.write_text(template.read_text().replace("table.numbers: optional",
                                                     "table.numbers: required"))  # fmt: skip
    result = with_tags.convert(with_tags.items(ITEM))
    assert result.exit_code == 2
    assert 'error[TPL-19]: the template plain needs a table "numbers"' in result.stderr
