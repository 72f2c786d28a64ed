"""The sample data: valid by Pleo's description, every type in it, and described one by one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from etl.items import CompanyFacts, check, ingest
from etl.items.values import ITEM_TYPES, SUB_TYPES
from etl.sources import read_sources

FOLDER = Path(__file__).parents[2] / "sample_data"
DESCRIPTION = Path(__file__).parents[1] / "fakes" / "export-item-v3.yaml"
COMPANIES = {
    "items.json": CompanyFacts("5a1e0c52-3c77-4a49-8f0b-7e2f5a9c1b10", "Europe/Berlin", "EUR"),
    "items-uk.ndjson": CompanyFacts("b4d6f8a0-2c1e-4d3f-8a5b-7c9d1e3f5a12", "Europe/London", "GBP"),
    "items-se.ndjson": CompanyFacts(
        "d8f0a2c4-4e3f-4b51-9c6d-9e1f3a5b7c13", "Europe/Stockholm", "SEK"
    ),
}


def items(name: str) -> list[dict[str, Any]]:
    text = (FOLDER / name).read_text(encoding="utf-8")
    if name.endswith(".ndjson"):
        return [json.loads(line) for line in text.splitlines()]
    page: list[dict[str, Any]] = json.loads(text)["data"]
    return page


def validator(schema: str) -> jsonschema.protocols.Validator:
    """Give a validator of Pleo's description, its `nullable` read as JSON Schema has it."""
    document = _with_null(yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8")))
    return jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{schema}", **document})


def _with_null(node: Any) -> Any:
    if isinstance(node, list):
        return [_with_null(value) for value in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _with_null(value) for key, value in node.items() if key != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


@pytest.mark.parametrize("name", COMPANIES)
def test_every_item_is_valid_by_the_description(name: str) -> None:
    check_item = validator("ExportItemV3")
    for item in items(name):
        assert [error.message for error in check_item.iter_errors(item)] == []


def test_the_page_is_valid_by_the_description() -> None:
    page = json.loads((FOLDER / "items.json").read_text(encoding="utf-8"))
    assert list(validator("CursorPaginatedResponseExportItemV3").iter_errors(page)) == []


def test_the_validator_notices_what_is_wrong() -> None:
    item = items("items.json")[0]
    item["amount"]["inWalletCurrency"]["value"] = "1"
    assert list(validator("ExportItemV3").iter_errors(item))


def test_all_types_and_sub_types_are_there() -> None:
    found = items("items.json")
    assert {item["type"] for item in found} == set(ITEM_TYPES)
    assert {item["subType"] for item in found} - {None} == set(SUB_TYPES)


@pytest.mark.parametrize("name", COMPANIES)
def test_every_item_passes_reading_and_checks(name: str) -> None:
    ingested = ingest(read_sources([str(FOLDER / name)]))
    result = check(ingested, COMPANIES[name])
    assert ingested.rejections.is_empty()
    assert result.rejections.to_dicts() == []
    assert result.items.height == ingested.listed == len(items(name))
    assert ingested.notes.filter(code="ITEM-FIELDS").is_empty()


def test_exactly_one_item_lacks_the_account_it_needs() -> None:
    needing = {"card_purchase", "card_invoice", "out_of_pocket", "mileage", "per_diem", "invoice",
               "refund", "chargeback", "cashback", "fee"}  # fmt: skip
    lacking = [
        item["additionalInformation"]["reconciliationId"]
        for name in COMPANIES
        for item in items(name)
        if item["type"] in needing
        and not all(line["account"] for line in item["accountingEntryLines"])
    ]
    assert lacking == ["4114031"]


def test_the_readme_describes_every_item() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    described = re.findall(r"^\| ([0-9]{7}) \| ([a-z_]+)", readme, re.MULTILINE)
    there = [
        (item["additionalInformation"]["reconciliationId"], item["type"])
        for name in COMPANIES
        for item in items(name)
    ]
    assert described == there
