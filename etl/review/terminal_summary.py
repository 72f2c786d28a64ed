"""The first screen of a review on a terminal: what decides, and what waits, in 24 lines.

The rest is behind the keys that stand beside what they show, so that nothing scrolls away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from etl.review.figures import WalletMovement
from etl.review.model import ReviewView
from etl.review.summary import aligned, columns_of, fit, sides_of, wrapped
from etl.review.terminal import CHANGES, changes, checks, head
from etl.review.terminal_lines import Line, Shown
from etl.review.words import grouped
from etl.sentences import counted

#: Lines of the smallest terminal, and how many of them the keys take below the screen.
HEIGHT, PROMPT = 24, 4
#: Wallets that are named, however little room there is.
FEWEST = 2


def first_screen(view: ReviewView, shown: Shown, *, height: int = HEIGHT) -> list[Line]:
    """Give the headline, where the items are, the sums, and what waits, as they fit."""
    room = max(height, HEIGHT) - PROMPT
    full = _screen(view, shown, room=room, most=CHANGES)
    return full if len(full) <= room else _screen(view, shown, room=room, most=1)


def _screen(view: ReviewView, shown: Shown, *, room: int, most: int) -> list[Line]:
    """Give the screen with at most so many lines of what changed."""
    first = [*head(view, shown), *changes(shown, most=most), *checks(view, shown.width)]
    blocks = [first, _waits(view, shown)]
    if shown.page:
        blocks.append([Line("Read"), Line(f"  {shown.page}", "whole")])
    taken = sum(_rows(block, shown.width) + 1 for block in blocks)
    sums = _sums(view, shown, most=room - taken)
    if taken + len(sums) > room and shown.page:  # the key m shows where the page lies
        del blocks[-1]
    shown_blocks = [block for block in (blocks[0], sums, *blocks[1:]) if block]
    gap = [Line("")] if sum(map(len, shown_blocks)) + len(shown_blocks) - 1 <= room else []
    first, *others = shown_blocks
    return [*first, *(line for block in others for line in (*gap, *block))]


def _rows(lines: Sequence[Line], width: int) -> int:
    """Count the lines that a terminal needs: a path may be wider than it is."""
    return sum(1 + max(0, columns_of(line.text) - 1) // width for line in lines)


def _sums(view: ReviewView, shown: Shown, *, most: int) -> list[Line]:
    """Give the totals, and what moves on the wallets, in about so many lines."""
    width, wallets = shown.width, view.control.wallets
    if not view.control.totals:
        return []
    text = sides_of(view.control.totals)
    lines = [Line(fit(line, width)) for line in wrapped("Totals  ", text, width=width)]
    if not wallets:
        return lines
    room = max(FEWEST, most - len(lines) - 1)
    listed = wallets if len(wallets) <= room else wallets[: max(FEWEST, room - 1)]
    rows = [("Pleo wallets", "in", "out", "movement"), *(_wallet(one) for one in listed)]
    first, *others = aligned(rows)
    lines += [Line(fit(first, width), "title"), *(Line(fit(line, width)) for line in others)]
    more = len(wallets) - len(listed)
    return [*lines, Line(f"  and {counted(more, 'more wallet')}", "faint")] if more else lines


def _wallet(one: WalletMovement) -> tuple[str, ...]:
    amounts = (one.money_in, one.money_out, one.movement)
    return f"  {one.account} {one.currency}", *(grouped(amount) for amount in amounts)


def _waits(view: ReviewView, shown: Shown) -> list[Line]:
    """Say what a person has to do or may look at, each in a line, with the key that shows it."""
    rows = list(_to_do(view, shown))
    width = max((len(words) for _, _, words, _ in rows), default=0)
    lines = [Line("What waits for you", "title")] if rows else []
    for key, count, words, style in rows:
        key = f"  key {key}" if shown.has_keys else ""
        lines.append(Line(fit(f"  {count:>5} {words:<{width}}{key}".rstrip(), shown.width), style))
    return lines


def _to_do(view: ReviewView, shown: Shown) -> Iterator[tuple[str, int, str, str]]:
    """Give the key, the count, what is counted, and the style of the line."""
    situation, counts = shown.situation, view.counts
    repeats, asked = len(situation.open_repeats), len(situation.open_questions)
    if repeats:
        were = "item was" if repeats == 1 else "items were"
        yield "n", repeats, f"{were} booked before: already booked, or again?", "ask"
    if asked:
        yield "n", asked, f"question{_s(asked)} to answer", "ask"
    before = sum(bool(question.answer and question.before) for question in situation.questions)
    if before:
        yield "n", before, f"question{_s(before)} answered before, and unchanged since", "look"
    if counts.rejected:
        causes = counted(len(view.causes), "cause")
        yield "x", counts.rejected, f"item{_s(counts.rejected)} rejected, for {causes}", "look"
    codes = {question.code for question in situation.questions}
    remarks = sum(note.code not in codes for note in view.notes)
    more = "more " if asked else ""
    if remarks:
        yield "n", remarks, f"{more}remark{_s(remarks)} to look at", "look"
    if counts.vouchers:
        yield "v", counts.vouchers, f"voucher{_s(counts.vouchers)} to look through", ""


def _s(count: int) -> str:
    return "" if count == 1 else "s"
