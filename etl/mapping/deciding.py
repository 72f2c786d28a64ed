"""Decide a target for every line: the first rule that matches gives the value.

rule 0 ─ when, value ─┐
rule 1 ─ when, row ───┼─> number of the first match ─> value, table row
rule 2 ─ none ────────┘
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from etl.expressions import Compiled
from etl.mapping.cells import ROW_COLUMN
from etl.mapping.rules import Rule, Target
from etl.mapping.tables import Table

RULE_NUMBER: pl.DataType = pl.UInt16()
ROW_NUMBER: pl.DataType = pl.UInt32()


def decide(
    frame: pl.DataFrame, target: Target, *, tables: Mapping[str, Table], wanted: pl.Expr
) -> pl.DataFrame:
    """Give each line the value of a target.

    Needs: the columns that the target's rules read, and voucher.date for dated tables; `wanted`
    says of which lines the target is asked for.
    Gives: the same rows with `<target>`, `rule.<target>` and `row.<target>`, and what the rules
    took from tables for other targets. An empty text is no value.
    """
    candidates = target.candidates()
    frame = _with_values(frame, target, tables=tables)
    number = f"rule.{target.name}"
    found = [
        pl.when(wanted & _matches(rule, target)).then(pl.lit(rule.number, RULE_NUMBER))
        for rule in candidates
    ]
    decided = frame.with_columns(_first(found, RULE_NUMBER).alias(number))
    by_rule = pl.col(number)
    values = [
        pl.when(by_rule == rule.number).then(_value(rule, target))
        for rule in candidates
        if not rule.is_none
    ]
    rows = [
        pl.when(by_rule == rule.number).then(pl.col(_row_name(rule)))
        for rule in candidates
        if rule.table is not None
    ]
    decided = decided.with_columns(
        _first(values, pl.String()).alias(target.name),
        _first(rows, ROW_NUMBER).alias(f"row.{target.name}"),
    )
    assert decided.height == frame.height
    return decided.drop([_use_name(rule) for rule in target.rules if _is_computed(rule)])


def find_row(frame: pl.DataFrame, rule: Rule, table: Table) -> pl.DataFrame:
    """Look up the row that a rule finds for every line, whatever its condition says."""
    keys = frame.select(_spread(key).alias(f"~{index}") for index, key in enumerate(rule.key))
    on = frame["voucher.date"]
    return table.find(keys, take=[column for _, column in rule.take], on=on)


def _spread(value: Compiled) -> pl.Expr:
    """Give one value per line, also of an expression that reads none."""
    return pl.repeat(value.value, pl.len(), dtype=pl.String) if value.constant else value.expr


def _with_values(
    frame: pl.DataFrame, target: Target, *, tables: Mapping[str, Table]
) -> pl.DataFrame:
    """Add what each own rule would give, before conditions."""
    uses = [
        _filled(rule.use.expr).alias(_use_name(rule))
        for rule in target.rules
        if rule.use is not None and _is_computed(rule)
    ]
    columns: list[pl.Series] = []
    for rule in target.rules:
        if rule.table is None:
            continue
        found = find_row(frame, rule, tables[rule.table])
        columns.append(found[ROW_COLUMN].alias(_row_name(rule)))
        columns += [found[column].alias(take_name(rule, name)) for name, column in rule.take]
    return frame.with_columns(uses).with_columns(columns)


def _is_computed(rule: Rule) -> bool:
    return rule.use is not None and not rule.use.constant


def _filled(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.strip_chars() != "").then(text)


def _first(found: Sequence[pl.Expr], dtype: pl.DataType) -> pl.Expr:
    return pl.coalesce(found) if found else pl.lit(None, dtype)


def condition(rule: Rule) -> pl.Expr:
    """Give the condition of a rule; without one it is true."""
    return rule.when.expr.fill_null(False) if rule.when is not None else pl.lit(True)


def _matches(rule: Rule, target: Target) -> pl.Expr:
    if rule.target != target.name:
        decided_it = (pl.col(f"rule.{rule.target}") == rule.number).fill_null(False)
        return decided_it & pl.col(take_name(rule, target.name)).is_not_null()
    if rule.is_none:
        return condition(rule)
    return condition(rule) & _value(rule, target).is_not_null()


def _value(rule: Rule, target: Target) -> pl.Expr:
    if rule.table is not None:
        return pl.col(take_name(rule, target.name))
    assert rule.use is not None
    if rule.use.constant:
        text = rule.use.value
        is_filled = isinstance(text, str) and text.strip()
        return pl.lit(text if is_filled else None, pl.String())
    return pl.col(_use_name(rule))


def take_name(rule: Rule, target: str) -> str:
    """Name the column that holds what a rule took from its table for a target."""
    return f"~take.{rule.number}.{target}"


def no_row(rule: Rule, target: str) -> tuple[pl.Expr, pl.Expr]:
    """Give what a rule took for a target, and its row, where the rule was not tried."""
    text, row = pl.lit(None, pl.String()), pl.lit(None, ROW_NUMBER)
    return text.alias(take_name(rule, target)), row.alias(_row_name(rule))


def _use_name(rule: Rule) -> str:
    return f"~use.{rule.number}"


def _row_name(rule: Rule) -> str:
    return f"~row.{rule.number}"
