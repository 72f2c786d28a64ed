"""An item with a text in every field that Pleo can send one in, accepted by a template."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from tests.security.lines import Line

Path_ = tuple[str | int, ...]
_ID = "00000000-0000-4000-8000-{:012}"
#: Fields whose text is free: whatever stands there, the item may be booked.
FREE: tuple[Path_, ...] = (
    ("note",),
    ("supplier", "name"),
    ("user", "name"),
    ("team", "name"),
    ("additionalInformation", "attendees", 0),
    ("vendor", "name"),
    ("accountingEntryLines", 0, "account", "name"),
    ("contraAccount", "name"),
)


def rich_item(line: Line) -> dict[str, Any]:
    """Give the first item of the case `plain` with everything filled in that may be empty."""
    item = line.items()[0]
    item["note"] = "Lunch"
    item["supplier"] = {
        "name": "Harbour", "code": "S1", "account": None, "country": "GB", "taxIdentifier": "GB1",
        "categoryCode": "5812",
    }  # fmt: skip
    item["user"] = {"id": _ID.format(1), "name": "Ann", "code": "E1"}
    item["team"] = {"id": _ID.format(2), "name": "Sales", "code": "T1"}
    item["servicePeriod"] = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-31T00:00:00Z"}
    item["files"] = [{"size": 10, "type": "application/pdf", "url": "https://example.org/1.pdf"}]
    vendor = {
        "id": _ID.format(3), "name": "Harbour", "code": "70001", "externalId": "X1",
        "defaultCurrency": item["amount"]["inWalletCurrency"]["currency"], "country": "GB",
        "registrationNumber": "R1", "taxRegistrationNumber": "GB1",
    }  # fmt: skip
    item["vendor"] = vendor | (item["vendor"] or {})
    more = item["additionalInformation"]
    more["attendees"] = ["Ann", "Bob"]
    more["reconciledEntries"] = None
    invoice = {
        "invoiceNumber": "HP-1", "invoiceDate": "2026-03-08T00:00:00Z", "dueDate": None,
        "paymentDate": "2026-03-09T00:00:00Z", "status": "paid",
        "supplierBankAccount": {"bankName": "Bank", "country": "GB",
                                "iban": "GB33BUKB20201555555555",
                                "bic": "BUKBGB22", "accountNumber": "1", "bankCode": "2"},
    }  # fmt: skip
    more["invoiceInformation"] = invoice | (more["invoiceInformation"] or {})
    return item


def text_paths(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Give the paths of all texts inside a value."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict | list):
        for key, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from text_paths(child, (*path, key))


def put(item: dict[str, Any], path: Path_, value: Any) -> None:
    """Put a value at a path; nothing is put into what is not there."""
    holder: Any = item
    for step in path[:-1]:
        holder = holder[step]
    if holder is not None:
        holder[path[-1]] = value


class Maker:
    """Gives copies of an item with ids of their own, and texts put into them."""

    def __init__(self, item: dict[str, Any]) -> None:
        self.item = item
        self.count = 0

    def make(self, *changes: tuple[Path_, Any]) -> dict[str, Any]:
        self.count += 1
        item = copy.deepcopy(self.item)
        item["accountingEntryId"] = _ID.format(self.count)
        for number, line in enumerate(item["accountingEntryLines"]):
            line["accountingEntryLineId"] = f"00000000-0000-4000-{8001 + number}-{self.count:012}"
        item["additionalInformation"]["reconciliationId"] = str(4000000 + self.count)
        invoice = item["additionalInformation"]["invoiceInformation"]
        if invoice:  # a bill has a number of its own
            invoice["invoiceNumber"] = f"HP-{self.count}"
        for path, value in changes:
            put(item, path, copy.deepcopy(value))
        return item
