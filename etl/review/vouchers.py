"""Vouchers for the page: each with its postings, the export item beside them, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from etl.frames import ITEM_KEY, LINE_KEY, ROLES, VOUCHER_KEY
from etl.review.causes import remark_name
from etl.review.given import BatchFrames, RuleText
from etl.review.model import (
    FileRows,
    PostingRow,
    Reason,
    Source,
    SourceLine,
    Voucher,
    VoucherLine,
    VoucherList,
)
from etl.review.words import pleo_link, title_of, type_words

#: A batch of up to this many vouchers is shown whole. In a longer one a person reads the control
#: sheet and the remarks, so the vouchers with remarks come first and the rest in one line each.
MAX_WHOLE = 1000
MAX_FULL_OF_LONG = 300
MAX_BRIEF = 10_000
#: Beyond that a list is of no use to a reader; its beginning shows what is in it.
MAX_BRIEF_OF_LONG = 1000
MAX_POSTINGS = 60
MAX_LINES = 30
MAX_FILE_ROWS = 12

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which vouchers the page shows in full and in one line (frames of vouchers)."""

    full: pl.DataFrame
    brief: pl.DataFrame
    left_out: int

    @property
    def anchors(self) -> dict[int, str]:
        """Item key to the anchor of its first voucher on the page."""
        rows = self.full.sort(VOUCHER_KEY, descending=True).select(ITEM_KEY, VOUCHER_KEY)
        return {item: anchor_of(voucher) for item, voucher in rows.iter_rows()}


def anchor_of(voucher_key: int) -> str:
    """Give the anchor of a voucher on the page."""
    return f"voucher-{voucher_key}"


def choose(frames: BatchFrames) -> Chosen:
    """Choose the vouchers to show in full: all, or those with notes and then the first.

    A remark that few items have comes before one that nearly all have.
    """
    vouchers = frames.vouchers
    if vouchers.height <= MAX_WHOLE:
        return Chosen(vouchers, vouchers.clear(), 0)
    noted = (
        frames.notes.drop_nulls(ITEM_KEY)
        .select(ITEM_KEY, pl.len().over("code", "about").alias("alike"))
        .group_by(ITEM_KEY)
        .agg(pl.col("alike").min())
    )
    place = pl.int_range(pl.len()).alias("place")
    first = (
        vouchers.select(VOUCHER_KEY, ITEM_KEY, place)
        .join(noted, on=ITEM_KEY, how="left", validate="m:1")
        .sort("alike", "place", nulls_last=True)
        .head(MAX_FULL_OF_LONG)[VOUCHER_KEY]
        .to_list()
    )
    is_full = pl.col(VOUCHER_KEY).is_in(first)
    rest = vouchers.filter(~is_full)
    brief = rest if rest.height <= MAX_BRIEF else rest.head(MAX_BRIEF_OF_LONG)
    return Chosen(vouchers.filter(is_full), brief, rest.height - brief.height)


def voucher_list(
    chosen: Chosen,
    frames: BatchFrames,
    *,
    rules: Sequence[RuleText],
    names: Mapping[str, str],
    item_rows: Mapping[int, tuple[FileRows, ...]],
) -> VoucherList:
    """Lay out the chosen vouchers.

    Needs: item_rows, the file lines of an item by its key.
    """
    keys = chosen.full[VOUCHER_KEY].to_list()
    item_keys = chosen.full[ITEM_KEY].unique().to_list()
    postings = _by(frames.postings.filter(pl.col(VOUCHER_KEY).is_in(keys)), VOUCHER_KEY)
    lines = _by(frames.lines.filter(pl.col(ITEM_KEY).is_in(item_keys)), ITEM_KEY)
    items = {
        row[ITEM_KEY]: row
        for row in frames.items.filter(pl.col(ITEM_KEY).is_in(item_keys)).iter_rows(named=True)
    }
    codes = _note_codes(frames.notes, item_keys)
    full = tuple(
        _voucher(
            row,
            item=items.get(row[ITEM_KEY], {}),
            lines=lines.get(row[ITEM_KEY], []),
            postings=postings.get(row[VOUCHER_KEY], []),
            rules=rules,
            names=names,
            rows=item_rows.get(row[ITEM_KEY], ()),
            note_codes=codes.get(row[ITEM_KEY], ()),
        )
        for row in chosen.full.iter_rows(named=True)
    )
    return VoucherList(full, _brief(chosen.brief, frames), chosen.left_out)


def _by(frame: pl.DataFrame, key: str) -> dict[int, list[Row]]:
    rows: dict[int, list[Row]] = {}
    for row in frame.iter_rows(named=True):
        rows.setdefault(row[key], []).append(row)
    return rows


def _note_codes(notes: pl.DataFrame, item_keys: Sequence[int]) -> dict[int, tuple[str, ...]]:
    rows = (
        notes.filter(pl.col(ITEM_KEY).is_in(item_keys))
        .group_by(ITEM_KEY)
        .agg(pl.struct("code", "about").unique().sort())
    )
    return {
        key: tuple(remark_name(one["code"], one["about"]) for one in found)
        for key, found in rows.iter_rows()
    }


def _brief(vouchers: pl.DataFrame, frames: BatchFrames) -> tuple[VoucherLine, ...]:
    keys = vouchers.select(VOUCHER_KEY)
    accounts = (
        frames.postings.select(VOUCHER_KEY, "posting.account")
        .join(keys, on=VOUCHER_KEY, how="semi", maintain_order="left")
        .group_by(VOUCHER_KEY, maintain_order=True)
        .agg(pl.first("posting.account"))
    )
    names = ("item.id", "item.type", "item.vendor.name", "item.supplier.name", "item.user.name")
    known = ("voucher.number", "voucher.date", "voucher.currency", "voucher.total")
    rows = (
        vouchers.select(VOUCHER_KEY, ITEM_KEY, "voucher.vendor.name", *known)
        .join(accounts, on=VOUCHER_KEY, how="left", validate="1:1", maintain_order="left")
        .join(
            frames.items.select(ITEM_KEY, *names),
            on=ITEM_KEY,
            how="left",
            validate="m:1",
            maintain_order="left",
        )
    )
    return tuple(
        VoucherLine(
            number=row["voucher.number"],
            date=row["voucher.date"],
            title=title_of(row),
            account=row["posting.account"] or "",
            currency=row["voucher.currency"] or "",
            total=row["voucher.total"],
            item_id=row["item.id"] or "",
        )
        for row in rows.iter_rows(named=True)
    )


def _voucher(
    row: Row,
    *,
    item: Row,
    lines: Sequence[Row],
    postings: Sequence[Row],
    rules: Sequence[RuleText],
    names: Mapping[str, str],
    rows: tuple[FileRows, ...],
    note_codes: tuple[str, ...],
) -> Voucher:
    moved = row["voucher.original_date"]
    by_key = {line[LINE_KEY]: line for line in lines}
    return Voucher(
        anchor=anchor_of(row[VOUCHER_KEY]),
        number=row["voucher.number"],
        kind=type_words(row["voucher.kind"]),
        date=row["voucher.date"],
        moved_from=moved if moved != row["voucher.date"] else None,
        reference=row["voucher.reference"] or "",
        currency=row["voucher.currency"] or "",
        total=row["voucher.total"],
        postings=tuple(
            _posting(posting, line=by_key.get(posting[LINE_KEY], {}), names=names)
            for posting in postings[:MAX_POSTINGS]
        ),
        postings_left_out=max(0, len(postings) - MAX_POSTINGS),
        source=_source({**item, "voucher.vendor.name": row["voucher.vendor.name"]}, lines),
        reasons=_reasons(postings, lines, rules=rules),
        rule_id=item.get("rule.id") or "",
        rule_confirmed=item.get("rule.confirmed") is not False,
        rows=rows,
        note_codes=note_codes,
    )


def _posting(row: Row, *, line: Row, names: Mapping[str, str]) -> PostingRow:
    """Lay out a posting; what the template has no use for is not on it but on its line."""
    signed = row["posting.signed"]
    amount = abs(signed) if signed is not None else row["posting.amount"]
    is_debit = row["posting.side"] == "debit"
    account = row["posting.account"] or ""
    contra = row["posting.contra_account"] or ""
    coded = line if row["posting.role"] == "expense" else {}
    dimensions = {
        name.rpartition("dimension.")[2]: value
        for source in (line, row)
        for name, value in source.items()
        if value and name.startswith(("dimension.", "posting.dimension."))
    }
    return PostingRow(
        account=account,
        name=names.get(account, ""),
        contra_account=contra,
        contra_name=names.get(contra, ""),
        role=type_words(row["posting.role"]),
        currency=row["posting.currency"] or "",
        debit=amount if is_debit else None,
        credit=None if is_debit else amount,
        # Only forms that print net and tax in one row have tax inside of a posting's amount.
        net=row["posting.net"] if row["posting.tax"] else None,
        tax=row["posting.tax"] or None,
        tax_code=row["posting.tax_code"] or coded.get("tax_code") or "",
        text=row["posting.text"] or line.get("text") or "",
        dimensions=tuple(sorted(dimensions.items())),
    )


# ── the export item ─────────────────────────────────────────────────────────────────────────

_FACTS = (
    ("Item", "item.id"),
    ("Reconciliation id", "item.reconciliation_id"),
    ("Team", "item.team.name"),
    ("Attendees", "item.attendees"),
    ("Settles", "item.reconciled_entries"),
    ("Invoice number", "item.invoice.number"),
    ("Invoice date", "item.invoice.date"),
    ("Due", "item.invoice.due_date"),
    ("Service from", "item.service_from"),
    ("Service to", "item.service_to"),
    ("Wallet account in Pleo", "item.contra_account.code"),
    ("Supplier tax id", "item.supplier.tax_id"),
    ("Place in the input", "item.where"),
)


def _source(item: Row, lines: Sequence[Row]) -> Source:
    kind = type_words(item.get("item.type"))
    sub_type = type_words(item.get("item.sub_type"))
    title = title_of(item)
    person = item.get("item.user.name") or ""
    return Source(
        item_id=item.get("item.id") or "",
        type=f"{kind}, {sub_type}" if sub_type else kind,
        title=title,
        person=person if person != title else "",
        note=item.get("item.note") or "",
        date=item.get("item.date"),
        amount=item.get("item.amount"),
        currency=item.get("item.currency") or "",
        original_amount=item.get("item.original_amount"),
        original_currency=item.get("item.original_currency") or "",
        receipts=tuple(name for name in item.get("item.attachments") or () if name),
        url=pleo_link(item.get("item.url")),
        facts=tuple((words, _words(item[name])) for words, name in _FACTS if item.get(name)),
        lines=tuple(_line(line) for line in lines[:MAX_LINES]),
        lines_left_out=max(0, len(lines) - MAX_LINES),
    )


def _words(value: Any) -> str:
    return ", ".join(str(part) for part in value) if isinstance(value, list) else str(value)


def _line(row: Row) -> SourceLine:
    account = " ".join(filter(None, (row["line.account.code"], row["line.account.name"])))
    rate = row["line.tax.rate"]
    percent = f"{(rate * 100).normalize():f} %" if rate is not None else ""
    tax = " ".join(filter(None, (row["line.tax.code"], percent, row["line.tax.type"])))
    groups = row["line.tag_groups"] or ()
    tags = zip(groups, row["line.tag_codes"] or (), strict=False)
    return SourceLine(
        account=account,
        tax=tax,
        gross=row["line.gross"],
        tags=", ".join(f"{group}: {code}" for group, code in tags if code),
    )


# ── why ─────────────────────────────────────────────────────────────────────────────────────


def _reasons(
    postings: Sequence[Row], lines: Sequence[Row], *, rules: Sequence[RuleText]
) -> tuple[Reason, ...]:
    """Say for every account, tax code and dimension which rule gave it; equal ones once."""
    used = {row["posting.account"] for row in postings}
    used |= {row["posting.contra_account"] for row in postings}
    used.discard(None)
    found: dict[Reason, None] = {}
    for line in lines:
        for target in _targets(line):
            value = line.get(target)
            index = line.get(f"rule.{target}")
            is_role = target.startswith("account.")
            if index is None or index >= len(rules) or (is_role and value not in used):
                continue
            rule = rules[index]
            row = line.get(f"row.{target}")
            table = f"{rule.table or 'table'} row {row}" if row is not None else ""
            name = target.removeprefix("account.") if is_role else target
            reason = Reason(
                target=type_words(name),
                value=_words(value) if value is not None else "none",
                rule=rule.text,
                place=", ".join(filter(None, (rule.place, table))),
            )
            found[reason] = None
    return tuple(found)


def _targets(line: Row) -> tuple[str, ...]:
    roles = tuple(f"account.{role}" for role in ROLES)
    others = tuple(
        name.removeprefix("rule.")
        for name in line
        if name.startswith(("rule.tax_code", "rule.text", "rule.dimension.", "rule.target."))
    )
    return (*roles, *others)
