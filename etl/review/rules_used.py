"""Which rules of the mapping gave the accounts of a batch, and to how many items.

A rule that comes after others of its role is what is left when these gave nothing: a fallback
that is used more than it should be stands out here.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from etl.frames import ITEM_KEY, ROLES
from etl.review.figures import RuleUse
from etl.review.given import BatchFrames, RuleText
from etl.review.words import type_words


def rules_used(frames: BatchFrames, rules: Sequence[RuleText]) -> tuple[RuleUse, ...]:
    """Count the items that each rule gave an account to; only of items in the batch.

    Needs: frames completed (etl.review.columns); rules in the order of their numbers.
    """
    posted = frames.items.select(ITEM_KEY, "rule.debit_role", "rule.credit_role").join(
        frames.postings.select(ITEM_KEY).unique(), on=ITEM_KEY, how="semi"
    )
    lines = frames.lines.join(posted, on=ITEM_KEY, how="inner", validate="m:1")
    found = []
    for role in ROLES:
        number = f"rule.account.{role}"
        if number not in lines.columns:
            continue
        has_role = (pl.col("rule.debit_role") == role) | (pl.col("rule.credit_role") == role)
        counted = (
            lines.filter(has_role & pl.col(number).is_not_null())
            .group_by(number)
            .agg(pl.col(ITEM_KEY).n_unique())
            .sort(number)
        )
        found += [
            RuleUse(type_words(role), rules[at].text, rules[at].place, items)
            for at, items in counted.iter_rows()
            if at < len(rules)
        ]
    return tuple(found)
