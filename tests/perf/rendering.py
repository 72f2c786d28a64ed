"""Measure rendering: plain tables against Jinja row by row, nested layouts against Jinja.

The table has fifteen columns on both sides, and both sides format dates and amounts and quote
texts. What the tool does in the same time and Jinja does not: limits, characters and required
values are checked, and the line of every posting is known.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
from jinja2 import Environment

from etl.pipeline import Request, convert
from etl.rendering.layouts import LayoutNames, load_layout

MAPPING = Path(__file__).parent / "mapping.yaml"
NESTED = """\
{% for voucher in vouchers %}
{{ head.date }} {{ head.text }}
{% for posting in voucher.postings %}
    {{ leg.account }}  {{ leg.amount }} ; {{ leg.text }}
{% endfor %}

{% endfor %}
"""


def seconds(work: Callable[[], object]) -> float:
    """Give the seconds of processor time that some work takes, the best of three."""
    taken = []
    for _ in range(3):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def _quoted(text: str) -> str:
    """Write a cell as RFC 4180 says."""
    if any(sign in text for sign in ';"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def plain_table(source: Path, template: str) -> tuple[float, float]:
    """Give the time of our rendering of a table, and that of Jinja row by row."""
    moments: list[tuple[str, float]] = []
    request = Request(sources=[str(source)], template=template, mapping=MAPPING)
    done = convert(request, stage=lambda name: moments.append((name, time.process_time())))
    names = [name for name, _ in moments]
    start = names.index("render")
    ours = moments[start + 1][1] - moments[start][1]
    rows = list(csv.reader(io.StringIO(done.files[0].content.decode()), delimiter=";"))
    head, body = rows[0], [_raw(row) for row in rows[1:]]
    environment = Environment()  # noqa: S701 - a yardstick
    environment.filters |= {"cell": _quoted, "amount": _amount, "day": _day}
    written = {0: "row[0] | day", 4: "row[4] | amount"}
    cells = [written.get(number, f"row[{number}] | cell") for number in range(len(head))]
    line = environment.from_string(";".join(f"{{{{ {cell} }}}}" for cell in cells))
    assert line.render(row=body[0]) == ";".join(rows[1])

    def row_by_row() -> None:
        for row in body:
            line.render(row=row)

    return ours, seconds(row_by_row)


def _raw(row: list[str]) -> list[object]:
    """Give the values that Jinja formats: a date, an amount, and texts."""
    day, month, year = row[0].split(".")
    values: list[object] = [*row]
    values[0] = date(int(year), int(month), int(day))
    values[4] = Decimal(row[4].replace(",", "."))
    return values


def _amount(value: Decimal) -> str:
    """Write an amount with a comma."""
    return f"{value:.2f}".replace(".", ",")


def _day(value: date) -> str:
    """Write a date as DD.MM.YYYY."""
    return value.strftime("%d.%m.%Y")


def nested_layout(vouchers: int) -> tuple[float, float]:
    """Give the time of a nested layout, and that of the same layout in Jinja."""
    keys = pl.int_range(vouchers, dtype=pl.UInt32, eager=True)
    number = pl.col("voucher.key").cast(pl.String)
    file = pl.lit(0, pl.UInt32).alias("file.key")
    heads = pl.DataFrame({"voucher.key": keys}).select(
        file, "voucher.key",
        pl.lit("2026-03-14").alias("head.date"), ("voucher " + number).alias("head.text"),
    )  # fmt: skip
    legs = pl.concat([heads, heads]).sort("voucher.key", maintain_order=True)
    legs = legs.with_row_index("posting.key").select(
        "file.key", "voucher.key", "posting.key",
        pl.lit("expenses:6640").alias("leg.account"), pl.lit("119.00 EUR").alias("leg.amount"),
        ("line of " + number).alias("leg.text"),
    )  # fmt: skip
    names = LayoutNames(
        records={"head": ("date", "text"), "leg": ("account", "amount", "text")},
        carried={"vouchers": frozenset({"head"}), "postings": frozenset({"head", "leg"})},
    )
    layout = load_layout(NESTED, name="layout.j2", names=names)
    lists = {"file": pl.DataFrame({"file.key": pl.Series([0], dtype=pl.UInt32)}),
             "vouchers": heads, "postings": legs}  # fmt: skip
    text = NESTED.replace("head.", "voucher.").replace("leg.", "posting.")
    jinja = Environment(trim_blocks=True).from_string(text)  # noqa: S701 - a yardstick
    rows = [
        {"date": date, "text": what, "postings": []}
        for date, what in heads.select("head.date", "head.text").iter_rows()
    ]
    for key, account, amount, what in legs.drop("file.key", "posting.key").iter_rows():
        rows[key]["postings"].append({"account": account, "amount": amount, "text": what})
    assert layout.render(lists).texts["text"][0] == jinja.render(vouchers=rows)
    ours = seconds(lambda: layout.render(lists))
    return ours, seconds(lambda: jinja.render(vouchers=rows))
