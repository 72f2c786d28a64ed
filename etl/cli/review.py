"""`pleo-etl review`: what waits, in a few screens; what a person says of it; any old batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl.cli import screens, talk
from etl.cli.completing import complete_batch, complete_file, complete_item
from etl.cli.live import Told, Turn, by_option, for_companies, ledger_of, live_options, without_all
from etl.cli.outcomes import REVIEW, counts_lines, say_wrapped, who
from etl.cli.review_looks import (
    Looked,
    document_of,
    entry_of,
    item_document,
    item_lines,
    item_screen,
    items_document,
    look,
    overview_lines,
    session_of,
    write_workbook,
)
from etl.cli.review_page import show_page, web_options
from etl.cli.reviewing import Acts, act_options, do_acts, read_acts
from etl.cli.standing import batch_document, say_standing
from etl.errors import EXIT_GOOD, UserMustFix
from etl.files import shown_path

if TYPE_CHECKING:
    from etl.batches.ledger import Batch
    from etl.review.terminal import Line


#: Why an old batch cannot be made again: another version, a change, or its time is over.
GONE = frozenset({"LINE-1", "LINE-2", "REVIEW-3"})
#: Balances that are listed of a released batch; its page has all.
MAX_SUMS = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """What a call wants to see: of which batch and revision, and what of it."""

    batch: str | None = None
    revision: int | None = None
    lists_items: bool = False
    items: Sequence[str] = ()
    xlsx: Path | None = None

    @property
    def is_whole(self) -> bool:
        """Say whether the review itself is wanted, and no part of it."""
        return not (self.lists_items or self.items or self.xlsx)


@click.command("review")
@click.argument("batch", required=False, shell_complete=complete_batch)
@click.option("--revision", type=click.IntRange(1), metavar="N", help="An earlier revision of it.")
@click.option("--items", "lists_items", is_flag=True, help="List every item in one line.")
@click.option("--item", "items", multiple=True, metavar="ITEM", shell_complete=complete_item,
              help="Show an item: its postings, and why each cell is what it is.")  # fmt: skip
@act_options
@click.option("--xlsx", type=click.Path(path_type=Path), metavar="FILE",
              shell_complete=complete_file,
              help="Write the control sheet as a workbook.")  # fmt: skip
@by_option
@web_options
@live_options
def command(
    *, batch: str | None, company: str | None, every: bool, as_json: bool, revision: int | None,
    lists_items: bool, items: tuple[str, ...], xlsx: Path | None, by: str | None, **given: Any,
) -> int:  # fmt: skip
    """Look at what waits, and say what you think of it.

    Shows counts, checks, totals, what to look at, and what was rejected and who can cure it. On a
    terminal it begins with what decides and waits for keys: m shows the whole, ? tells the others.
    The page review.html has every voucher beside its source. To approve is to say that exactly
    these files may be released: if anything changes, it has to be looked at again. With a BATCH,
    any old one as it was.

    \b
    pleo-etl review
    pleo-etl review --item 4114001
    pleo-etl review --reject 4114001 --reason "private, please repay"
    pleo-etl review --already-booked 7c1e55d0
    pleo-etl review --answer REV-2="checked with J. Weber"
    pleo-etl review --approve --by "A. Patel"
    pleo-etl review --release --by "A. Patel"
    pleo-etl review 7 --revision 1 --xlsx batch-7.xlsx

    An ITEM is its id, the first six characters of it or more, the reference in the file, or Pleo's
    reconciliation id. Answers, --approve and --release go together in one call.
    """  # fmt: skip
    if given.pop("web"):
        is_plain = Wish(batch, revision, lists_items, items, xlsx) == Wish()
        return _show_page(read_acts(given), company, by=by, is_plain=is_plain and not every,
                          opens=not given.pop("no_browser"))  # fmt: skip
    acts, wish = read_acts(given), Wish(batch, revision, lists_items, items, xlsx)
    _check(acts, wish, by=by, every=every)

    def act(turn: Turn) -> Told:
        if acts:
            return do_acts(turn, acts, by=who(by), xlsx=xlsx)
        is_plain = wish == Wish() and not every and not as_json
        if is_plain and turn.surroundings.is_attended and screens.is_seen(turn.surroundings):
            from etl.cli.review_keys import review_with_keys

            told = review_with_keys(turn, by=who(by))
            if told is not None:
                return told
        return show_batch(turn, wish, by=by or "", as_json=as_json)

    return for_companies(act, company=company, every=every, as_json=as_json)


def _show_page(
    acts: Acts, company: str | None, *, by: str | None, is_plain: bool, opens: bool
) -> int:
    """Show the review as a page; there it is said what one thinks of it."""
    if acts or not is_plain:
        raise click.UsageError("--web shows the page of one company, where everything else is done")
    return for_companies(lambda turn: show_page(turn, by=who(by), opens=opens), company=company)


def _check(acts: Acts, wish: Wish, *, by: str | None, every: bool) -> None:
    """Refuse options that mean nothing together."""
    without_all(wish.batch, every=every)
    if by is not None and not by.strip():
        raise click.UsageError("--by names nobody")
    if acts.answers and every:
        raise click.UsageError("answers are given for one company")
    if acts and (wish.batch is not None or wish.revision is not None):
        raise click.UsageError("a BATCH or --revision is looked at; an act is about what waits")
    if acts and (wish.lists_items or wish.items):
        raise click.UsageError("look at items first, then say what you think of them")
    if every and (wish.items or wish.xlsx):
        raise click.UsageError("--item and --xlsx are about one company")


def show_staged(turn: Turn, *, aside: bool = False) -> Told:
    """Show what waits; aside, on stderr, where stdout is a program's."""
    return show_batch(turn, Wish(), aside=aside)


def show_batch(
    turn: Turn, wish: Wish, *, by: str = "", as_json: bool = False, aside: bool = False
) -> Told:
    """Show a batch, by default the one that waits, or a part of it."""
    session = session_of(turn, [])
    try:
        with turn.telling.during("review"):
            situation, looked = look(session, wish.batch, revision=wish.revision, by=by)
    except UserMustFix as error:
        found = _batch_of(turn, wish.batch)
        is_gone = error.problems[0].code in GONE
        if not is_gone or found is None or found.is_unsettled or not wish.is_whole:
            raise
        return _what_is_left(turn, found, error, aside=as_json or aside)
    if looked is None:
        return _nothing_to_see(turn, _batch_of(turn, wish.batch))
    document = _show(turn, wish, looked, show=_shows(aside=as_json or aside))
    batch = looked.viewed.batch
    document |= {"batch": batch_document(batch, option=turn.option)}
    return Told(situation.word if wish.batch else str(batch.state), EXIT_GOOD, document)


def _shows(*, aside: bool) -> Callable[[Sequence[Line]], None]:
    def show(lines: Sequence[Line]) -> None:
        screens.show(lines, aside=aside)

    return show


def _show(
    turn: Turn, wish: Wish, looked: Looked, *, show: Callable[[Sequence[Line]], None]
) -> dict[str, Any]:
    """Show what is wanted of a batch, and give it for --json."""
    document = document_of(looked)
    if wish.lists_items:
        show(item_lines(looked))
        document["items"] = items_document(looked)
    if wish.items:
        entries = [entry_of(looked, name) for name in wish.items]
        for entry in entries:
            show(item_screen(looked, entry))
        document["shown"] = [item_document(looked, entry) for entry in entries]
    if wish.xlsx is not None:
        write_workbook(looked, wish.xlsx)
        talk.say(f"written: {shown_path(wish.xlsx)}")
        document["xlsx"] = str(wish.xlsx)
    if wish.is_whole:
        show(overview_lines(turn, looked))
    return document


def _batch_of(turn: Turn, ref: str | None) -> Batch | None:
    with ledger_of(turn) as ledger:
        if ledger is None:
            return None
        company_id = turn.workspace.companies[turn.name].id
        return ledger.unsettled(company_id) if ref is None else ledger.find(company_id, ref)


def _nothing_to_see(turn: Turn, batch: Batch | None) -> Told:
    """Say why there is nothing to read: nothing is staged, or it can only be refused."""
    if batch is None:
        talk.say("nothing is staged")
        say_wrapped(f"next: `pleo-etl run{turn.option}` fetches the export that waits in Pleo")
        return Told("nothing", document={"batch": None})
    say_standing(batch, option=turn.option)
    return Told(str(batch.state), document={"batch": batch_document(batch, option=turn.option)})


def _released_lines(folder: Path) -> list[str]:
    """Give the control sheet of a released batch, as its manifest has it: balances, remarks."""
    from etl.batches.reading import read_manifest
    from etl.review.words import grouped

    try:
        head = read_manifest(folder).head
    except UserMustFix:
        return []
    lines = []
    for title, name, by in (("wallet", "wallets", "wallet"), ("account", "accounts", "account")):
        sums = head["controls"].get(name) or []
        lines += [f"  by {title}, debit less credit"] if sums else []
        lines += [
            f"    {one[by] or '(none)':<16} {one['currency']}"
            f" {grouped(Decimal(one['debit']) - Decimal(one['credit'])):>14}"
            for one in sums[:MAX_SUMS]
        ]
        if len(sums) > MAX_SUMS:
            lines.append(f"    and {len(sums) - MAX_SUMS} more")
    notes = [f"    {one['count']} x {one['meaning']} ({one['code']})" for one in head["notes"]]
    return lines + (["  remarks", *notes] if notes else [])


def _what_is_left(turn: Turn, batch: Batch, error: UserMustFix, *, aside: bool) -> Told:
    """Show what is known of an old batch that cannot be made again: its page and its files."""
    from etl.live.desk import folders_of
    from etl.live.viewing import folder_of
    from etl.review.terminal import Line

    folder = folder_of(folders_of(turn.workspace, turn.name), batch, batch.revision)
    page = folder / REVIEW
    lines = [Line(f"{turn.name}: batch {batch.number} ({batch.id})", "title")]
    lines += [Line(line) for line in counts_lines(batch)]
    lines += [Line(line) for line in _released_lines(folder)]
    if page.is_file():
        lines += [Line("  read it as it was:"), Line(f"    {shown_path(page)}", "whole")]
    screens.show(lines, aside=aside)
    say_standing(batch, option=turn.option)
    for problem in error.problems:
        say_wrapped(f"it cannot be shown here: {problem.what} ({problem.code})")
    document = {
        "batch": batch_document(batch, option=turn.option),
        "folder": str(folder) if folder.is_dir() else None,
        "review": str(page) if page.is_file() else None,
    }
    return Told(str(batch.state), EXIT_GOOD, document)
