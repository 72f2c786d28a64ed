"""The sums of the control sheet on a terminal: by account, tax code, vendor, type, period, file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from etl.review.figures import GroupTotal
from etl.review.model import ReviewView
from etl.review.summary import aligned, fit, wrapped
from etl.review.terminal_lines import Line
from etl.review.words import WITH_TAX, grouped
from etl.sentences import counted

#: Rows of a list; the page and the workbook have them all.
MAX_ROWS = 10
#: Columns of the name in the first column: the figures beside it are never cut.
NAME = 28
_BY_ACCOUNT = "By account"

_Row = tuple[str, ...]


def sums(view: ReviewView, width: int) -> list[Line]:
    """Give the lists of the control sheet, the first rows of each."""
    lines: list[Line] = []
    for head, rows, count in _lists(view):
        if not rows:
            continue
        named = [(fit(name, NAME), *figures) for name, *figures in rows[:MAX_ROWS]]
        first, *others = aligned([head, *((f"  {name}", *cells) for name, *cells in named)])
        lines += [*([Line("")] if lines else []), Line(fit(first, width), "title")]
        if head[0] == _BY_ACCOUNT and view.control.has_tax_inside:
            lines += [Line(line, "faint") for line in wrapped("  ", WITH_TAX, width=width)]
        lines += [Line(fit(line, width)) for line in others]
        more = count - min(len(rows), MAX_ROWS)
        if more:
            words = f"  and {more} more; all on the page and in --xlsx"
            lines.append(Line(fit(words, width), "faint"))
    return lines


def _lists(view: ReviewView) -> Iterator[tuple[_Row, Sequence[_Row], int]]:
    """Give each list with its heads, its rows, and how many there are altogether."""
    control = view.control
    accounts = [
        (f"{one.account} {one.name}".strip(), one.currency, *map(grouped, (one.debit, one.credit)))
        for one in control.accounts
    ]
    yield (_BY_ACCOUNT, "", "debit", "credit"), accounts, len(accounts)
    taxes = [
        (one.code or "no tax code", one.currency, *map(grouped, (one.base, one.tax, one.gross)))
        for one in control.tax_codes
    ]
    yield ("By tax code", "", "base", "tax", "gross"), taxes, len(taxes)
    vendors = len(control.vendors) + control.vendors_left_out
    yield ("By vendor or merchant", "", "", "amount"), _groups(control.vendors), vendors
    yield ("By type", "", "", "amount"), _groups(control.types), len(control.types)
    yield ("By period", "", "", "amount"), _groups(control.periods), len(control.periods)
    files = [
        (file.name, one.currency, grouped(one.debit), grouped(one.credit))
        for file in view.files
        for one in file.totals
    ]
    yield ("By file", "", "debit", "credit"), files, len(files)


def _groups(totals: Sequence[GroupTotal]) -> list[_Row]:
    return [
        (one.label, one.currency, counted(one.items, "item"), grouped(one.amount)) for one in totals
    ]
