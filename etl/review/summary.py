"""The review in a few lines for a terminal: what was written, what to look at, what to open.

Plain text, readable without colour; no character from outside reaches the terminal that could
steer it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from etl.review.marks import mark
from etl.review.model import AsideGroup, CureGroup, CurrencyTotal, NoteGroup, ReviewView
from etl.review.words import grouped, with_gaps
from etl.sentences import counted

MAX_LISTED = 5
MAX_NAMED = 3
MIN_WIDTH = 40
#: A blank at which no line ends.
GAP = "\u00a0"
SIGNS = {"good": "ok", "look": "look", "stop": "STOP"}


def render_summary(view: ReviewView, *, width: int = 80, folder: str = "") -> str:
    """Write the summary that `convert` prints at its end, at most `width` columns wide.

    Needs: the folder as the user named it, for the last line.
    """
    width = max(width, MIN_WIDTH)
    blocks = [
        [f"[{SIGNS[view.state]}] {view.headline}", *counts_of(view, width)],
        checks_of(view),
        totals_of(view),
        files_of(view),
        _to_look_at(view.notes, width),
        _aside(view.aside),
        _rejected(view.cures, width),
    ]
    shown = [[fit(line, width) for line in block] for block in blocks if block]
    # A path stays whole, whatever its length: it is there to be opened.
    shown.append(_next(view, folder, width=width))
    return "\n\n".join("\n".join(block) for block in shown) + "\n"


def columns_of(text: str) -> int:
    """Count the columns that a text takes in a terminal."""
    if text.isascii():
        return len(text)
    return sum(_columns_of(character) for character in text)


def fit(text: str, width: int) -> str:
    """Mark what is invisible and cut what is wider than the terminal, with a sign of the cut."""
    safe = mark(text).replace(GAP, " ")
    if columns_of(safe) <= width:
        return safe
    kept = 0
    for at, character in enumerate(safe):
        kept += _columns_of(character)
        if kept > width - 1:
            return safe[:at] + "…"
    return safe


def _columns_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def counts_of(view: ReviewView, width: int) -> Iterator[str]:
    """Say where the listed items are: the parts add up."""
    counts = view.counts
    parts = (
        (counts.rendered, "in the file"),
        (counts.waiting, "waiting for your answer"),
        (counts.rejected, "rejected"),
        (counts.already_booked, "already booked"),
        (counts.nothing_to_book, "nothing to book"),
        (counts.skipped, "skipped"),
    )
    named = " + ".join(f"{count} {words}" for count, words in parts if count)
    reverses = view.identity.reverses
    listed = "listed" if reverses is None else f"of batch {reverses}"
    yield from wrapped(f"  {counts.listed} {listed} = ", named or "0", width=width)
    yield f"  {counted(counts.vouchers, 'voucher')}, {counted(counts.postings, 'posting')}"


def checks_of(view: ReviewView) -> list[str]:
    """Say that all checks hold, or name those that do not."""
    failed = [check for check in view.control.checks if not check.holds]
    if not failed:
        return [f"Checks: all {len(view.control.checks)} hold, the files were read back"]
    return ["Checks that failed", *(f"  {check.name}: {told(check.detail)}" for check in failed)]


def totals_of(view: ReviewView) -> list[str]:
    """Give debit and credit, and what moves on each of Pleo's wallets."""
    control = view.control
    rows = [
        ("Totals", "debit", "credit"),
        *(
            (f"  {total.currency}", grouped(total.debit), grouped(total.credit))
            for total in control.totals
        ),
    ]
    lines = list(aligned(rows)) if control.totals else []
    if control.wallets:
        wallets = [("Pleo wallets", "in", "out", "movement")]
        wallets += [
            (
                f"  {wallet.account} {wallet.currency}",
                grouped(wallet.money_in),
                grouped(wallet.money_out),
                grouped(wallet.movement),
            )
            for wallet in control.wallets[:MAX_LISTED]
        ]
        lines += ["", *aligned(wallets)]
        more = len(control.wallets) - MAX_LISTED
        lines += [f"  and {counted(more, 'more account')}, on the page"] if more > 0 else []
    return lines


def sides_of(totals: Sequence[CurrencyTotal]) -> str:
    """Give debit and credit per currency in one sentence; an amount stays with its currency."""
    named = (
        f"{total.currency} {grouped(total.debit)}"
        + ("" if total.is_balanced else f" debit and {grouped(total.credit)} credit")
        for total in totals
    )
    sides = ", ".join(one.replace(" ", GAP) for one in named)
    return sides + (" debit and credit" if all(one.is_balanced for one in totals) else "")


def files_of(view: ReviewView) -> list[str]:
    """Name the files with what is in them."""
    if not view.files:
        return []
    shown = view.files[:MAX_LISTED]
    rows = [(f"  {file.name}", file.holds) for file in shown]
    left_out = len(view.files) - len(shown)
    more = [f"  and {left_out} more, named in manifest.json"] if left_out else []
    return ["Files", *aligned(rows), *more]


def _to_look_at(notes: Sequence[NoteGroup], width: int) -> list[str]:
    if not notes:
        return []
    lines = ["To look at"]
    for group in notes[:MAX_LISTED]:
        sign = "answer: " if group.is_blocking else ""
        lead = f"  {counted(group.count, group.noun):>9}  "
        lines += wrapped(lead, f"{sign}{group.meaning} ({group.code})", width=width)
    if len(notes) > MAX_LISTED:
        lines.append(f"  and {counted(len(notes) - MAX_LISTED, 'more remark')}")
    return lines


def _aside(groups: Sequence[AsideGroup]) -> list[str]:
    if not groups:
        return []
    lines = ["Not booked here"]
    for group in groups:
        named = [one.title for one in group.concerned[:MAX_NAMED]]
        more = f", and {group.count - len(named)} more" if group.count > len(named) else ""
        lines.append(
            f"  {counted(group.count, 'item'):>9}  {group.title}: {', '.join(named)}{more}"
        )
    return lines


def _rejected(cures: Sequence[CureGroup], width: int) -> list[str]:
    """Name the causes by who can cure them; of each kind of person the first ones."""
    lines: list[str] = []
    for group in cures:
        lines += ["", group.title] if lines else ["Rejected, the cure first", group.title]
        for cause in group.causes[:MAX_LISTED]:
            lead = f"  {counted(cause.items, 'item'):>9}  "
            lines += wrapped(lead, f"{told(cause.title)} ({cause.code})", width=width)
        more = len(group.causes) - MAX_LISTED
        lines += [f"  and {counted(more, 'more cause')} in rejections.csv"] if more > 0 else []
    return lines


def _next(view: ReviewView, folder: str, *, width: int) -> list[str]:
    place = f"{folder.rstrip('/')}/" if folder else ""
    text = f"Next: open {place}review.html, then import as it says at its end"
    if view.state == "stop":
        text = f"Do not import these files; see {place}review.html"
    elif view.counts.rejected and not view.counts.rendered:
        text = f"Next: cure what {place}rejections.csv lists, then convert again"
    elif not view.counts.rendered:
        text = f"Nothing is left to do; {place}review.html says the same"
    return list(wrapped("", text, width=width))


# ── layout of lines ─────────────────────────────────────────────────────────────────────────


def aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Write rows in columns: the first to the left, the others, being figures, to the right."""
    cleaned = [tuple(mark(cell) for cell in row) for row in rows]
    widths = [max(columns_of(cell) for cell in column) for column in zip(*cleaned, strict=True)]
    for first, *rest in cleaned:
        line = first + " " * (widths[0] - columns_of(first))
        for cell, width in zip(rest, widths[1:], strict=True):
            line += "  " + " " * (width - columns_of(cell)) + cell
        yield line.rstrip()


def wrapped(lead: str, text: str, *, width: int) -> Iterator[str]:
    """Break a text at blanks, but in no amount; following lines stand under its beginning."""
    words = re.split(rf"(?:(?!{GAP})\s)+", mark(text))
    line = lead
    is_new = True
    for word in words:
        gap = "" if is_new else " "
        if not is_new and columns_of(line + gap + word) > width:
            yield line.replace(GAP, " ")
            line, gap = " " * len(lead), ""
        line += gap + word
        is_new = False
    yield line.replace(GAP, " ")


def told(text: str) -> str:
    """Write the amounts in a sentence of ours as amounts stand everywhere on a terminal."""
    return with_gaps(text, lambda amount: grouped(amount).replace(" ", GAP))
