"""Map lines: every target of every line, each with the rule and the table row that decided.

items ─> posting date, period ─> vendor ─┐
lines ─> tags ───────────────────────────┴─> targets in order ─> mapped lines
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from etl.errors import Problem, UserMustFix
from etl.findings import join_findings, no_rejections, note, reject, without
from etl.frames import ITEM, ITEM_KEY, JOB, ROLES, schema
from etl.mapping.calendar import date_vouchers
from etl.mapping.deciding import ROW_NUMBER, RULE_NUMBER, decide, no_row
from etl.mapping.document import Periods
from etl.mapping.known_codes import (
    refuse_unknown_account,
    refuse_unknown_tax_code,
    refuse_unknown_value,
    with_chart,
)
from etl.mapping.loading import LoadedMapping
from etl.mapping.names import ALIASES, VOUCHER_NAMES, tag_groups
from etl.mapping.rules import PAYABLE, SINGLE_TARGETS, Target
from etl.mapping.tags import spread_tags
from etl.mapping.unmatched import LINE_ROLES, refuse_role_without_rules, refuse_unmatched
from etl.mapping.vendors import COLUMNS, LOOKED_FOR, STATE, resolve_vendors

#: Tax roles depend on the form of the template, so nobody can say yet whether they are needed.
TAX_ROLES = ("tax_in", "tax_out")
ACCOUNT_NAME = "account_name"
#: Bounds memory: what the rules need in between exists for so many lines only.
LINES_AT_ONCE = 250_000


@dataclass(frozen=True, slots=True)
class Mapped:
    """Items and lines with what the mapping says; rejected items are left out."""

    items: pl.DataFrame
    lines: pl.DataFrame
    rejections: pl.DataFrame
    notes: pl.DataFrame


def map_lines(
    items: pl.DataFrame,
    lines: pl.DataFrame,
    mapping: LoadedMapping,
    *,
    targets: Mapping[str, bool],
    job: Mapping[str, object] | None = None,
) -> Mapped:
    """Map the lines of checked items whose posting rules are known.

    Needs: items with needs.<role> for every role; `targets`, the targets that the template uses,
    each with whether it must have a value; `job`, the facts of the export job, if there is one.
    Gives: items with the voucher names of names.py; lines with account.<role>, account_name.<role>,
    tax_code, text, dimension.<name>, target.<name>, and rule.<target> (place in mapping.rules)
    and row.<target> (row of its table) beside each.
    Raises: UserMustFix MAP-16 if the template needs a target that the mapping never gives.
    """
    _require_targets(mapping, targets)
    work = prepare(items, lines, mapping, job=job)
    pieces: list[pl.DataFrame] = []
    found = list(work.rejections)
    for start in range(0, max(lines.height, 1), LINES_AT_ONCE):
        frame = join_items(work, mapping, work.lines.slice(start, LINES_AT_ONCE))
        frame, rejections = decide_all(frame, mapping, targets=targets, idle=work.idle)
        pieces.append(frame.select(_given(mapping, work.idle)))
        found.extend(rejections)
    rejected = join_findings(found).sort(ITEM_KEY, "line", "code", maintain_order=True)
    mapped = _lines_of(work.lines, pl.concat(pieces, rechunk=True), targets)
    assert mapped.height == lines.height
    voucher = sorted(VOUCHER_NAMES - set(ALIASES))
    kept = without(work.items.select(*items.columns, *voucher), rejected)
    notes = without(join_findings(list(work.notes)), rejected)
    return Mapped(kept, without(mapped, rejected), rejected, notes)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Items and lines before the rules run.

    idle: roles that no item needs; their accounts are not asked for.
    """

    items: pl.DataFrame
    lines: pl.DataFrame
    job: Mapping[str, object]
    idle: frozenset[str]
    rejections: tuple[pl.DataFrame, ...]
    notes: tuple[pl.DataFrame, ...]


def prepare(
    items: pl.DataFrame,
    lines: pl.DataFrame,
    mapping: LoadedMapping,
    *,
    job: Mapping[str, object] | None = None,
) -> Prepared:
    """Date the items, resolve vendors and spread tags."""
    listed = mapping.reference.periods
    place = str(mapping.document.place("periods"))
    if listed is not None and mapping.definition.periods == Periods():
        place = listed.name
    dated = date_vouchers(_with_all_names(items), mapping.calendar, place=place)
    known = resolve_vendors(dated.items, mapping.reference.vendors).with_columns(
        pl.col(source).alias(name) for name, source in ALIASES.items()
    )
    unknown = (
        (pl.col("item.method") == "accounts_payable")
        & pl.col("needs.payable")
        & (pl.col(STATE) != "found")
    ).fill_null(False)
    has_fallback = mapping.fallback_payable is not None
    known = known.with_columns(
        (unknown & has_fallback).alias("~fallback"), (unknown & (not has_fallback)).alias("~lost")
    )
    tagged = spread_tags(lines, known, tag_groups(mapping.definition))
    needed = (role for role in ROLES if known[f"needs.{role}"].any())
    return Prepared(
        items=known,
        lines=tagged.lines,
        job=job or {},
        idle=frozenset(ROLES) - frozenset(needed) - frozenset(TAX_ROLES),
        rejections=(dated.rejections, tagged.rejections, _lost_vendors(known)),
        notes=(dated.notes, tagged.notes, _fallbacks(known, mapping)),
    )


def join_items(work: Prepared, mapping: LoadedMapping, lines: pl.DataFrame) -> pl.DataFrame:
    """Give lines with everything that the rules read of their items."""
    columns = [name for name in _item_columns(mapping) if name in work.items.columns]
    frame = lines.join(
        work.items.select(ITEM_KEY, *columns),
        on=ITEM_KEY, how="left", validate="m:1", maintain_order="left",
    )  # fmt: skip
    assert frame.height == lines.height
    return frame.with_columns(
        pl.lit(work.job.get(column.name), column.dtype).alias(column.name) for column in JOB
    )


def _with_all_names(items: pl.DataFrame) -> pl.DataFrame:
    missing = {name: kind for name, kind in schema(ITEM).items() if name not in items.columns}
    return items.with_columns(pl.lit(None, kind).alias(name) for name, kind in missing.items())


def _item_columns(mapping: LoadedMapping) -> list[str]:
    """Give the columns of items that rules, names and messages need."""
    always = {"item.id", "item.where", "voucher.date", "~fallback", "~lost", *COLUMNS}
    always |= {"item.contra_account.code", "item.contra_account.name"}
    always |= {f"needs.{role}" for role in ROLES}
    return sorted(name for name in mapping.reads | always if name.split(".")[0] != "line")


def _lost_vendors(items: pl.DataFrame) -> pl.DataFrame:
    lost = items.filter("~lost")
    blocked = lost.filter(pl.col(STATE) == "blocked")
    unknown = lost.filter(pl.col(STATE) != "blocked")
    named = pl.col(LOOKED_FOR)
    return join_findings(
        [
            reject(
                unknown, "MAP-26",
                message=pl.when(named.is_null())
                .then(pl.lit("the item has no vendor, and accounts payable needs one"))
                .otherwise(pl.format("no single vendor is found for {}", named)),
                fix="choose the vendor in Pleo, add it to the ERP and to vendors.csv, or let the "
                "mapping have an account for all others (`fallback_payable`)",
            ),
            reject(
                blocked, "MAP-27",
                message=pl.format("the vendor is not active in vendors.csv: {}", named),
                fix="activate the vendor in the ERP and in vendors.csv, or choose another in Pleo",
            ),
        ]
    )  # fmt: skip


def _fallbacks(items: pl.DataFrame, mapping: LoadedMapping) -> pl.DataFrame:
    detail = pl.format(
        "vendor not known ({}), posted on fallback account {}",
        pl.col(LOOKED_FOR).fill_null("none on the item"), pl.lit(mapping.fallback_payable),
    )  # fmt: skip
    return note(items.filter("~fallback"), "MAP-VENDOR-FALLBACK", detail)


def _require_targets(mapping: LoadedMapping, targets: Mapping[str, bool]) -> None:
    given = {target.name for target in mapping.targets}
    place = str(mapping.document.keys.get(("map",), mapping.document.place("map")))
    missing = (name for name, is_required in targets.items() if is_required and name not in given)
    problems = [
        Problem("MAP-16", f"the template needs {name}, which no rule gives", place,
                f"add {name} under map")
        for name in missing
        if name != ACCOUNT_NAME
    ]  # fmt: skip
    if problems:
        raise UserMustFix(problems)


def decide_all(
    frame: pl.DataFrame,
    mapping: LoadedMapping,
    *,
    targets: Mapping[str, bool],
    idle: Collection[str],
) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Run the targets in order; a line that fails one does not fail those that read it as well."""
    rejections: list[pl.DataFrame] = []
    for target in mapping.targets:
        if target.role in idle:
            frame = _left_empty(frame, target, mapping)
            continue
        wanted, demanded = _asked_for(target, targets)
        frame = decide(frame, target, tables=mapping.tables, wanted=wanted)
        if target.name == PAYABLE:
            frame = _with_fallback(frame, mapping)
        before = [f"~failed.{name}" for name in target.after]
        if target.name == PAYABLE:
            before.append("~lost")
        failed = pl.any_horizontal(before) if before else pl.lit(False)
        missing = (demanded & pl.col(f"rule.{target.name}").is_null()).fill_null(False)
        frame = frame.with_columns((missing | failed).alias(f"~failed.{target.name}"))
        rows = frame.filter(missing & ~failed)
        rejections.append(refuse_unmatched(rows, target, mapping=mapping))
        if target.role is not None:
            frame = _with_names(frame, target, mapping)
            rejections.append(
                refuse_unknown_account(frame, target, wanted=wanted, reference=mapping.reference)
            )
            frame = frame.drop(f"~known.{target.role}", f"~active.{target.role}")
        elif target.name.startswith("account_name."):
            frame = frame.with_columns(
                pl.coalesce(target.name, f"~own_name.{target.name.partition('.')[2]}")
            )
        rejections.append(_refuse_codes(frame, target, mapping))
    rejections.extend(_roles_without_rules(frame, mapping, idle))
    if targets.get(ACCOUNT_NAME):
        rejections.extend(_without_name(frame, mapping))
    return frame, rejections


def _asked_for(target: Target, targets: Mapping[str, bool]) -> tuple[pl.Expr, pl.Expr]:
    """Say of which lines a target is tried, and of which it must be known."""
    everywhere = pl.lit(True)
    if target.role in TAX_ROLES:
        return everywhere, pl.col(f"needs.{target.role}")
    if target.role is not None:
        needed = pl.col(f"needs.{target.role}")
        return needed, needed
    if target.name.startswith("account_name."):
        return everywhere, pl.lit(False)
    if target.name == "text":
        return everywhere, pl.lit(targets.get("text", False))
    if target.name.startswith("target."):
        return everywhere, everywhere
    return everywhere, pl.any_horizontal(f"needs.{role}" for role in LINE_ROLES)


def _with_fallback(frame: pl.DataFrame, mapping: LoadedMapping) -> pl.DataFrame:
    rule = mapping.rule_of_fallback()
    if rule is None:
        return frame
    falls = pl.col("~fallback")
    account = pl.lit(mapping.fallback_payable, pl.String())
    return frame.with_columns(
        pl.when(falls).then(account).otherwise(PAYABLE).alias(PAYABLE),
        pl.when(falls).then(pl.lit(rule.number, RULE_NUMBER)).otherwise(f"rule.{PAYABLE}")
        .alias(f"rule.{PAYABLE}"),
        pl.when(~falls).then(f"row.{PAYABLE}").alias(f"row.{PAYABLE}"),
    )  # fmt: skip


def _left_empty(frame: pl.DataFrame, target: Target, mapping: LoadedMapping) -> pl.DataFrame:
    """Give an account that nobody needs no value, for what reads it."""
    name, role = target.name, target.role
    texts = [name, f"{ACCOUNT_NAME}.{role}", f"~own_name.{role}"]
    texts += [column for column in mapping.reads if column.startswith(f"chart.{role}.")]
    taken = {
        null.meta.output_name(): null
        for other in mapping.targets
        for rule in other.taken
        if rule.target == name
        for null in no_row(rule, other.name)
    }
    return frame.with_columns(
        *taken.values(),
        *(pl.lit(None, pl.String()).alias(text) for text in texts),
        pl.lit(None, RULE_NUMBER).alias(f"rule.{name}"),
        pl.lit(None, ROW_NUMBER).alias(f"row.{name}"),
        pl.lit(False).alias(f"~failed.{name}"),
    )


def _with_names(frame: pl.DataFrame, target: Target, mapping: LoadedMapping) -> pl.DataFrame:
    """Add the account's attributes and its name: the list's, else Pleo's of the same code."""
    role = target.role
    assert role is not None
    prefix = f"chart.{role}."
    attributes = sorted(n.removeprefix(prefix) for n in mapping.reads if n.startswith(prefix))
    frame = with_chart(frame, role, mapping.reference, attributes)
    code = pl.col(target.name)
    own = pl.coalesce(
        pl.col(f"~name.{role}"),
        *(
            pl.when(code == pl.col(number)).then(pl.col(name))
            for number, name in (
                ("voucher.vendor.code", "voucher.vendor.name"),
                ("item.contra_account.code", "item.contra_account.name"),
                ("line.account.code", "line.account.name"),
            )
        ),
    )
    named = frame.with_columns(own.alias(f"{ACCOUNT_NAME}.{role}")).drop(f"~name.{role}")
    return named.with_columns(pl.col(f"{ACCOUNT_NAME}.{role}").alias(f"~own_name.{role}"))


def _refuse_codes(frame: pl.DataFrame, target: Target, mapping: LoadedMapping) -> pl.DataFrame:
    if target.name == "tax_code":
        return refuse_unknown_tax_code(frame, target, reference=mapping.reference)
    if target.name.startswith("dimension."):
        return refuse_unknown_value(frame, target, mapping=mapping)
    return no_rejections()


def _roles_without_rules(
    frame: pl.DataFrame, mapping: LoadedMapping, idle: Collection[str]
) -> Iterator[pl.DataFrame]:
    place = str(mapping.document.keys.get(("map",), mapping.document.place("map")))
    given = {target.role for target in mapping.targets}
    for role in ROLES:
        if role not in given and role not in idle:
            needed = pl.col(f"needs.{role}") & ~pl.col("~lost")
            yield refuse_role_without_rules(frame.filter(needed), role, place)


def _without_name(frame: pl.DataFrame, mapping: LoadedMapping) -> Iterator[pl.DataFrame]:
    for target in mapping.targets:
        if target.role is None or target.role in TAX_ROLES:
            continue
        name = pl.col(f"{ACCOUNT_NAME}.{target.role}")
        rows = frame.filter(pl.col(target.name).is_not_null() & name.is_null())
        yield reject(
            rows, "MAP-33",
            message=pl.format('account "{}" has no name, and the file needs one', target.name),
            fix="add the account to accounts.csv of the reference folder",
        )  # fmt: skip


def _given(mapping: LoadedMapping, idle: Collection[str]) -> list[str]:
    """Name the columns that the mapping gives a value on some line."""
    names: list[str] = []
    for target in mapping.targets:
        if target.role in idle or target.name.startswith(f"{ACCOUNT_NAME}."):
            continue
        names += [target.name, f"rule.{target.name}", f"row.{target.name}"]
        names += [f"{ACCOUNT_NAME}.{target.role}"] if target.role is not None else []
    return names


def _lines_of(
    lines: pl.DataFrame, given: pl.DataFrame, targets: Mapping[str, bool]
) -> pl.DataFrame:
    """Put the targets beside the lines; what nobody gives shares one empty column."""
    names = [f"account.{role}" for role in ROLES]
    decided = (name for name in given.columns if name.startswith("rule."))
    names += [*SINGLE_TARGETS, *(name.removeprefix("rule.") for name in decided)]
    names += [name for name in targets if name.startswith(("dimension.", "target."))]
    text: pl.DataType = pl.String()
    wanted: dict[str, pl.DataType] = {}
    for name in names:
        wanted |= {name: text, f"rule.{name}": RULE_NUMBER, f"row.{name}": ROW_NUMBER}
    wanted |= {f"{ACCOUNT_NAME}.{role}": text for role in ROLES}
    empty = {
        kind: pl.Series([None], dtype=kind).new_from_index(0, lines.height)
        for kind in (text, RULE_NUMBER, ROW_NUMBER)
    }
    columns = [
        (given[name] if name in given.columns else empty[kind]).alias(name)
        for name, kind in wanted.items()
    ]
    return lines.with_columns(columns)
