"""Export items of Pleo (ExportItemV3), written short.

    item(n=1, type="card_purchase", wallet="119.00 EUR",
         lines=[{"account": "6640 Bewirtung", "gross": "119.00",
                 "tax": "VSt19 0.19 inclusive 19.00 in=1576"}])

Amounts are decimal text and become hundredths. What is left out takes a plain value, so that a case
shows only what it is about. `supplier="100.00 USD"` is the amount in supplier currency (default: as
in the wallet); a line's `supplier_gross` and a tax's `supplier=` go with it.
"""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

NAMESPACE = uuid.UUID("7f1d0c9a-5f0e-4c8e-9a53-1f6a2b3c4d5e")
COMPANY = "5a1e0c52-3c77-4a49-8f0b-7e2f5a9c1b10"
WALLET = "1360 Pleo EUR"
NO_CONTRA = {"out_of_pocket", "mileage", "per_diem", "external_reimbursement", "invoice"}


def item(
    *,
    n: int,
    type: str = "card_purchase",  # noqa: A002
    wallet: str = "10.00 EUR",
    supplier: str | None = None,
    lines: list[dict[str, Any]] | None = None,
    date: str = "2026-03-09T10:00:00Z",
    **given: Any,
) -> dict[str, Any]:
    """Give one export item; `n` makes its ids and its reconciliation id."""
    wallet_value, wallet_currency = wallet.split()
    supplier_value, supplier_currency = (supplier or wallet).split()
    currencies = (supplier_currency, wallet_currency)
    rows = lines if lines is not None else [{"account": "6640 Bewirtung"}]
    is_whole = len(rows) == 1
    contra = given.get("contra", None if type in NO_CONTRA else WALLET)
    return {
        "_links": {"web": {"exportItem": f"https://app.pleo.io/export/{n}"}},
        "accountingEntryId": str(uuid.uuid5(NAMESPACE, f"item {n}")),
        "companyId": given.get("company", COMPANY),
        "type": type,
        "subType": given.get("sub_type"),
        "date": date,
        "amount": _amounts(supplier_value, wallet_value, currencies),
        "note": given.get("note"),
        "bookkeeping": {"method": given["method"]} if given.get("method") else None,
        "contraAccount": _account(contra, f"contra {contra}"),
        "supplier": _supplier(given.get("merchant", "Café Müller")),
        "vendor": given.get("vendor"),
        "user": _named(given.get("user", "Jonas Weber"), "user"),
        "team": _named(given.get("team"), "team"),
        "servicePeriod": given.get("service_period"),
        "files": given.get("files", []),
        "accountingEntryLines": [
            _line(n, number, row, currencies, (supplier_value, wallet_value) if is_whole else None)
            for number, row in enumerate(rows, 1)
        ],
        "additionalInformation": {
            "reconciliationId": given.get("reconciliation_id", str(4113000 + n)),
            "attendees": given.get("attendees"),
            "reconciledEntries": given.get("reconciled_entries"),
            "invoiceInformation": given.get("invoice"),
        },
    }


def vendor(code: str, name: str, currency: str = "EUR", **given: str) -> dict[str, Any]:
    """Give the vendor object of an item."""
    return {
        "id": str(uuid.uuid5(NAMESPACE, f"vendor {code}")),
        "name": name,
        "code": code,
        "externalId": code,
        "defaultCurrency": currency,
        **given,
    }


def invoice(number: str, date: str, due: str | None = None, status: str = "paid") -> dict[str, Any]:
    """Give the invoice information of an item."""
    return {"invoiceNumber": number, "invoiceDate": date, "dueDate": due, "status": status}


def page(*items: dict[str, Any]) -> dict[str, Any]:
    """Give a page as Pleo answers it."""
    return {"data": list(items), "pagination": {"hasNextPage": False, "hasPreviousPage": False}}


def _hundredths(value: str) -> int:
    scaled = Decimal(value).scaleb(2)
    assert scaled == scaled.to_integral_value(), value
    return int(scaled)


def _amounts(supplier: str, wallet: str, currencies: tuple[str, str]) -> dict[str, Any]:
    return {
        "inSupplierCurrency": {"currency": currencies[0], "value": _hundredths(supplier)},
        "inWalletCurrency": {"currency": currencies[1], "value": _hundredths(wallet)},
    }


def _line(
    n: int,
    number: int,
    row: dict[str, Any],
    currencies: tuple[str, str],
    whole: tuple[str, str] | None,
) -> dict[str, Any]:
    gross = row.get("gross") or (whole[1] if whole else None)
    assert gross is not None, "a line of a split needs its gross"
    supplier_gross = row.get("supplier_gross") or (whole[0] if whole else gross)
    tax, net, supplier_net = _tax(row.get("tax"), gross, supplier_gross, currencies)
    return {
        "accountingEntryLineId": str(uuid.uuid5(NAMESPACE, f"item {n} line {number}")),
        "lineAmount": _amounts(supplier_gross, gross, currencies),
        "netAmount": _amounts(supplier_net, net, currencies),
        "account": _account(row.get("account"), f"account {row.get('account')}"),
        "tags": [
            {
                "id": str(uuid.uuid5(NAMESPACE, f"tag {group} {code}")),
                "groupCode": group,
                "code": code,
            }
            for group, code in row.get("tags", {}).items()
        ],
        "tax": tax,
    }


def _tax(
    text: str | None, gross: str, supplier_gross: str, currencies: tuple[str, str]
) -> tuple[dict[str, Any] | None, str, str]:
    """Read `CODE RATE TYPE AMOUNT [supplier=AMOUNT] [in=ACCOUNT] [out=ACCOUNT]`."""
    if text is None:
        return None, gross, supplier_gross
    code, rate, kind, amount, *rest = text.split()
    more = dict(part.split("=") for part in rest)
    supplier_amount = more.get("supplier", amount)
    tax: dict[str, Any] = {
        "id": str(uuid.uuid5(NAMESPACE, f"tax {code}")),
        "code": None if code == "-" else code,
        "rate": float(rate),
        "type": kind,
        "amount": _amounts(supplier_amount, amount, currencies),
    }
    if "in" in more:
        tax["ingoingTaxAccount"] = more["in"]
    if "out" in more:
        tax["outgoingTaxAccount"] = more["out"]
    if kind != "exclusive":
        return tax, gross, supplier_gross
    net = str(Decimal(gross) - Decimal(amount))
    return tax, net, str(Decimal(supplier_gross) - Decimal(supplier_amount))


def _account(text: str | None, seed: str) -> dict[str, Any] | None:
    if text is None:
        return None
    code, _, name = text.partition(" ")
    identity = str(uuid.uuid5(NAMESPACE, seed))
    return {"id": identity, "name": name or code, "code": code, "identifier": None}


def _named(text: str | None, kind: str) -> dict[str, Any] | None:
    if text is None:
        return None
    name, _, code = text.partition(" / ")
    return {"id": str(uuid.uuid5(NAMESPACE, f"{kind} {name}")), "name": name, "code": code or None}


def _supplier(value: str | dict[str, Any] | None) -> dict[str, Any] | None:
    return {"name": value} if isinstance(value, str) else value
