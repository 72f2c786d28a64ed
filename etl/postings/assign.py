"""Find the posting rule of each item, and refuse what no accepted rule covers."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from etl.findings import join_findings, no_notes, note, reject, without
from etl.frames import ROLES
from etl.money import AMOUNT
from etl.postings.rules import PostingRule, PostingRules

_KIND_OF_ITEM = ("item.type", "item.sub_type", "item.method")


@dataclass(frozen=True, slots=True)
class Assigned:
    """Items with their posting rule, their lines, and what was said about them.

    `refused_items` and `refused_lines` are those whose rule is known but may not be used.
    """

    items: pl.DataFrame
    lines: pl.DataFrame
    rejections: pl.DataFrame
    notes: pl.DataFrame
    refused_items: pl.DataFrame
    refused_lines: pl.DataFrame


def assign_rules(items: pl.DataFrame, lines: pl.DataFrame, rules: PostingRules) -> Assigned:
    """Give each item its posting rule.

    Needs: checked items (item.method is journal or accounts_payable) and their lines.
    Gives: items with rule.id, rule.debit_role and rule.credit_role (of the first voucher),
    rule.confirmed, and needs.<role> for every role: whether the item's vouchers use it. Tax roles
    depend on the template's form and are false here. Items without a usable rule are rejected
    (POST-3 to POST-5) and left out, with their lines.
    """
    found = items.select(_KIND_OF_ITEM).join(
        _rule_table(rules),
        on=_KIND_OF_ITEM,
        how="left",
        nulls_equal=True,
        validate="m:1",
        maintain_order="left",
    )
    assert found.height == items.height
    # Side by side instead of one wide join: the item's own columns are not copied.
    ruled = pl.concat([items, found.drop(_KIND_OF_ITEM)], how="horizontal")
    is_wrong_sign = _wrong_sign()
    unruled = ruled.filter(pl.col("rule.id").is_null())
    unaccepted = ruled.filter(~pl.col("rule.accepted"))
    unexpected = ruled.filter(is_wrong_sign)
    rejections = join_findings(
        [_no_rule(unruled, rules), _not_accepted(unaccepted), _unexpected_sign(unexpected)]
    )
    kept = without(ruled, rejections)
    notes = _unconfirmed(kept.filter(~pl.col("rule.confirmed")))
    inner = ("rule.accepted", "rule.value", "rule.source")
    refused = ruled.join(rejections, on="item.key", how="semi", maintain_order="left").filter(
        pl.col("rule.id").is_not_null()
    )
    return Assigned(
        kept.drop(inner),
        without(lines, rejections),
        rejections,
        notes,
        refused.drop(inner),
        lines.join(refused, on="item.key", how="semi", maintain_order="left"),
    )


def _rule_table(rules: PostingRules) -> pl.DataFrame:
    columns: dict[str, pl.DataType] = {
        "item.type": pl.String(),
        "item.sub_type": pl.String(),
        "item.method": pl.String(),
        "rule.id": pl.String(),
        "rule.debit_role": pl.String(),
        "rule.credit_role": pl.String(),
        "rule.confirmed": pl.Boolean(),
        "rule.accepted": pl.Boolean(),
        "rule.value": pl.String(),
        "rule.source": pl.String(),
        **{f"needs.{role}": pl.Boolean() for role in ROLES},
    }
    return pl.DataFrame([_rule_row(rule) for rule in rules], schema=columns, orient="row")


def _rule_row(rule: PostingRule) -> tuple[object, ...]:
    first = rule.pairs[0]
    return (
        rule.type,
        rule.sub_type,
        rule.method,
        rule.id,
        first.debit,
        first.credit,
        rule.confirmed,
        rule.accepted,
        rule.value,
        rule.source,
        *(role in rule.roles for role in ROLES),
    )


def _wrong_sign() -> pl.Expr:
    """Whether the item's amount has the sign its rule does not expect; zero has none."""
    value, amount, zero = pl.col("rule.value"), pl.col("item.amount"), pl.lit(0, AMOUNT)
    is_wrong = ((value == "positive") & (amount < zero)) | ((value == "negative") & (amount > zero))
    return is_wrong.fill_null(False)


def _no_rule(rows: pl.DataFrame, rules: PostingRules) -> pl.DataFrame:
    if rows.is_empty():
        return reject(rows, "POST-3", message="", fix="")
    known = pl.DataFrame(
        [(rule.type, rule.id) for rule in rules],
        schema={"item.type": pl.String(), "rule.known": pl.String()},
        orient="row",
    )
    of_type = known.group_by("item.type", maintain_order=True).agg(
        pl.col("rule.known").str.join(", ")
    )
    rows = rows.join(of_type, on="item.type", how="left", validate="m:1", maintain_order="left")
    kind = pl.format(
        'type "{}", {}, method {}',
        pl.col("item.type"),
        pl.when(pl.col("item.sub_type").is_null())
        .then(pl.lit("no sub type"))
        .otherwise(pl.format('sub type "{}"', pl.col("item.sub_type"))),
        pl.col("item.method"),
    )
    return reject(
        rows,
        "POST-3",
        message=pl.format("there is no posting rule for {}", kind),
        fix=pl.format(
            "book it by hand, or correct it in Pleo; kinds that can be posted: {}",
            pl.col("rule.known").fill_null("none of this type"),
        ),
    )


def _not_accepted(rows: pl.DataFrame) -> pl.DataFrame:
    return reject(
        rows,
        "POST-4",
        message=pl.format(
            "the posting rule {} (debit {}, credit {}) is not confirmed by Pleo and not accepted"
            " in the mapping",
            pl.col("rule.id"),
            pl.col("rule.debit_role"),
            pl.col("rule.credit_role"),
        ),
        fix=pl.format(
            'add "{}" to posting_rules: accept in the mapping, or give a row of your own under'
            " this id",
            pl.col("rule.id"),
        ),
    )


def _unexpected_sign(rows: pl.DataFrame) -> pl.DataFrame:
    return reject(
        rows,
        "POST-5",
        message=pl.format(
            "the item amounts to {} {}, where the posting rule {} expects a {} amount",
            pl.col("item.amount").cast(pl.String),
            pl.col("item.currency").fill_null(""),
            pl.col("rule.id"),
            pl.col("rule.value"),
        ),
        fix=pl.format(
            "book it by hand, or add {} to the mapping (the other sign swaps debit and credit)",
            pl.concat_str(pl.lit("posting_rules: {"), pl.col("rule.id"), pl.lit(": {value: any}}")),
        ),
    )


def _unconfirmed(rows: pl.DataFrame) -> pl.DataFrame:
    if rows.is_empty():
        return no_notes()
    detail = pl.format("posting rule {} ({})", pl.col("rule.id"), pl.col("rule.source"))
    return note(rows, "RULE-UNCONFIRMED", detail)
