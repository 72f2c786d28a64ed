"""Tags become dimensions; groups are compared casefolded (R75)."""

from __future__ import annotations

from pathlib import Path

from tests.unit.mapping.written import codes, load, mapped, value

TEXT = """tags: {PROJECT: project, "COST CENTER": cost_centre, STRASSE: street}
map:
  account.expense: [{use: "1"}]
  account.wallet: [{use: "1360"}]
"""


def test_a_tag_gives_its_dimension_without_a_rule(tmp_path: Path) -> None:
    result = mapped(
        load(tmp_path, TEXT),
        {
            "lines": [
                {"tags": [("project", "P1"), ("Cost Center", "K1")]},
                {"tags": [("PROJECT", "P2")]},
                {"tags": []},
                {"line.tag_groups": None, "line.tag_codes": None},
                {"tags": [("straße", "S1")]},
            ]
        },
    )
    assert value(result, "dimension.project") == ["P1", "P2", None, None, None]
    assert value(result, "dimension.cost_centre") == ["K1", None, None, None, None]
    assert value(result, "dimension.street") == [None, None, None, None, "S1"]
    assert result.notes.is_empty()


def test_rules_of_a_dimension_replace_the_tag(tmp_path: Path) -> None:
    rule = (
        "  dimension.project: [{use: \"X{{ line.tags['Project'] }}\", "
        "when: \"{{ line.tags['PROJECT'] is not none }}\"}, {use: none}]\n"
    )
    result = mapped(load(tmp_path, TEXT + rule), {"lines": [{"tags": [("PROJECT", "1")]}, {}]})
    assert value(result, "dimension.project") == ["X1", None]


def test_two_groups_may_feed_one_dimension(tmp_path: Path) -> None:
    text = TEXT.replace("STRASSE: street", "OLD: project")
    result = mapped(
        load(tmp_path, text),
        {"lines": [{"tags": [("OLD", "A")]}, {"tags": [("OLD", "A"), ("PROJECT", "B")]}]},
    )
    assert value(result, "dimension.project") == ["A", "B"]
    assert load(tmp_path, text).dimensions == {"project": "PROJECT", "cost_centre": "COST CENTER"}


def test_a_group_twice_on_a_line_is_rejected(tmp_path: Path) -> None:
    result = mapped(
        load(tmp_path, TEXT),
        {"lines": [{}, {"tags": [("PROJECT", "A"), ("Project", "A")]}]},
        {"lines": [{"tags": [("OTHER", "A"), ("OTHER", "B")]}]},
        {"lines": [{"tags": [("PROJECT", "A")]}, {"tags": [("PROJECT", "B")]}]},
    )
    assert codes(result) == [("MAP-34", 2, "validation_failure")]
    assert 'tag group "PROJECT" 2 times' in result.rejections["message"][0]
    assert result.items["item.id"].to_list() == ["item-1", "item-2"]


def test_undeclared_groups_are_noted_once_per_item(tmp_path: Path) -> None:
    result = mapped(
        load(tmp_path, TEXT),
        {"lines": [{"tags": [("TEAM", "A")]}, {"tags": [("TEAM", "B"), ("AREA", "C")]}]},
        {"lines": [{"tags": [("PROJECT", "A")]}]},
    )
    assert result.notes.select("item_id", "code").rows() == [
        ("item-0", "MAP-TAG-UNDECLARED"),
        ("item-0", "MAP-TAG-UNDECLARED"),
    ]
    assert 'tag group "AREA"' in result.notes["detail"][0]


def test_a_mapping_without_tags_notes_every_group(tmp_path: Path) -> None:
    text = TEXT[TEXT.index("map:") :]
    result = mapped(load(tmp_path, text), {"lines": [{"tags": [("PROJECT", "A")]}]})
    assert result.notes["code"].to_list() == ["MAP-TAG-UNDECLARED"]


def test_notes_of_rejected_items_are_left_out(tmp_path: Path) -> None:
    both = [("TEAM", "A"), ("PROJECT", "A"), ("PROJECT", "B")]
    result = mapped(load(tmp_path, TEXT), {"lines": [{"tags": both}]})
    assert (result.rejections.height, result.notes.height) == (1, 0)
