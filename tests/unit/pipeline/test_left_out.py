"""What the mapping gives and a template has no place for is said, item by item."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.pipeline import Request, convert

ROOT = Path(__file__).parents[3]


def _left_out(template: str, **parameters: str) -> list[tuple[int, int]]:
    request = Request(
        sources=[str(ROOT / "sample_data/items.json")],
        template=template,
        mapping=ROOT / "mappings/example.yaml",
        parameters=parameters,
    )
    return [
        (note["count"], len(note["items"]))
        for note in convert(request).notes
        if note["code"] == "DIMENSION-LEFT-OUT"
    ]


def test_cost_centres_without_a_column_are_named() -> None:
    # The mapping calls them kost1 and kost2, generic cost_centre and project. Nine items of the
    # sample data have a cost centre, six a project, four of them both.
    assert _left_out("generic") == [(15, 11)]


@pytest.mark.parametrize(
    ("template", "parameters"),
    [("datev-extf", {"consultant_number": "1001", "client_number": "42"}), ("hledger", {})],
    ids=["in columns", "each by its name"],
)
def test_what_the_file_holds_is_not_remarked(template: str, parameters: dict[str, str]) -> None:
    assert _left_out(template, **parameters) == []
