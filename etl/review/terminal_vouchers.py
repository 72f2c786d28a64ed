"""Items and vouchers on a terminal: a list with one line each, and one of them in full."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from etl.review.drawer import ItemLine
from etl.review.marks import mark
from etl.review.model import PostingRow, Source, Voucher
from etl.review.short_names import SHOWN, short_name, short_names
from etl.review.situation import Situation
from etl.review.summary import columns_of, fit, wrapped
from etl.review.terminal import Line
from etl.review.words import grouped

#: Columns of the list: what became of an item, its voucher, and the widest amount.
_OUTCOME, _VOUCHER, _MONEY = 15, 10, 16
WAITS = "waits for you"
_STYLES = {"rejected": "look", WAITS: "ask"}
_SAID = {"reject": "you reject it", "already_booked": "you say booked", "again": "you say again"}


def item_list(
    items: Sequence[Mapping[str, Any]],
    known: Mapping[str, ItemLine],
    *,
    waiting: Collection[str],
    situation: Situation,
    width: int,
) -> list[Line]:
    """Give every item in one line: what became of it, its voucher, whose it is, its amount.

    Needs: items, as they were staged; known, by id what is known of them; waiting, the ids of
    those that wait for an answer.
    """
    names = short_names(str(item["id"] or "") for item in items)
    column = max((len(name) for name in names.values()), default=SHOWN)
    head = _row(_padded("item", column), "is", ("voucher", "", "amount"), width=width)
    lines = [Line(head, "title")]
    for item in sorted(items, key=_place):
        entry = str(item["id"] or "")
        one = known.get(entry)
        outcome = outcome_of(item, waiting)
        said = situation.said_of(entry)
        words = _SAID.get(said.does, outcome) if said else outcome
        title = one.title if one else ""
        amount = (
            "" if one is None or one.amount is None else f"{one.currency} {grouped(one.amount)}"
        )
        vouchers = ", ".join(str(number) for number in item.get("vouchers") or ())
        named = _padded(short_name(entry, names), column)
        row = _row(named, words, (vouchers, title, amount), width=width)
        lines.append(Line(row, _STYLES.get(outcome, "")))
    return lines


def _place(item: Mapping[str, Any]) -> tuple[bool, int]:
    """Put items in the order of their vouchers; those without one come last, as they were."""
    numbers = [int(number) for number in item.get("vouchers") or () if str(number).isdigit()]
    return not numbers, min(numbers, default=0)


def outcome_of(item: Mapping[str, Any], waiting: Collection[str]) -> str:
    """Say in a word or two what became of an item."""
    if item["id"] in waiting:
        return WAITS
    if item["verdict"] == "failed":
        return "rejected"
    if item["verdict"] == "skipped":
        return "skipped"
    if item.get("vouchers"):
        return "in the file"
    return "booked before" if item.get("external_id") else "nothing to book"


def _row(entry: str, outcome: str, rest: tuple[str, str, str], *, width: int) -> str:
    voucher, title, amount = rest
    room = width - len(entry) - _OUTCOME - _VOUCHER - _MONEY - 8
    parts = (
        entry, _padded(outcome, _OUTCOME), _padded(voucher, _VOUCHER),
        _padded(title, max(room, 8)),
    )  # fmt: skip
    return fit("  ".join(parts) + "  " + _right(amount, _MONEY), width).rstrip()


def _padded(text: str, width: int) -> str:
    shown = fit(text, width)
    return shown + " " * (width - columns_of(shown))


def _right(text: str, width: int) -> str:
    shown = fit(text, width)
    return " " * (width - columns_of(shown)) + shown


# ── one voucher ─────────────────────────────────────────────────────────────────────────────


def voucher_screen(voucher: Voucher, *, place: str, width: int) -> list[Line]:
    """Give a voucher in full: the item as Pleo has it, its postings, and why.

    Needs: place, which of how many it is; empty where it stands alone.
    """
    lines = [Line(fit(_title(voucher, place), width), "title")]
    lines += _source(voucher.source, width)
    lines += [Line(""), *_postings(voucher, width)]
    lines += [Line(""), *_why(voucher, width)]
    for part in voucher.rows:
        numbers = ", ".join(str(row) for row, _anchor in part.rows)
        lines += _plain(wrapped("  ", f"in {part.file}, line {numbers}", width=width), width)
    if voucher.note_codes:
        words = f"remarks: {', '.join(voucher.note_codes)}"
        lines += _plain(wrapped("  ", words, width=width), width, "look")
    return lines


def _title(voucher: Voucher, place: str) -> str:
    number = "without number" if voucher.number is None else str(voucher.number)
    parts = [f"voucher {number}", voucher.kind, str(voucher.date or "")]
    if voucher.moved_from:
        parts.append(f"moved from {voucher.moved_from}")
    return ", ".join(part for part in parts if part) + (f"  ({place})" if place else "")


def _source(source: Source, width: int) -> list[Line]:
    money = _money(source.amount, source.currency)
    if source.original_currency and source.original_currency != source.currency:
        money += f" (paid {_money(source.original_amount, source.original_currency)})"
    first = "  ".join(part for part in (money, source.title, source.type) if part)
    lines = [Line(fit(f"  {first}", width))]
    who = f"by {source.person}" if source.person else ""
    when = f"on {source.date}" if source.date else ""
    told = [" ".join(part for part in (who, when) if part)]
    told.append(f'note "{source.note}"' if source.note else "")
    told.append(f"receipts: {', '.join(source.receipts) or 'none'}")
    told += [
        ", ".join(filter(None, (_amount(line.gross), line.account, line.tax, line.tags)))
        for line in source.lines
    ]
    for words in filter(None, told):
        lines += _plain(wrapped("    ", words, width=width), width)
    if source.lines_left_out:
        lines.append(Line(f"    and {source.lines_left_out} more lines"))
    lines.append(Line(f"    item {mark(source.item_id)}", "whole"))
    if source.url:
        lines.append(Line(f"    {mark(source.url)}", "whole"))
    return lines


def _postings(voucher: Voucher, width: int) -> Iterator[Line]:
    yield Line(_posting_row("account", "debit", "credit", tax="tax", width=width), "title")
    for row in voucher.postings:
        account = " ".join(filter(None, (row.account, row.name)))
        yield Line(
            _posting_row(
                account, _amount(row.debit), _amount(row.credit), tax=row.tax_code, width=width
            )
        )
        for words in _beside(row):
            yield from _plain(wrapped("      ", words, width=width), width, "faint")
    if voucher.postings_left_out:
        yield Line(f"  and {voucher.postings_left_out} more postings")


def _beside(row: PostingRow) -> Iterator[str]:
    if row.contra_account:
        yield " ".join(filter(None, ("against", row.contra_account, row.contra_name)))
    if row.net is not None and row.tax is not None:
        yield f"net {_amount(row.net)}, tax {_amount(row.tax)}"
    if row.text:
        yield f'text "{row.text}"'
    if row.dimensions:
        yield ", ".join(f"{name} {value}" for name, value in row.dimensions)


def _posting_row(account: str, debit: str, credit: str, *, tax: str, width: int) -> str:
    room = max(width - 2 - 14 - 14 - 10 - 6, 8)
    parts = (_padded(account, room), _right(debit, 14), _right(credit, 14), _padded(tax, 10))
    return fit(f"  {'  '.join(parts)}", width).rstrip()


def _why(voucher: Voucher, width: int) -> list[Line]:
    confirmed = "" if voucher.rule_confirmed else " (not confirmed yet)"
    words = f"posting rule {voucher.rule_id}{confirmed}"
    lines = _plain(wrapped("  ", words, width=width), width)
    for reason in voucher.reasons:
        words = f"{reason.target} {reason.value}: {reason.rule} ({reason.place})"
        lines += _plain(wrapped("  ", words, width=width), width)
    return lines


def _amount(amount: Decimal | None) -> str:
    return "" if amount is None else grouped(amount)


def _money(amount: Decimal | None, currency: str) -> str:
    return "" if amount is None else f"{currency} {grouped(amount)}"


def _plain(lines: Iterator[str], width: int, style: str = "") -> list[Line]:
    return [Line(fit(line, width), style) for line in lines]
