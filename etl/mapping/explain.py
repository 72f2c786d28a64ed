"""Explain: for every value of an item, the rule and the table row that gave it, and what lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from etl.frames import ITEM_KEY
from etl.mapping.cells import ROW_COLUMN
from etl.mapping.deciding import condition, find_row
from etl.mapping.lines import decide_all, join_items, prepare
from etl.mapping.loading import LoadedMapping
from etl.mapping.rules import PAYABLE, Rule, Target, target_of

CONDITION_FALSE = "the condition is false"
NO_KEY = "there is nothing to look for"
NOT_WANTED = "nothing asks for it"


@dataclass(frozen=True, slots=True)
class Lost:
    """A rule that stood before the one that won, and why it did not."""

    rule: str
    place: str
    why: str


@dataclass(frozen=True, slots=True)
class Explained:
    """One target of one line."""

    line: int
    target: str
    value: str | None
    rule: str | None
    place: str | None
    row: str | None
    lost: tuple[Lost, ...]


def explain_item(
    items: pl.DataFrame, lines: pl.DataFrame, mapping: LoadedMapping, *, item_id: str
) -> list[Explained]:
    """Explain every target of every line of an item, also of one that is rejected.

    Needs: items and lines as map_lines takes them.
    Gives: one entry per line and target, in the order of lines and of the document; nothing if
    the item is not there.
    """
    items = items.filter(pl.col("item.id") == item_id)
    lines = lines.join(items.select(ITEM_KEY), on=ITEM_KEY, how="semi", maintain_order="left")
    if items.is_empty() or lines.is_empty():
        return []
    work = prepare(items, lines, mapping)
    frame = join_items(work, mapping, work.lines)
    frame, _ = decide_all(frame, mapping, targets={}, idle=())
    order = {name: place for place, name in enumerate(_in_document_order(mapping))}
    found = [
        _explain(frame.slice(place, 1), target, mapping)
        for place in range(frame.height)
        for target in sorted(mapping.targets, key=lambda each: order[each.name])
    ]
    return found


def _in_document_order(mapping: LoadedMapping) -> list[str]:
    written = (target_of(name) or name for name in mapping.definition.map)
    names = [*written, *(target.name for target in mapping.targets)]
    return list(dict.fromkeys(names))


def _explain(line: pl.DataFrame, target: Target, mapping: LoadedMapping) -> Explained:
    facts = line.row(0, named=True)
    number, row = facts[f"rule.{target.name}"], facts[f"row.{target.name}"]
    winner = mapping.rules[number] if number is not None else None
    file = mapping.tables[winner.table].file if winner is not None and winner.table else ""
    is_fallback = target.name == PAYABLE and facts["~fallback"]
    wanted = target.role is None or bool(facts[f"needs.{target.role}"])
    return Explained(
        line=facts["line.number"],
        target=target.name,
        value=facts[target.name],
        rule=winner.text if winner else None,
        place=str(winner.place) if winner else None,
        row=f"{file}:{row}" if row is not None else None,
        lost=tuple(_losers(line, target, mapping, winner)) if wanted and not is_fallback else (),
    )


def _losers(
    line: pl.DataFrame, target: Target, mapping: LoadedMapping, winner: Rule | None
) -> Iterator[Lost]:
    """Give the rules that were tried before the winner, or all if none won."""
    for rule in target.candidates():
        if winner is not None and rule.number == winner.number:
            return
        yield Lost(rule.text, str(rule.place), _why(line, rule, target, mapping))


def _why(line: pl.DataFrame, rule: Rule, target: Target, mapping: LoadedMapping) -> str:
    if rule.target != target.name:
        if line[f"rule.{rule.target}"][0] != rule.number:
            return f"another rule decided {rule.target}"
        return f"its row has nothing in column {rule.column(target.name)}"
    if not line.select(condition(rule).alias("holds"))["holds"][0]:
        return CONDITION_FALSE
    if rule.table is None:
        return "it gives nothing on this line"
    table = mapping.tables[rule.table]
    keys = line.select(key.expr.alias(str(n)) for n, key in enumerate(rule.key)).row(0)
    if any(key is None for key in keys):
        return NO_KEY
    row = find_row(line, rule, table)[ROW_COLUMN][0]
    shown = " / ".join(f'"{key}"' for key in keys)
    if row is None:
        return f"{table.file} has no row for {shown}"
    return f"{table.file}:{row} has nothing in column {rule.column(target.name)}"
