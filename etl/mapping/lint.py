"""Findings about a mapping that runs: what is dead, stale, ambiguous, or left to a fallback.

What keeps a mapping from running at all (unknown names, columns, targets) is found by loading it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from etl.errors import Problem
from etl.mapping.cells import ROW_COLUMN
from etl.mapping.deciding import condition
from etl.mapping.lines import TAX_ROLES, decide_all, join_items, prepare
from etl.mapping.loading import LoadedMapping
from etl.mapping.reference import ACTIVE, CODE, Listing
from etl.mapping.rules import FALLBACK, Target, shadowed
from etl.mapping.tables import Table, casefolded
from etl.sentences import some_of

MAX_SHOWN = 20
_LOOKED_UP = re.compile(r"""lookup\(\s*\\?["']([^"'\\]+)""")


def lint_mapping(
    mapping: LoadedMapping,
    items: pl.DataFrame | None = None,
    lines: pl.DataFrame | None = None,
) -> list[Problem]:
    """Find what a mapping's author should look at.

    Needs: a mapping, and optionally items and lines as map_lines takes them, to tell what they
    never use.
    Gives: findings MAP-40 to MAP-47 with their places, in the order of the document.
    """
    findings = [
        *mapping.warnings,
        *_shadowed(mapping),
        *_unused_tables(mapping),
        *_ambiguous(mapping),
        *_stale(mapping),
        *_unlisted_dimensions(mapping),
    ]
    if items is not None and lines is not None:
        findings.extend(_against_items(mapping, items, lines))
    return findings


def _shadowed(mapping: LoadedMapping) -> Iterator[Problem]:
    for target in mapping.targets:
        for rule, first in shadowed(target.rules):
            yield Problem(
                "MAP-40",
                f"{target.name}: the rule is never reached, the one in line {first.place.line} "
                "always matches",
                str(rule.place), "remove it, or put it before that rule",
            )  # fmt: skip


def _unused_tables(mapping: LoadedMapping) -> Iterator[Problem]:
    used = {rule.table for rule in mapping.rules}
    texts = str(mapping.document.data["map"])
    used |= {name.partition(".")[0] for name in _LOOKED_UP.findall(texts)}
    for name in mapping.tables:
        if name not in used:
            place = mapping.document.keys[("tables", name)]
            yield Problem(
                "MAP-41", f'no rule uses table "{name}"', str(place),
                "remove it, unless a template needs it (table.<name> under its needs)",
            )  # fmt: skip


def _ambiguous(mapping: LoadedMapping) -> Iterator[Problem]:
    for table in mapping.tables.values():
        if not table.casefold:
            yield from _differing_in_case(table)
    accounts = mapping.reference.accounts
    for row, number in accounts.repeated if accounts is not None else ():
        assert accounts is not None
        yield Problem(
            "MAP-42", f'account number "{number}" stands in several active rows, the first counts',
            f"{accounts.name}:{row}", "keep one row active per number, if their attributes differ",
        )  # fmt: skip


def _differing_in_case(table: Table) -> Iterator[Problem]:
    keys = table.key_columns()
    folded = table.frame.select(
        ROW_COLUMN, *keys, *(casefolded(table.frame[key]).alias(f"{key}~") for key in keys)
    )
    names = [f"{key}~" for key in keys]
    different = folded.unique(keys, keep="first", maintain_order=True)
    rows = different.with_columns(
        pl.col(ROW_COLUMN).first().over(names).alias("~first"), pl.len().over(names).alias("~count")
    ).filter((pl.col("~count") > 1) & (pl.col(ROW_COLUMN) != pl.col("~first")))
    for row in rows.sort(ROW_COLUMN).iter_rows(named=True):
        shown = " / ".join(row[key] for key in keys)
        yield Problem(
            "MAP-42", f'key "{shown}" differs from line {row["~first"]} by capital letters only',
            f"{table.file}:{row[ROW_COLUMN]}", "state match: casefold and keep one of the two",
        )  # fmt: skip


def _stale(mapping: LoadedMapping) -> Iterator[Problem]:
    """Find codes that the mapping itself writes and the reference lists do not have."""
    for target in mapping.targets:
        known = _known_codes(mapping, target)
        if known is None:
            continue
        listing, codes = known
        for code, place in _written_codes(mapping, target):
            if code not in codes:
                yield Problem(
                    "MAP-43", f'{target.name} "{code}" is not in {listing.name}, or not active',
                    place, "correct it, or add it to the list",
                )  # fmt: skip


def _known_codes(mapping: LoadedMapping, target: Target) -> tuple[Listing, set[str]] | None:
    lists = mapping.reference
    if target.role is not None and lists.accounts is not None:
        codes = _active(lists.accounts)
        if target.role == "payable" and lists.vendors is not None:
            codes |= _active(lists.vendors)
        return lists.accounts, codes
    if target.name == "tax_code" and lists.tax_codes is not None:
        return lists.tax_codes, _active(lists.tax_codes)
    if target.name.startswith("dimension.") and lists.dimension_values is not None:
        values = lists.dimension_values.frame
        rows = values.filter(pl.col("~dimension").is_in(mapping.names_of_dimension(target.name)))
        if rows.height:
            return lists.dimension_values, set(rows.filter(pl.col(ACTIVE))[CODE])
    return None


def _active(listing: Listing) -> set[str]:
    return set(listing.frame.filter(pl.col(ACTIVE))[CODE])


def _written_codes(mapping: LoadedMapping, target: Target) -> Iterator[tuple[str, str]]:
    for rule in target.candidates():
        if rule.use is not None and rule.use.constant and isinstance(rule.use.value, str):
            yield rule.use.value, str(rule.place)
        column = rule.column(target.name)
        if rule.table is not None and column is not None:
            table = mapping.tables[rule.table]
            for row, code in table.frame.select(ROW_COLUMN, column).drop_nulls().rows():
                yield code, f"{table.file}:{row}"
    if target.name == "account.payable" and mapping.fallback_payable is not None:
        yield mapping.fallback_payable, str(mapping.document.place("fallback_payable"))


def _unlisted_dimensions(mapping: LoadedMapping) -> Iterator[Problem]:
    listing = mapping.reference.dimension_values
    if listing is None:
        return
    listed = set(listing.frame["~dimension"])
    for target in mapping.targets:
        if not target.name.startswith("dimension."):
            continue
        if not listed.intersection(mapping.names_of_dimension(target.name)):
            yield Problem(
                "MAP-47", f"{listing.name} has no value of {target.name}, so none is checked",
                str(target.candidates()[0].place),
                "add its values, with the dimension's name or the tag group as dimension_code",
            )  # fmt: skip


def _against_items(
    mapping: LoadedMapping, items: pl.DataFrame, lines: pl.DataFrame
) -> Iterator[Problem]:
    work = prepare(items, lines, mapping)
    frame = join_items(work, mapping, work.lines)
    frame, _ = decide_all(frame, mapping, targets={}, idle=())
    hit = set[int]()
    for target in mapping.targets:
        numbers = frame[f"rule.{target.name}"].drop_nulls()
        hit |= set(numbers.unique())
    for rule in mapping.rules:
        if rule.number not in hit and rule.target != FALLBACK:
            yield Problem(
                "MAP-41", f"{rule.target}: no line of these items used the rule: {rule.text}",
                str(rule.place), "remove it if no other items need it",
            )  # fmt: skip
    for target in mapping.targets:
        yield from _codes_without_row(mapping, target, frame)
        yield from _share_of_last(target, frame)
    yield from _share_of_fallback(mapping, frame)


def _codes_without_row(
    mapping: LoadedMapping, target: Target, frame: pl.DataFrame
) -> Iterator[Problem]:
    for rule in target.rules:
        if rule.table is None:
            continue
        table = mapping.tables[rule.table]
        shown = pl.concat_str([key.expr for key in rule.key], separator=" / ")
        missing = frame.filter(_wanted(target) & condition(rule) & shown.is_not_null())
        missing = missing.filter(pl.col(f"~row.{rule.number}").is_null())
        counts = missing.group_by(shown.alias("~code")).len().sort("~code")
        if counts.is_empty():
            continue
        codes = [f'"{code}" ({count})' for code, count in counts.rows()]
        yield Problem(
            "MAP-44",
            f"{target.name}: codes without a row in {table.file} (and their lines):"
            f" {some_of(codes, MAX_SHOWN)}",
            str(rule.place), f"add rows for them to {table.file}",
        )  # fmt: skip


def _wanted(target: Target) -> pl.Expr:
    if target.role is None or target.role in TAX_ROLES:
        return pl.lit(True)
    return pl.col(f"needs.{target.role}")


def _share_of_last(target: Target, frame: pl.DataFrame) -> Iterator[Problem]:
    """Say how many lines were left to the last of several rules, if it is for all the rest."""
    last = target.fallback()
    if last is None:
        return
    decided = frame[f"rule.{target.name}"].drop_nulls()
    count = int((decided == last.number).sum())
    if count:
        yield _share(target.name, "the last rule", count, len(decided), str(last.place))


def _share_of_fallback(mapping: LoadedMapping, frame: pl.DataFrame) -> Iterator[Problem]:
    rule = mapping.rule_of_fallback()
    if rule is not None and (count := int(frame["~fallback"].sum())):
        needed = int(frame["needs.payable"].sum())
        yield _share("account.payable", "fallback_payable", count, needed, str(rule.place))


def _share(target: str, what: str, count: int, total: int, place: str) -> Problem:
    return Problem(
        "MAP-45", f"{target}: {what} decided {count} of {total} lines ({100 * count // total} %)",
        place, "give the common cases rules or rows of their own",
    )  # fmt: skip
