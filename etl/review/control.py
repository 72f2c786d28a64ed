"""The control sheet: what a bookkeeper compares with Pleo and with the ledger before importing.

Every figure is added up here from the frames, not taken from the manifest; where the manifest
states the same figure, the two are compared and the comparison is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from etl.frames import ITEM_KEY, VOUCHER_KEY
from etl.review.costs import (
    booked_lines,
    day_totals,
    group_totals,
    tax_totals,
    vendor_totals,
)
from etl.review.given import BatchFrames
from etl.review.model import Check, Control, Counts, CurrencyTotal, TaxTotal
from etl.review.totals import (
    NOTHING,
    account_sides,
    account_totals,
    currency_totals,
)
from etl.review.wallets import wallet_movements
from etl.sentences import counted

MAX_VENDORS = 40


def control_sheet(
    manifest: Mapping[str, Any],
    frames: BatchFrames,
    *,
    counts: Counts,
    names: Mapping[str, str],
    company_currency: str = "",
) -> Control:
    """Add up the control sheet.

    Needs: frames completed (etl.review.columns), where items and lines may hold rejected items;
    the names of the accounts; the company's currency, without which book balances are left out.
    """
    sides = account_sides(frames.postings, company_currency)
    is_other = pl.col("currency") != company_currency
    is_booked = not sides.filter(is_other & pl.col("book").is_not_null()).is_empty()
    totals = currency_totals(sides)
    is_reversal = bool(manifest.get("batch", {}).get("reverses"))
    lines = booked_lines(frames, is_reversal=is_reversal)
    costs = lines.filter("is_cost")
    tax_codes = tax_totals(costs)
    vendors = vendor_totals(costs)
    days, unit, currency = day_totals(costs)
    return Control(
        checks=_checks(manifest, frames, counts=counts, totals=totals, tax_codes=tax_codes),
        totals=totals,
        wallets=wallet_movements(frames, names),
        accounts=account_totals(sides, names),
        book_currency=company_currency if is_booked else "",
        has_tax_inside=_has_tax_inside(costs, frames.postings),
        tax_codes=tax_codes,
        types=group_totals(lines, "type"),
        vendors=vendors[:MAX_VENDORS],
        vendors_left_out=max(0, len(vendors) - MAX_VENDORS),
        periods=group_totals(lines, "period"),
        days=tuple(days),
        days_unit=unit,
        days_currency=currency,
    )


def _has_tax_inside(costs: pl.DataFrame, postings: pl.DataFrame) -> bool:
    """Say whether tax of some item has no rows of its own, as the program works it out."""
    of_tax = pl.col("posting.role").is_in(["tax_in", "tax_out"])
    taxed = costs.filter((pl.col("tax") != 0) | (pl.col("notional") != 0))
    return not taxed.join(postings.filter(of_tax), on=ITEM_KEY, how="anti").is_empty()


# ── checks ──────────────────────────────────────────────────────────────────────────────────


def manifest_totals(rows: Sequence[Mapping[str, Any]]) -> tuple[CurrencyTotal, ...]:
    """Read totals of the manifest, in the order of currencies."""
    totals = (
        CurrencyTotal(row["currency"], Decimal(row["debit"]), Decimal(row["credit"]))
        for row in rows
    )
    return tuple(sorted(totals, key=lambda total: total.currency))


def _checks(
    manifest: Mapping[str, Any],
    frames: BatchFrames,
    *,
    counts: Counts,
    totals: Sequence[CurrencyTotal],
    tax_codes: Sequence[TaxTotal],
) -> tuple[Check, ...]:
    read_back = manifest.get("read_back", {})
    unbalanced = _unbalanced_vouchers(frames.postings)
    faulty_tax = [total.code or "no tax code" for total in tax_codes if not total.adds_up]
    return (
        Check(
            "Every listed item is accounted for",
            counts.adds_up,
            f"{counts.listed} listed, {counts.accounted} accounted for",
        ),
        Check(
            "Debit equals credit",
            all(total.is_balanced for total in totals),
            _words_of(totals) or "no postings",
        ),
        Check(
            "Every voucher balances by itself",
            unbalanced == 0,
            counted(counts.vouchers, "voucher") + (f", {unbalanced} do not" if unbalanced else ""),
        ),
        Check(
            "Base and tax make the gross",
            not faulty_tax,
            "not under " + ", ".join(faulty_tax) if faulty_tax else "under every tax code",
        ),
        _files_add_up(manifest, totals),
        Check(
            "The files were read back and match",
            bool(read_back.get("ok")),
            f"{counted(read_back.get('rows', 0), 'posting')} rebuilt from the bytes and compared",
        ),
    )


def _words_of(totals: Sequence[CurrencyTotal]) -> str:
    return ", ".join(
        f"{total.currency} {total.debit} on each side"
        if total.is_balanced
        else f"{total.currency} {total.debit} debit, {total.credit} credit"
        for total in totals
    )


def _unbalanced_vouchers(postings: pl.DataFrame) -> int:
    """Count vouchers of legs that do not come to zero; a pair balances by itself."""
    legs = postings.filter(pl.col("posting.contra_account").is_null())
    sums = legs.group_by(VOUCHER_KEY, "posting.currency").agg(pl.col("posting.signed").sum())
    return sums.filter(pl.col("posting.signed") != NOTHING)[VOUCHER_KEY].n_unique()


def _files_add_up(manifest: Mapping[str, Any], totals: Sequence[CurrencyTotal]) -> Check:
    added: dict[str, list[Decimal]] = {}
    for file in manifest.get("files", ()):
        for total in manifest_totals(file.get("totals", ())):
            sums = added.setdefault(total.currency, [NOTHING, NOTHING])
            sums[0] += total.debit
            sums[1] += total.credit
    of_files = tuple(CurrencyTotal(code, *added[code]) for code in sorted(added))
    of_batch = manifest_totals(manifest.get("totals", ()))
    agrees = of_files == of_batch == tuple(totals)
    detail = (
        "files, manifest and postings give the same totals"
        if agrees
        else f"files: {_words_of(of_files) or 'none'}; manifest: {_words_of(of_batch) or 'none'}; "
        f"postings: {_words_of(totals) or 'none'}"
    )
    return Check("The files add up to the batch", agrees, detail)
