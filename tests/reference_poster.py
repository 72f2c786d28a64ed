"""A second poster, plain and slow, written from design.md section 3 and from table 7a.

It shares nothing with the engine: what both say is right, what they differ in is a mistake of one.
An item is a dict: type, sub_type, method, currency, other_currency and lines; a line is a dict of
gross, tax, tax_type, code, accounts by role, and `book` and `other` as (gross, tax). Amounts are
Decimals or None. Every item may have either sign: the other sign swaps its sides.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

#: type -> (lines' role, contra role, whether a positive line is debited), journal.
JOURNAL: dict[tuple[str, str | None], tuple[str, str, bool]] = {
    ("card_purchase", None): ("expense", "wallet", True),
    ("card_invoice", None): ("expense", "wallet", True),
    ("fee", None): ("expense", "wallet", True),
    ("fee", "interest"): ("expense", "wallet", True),
    ("cashback", None): ("cashback", "wallet", False),
    ("refund", None): ("expense", "wallet", False),
    ("chargeback", None): ("expense", "wallet", False),
    ("invoice", None): ("expense", "payable", True),
    ("invoice_payment", "invoice_payment_sent"): ("payable", "wallet", True),
    ("invoice_payment", "invoice_payment_returned"): ("payable", "wallet", False),
    ("out_of_pocket", None): ("expense", "out_of_pocket", True),
    ("mileage", None): ("expense", "out_of_pocket", True),
    ("per_diem", None): ("expense", "out_of_pocket", True),
    ("direct_reimbursement", "reimbursement_to_employee"): ("out_of_pocket", "wallet", True),
    ("direct_reimbursement", "reimbursement_to_employee_refund"): (
        "out_of_pocket", "wallet", False,
    ),
    ("direct_reimbursement", "reimbursement_to_company"): ("out_of_pocket", "wallet", False),
    ("external_reimbursement", "reimbursement_to_employee"): (
        "out_of_pocket", "reimbursement", True,
    ),
    ("external_reimbursement", "reimbursement_to_employee_refund"): (
        "out_of_pocket", "reimbursement", False,
    ),
    ("external_reimbursement", "reimbursement_to_company"): (
        "out_of_pocket", "reimbursement", False,
    ),
    ("atm_withdrawal", None): ("employee", "wallet", True),
    ("personal_spend", None): ("employee", "wallet", True),
    ("wallet_topup", None): ("transfer", "wallet", False),
    ("wallet_unload", None): ("transfer", "wallet", True),
}  # fmt: skip


class Refused(Exception):
    """The item cannot be posted."""


def kinds_of(item: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """Give the vouchers of an item: kind, lines' role, contra role, whether lines are debited."""
    line_role, contra_role, is_debit = JOURNAL[item["type"], item["sub_type"]]
    if item["method"] == "journal":
        return [("entry", line_role, contra_role, is_debit)]
    match item["type"]:
        case "card_purchase" | "card_invoice" | "fee" | "refund" | "chargeback":
            kind = "invoice" if is_debit else "credit_note"
            payment = ("payment", "payable", "wallet", is_debit)
            return [(kind, "expense", "payable", is_debit), payment]
        case "invoice" | "out_of_pocket" | "mileage" | "per_diem":
            return [("invoice", "expense", "payable", True)]
        case "invoice_payment" | "direct_reimbursement" | "external_reimbursement":
            return [("payment", "payable", contra_role, is_debit)]
        case _:
            return [("entry", line_role, contra_role, is_debit)]


def amounts_of(
    item: dict[str, Any], line: dict[str, Any], company: str | None, role: str
) -> list[Any]:
    """Give (gross, tax) in posting, company and other currency; `company` under single."""
    own, book, other = (line["gross"], line["tax"]), line["book"], line["other"]
    if company is not None:
        own, other = book, (other if item["currency"] == company else own)
    is_taxed = role in ("expense", "cashback")
    amounts = []
    for gross, tax in (own, book, other):
        if gross is None or (is_taxed and line["tax"] and tax is None):
            amounts.append(None)
        else:
            amounts.append((gross, (is_taxed and tax) or Decimal(0)))
    return amounts


def post_item(
    item: dict[str, Any], form: dict[str, str], *, company: str | None = None
) -> list[tuple[Any, ...]]:
    """Post an item; form: shape, tax, mixed_signs, contra.

    Gives: (kind, role, account, contra account, code, signed x 3, net, tax, notional) per row.
    """
    rows: list[tuple[Any, ...]] = []
    for voucher in kinds_of(item):
        rows += _voucher(item, voucher, form, company)
    return rows


def _voucher(
    item: dict[str, Any],
    voucher: tuple[str, str, str, bool],
    form: dict[str, str],
    company: str | None,
) -> list[tuple[Any, ...]]:
    kind, line_role, contra_role, is_debit = voucher
    lines = [(line, amounts_of(item, line, company, line_role)) for line in item["lines"]]
    if any(amounts[0] is None for _, amounts in lines):
        raise Refused("CUR-1")
    known = [all(amounts[n] is not None for _, amounts in lines) for n in range(3)]
    grosses = [amounts[0][0] for _, amounts in lines]
    if form["mixed_signs"] == "refuse" and kind != "payment" and min(grosses) < 0 < max(grosses):
        raise Refused("POST-10")
    rows: list[tuple[Any, ...]] = []
    sums: dict[str, list[Any]] = {}
    paid: dict[tuple[str, str], list[Any]] = {}
    is_apart = form["contra"] == "per_line" and kind != "payment"
    for line, amounts in lines:
        account, contra = line["accounts"][line_role], line["accounts"][contra_role]
        gross = [_turn(amounts[n][0], is_debit) if known[n] else None for n in range(3)]
        tax = [_turn(amounts[n][1], is_debit) if known[n] else None for n in range(3)]
        if kind == "payment":
            _add(paid, (account, contra), gross)
        else:
            rows += _line(line, (kind, line_role, account, contra), gross, tax, form)
        if is_apart and form["shape"] == "legs":
            rows.append(_contra(kind, contra_role, contra, gross))
        else:
            _add(sums, contra, gross)
    for (account, contra), total in paid.items():
        rows.append((kind, line_role, account, contra, None, total, total[0], 0, 0))
    if form["shape"] == "legs":
        rows = [(*row[:3], None, *row[4:]) for row in rows]
        rows += [_contra(kind, contra_role, account, total) for account, total in sums.items()]
    return [_finished(row) for row in rows if any(row[5])]


def _contra(kind: str, role: str, account: str, gross: list[Any]) -> tuple[Any, ...]:
    minus = [None if amount is None else -amount for amount in gross]
    return (kind, role, account, None, None, minus, minus[0], 0, 0)


def _line(
    line: dict[str, Any],
    side: tuple[str, str, str, str],
    gross: list[Any],
    tax: list[Any],
    form: dict[str, str],
) -> list[tuple[Any, ...]]:
    """The table of design.md section 3 for one line: g gross, t tax, b base."""
    kind, role, _, contra = side
    g, t, accounts = gross[0], tax[0], line["accounts"]
    code = line["code"] if role in ("expense", "cashback") else None
    is_reverse = line["tax_type"] == "reverse"
    if any(tax) and line["tax_type"] is None:
        raise Refused("POST-8")
    if form["tax"] != "separate":
        for whole, part in zip(gross, tax, strict=True):
            if part and (whole == 0 or (part > 0) != (whole > 0)):
                raise Refused("POST-8")
            if part and not is_reverse and abs(part) > abs(whole):
                raise Refused("POST-8")
        included, notional = (0, t) if is_reverse else (t, 0)
        return [(*side, code, gross, g - included, included, notional)]
    if t and (accounts["tax_in"] is None or (is_reverse and accounts["tax_out"] is None)):
        raise Refused("POST-7")
    base = gross
    if not is_reverse:
        base = [None if g is None else g - t for g, t in zip(gross, tax, strict=True)]
    rows = [(*side, code, base, base[0], 0, 0)]
    if any(tax):
        against = accounts["tax_out"] if is_reverse else contra
        rows.append((kind, "tax_in", accounts["tax_in"], against, code, tax, t, 0, 0))
        if is_reverse and form["shape"] == "legs":
            minus = [None if amount is None else -amount for amount in tax]
            rows.append((kind, "tax_out", accounts["tax_out"], None, code, minus, minus[0], 0, 0))
    return rows


def _finished(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuse a row that stands on two sides; net, tax and notional are unsigned."""
    main, *others = row[5]
    for other in others:
        if other and (main == 0 or (main > 0) != (other > 0)):
            raise Refused("POST-9")
    return (*row[:5], *row[5], *(abs(amount) for amount in row[6:]))


def _turn(amount: Decimal, is_debit: bool) -> Decimal:
    return amount if is_debit else -amount


def _add(sums: dict[Any, list[Any]], key: Any, amounts: list[Any]) -> None:
    before = sums.setdefault(key, [None if amount is None else Decimal(0) for amount in amounts])
    for n, amount in enumerate(amounts):
        before[n] = None if amount is None else before[n] + amount
