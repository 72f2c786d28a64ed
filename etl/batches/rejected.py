"""rejections.csv: every problem of every item, for a person with a spreadsheet.

Texts come from strangers: a cell that a spreadsheet would run as a formula gets an apostrophe.
"""

from __future__ import annotations

import polars as pl

from etl.text import FORMULA

REJECTIONS_FILE = "rejections.csv"
COLUMNS = ("item_id", "line", "code", "message", "fix", "where", "failure_type")


def write_rejections(rejections: pl.DataFrame) -> bytes:
    """Give the bytes of rejections.csv, sorted, guarded, UTF-8, CRLF.

    Needs: REJECTIONS of etl.frames, at least one row.
    """
    table = (
        rejections.sort("item_id", "line", "code", "message", "where", nulls_last=True)
        .select(COLUMNS)
        .with_columns(guard_formula(name) for name in COLUMNS if name != "line")
    )
    return table.write_csv(line_terminator="\r\n").encode()


def guard_formula(name: str) -> pl.Expr:
    """Put an apostrophe before a text that a spreadsheet would run, and blanks for line breaks."""
    text = pl.col(name).str.replace_all(r"[\x00-\x1f\x7f]+", " ")
    guarded = pl.when(text.str.contains(FORMULA)).then(pl.lit("'") + text).otherwise(text)
    return guarded.alias(name)
