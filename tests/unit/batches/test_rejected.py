"""rejections.csv can be opened in a spreadsheet and read by any CSV reader."""

from __future__ import annotations

import csv
import io

import polars as pl
import pytest

from etl.batches.rejected import write_rejections
from etl.frames import REJECTIONS, schema


def table(*rows: tuple[object, ...]) -> list[list[str]]:
    frame = pl.DataFrame(rows, schema=schema(REJECTIONS), orient="row")
    text = write_rejections(frame).decode("utf-8")
    return list(csv.reader(io.StringIO(text, newline="")))


def test_columns_order_and_quoting() -> None:
    rows = table(
        (2, "b", None, "M-1", 'no "such" account; x, y', "add it", "acme.csv:3", "account_unknown"),
        (1, "a", 2, "M-1", "no account", "add it", None, "account_unknown"),
    )
    assert rows == [
        ["item_id", "line", "code", "message", "fix", "where", "failure_type"],
        ["a", "2", "M-1", "no account", "add it", "", "account_unknown"],
        ["b", "", "M-1", 'no "such" account; x, y', "add it", "acme.csv:3", "account_unknown"],
    ]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+49", "'+49"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "' =1"),
        ("  =1", "'  =1"),
        ("＝1", "'＝1"),
        ("\u3000@a", "'\u3000@a"),
        ("\u200b=1", "'\u200b=1"),
        ("1=1", "1=1"),
        ("a\r\n=1", "a =1"),
        ("'=1", "'=1"),
    ],
)
def test_a_text_that_a_spreadsheet_would_run_is_guarded(text: str, cell: str) -> None:
    rows = table((0, text, None, "C-1", text, "fix", text, "validation_failure"))
    assert [rows[1][column] for column in (0, 3, 5)] == [cell] * 3
