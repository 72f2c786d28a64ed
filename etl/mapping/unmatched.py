"""Rejections of lines for which no rule of a target matches: what was looked for, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from etl.documents import Document
from etl.findings import join_findings, no_rejections, reject
from etl.mapping.deciding import condition
from etl.mapping.loading import LoadedMapping
from etl.mapping.rules import Rule, Target
from etl.mapping.tables import Table

#: Roles whose account is the category that the employee chose in Pleo.
LINE_ROLES = ("expense", "cashback")
_LOOKED_FOR, _TABLE, _COLUMNS = "~looked_for", "~table", "~columns"


def code_of(target: str) -> str:
    """Give the code of an unmatched target, whose failure type is the target's."""
    kinds = {"account": "MAP-20", "tax_code": "MAP-23", "dimension": "MAP-24"}
    return kinds.get(target.split(".")[0], "MAP-25")


def place_of(document: Document, target: Target) -> str:
    """Give the place of a target's rules."""
    for name in (target.name, target.name.removeprefix("target.")):
        if ("map", name) in document.keys:
            return str(document.keys[("map", name)])
    candidates = target.candidates()
    return str(candidates[0].place if candidates else document.keys[("map",)])


def refuse_unmatched(rows: pl.DataFrame, target: Target, *, mapping: LoadedMapping) -> pl.DataFrame:
    """Reject the lines of a target that needs a value and has none.

    Needs: rows, the lines concerned, with everything that the rules read.
    """
    if rows.is_empty():
        return no_rejections()
    where, words = place_of(mapping.document, target), mapping.in_words(target.name)
    rows = _with_looked_for(rows, target.rules, mapping.tables)
    sought = pl.col(_LOOKED_FOR).is_not_null()
    found = [_not_in_table(rows.filter(sought), target, words=words, where=where)]
    rest = rows.filter(~sought)
    if target.role is None:
        found.append(_no_value(rest, target, words=words, where=where))
    else:
        has_no_category = _has_no_category(target)
        found.append(_no_category(rest.filter(has_no_category)))
        found.append(_no_account(rest.filter(~has_no_category), target, words=words, where=where))
    return join_findings(found)


def refuse_role_without_rules(rows: pl.DataFrame, role: str, where: str) -> pl.DataFrame:
    """Reject the lines that need the account of a role that the mapping does not know."""
    return reject(
        rows, "MAP-22",
        message=f"the mapping has no rules for the {role.replace('_', ' ')} account",
        fix=f"add them to the mapping (`account.{role}`)", where=where,
    )  # fmt: skip


def _with_looked_for(
    rows: pl.DataFrame, rules: Sequence[Rule], tables: Mapping[str, Table]
) -> pl.DataFrame:
    """Add the key of the first table rule that applied, its table and its key columns."""
    looked_for, names, columns = [], [], []
    for rule in rules:
        if rule.table is None:
            continue
        table = tables[rule.table]
        parts = [pl.format('"{}"', key.expr) for key in rule.key]
        shown = pl.concat_str(parts, separator=" / ")
        applied = condition(rule) & shown.is_not_null()
        looked_for.append(pl.when(applied).then(shown))
        names.append(pl.when(applied).then(pl.lit(table.written)))
        columns.append(pl.when(applied).then(pl.lit(" / ".join(table.key))))
    return rows.with_columns(
        (pl.coalesce(exprs) if exprs else pl.lit(None, pl.String())).alias(name)
        for name, exprs in ((_LOOKED_FOR, looked_for), (_TABLE, names), (_COLUMNS, columns))
    )


def _not_in_table(rows: pl.DataFrame, target: Target, *, words: str, where: str) -> pl.DataFrame:
    return reject(
        rows, code_of(target.name),
        message=pl.format(
            "no {} is found: looked for {} in {}",
            pl.lit(words), pl.col(_LOOKED_FOR), pl.col(_TABLE),
        ),
        fix=pl.format(
            "add a row with {} = {} and a value to {}, or a rule to the mapping (`{}`)",
            pl.col(_COLUMNS), pl.col(_LOOKED_FOR), pl.col(_TABLE), pl.lit(target.name),
        ),
        where=where,
    )  # fmt: skip


def _no_value(rows: pl.DataFrame, target: Target, *, words: str, where: str) -> pl.DataFrame:
    return reject(
        rows, code_of(target.name),
        message=f"no {words} is found for this line",
        fix=f"set it in Pleo, or add a rule to the mapping (`{target.name}`; "
        "`- {use: none}` as the last rule leaves it empty)",
        where=where,
    )  # fmt: skip


def _has_no_category(target: Target) -> pl.Expr:
    reads = frozenset[str]().union(*(rule.reads() for rule in target.rules))
    if target.role in LINE_ROLES and "line.account.code" in reads:
        return pl.col("line.account.code").is_null()
    return pl.lit(False)


def _no_category(rows: pl.DataFrame) -> pl.DataFrame:
    return reject(
        rows, "MAP-21",
        message="the line has no account", fix="choose a category in Pleo, then export again",
    )  # fmt: skip


def _no_account(rows: pl.DataFrame, target: Target, *, words: str, where: str) -> pl.DataFrame:
    return reject(
        rows, "MAP-22",
        message=f"no {words} is found",
        fix=f"set the account in Pleo, or add a rule to the mapping (`{target.name}`)",
        where=where,
    )  # fmt: skip
