"""`pleo-etl diff`: what differs between two batches, to the cell and to the cent."""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl.cli import talk
from etl.cli.completing import complete_batch
from etl.cli.live import Turn, chosen, here, ledger_of, one_company_options
from etl.cli.surroundings import surroundings
from etl.errors import EXIT_GOOD
from etl.sentences import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from etl.batches.comparison import CellChange, Comparison, ItemChange
    from etl.comparing import Compared

MAX_LISTED = 40
_BATCH = re.compile("[0-9a-f]{1,64}(@[0-9]{1,6})?")
_NUMBER = 14  # columns of an amount


@click.command("diff")
@click.argument("before", shell_complete=complete_batch)
@click.argument("after", shell_complete=complete_batch)
@one_company_options
def command(before: str, after: str, *, company: str | None, as_json: bool) -> int:
    """Say what differs between two batches, cell by cell.

    BEFORE and AFTER are folders that `convert` or `release` wrote, or batches of the workspace:
    a number, the first characters of an id, or one of its revisions as 7@1. First comes what they
    were made with, then the money that moved per account, items that came or went, and every cell
    that is another one. Cells that only carry another number are counted.

    \b
    pleo-etl diff out/before out/after
    pleo-etl diff 7@1 7@2
    """
    from etl.comparing import compare_folders

    folders = [folder_of(given, company=company) for given in (before, after)]
    compared = compare_folders(*folders)
    if as_json:
        talk.give_json({"exit_code": EXIT_GOOD, "errors": []} | as_document(compared))
    else:
        show(compared, names=(before, after))
    return EXIT_GOOD


def folder_of(given: str, *, company: str | None) -> Path:
    """Give the folder that is named, or that of the batch that is.

    Raises: UserMustFix LED-6 for a batch that is none or several, REVIEW-2 for one without
    files, VER-1 where there is neither a folder nor a workspace.
    """
    if Path(given).is_dir() or not is_batch(given):
        return Path(given)
    return folder_of_batch(given, company=company)


def folder_of_batch(given: str, *, company: str | None) -> Path:
    """Give the folder with the files of a batch, or of its revision.

    Raises: UserMustFix LED-6 for a batch that is none or several, REVIEW-2 for one without files.
    """
    from etl.batches.ledger.failures import no_batch
    from etl.live.desk import folders_of
    from etl.live.finding import find_files

    workspace = here()
    (name,) = chosen(workspace, company=company)
    turn = Turn(workspace, name, surroundings())
    ref, _at, revision = given.partition("@")
    with workspace.naming(name), ledger_of(turn) as ledger:
        if ledger is None:
            raise no_batch(ref)
        batch = ledger.find(workspace.companies[name].id, ref)
        which = int(revision) if revision else None
        return find_files(folders_of(workspace, name), batch, revision=which)


def is_batch(given: str) -> bool:
    """Say whether a word can name a batch: a number or an id, with a revision or without."""
    return bool(_BATCH.fullmatch(given))


def as_document(compared: Compared) -> dict[str, Any]:
    """Give a comparison as JSON; amounts are texts."""
    found = compared.found
    return {
        "same": found.is_same,
        "before": _batch(compared.before),
        "after": _batch(compared.after),
        "made_with": [
            {"what": what, "before": old, "after": new} for what, old, new in compared.made_with
        ],
        "accounts": [
            {
                "account": move.account, "currency": move.currency,
                "before": f"{move.before:f}", "after": f"{move.after:f}",
                "moved": f"{move.moved:f}",
            }
            for move in found.accounts
        ],
        "items": [
            {
                "id": one.item_id, "external_id": one.external_id, "before": one.before,
                "after": one.after, "reason": one.reason,
            }
            for one in found.items
        ],
        "cells_compared": compared.is_alike,
        "cells": [
            {
                "item": cell.item_id, "external_id": cell.external_id, "file": cell.file,
                "column": cell.column, "row_before": cell.row_before, "row_after": cell.row_after,
                "before": cell.before, "after": cell.after,
            }
            for cell in found.cells
        ],
        "only_renumbered": found.renumbered,
        "unchanged": found.same,
    }  # fmt: skip


def _batch(head: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "batch": head["batch"], "content": head["content"], "counts": head["counts"],
        "template": head["template"]["id"],
    }  # fmt: skip


def show(compared: Compared, *, names: tuple[str, str]) -> None:
    """Show a comparison to a person."""
    found = compared.found
    for word, head, name in zip(
        ("before", "after"), (compared.before, compared.after), names, strict=True
    ):
        counts = head["counts"]
        talk.give_prose(
            f"{word:7} {name}: batch {head['batch']['number']}, {head['template']['id']},"
            f" {counts['rendered']} of {counted(counts['items'], 'item')} in the file"
        )
    if found.is_same:
        talk.give("the two say the same, to the cent and to the cell")
    if compared.made_with:
        talk.give("")
        talk.give("made with")
        for what, old, new in compared.made_with:
            talk.give_prose(f"  {what}: {_shown(old)} -> {_shown(new)}")
    _show_money(found, has_tax_inside=compared.has_tax_inside)
    _show_items(found)
    if not compared.is_alike:
        talk.give("")
        talk.give("the two were written with different templates: cells are not compared")
    _show_cells(found)
    if found.renumbered:
        talk.give("")
        talk.give(f"{counted(found.renumbered, 'item')} only got other numbers")
    talk.give(f"{counted(found.same, 'item')} unchanged")


def _show_money(found: Comparison, *, has_tax_inside: bool) -> None:
    from etl.review.words import WITH_TAX

    if not found.accounts:
        return
    talk.give("")
    talk.give("money moved (debit positive)")
    if has_tax_inside:
        talk.give_prose(f"  {WITH_TAX}")
    head = f"  {'account':16} {'':3}"
    talk.give(head + "".join(f"{word:>{_NUMBER}}" for word in ("before", "after", "moved")))
    for move in found.accounts[:MAX_LISTED]:
        amounts = "".join(map(show_amount, (move.before, move.after, move.moved)))
        talk.give(f"  {move.account or '(none)':16} {move.currency or '':3}{amounts}")
    _show_rest(len(found.accounts), "account")


def show_amount(amount: Decimal) -> str:
    """Write an amount in its column, with its thousands apart."""
    return f"{amount:,f}".replace(",", " ").rjust(_NUMBER)


def _show_items(found: Comparison) -> None:
    """Show items by what became of them; what has one reason stands together."""
    if not found.items:
        return
    talk.give("")
    talk.give("items")
    shown = sorted(found.items[:MAX_LISTED], key=_change)
    for change, items in groupby(shown, key=_change):
        talk.give_prose(f"  {change[0]}")
        if change[1]:
            talk.give_prose(f"    {change[1]}")
        for one in items:
            talk.give(f"    {_called(one)}")
    _show_rest(len(found.items), "item")


def _called(one: ItemChange | CellChange) -> str:
    return f"{one.external_id} ({one.item_id})" if one.external_id else one.item_id


def _change(one: ItemChange) -> tuple[str, str]:
    return f"{one.left} -> {one.went}", one.reason or ""


def _show_cells(found: Comparison) -> None:
    if not found.cells:
        return
    items = len({cell.item_id for cell in found.cells})
    talk.give("")
    differ = "differs" if len(found.cells) == 1 else "differ"
    talk.give(f"cells: {counted(len(found.cells), 'cell')} of {counted(items, 'item')} {differ}")
    shown = found.cells[:MAX_LISTED]
    for (item, file, old, new), cells in groupby(
        shown, key=lambda cell: (_called(cell), cell.file, cell.row_before, cell.row_after)
    ):
        rows = f"row {old or '-'} -> {new or '-'}" if old != new else f"row {old}"
        talk.give_prose(f"  {item}")
        talk.give_prose(f"    {file}, {rows}")
        for cell in cells:
            talk.give_prose(f"      {cell.column}: {_shown(cell.before)} -> {_shown(cell.after)}")
    _show_rest(len(found.cells), "cell")


def _show_rest(count: int, word: str) -> None:
    if count > MAX_LISTED:
        talk.give(f"  and {counted(count - MAX_LISTED, f'more {word}')} (all are in --json)")


def _shown(text: str | None) -> str:
    if text is None:
        return "nothing"
    return f'"{text}"' if text != text.strip() or not text else text
